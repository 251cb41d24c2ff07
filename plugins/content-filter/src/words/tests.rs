//! What is a whole word, and what must wait for more text.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn words(list: &[&str]) -> Words {
    Words::new(&list.iter().enumerate().map(|(n, w)| ((*w).to_owned(), n)).collect::<Vec<_>>()).unwrap()
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
