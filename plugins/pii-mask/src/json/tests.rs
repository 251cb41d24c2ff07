//! Cutting, decoding and escaping.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn pieces_cover_strings_and_what_lies_between() {
    let text = r#"{"a\"b": ["x", 12]}"#;
    let cut: Vec<(&str, bool)> =
        pieces(text).iter().map(|p| (text.get(p.start..p.end).unwrap(), p.string)).collect();
    assert_eq!(cut, [("{", false), (r#"a\"b"#, true), (": [", false), ("x", true), (", 12]}", false)]);
}

#[test]
fn unescape_maps_decoded_bytes_to_raw_ones() {
    let (text, from) = unescape(r"a\u0040b\n\ud83d\ude00é").unwrap();
    assert_eq!(text, "a@b\n😀é");
    assert_eq!(from, [0, 1, 7, 8, 10, 10, 10, 10, 22, 22, 24]);
    assert!(unescape(r"\u00").is_none() && unescape("\\").is_none());
    assert_eq!(unescape(r"\ud83dx").unwrap().0, "\u{FFFD}x");
}

#[test]
fn only_documents_are_documents() {
    assert!(is_document(r#" {"a": [1]}"#) && is_document("[]"));
    assert!(is_document("{\"a\":1}\n{\"a\":2}\n") && !is_document("{\"a\":1} and more"));
    assert!(!is_document("{a}") && !is_document("12") && !is_document("[link](x)"));
}

proptest::proptest! {
    #[test]
    fn what_is_escaped_reads_back(value: String) {
        let mut out = String::from("\"");
        escape_into(&mut out, &value);
        out.push('"');
        proptest::prop_assert_eq!(serde_json::from_str::<String>(&out).ok(), Some(value.clone()));
        let inner = out.get(1..out.len() - 1).unwrap();
        proptest::prop_assert_eq!(unescape(inner).map(|(text, _)| text), Some(value));
    }
}
