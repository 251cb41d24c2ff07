//! The terms are all filled, and stay within bounds however loud a text is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

const MEASURES: [Measure; HEADS] = [Measure { middle: -1.0, spread: 2.0, mean: 0.5 }; HEADS];

fn text(loudest: f32, words: f32) -> Whole {
    Whole { loudest: [loudest; HEADS], heads: [loudest; HEADS], features: 10.0 * words, words }
}

#[test]
fn every_term_is_filled() {
    assert!(terms(&MEASURES, &text(3.0, 20.0)).iter().all(|term| *term != 0.0));
}

#[test]
fn what_is_multiplied_is_bounded() {
    for loudest in [-1e6, 1e6] {
        let terms = terms(&MEASURES, &text(loudest, 1e6));
        let products = terms.iter().skip(1 + 2 * HEADS);
        assert!(products.into_iter().all(|term| term.abs() <= 1.0), "{terms:?}");
    }
}

#[test]
fn weights_are_read_and_taken_away_and_too_few_are_none() {
    let numbers = HEADS * (3 + TERMS);
    let file = vec![0_u8; 4 * numbers + 5];
    let mut rest = &file[..];
    let verdict = Verdict::read(&mut rest).unwrap();
    assert_eq!(rest.len(), 5);
    assert!(verdict.weights.iter().flatten().all(|weight| *weight == 0.0));
    assert!(Verdict::read(&mut &file.get(..4 * numbers - 1).unwrap()[..]).is_none());
}
