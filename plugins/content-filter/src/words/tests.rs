//! What is a whole word, and what must wait for more text.
use super::*;

fn words(list: &[&str]) -> Words {
    let word = |(rule, text): (usize, &&str)| Word { text: (*text).to_owned(), rule, split: true };
    Words::new(&list.iter().enumerate().map(word).collect::<Vec<_>>())
}

fn found(list: &[&str], text: &str) -> Vec<String> {
    words(list).hits(text, 0, text.len()).iter().map(|h| text[h.start..h.end].to_owned()).collect()
}

#[test]
fn words_are_whole_and_in_any_case() {
    assert_eq!(found(&["ass"], "Class ASS, ass_ ass-et pass"), ["ASS", "ass"]);
    assert_eq!(found(&["c++", ".net"], "C++17 c++! a.NET .net"), ["C++", "c++", ".NET", ".net"]);
    assert_eq!(
        found(&["straße", "ärger"], "STRASSE Straße ÄRGER Ärger"),
        ["STRASSE", "Straße", "ÄRGER", "Ärger"]
    );
    assert!(found(&[], "anything").is_empty());
}

#[test]
fn the_longest_comes_first_and_a_shorter_one_is_not_lost() {
    assert_eq!(found(&["red", "red fox"], "red fox, red foxes"), ["red fox", "red", "red"]);
}

#[test]
fn only_what_could_still_become_a_word_waits() {
    let w = words(&["secret", "red fox"]);
    for (text, from) in [
        ("a sec", 2),
        ("a SECRET", 2),
        ("a secret ", 9),
        ("asec", 4),
        ("red f", 0),
        ("red x", 5),
        ("bored", 5),
        ("", 0),
    ] {
        assert_eq!(w.held_from(text, 0), from, "{text:?}");
    }
}

#[test]
fn disguises_do_not_help() {
    let list = &["shit", "fuck", "bitch", "asshole", "ass", "swordfish", "red fox", "сука", "傻逼"];
    for text in [
        "sh1t",
        "$h!t",
        "s h i t",
        "s.h.i.t",
        "s-h-i-t",
        "s_h_i_t",
        "sh it",
        "s hit",
        "shi t",
        "SHIIIIT",
        "shhhiiittt",
        "s\u{200b}hit",
        "ѕhіt",
        "ｓｈｉｔ",
        "𝓼𝓱𝓲𝓽",
        "ŝhît",
        "sh*t",
        "s**t",
        "f*ck",
        "fvck",
        "f u c k",
        "f  u  c  k",
        "f\nu\nc\nk",
        "f🔥u🔥c🔥k",
        "fu-ck",
        "b!tch",
        "b1tch",
        "b i t c h",
        "@ssh0le",
        "a$$hole",
        "a s s h o l e",
        "a$$",
        "@$$",
        "a.s.s",
        "sw0rdf1sh",
        "sword fish",
        "s w o r d f i s h",
        "red-fox",
        "redfox",
        "r3d f0x",
        "red\nfox",
        "r e d f o x",
        "сукa",
        "с у к а",
        "傻 逼",
        "你傻逼啊",
    ] {
        for text in [text.to_owned(), format!("you {text}, ok"), format!("({text})")] {
            assert!(!words(list).hits(&text, 0, text.len()).is_empty(), "{text:?}");
        }
    }
}

#[test]
fn other_words_are_not_disguises() {
    let list = &[
        "shit",
        "ass",
        "god",
        "tit",
        "penis",
        "anus",
        "cock",
        "cum",
        "hell",
        "sex",
        "soft",
        "therapist",
        "rapist",
        "bomb",
        "fag",
        "rape",
    ];
    for text in [
        "Scunthorpe assets class passes bass assess",
        "good gods goddess",
        "title titanic constitution",
        "my pen is blue",
        "an us citizen",
        "peacock cockpit cocktail",
        "document cumulative circumstance",
        "hello shell",
        "Essex sextant Middlesex",
        "455",
        "shitake",
        "therapists",
        "grape grapes",
        "p a s s",
        "a s s e t s",
        "bo mb2",
        "it's hit or miss",
        "as soon as possible",
        "1 2 3 4",
        "push it",
        "https://example.org/assets/x.css",
    ] {
        assert_eq!(found(list, text), Vec::<String>::new(), "{text:?}");
    }
}
