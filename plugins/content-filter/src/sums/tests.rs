//! Units add up, and the loudest window counts.

use super::*;

#[test]
fn units_add_up_to_a_whole_and_the_loudest_window_counts() {
    let unit = Sum { heads: [2.0; HEADS], features: 30, words: 3, classes: 0 };
    let mut whole = Whole::of(&[unit, unit], [1.0; HEADS]);
    whole.hear([-4.0; HEADS]);
    assert_eq!(whole, Whole { loudest: [1.0; HEADS], heads: [4.0; HEADS], features: 60.0, words: 6.0 });
}
