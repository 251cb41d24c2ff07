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
