//! Restoring, whole and cut: a small model of the host holds what is not safe and applies the changes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

const ENTRIES: [(&str, &str); 7] = [
    ("EMX7", "AA 12"),
    ("<EMAIL_1>", "ann@x.org"),
    ("<EMAIL_10>", "bob@x.org"),
    ("<NOTE_1>", "a \"b\"\n"),
    ("<EMAIL_2>", "<EMAIL_1>"),
    ("+1 415 555", "+49 30 123"),
    ("ab7@example.com", "ann@corp.org"),
];

/// What the client gets when the text arrives in these pieces.
fn stream(pieces: &[&str], json: bool) -> String {
    let (mut held, mut out) = (String::new(), String::new());
    let mut inside = false;
    for (n, piece) in pieces.iter().enumerate() {
        let window = format!("{held}{piece}");
        let last = n + 1 == pieces.len();
        let Restored { safe, changes, inside: next } = restore(&ENTRIES, &window, json, last, inside);
        inside = next;
        assert!(!last || safe == window.len(), "everything is released at the end");
        let mut at = 0;
        for change in changes {
            assert!(change.start >= at && change.end <= safe, "changes are in order and below the mark");
            out.push_str(window.get(at..change.start).unwrap());
            out.push_str(&change.to);
            at = change.end;
        }
        out.push_str(window.get(at..safe).unwrap());
        held = window.get(safe..).unwrap().to_owned();
    }
    out
}

#[test]
fn placeholders_become_values() {
    assert_eq!(
        stream(&["Dear <EMAIL_1>, <EMAIL_10> <EMAIL_3> <NOTE_1>"], false),
        "Dear ann@x.org, bob@x.org <EMAIL_3> a \"b\"\n"
    );
    assert_eq!(stream(&["<EMAIL_<EMAIL_1>>"], false), "<EMAIL_ann@x.org>");
}

#[test]
fn loosely_copied_placeholders_become_values_too() {
    for text in [
        "<email_1>",
        "<Email_1>",
        "<EMAIL\\_1>",
        "<Email 1>",
        "<EMAIL-1>",
        "&lt;EMAIL_1&gt;",
        "&LT;email_1>",
        "EMAIL_1",
    ] {
        for (before, after) in [("", ""), ("`", "`"), ("**", "**"), ("\"", "\","), ("[", "]"), ("é", "é")] {
            let whole = format!("{before}{text}{after}");
            assert_eq!(stream(&[&whole], false), format!("{before}ann@x.org{after}"), "{whole}");
        }
    }
    for text in ["email_1", "MY_EMAIL_1", "EMAIL_1x", "xEMAIL_1", "EMAIL_3", "<EMAIL_1", "<PHONE_1>"] {
        let expected = if text == "<EMAIL_1" { "<ann@x.org" } else { text };
        assert_eq!(stream(&[text], false), expected);
    }
}

#[test]
fn fakes_become_values() {
    assert_eq!(stream(&["call +1 415 555, ab7@example", ".com"], false), "call +49 30 123, ann@corp.org");
    assert_eq!(stream(&["x", "ab7@example.com"], false), "xann@corp.org");
}

#[test]
fn a_restored_value_is_not_read_again() {
    assert_eq!(stream(&["<EMA", "IL_2>"], false), "<EMAIL_1>");
}

#[test]
fn arguments_stay_json() {
    let whole = r#"{"a":"<NOTE_1>","b":"\u003cEMAIL_1\u003E","c":"\\u003cEMAIL_1\\u003e"}"#;
    let expected = r#"{"a":"a \"b\"\n","b":"ann@x.org","c":"\\u003cEMAIL_1\\u003e"}"#;
    assert_eq!(stream(&[whole], true), expected);
    let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
    assert_eq!(expected.pointer("/a").unwrap(), "a \"b\"\n");
}

#[test]
fn only_what_could_become_a_known_placeholder_waits() {
    assert_eq!(restore(&ENTRIES, "a <EM", false, false, false).safe, 2);
    assert_eq!(restore(&ENTRIES, "a <EX", false, false, false).safe, 5);
    assert_eq!(restore(&ENTRIES, "a < b", false, false, false).safe, 5);
    assert_eq!(restore(&ENTRIES, "a <EM", false, true, false).safe, 5);
    assert_eq!(restore(&[], "a <EM", false, false, false).safe, 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn every_cut_gives_the_whole_output(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<EMAIL_1>", "<EMAIL_10>", "<NOTE_1>", "<EMAIL_2>", "<EMAIL_", "<", ">", "1", "0", "é", "\\", "\\u003c", "EMAIL_1", "\\u003e", "u003c", "\\\"", "x",
            "&lt;", "&gt;", "&", "_", "email_1", "<Email 1>", "EMAIL\\_1", "+1 415", " 555", "ab7@exam", "EMX", "EM", "AIL_1", "ple.com", "A",
        ]), 0..14),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        json: bool,
    ) {
        let text = parts.concat();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).filter(|&c| text.is_char_boundary(c)).collect();
        at.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in at {
            pieces.push(&text[from..cut]);
            from = cut;
        }
        pieces.push(&text[from..]);
        prop_assert_eq!(stream(&pieces, json), stream(&[&text], json));
    }
}

proptest! {
    /// Whatever is read as a placeholder in an answer is known to be like one in a request.
    #[test]
    fn what_is_read_as_a_placeholder_is_a_lookalike(
        open in prop::sample::select(vec!["<", "&lt;", "&LT;", "\\u003c", "\\u003C", "\\u0026lt;", ""]),
        gaps in prop::array::uniform3(prop::sample::select(vec!["_", "\\_", "\\\\_", " ", "-", ""])),
        close in prop::sample::select(vec![">", "&gt;", "&GT;", "\\u003e", "\\u0026gt;", ""]),
        small: [bool; 3],
        json: bool,
    ) {
        let case = |word: &str, small: bool| if small { word.to_lowercase() } else { word.to_owned() };
        let [a, b, c] = ["DATE", "OF", "BIRTH"];
        let [x, y, z] = small;
        let [g, h, i] = gaps;
        let text = format!("{open}{}{g}{}{h}{}{i}1{close}", case(a, x), case(b, y), case(c, z));
        let found = restore(&[("<DATE_OF_BIRTH_1>", "-")], &text, json, true, false).changes;
        let bracketed = found.iter().any(|change| change.end - change.start > "DATE_OF_BIRTH_1".len());
        prop_assert!(!bracketed || lookalikes(&text).any(|core| core == "DATE_OF_BIRTH_1"), "{text:?}");
    }
}
