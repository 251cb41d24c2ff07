//! Windows cut into stretches.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use super::*;

fn texts(window: &str, in_string: bool, last: bool) -> Vec<(Form, String, bool)> {
    json(window, in_string, last).into_iter().map(|s| (s.form, s.text.into_owned(), s.closed)).collect()
}

#[test]
fn strings_are_decoded_and_kept_apart() {
    let expected = [
        (Form::Bare, "{".to_owned(), true),
        (Form::Quoted, "a\"@😀".to_owned(), true),
        (Form::Bare, ":12}".to_owned(), false),
    ];
    assert_eq!(texts(r#"{"a\"\u0040\ud83d\ude00":12}"#, false, true), expected);
}

#[test]
fn an_incomplete_escape_waits() {
    for tail in ["\\", "\\u", "\\u00", "\\ud83d", "\\ud83d\\", "\\ud83d\\ude0"] {
        let stretches = json(&format!("ab{tail}"), true, false);
        assert_eq!(
            (&*stretches[0].text, stretches[0].from.as_deref()),
            ("ab", Some(&[0, 1, 2][..])),
            "{tail}"
        );
        assert!(json(&format!("ab{tail}"), true, true)[0].text.len() > 2);
    }
    assert_eq!(json("\\ud83dx", true, false)[0].text, "\u{FFFD}x");
}

#[test]
fn positions_lead_back_to_the_window() {
    let stretch = &json(r"a\u00e9b", true, false)[0];
    assert_eq!((&*stretch.text, stretch.from.as_deref()), ("aéb", Some(&[0, 1, 1, 7, 8][..])));
}

#[test]
fn replacements_fit_where_they_stand() {
    assert_eq!(replacement(Form::Plain, "x", "a\"b"), "a\"b");
    assert_eq!(replacement(Form::Quoted, "x", "a\"b"), "a\\\"b");
    assert_eq!(replacement(Form::Bare, "-40.5", "***"), "-11.1");
}
