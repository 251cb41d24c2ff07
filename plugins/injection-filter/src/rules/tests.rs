//! The pattern language, and the shipped rules' own sanity.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::tokens::read;

fn book(patterns: &[&str]) -> Result<Book, String> {
    let mut book = Book::default();
    book.named.insert("verb".to_owned(), vec!["drop".to_owned(), "ignore".to_owned()]);
    let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
    book.add(RuleSource {
        id: "r".into(),
        category: "c".into(),
        weight: 0.5,
        patterns,
        ..RuleSource::default()
    })?;
    Ok(book)
}

fn matches(pattern: &str, text: &str) -> bool {
    let book = book(&[pattern]).unwrap();
    !book.matches(&read(&book.lexicon, text).all).is_empty()
}

#[test]
fn steps_gaps_and_optional_words() {
    assert!(
        matches("@verb all? rules", "please drop rules") && matches("@verb all? rules", "ignore ALL rules")
    );
    assert!(!matches("@verb all? rules", "drop some rules") && !matches("@verb all? rules", "rules drop"));
    assert!(
        matches("@verb .. rules|laws", "drop one two laws")
            && !matches("@verb .. rules", "drop one two three rules")
    );
    assert!(matches("drop .. a .. b", "drop a x a b"), "an early match must not hide a later one");
}

#[test]
fn a_single_trigger_word_is_never_a_pattern() {
    for bad in
        ["ignore", "ignore all?", "all? ignore now", ".. ignore now", "a ......... b", "@nothing now", "a |b"]
    {
        assert!(book(&[bad]).is_err(), "{bad}");
    }
}

#[test]
fn a_rule_is_complete_or_refused() {
    let mut book = Book::built_in().unwrap();
    let rule = |id: &str, weight: f64| RuleSource {
        id: id.into(),
        category: "c".into(),
        weight,
        patterns: vec!["open sesame".into()],
        ..RuleSource::default()
    };
    assert!(
        book.add(rule("", 0.5)).is_err()
            && book.add(rule("x", 0.0)).is_err()
            && book.add(rule("x", 1.5)).is_err()
    );
    assert!(book.add(rule("override.instructions", 0.5)).is_err());
    assert!(book.add(rule("x", 0.5)).is_ok());
}

#[test]
fn markers_are_found_in_any_case() {
    let book = Book::built_in().unwrap();
    let marked = |text: &str| book.marked(text).len();
    assert_eq!(
        (marked("a <|IM_START|>System b"), marked("### SYSTEM: hello"), marked("the system: it works")),
        (1, 1, 0)
    );
}
