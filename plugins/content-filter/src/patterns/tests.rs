//! Bounded matches.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn all(expression: &str, max: usize, text: &str) -> Vec<(usize, usize)> {
    let pattern = Pattern::new(expression, max).unwrap();
    let (mut at, mut out) = (0, Vec::new());
    while let Some((start, end)) = pattern.find(text, at, text.len()) {
        out.push((start, end));
        at = end;
    }
    out
}

#[test]
fn a_match_longer_than_the_bound_is_none() {
    assert_eq!(all(r"\b\d+\b", 4, "1234 12345 12"), [(0, 4), (11, 13)]);
}

#[test]
fn what_follows_far_away_changes_nothing() {
    assert_eq!(all("a.*b", 8, "a1b, then much, much longer: b"), [(0, 3)]);
}

#[test]
fn matches_beyond_the_first_block_are_found() {
    let text = format!("{}é id-77 {}id-88", "x".repeat(BLOCK - 1), "y".repeat(3 * BLOCK));
    let ids: Vec<&str> = all(r"\bid-\d\d\b", 8, &text).iter().map(|&(s, e)| &text[s..e]).collect();
    assert_eq!(ids, ["id-77"]);
    assert_eq!(all("[éx]+z", 4, "éxxxxxéz"), [(6, 10)]);
}

#[test]
fn anchors_mean_the_text_not_the_search() {
    assert_eq!(all("^ab", 8, "abab\nab"), [(0, 2)]);
    assert_eq!(all("(?m)^ab$", 8, "ab\nab"), [(0, 2), (3, 5)]);
}

#[test]
fn unusable_expressions_are_refused() {
    assert!(Pattern::new("(", 8).is_err() && Pattern::new("a*", 8).is_err());
}
