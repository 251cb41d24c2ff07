//! Runs of plain letters are read at once; what is read is what reading each character by itself gives.

use super::{LONGEST, Reader, words};
use proptest::prelude::*;
use text_kit::fold::{Fold, fold};

/// Reads one character after the other.
fn one_by_one(unit: &str, mut each: impl FnMut(&str)) {
    let mut reader = Reader { word: String::new(), spelled: String::new(), disguised: false };
    let mut rest = unit.chars().peekable();
    while let Some(c) = rest.next() {
        match fold(c) {
            Fold::Letter(letter) | Fold::Tag(letter) => {
                reader.disguised |= !letter.is_alphabetic();
                reader.push(letter);
            }
            Fold::Gone => {}
            Fold::Word(c) => {
                reader.end(&mut each);
                reader.push(c);
                reader.end(&mut each);
            }
            Fold::Gap => {
                let inside =
                    !reader.word.is_empty() && rest.peek().is_some_and(|c| c.is_alphanumeric() || *c == '*');
                match c {
                    '\'' | '’' | 'ʼ' if inside => {}
                    '@' | '$' | '*' if inside || c == '$' && reader.word.is_empty() => {
                        reader.disguised = true;
                        reader.push(c);
                    }
                    _ => reader.end(&mut each),
                }
            }
        }
    }
    reader.end(&mut each);
    reader.end_spelling(&mut each);
}

fn both(unit: &str) -> [Vec<String>; 2] {
    let (mut quick, mut plain) = (Vec::new(), Vec::new());
    words(unit, |word| quick.push(word.to_owned()));
    one_by_one(unit, |word| plain.push(word.to_owned()));
    [quick, plain]
}

#[test]
fn long_runs_are_cut_alike() {
    for unit in
        ["a".repeat(3 * LONGEST), format!("{}é{}", "b".repeat(LONGEST - 1), "c7".repeat(9)), "x1".repeat(40)]
    {
        let [quick, plain] = both(&unit);
        assert_eq!(quick, plain);
        assert!(quick.iter().all(|word| word.len() <= LONGEST + 3));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn words_are_those_of_single_characters(unit in "([a-zA-Z]{1,9}|[ .,'’$@*1357!éßѕ傻\u{200b}\u{E0041}]{1,3}|[a-z] ){0,12}") {
        let [quick, plain] = both(&unit);
        prop_assert_eq!(quick, plain);
    }
}
