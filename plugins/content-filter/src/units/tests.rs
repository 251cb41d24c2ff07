//! Where units end.

use super::*;

fn cut(text: &str) -> Vec<&str> {
    units(text, true).map(|(from, to)| &text[from..to]).collect()
}

#[test]
fn sentences_and_lines_are_units() {
    assert_eq!(
        cut("One. Two is 2.5!\nThree? \"Four.\" five"),
        ["One. ", "Two is 2.5!\n", "Three? ", "\"Four.\" ", "five"]
    );
    assert_eq!(cut("你好。再见！"), ["你好。", "再见！"]);
    assert!(cut("").is_empty());
}

#[test]
fn long_ones_end_at_a_gap_and_at_last_anywhere() {
    assert!(cut(&"word ".repeat(100)).iter().all(|unit| unit.len() <= 200));
    assert!(cut(&"é".repeat(1000)).iter().all(|unit| unit.len() <= LONGEST));
}

#[test]
fn what_is_not_complete_waits() {
    assert_eq!(units("One. Two.", false).collect::<Vec<_>>(), [(0, 5)]);
    assert_eq!(units("One.", false).count(), 0);
}

/// Where the first unit ends, by one character after the other.
fn one_by_one(text: &str, last: bool) -> Option<usize> {
    let (mut words, mut in_word, mut full) = (0, false, false);
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        let word = c.is_alphanumeric();
        words += usize::from(word && !in_word);
        in_word = word;
        let long = words >= MOST_WORDS || after >= MOST_BYTES;
        if c == '\n'
            || matches!(c, '。' | '！' | '？')
            || c.is_whitespace() && (full || long)
            || after >= LONGEST
        {
            return Some(after);
        }
        full = matches!(c, '.' | '!' | '?' | '…')
            || full && matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '*');
    }
    (last && !text.is_empty()).then_some(text.len())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]
    #[test]
    fn letters_are_passed_quickly_and_change_nothing(
        text in "([a-z0-9]{1,12}|[ .?!)*é。…]{1,3}|[a-z]{150}|(a ){30}){0,9}", last: bool
    ) {
        proptest::prop_assert_eq!(end(&text, last), one_by_one(&text, last));
    }
}
