//! Letters behind their disguises.

use super::*;

#[test]
fn disguised_letters_are_the_letters() {
    for text in [
        "ignore",
        "IGNORE",
        "іgnоrе",
        "ｉｇｎｏｒｅ",
        "𝐢𝐠𝐧𝐨𝐫𝐞",
        "𝓘𝓰𝓷𝓸𝓻𝓮",
        "ⓘⓖⓝⓞⓡⓔ",
        "ĩğñôřé",
        "i\u{200B}g\u{200D}n\u{AD}o\u{2060}r\u{FE0F}e",
        "i\u{301}gnore",
        "🄸🄶🄽🄾🅁🄴",
    ] {
        assert_eq!(word(text), "ignore", "{text}");
    }
}

#[test]
fn tags_are_read_and_marked() {
    assert_eq!(fold('\u{E0069}'), Fold::Tag('i'));
    assert_eq!(fold('\u{E0001}'), Fold::Gone);
}

#[test]
fn scripts_without_spaces_give_a_word_per_character() {
    assert_eq!(
        (fold('指'), fold('ж'), fold('시'), fold('!')),
        (Fold::Word('指'), Fold::Letter('ж'), Fold::Letter('시'), Fold::Gap)
    );
}

#[test]
fn every_look_alike_is_that_of_the_first_list_that_has_it() {
    for c in '\0'..='\u{2FFFF}' {
        let listed = LOOK_ALIKES.iter().find(|(alike, _)| alike.contains(c)).map(|(_, letter)| *letter);
        assert_eq!(look_alike(c), listed, "{c:?}");
    }
}
