//! Where an opening is refused, a walk that nobody cuts short finds nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::Openings;
use crate::trie::{Trie, Word};
use crate::walk::walk;
use proptest::prelude::*;
use std::sync::LazyLock;

const PROFANITY: &str = include_str!("../../data/profanity.txt");

/// All lists, and words that are hard to begin: short ones, phrases, doubled letters, signs, other scripts.
static TRIE: LazyLock<Trie> = LazyLock::new(|| {
    let own = [
        "ai", "q", "i am x", "bb c", "a-b-c", "e f g", "red fox", "the end", "aardvark", "vvv", "uva", "c++",
        ".net", "4chan", "ölung",
    ];
    let listed = PROFANITY.lines().filter(|line| !line.starts_with(['#', '=']));
    let listed = listed.map(|line| line.trim_start_matches('~'));
    let words: Vec<Word> = listed
        .chain(own)
        .enumerate()
        .map(|(rule, text)| Word { text: text.to_owned(), rule, split: rule % 3 > 0 })
        .collect();
    Trie::new(&words)
});
static OPENINGS: LazyLock<Openings> = LazyLock::new(|| Openings::of(&TRIE));

/// How many places are passed over.
fn passed(text: &str) -> usize {
    let mut todo = Vec::new();
    let mut passed = 0;
    for (at, _) in text.char_indices() {
        if OPENINGS.may_lead_on(text.as_bytes(), at) {
            continue;
        }
        passed += 1;
        for last in [true, false] {
            let walk = walk(&TRIE, text, at, last, &mut todo);
            assert!(walk.found.is_empty() && !walk.open, "{at} of {text:?}: {walk:?}");
        }
    }
    passed
}

#[test]
fn most_places_of_a_text_are_passed_over() {
    let text = "The gateway reads every question and compares its words with lists in many languages. What would you like?";
    assert!(passed(text) * 10 > text.len() * 7, "{} of {}", passed(text), text.len());
}

#[test]
fn a_short_word_that_goes_on_is_not_open() {
    assert!(passed("aaaaaAaaAAK-uRB") > 0);
}

#[test]
fn a_letter_that_stands_again_and_again_is_not_followed_for_ever() {
    for again in ["a", "a ", "a. "] {
        assert!(OPENINGS.may_lead_on(format!("{}zq", again.repeat(1_000)).as_bytes(), 0), "{again:?}");
        assert!(!OPENINGS.may_lead_on(format!("{}zq", again.repeat(5)).as_bytes(), 0), "{again:?}");
    }
}

#[test]
fn every_listed_word_is_walked_to() {
    for line in PROFANITY.lines().filter(|line| !line.starts_with(['#', '='])) {
        for text in [line.trim_start_matches('~').to_owned(), line.trim_start_matches('~').to_uppercase()] {
            assert!(OPENINGS.may_lead_on(text.as_bytes(), 0), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn nothing_is_passed_over_that_a_walk_finds(
        pieces in prop::collection::vec(
            prop_oneof![
                4 => prop::sample::select(PROFANITY.lines().collect::<Vec<_>>()).prop_map(str::to_owned),
                3 => "[a-vA-V]{1,6}",
                2 => prop::sample::select(vec![" ", "  ", "-", ".", "*", "'", "1", "3", "$", "u", "v", "ss", "é", "\u{200b}", "ѕ", "\n", "     "])
                    .prop_map(str::to_owned),
            ],
            1..8,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = pieces.concat();
        let cut = whole.char_indices().nth(cut.index(whole.chars().count().max(1))).map_or(0, |(at, _)| at);
        passed(whole.get(cut..).unwrap());
        passed(whole.get(..cut).unwrap());
    }
}
