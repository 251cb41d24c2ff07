//! What is looked up quickly is what a search through the file finds.

use super::{BUILT_IN, HEAD, Lexicon, SHORTEST, STEM, hash};
use proptest::prelude::*;
use std::sync::LazyLock;
use text_kit::fold;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::built_in);

/// The classes of a word by the file itself.
fn plainly(word: &str) -> u64 {
    let (mut classes, mut class) = (0, 0_u32);
    for line in BUILT_IN.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('=') {
            class += 1;
            continue;
        }
        for known in line.split_whitespace() {
            let folded = fold::word(known);
            let stem = known.ends_with('*') && folded.len() >= SHORTEST;
            if word == folded && !stem || stem && word.starts_with(&folded) {
                classes |= 1 << (class - 1);
            }
        }
    }
    classes
}

#[test]
fn every_word_and_every_longer_one_has_its_classes() {
    let lexicon = &LEXICON;
    let mut some = 0;
    for word in BUILT_IN.split_whitespace().map(fold::word).filter(|word| !word.is_empty()).step_by(7) {
        for word in [word.clone(), format!("{word}s"), format!("{word}é"), format!("x{word}")] {
            assert_eq!(lexicon.look_up(&word).classes, plainly(&word), "{word}");
            some |= lexicon.look_up(&word).classes;
        }
    }
    assert!(some.count_ones() > 10, "{some:b}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_word_has_the_classes_of_the_file(word in "[a-zé]{0,9}|.{0,6}") {
        let looked = LEXICON.look_up(&word);
        prop_assert_eq!(looked.classes, plainly(&word));
        let of = |len: usize| word.as_bytes().get(..len).map_or(0, hash);
        prop_assert_eq!((looked.hash, looked.head, looked.stem), (hash(word.as_bytes()), of(HEAD), of(STEM)));
    }
}
