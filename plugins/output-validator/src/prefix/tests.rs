//! Tests of the lexer: against serde_json, for every cut.
#![expect(clippy::unwrap_used, clippy::string_slice, clippy::indexing_slicing, reason = "tests")]

use super::{Impossible, Lexer};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The first byte that no JSON text could have there, according to serde_json: a prefix that only ended too early
/// may yet become one. It says of a number that lacks a digit that it is wrong, so each is tried with one more.
fn expected(text: &str) -> Option<usize> {
    let possible = |bytes: &[u8]| {
        serde_json::from_slice::<IgnoredAny>(bytes).map_or_else(|error| error.is_eof(), |_| true)
    };
    (1..=text.len()).find_map(|end| {
        let prefix = &text.as_bytes()[..end];
        (!possible(prefix) && !possible(&[prefix, b"0"].concat())).then_some(end - 1)
    })
}

/// Where the lexer stops when it is put away and taken up again at these places.
fn stops(text: &str, cuts: &[usize]) -> Option<usize> {
    let mut lexer = Lexer::default();
    let mut from = 0;
    for end in cuts.iter().copied().chain([text.len()]) {
        if end < from || end > text.len() || !text.is_char_boundary(end) {
            continue;
        }
        if let Err(Impossible { at, syntax }) = lexer.feed(&text[from..end], |_| true) {
            assert!(syntax);
            return Some(from + at);
        }
        lexer = serde_json::from_slice(&serde_json::to_vec(&lexer).unwrap()).unwrap();
        from = end;
    }
    assert_eq!(lexer.complete(), serde_json::from_str::<IgnoredAny>(text).is_ok(), "{text}");
    None
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "[a\"\\\\\n{}:,é日 ]{0,8}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-c\"é]{0,3}", inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[test]
fn the_first_impossible_byte_is_told() {
    for text in [
        "Sure!",
        "```json",
        "{'a': 1}",
        "{a: 1}",
        "{\"a\": 1,}",
        "[1, 2,]",
        "[1,, 2]",
        "{\"a\" 1}",
        "[1 2]",
        "{\"a\": True}",
        "[NaN]",
        "[+1]",
        "[.5]",
        "[01]",
        "[1.]",
        "[1e]",
        "[-]",
        "[1}",
        "{\"a\": 1]",
        "\"a\nb\"",
        "\"\\x\"",
        "{} {}",
        "[] x",
        "tru ",
        "nulll",
        "// c\n1",
        "{\"a\": 1 // c\n}",
        "{,}",
        "[,]",
        "]",
        "}",
        ":",
        "{\"a\": \u{201c}b\u{201d}}",
        "\u{feff}{}",
        "1 2",
        "1.5.2",
        "-0",
        "0e-1",
        "{\"a\":}",
        "1x",
    ] {
        assert_eq!(stops(text, &[]), expected(text), "{text}");
    }
    // serde_json reads four digits at once.
    assert_eq!(stops("\"\\u00g0\"", &[]), Some(5));
}

#[test]
fn depth_is_bounded() {
    assert_eq!(stops(&"[".repeat(crate::repair::MAX_DEPTH), &[]), None);
    assert_eq!(stops(&"[".repeat(1000), &[]), Some(crate::repair::MAX_DEPTH));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_prefix_of_a_document_passes(value in value(), pretty: bool, cuts in prop::collection::vec(0..400usize, 0..12)) {
        let text = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(stops(&text, &cuts), None);
        let each: Vec<usize> = (0..text.len()).collect();
        prop_assert_eq!(stops(&text, &each), None);
    }

    #[test]
    fn a_damaged_document_stops_at_its_first_impossible_byte(
        value in value(), at: prop::sample::Index, with in "[\\[\\]{}\",:a0.e'#\n ]{0,2}", gone in 0..3usize,
        cuts in prop::collection::vec(0..400usize, 0..12),
    ) {
        let whole = value.to_string();
        let chars: Vec<char> = whole.chars().collect();
        let at = at.index(chars.len());
        let mut text: String = chars[..at].iter().collect();
        text.push_str(&with);
        text.extend(chars.iter().skip(at + gone));
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(stops(&text, &cuts), expected(&text), "{}", text);
    }
}
