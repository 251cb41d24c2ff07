//! Tests of the tolerant reader.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{MAX_DEPTH, read};
use serde_json::{Value, json};

#[track_caller]
fn check(text: &str, value: Value, mends: &[&str]) {
    let mended = read(text).unwrap();
    assert_eq!(mended.value, value, "{text}");
    assert_eq!(mended.mends, mends, "{text}");
}

#[test]
fn json_is_read_without_mends() {
    for text in [
        r#"{"a": [1, -2.5, 1e3, true, false, null], "b": {"c": "d \" \\ \n \u00e9 \ud83d\ude00"}}"#,
        "[]",
        "{}",
        r#""a, b: {c}""#,
        r#"{"it's": "fine, isn't it", "url": "http://a/b#c", "n": 12345678901234567890}"#,
        r#"["a\"b", "", ":"]"#,
    ] {
        check(text, serde_json::from_str(text).unwrap(), &[]);
    }
}

/// Where quotes are guessed at, a key is looked for only so far; in what is JSON nothing is guessed.
/// Numbers that a reader which rounds on its way gets wrong in the last digit.
#[test]
fn numbers_are_read_to_the_last_digit() {
    let text = "[31.245270191439438, 121.48791951161945, 5e-324]";
    check(text, json!([31.245270191439438, 121.48791951161945, 5e-324]), &[]);
    assert_eq!(read(text).unwrap().value.to_string(), text.replace(' ', ""));
}

#[test]
fn json_with_a_long_key_is_read_without_mends() {
    let text = format!(r#"{{"a": "x", "{}": "y"}}"#, "k".repeat(300));
    check(&text, serde_json::from_str(&text).unwrap(), &[]);
    let fenced = crate::extract::candidates(&format!("```json\n{text}\n```"));
    assert_eq!(fenced.first().unwrap().value, serde_json::from_str::<Value>(&text).unwrap());
}

#[test]
fn small_slips_are_mended_and_named() {
    check(r#"{"a": 1,}"#, json!({"a": 1}), &["trailing-comma"]);
    check("[1, 2, ]", json!([1, 2]), &["trailing-comma"]);
    check("[1,, 2]", json!([1, 2]), &["extra-comma"]);
    check("{'a': 'it is'}", json!({"a": "it is"}), &["single-quotes"]);
    check("{'a': 'it's so'}", json!({"a": "it's so"}), &["single-quotes", "unescaped-quote"]);
    check("{a: 1, b_2: 2}", json!({"a": 1, "b_2": 2}), &["unquoted-key"]);
    check("{\"a\": 1 // one\n, /* two */ \"b\": 2}", json!({"a": 1, "b": 2}), &["comment"]);
    check(
        "{\"a\": True, \"b\": None, \"c\": NaN}",
        json!({"a": true, "b": null, "c": null}),
        &["foreign-literal"],
    );
    check("{\"a\": 1 \"b\": 2}", json!({"a": 1, "b": 2}), &["missing-comma"]);
    check("{\"a\": \"x\"\n \"b\": \"y\"}", json!({"a": "x", "b": "y"}), &["missing-comma"]);
    check("\u{201c}a\u{201d}", json!("a"), &["typographic-quotes"]);
    check("{\"a\": \"one\ntwo\"}", json!({"a": "one\ntwo"}), &["unescaped-control"]);
    check(r#"{"a": "say "hi" now"}"#, json!({"a": "say \"hi\" now"}), &["unescaped-quote"]);
    check("{\"a\": red, \"b\": 1}", json!({"a": "red", "b": 1}), &["unquoted-string"]);
    check("{\"a\": 2024-01-02}", json!({"a": "2024-01-02"}), &["unquoted-string"]);
    check("[+1, .5, 1_000]", json!([1, 0.5, 1000]), &["odd-number"]);
    check("{\"a\": }", json!({"a": null}), &["missing-value"]);
    check("{\"a\": [1, 2}", json!({"a": [1, 2]}), &["wrong-bracket"]);
    check("{\"a\" = 1}", json!({"a": 1}), &["equals-sign"]);
}

#[test]
fn what_was_cut_off_is_closed() {
    check(r#"{"a": [1, {"b": "hel"#, json!({"a": [1, {"b": "hel"}]}), &["truncated"]);
    check(r#"{"a": 1, "b"#, json!({"a": 1}), &["truncated"]);
    check(r#"{"a": 1, "b":"#, json!({"a": 1}), &["truncated"]);
    check(r#"{"a": tr"#, json!({"a": true}), &["truncated"]);
    check(r#"{"a": 12."#, json!({"a": 12}), &["truncated"]);
    check(r#"["a\"#, json!(["a"]), &["truncated"]);
    check(r#"["a\u00e"#, json!(["a"]), &["truncated"]);
    check("[", json!([]), &["truncated"]);
}

#[test]
fn every_prefix_of_a_document_is_read_without_a_panic() {
    let whole =
        r#"{"a": [1.5e3, true, null, "x\u00e9\n"], "b": {"c": {"d": ["e", {"f": -1}]}}, "ü": "日本"}"#;
    for (at, _) in whole.char_indices().skip(1) {
        let mended = read(whole.get(..at).unwrap());
        assert!(mended.is_some_and(|m| m.value.is_object() && m.mends.contains(&"truncated")), "{at}");
    }
}

#[test]
fn what_follows_the_value_is_left_alone() {
    let mended = read("{\"a\": 1} Hope this helps!").unwrap();
    assert_eq!(mended.end, 8);
    assert!(mended.mends.is_empty());
}

#[test]
fn nesting_is_bounded() {
    assert!(read(&"[".repeat(MAX_DEPTH)).is_some());
    assert!(read(&"[".repeat(100_000)).is_none());
}

#[test]
fn prose_is_not_an_object() {
    assert!(read("{I think that}").is_none());
    assert!(read("").is_none());
}
