//! Names in running text, and what must not be taken for one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::settings::Settings;

fn settings(json: &str) -> Settings {
    Settings::new(serde_json::from_str(json).unwrap()).ok().unwrap()
}

/// The finds of a text as `label value`.
fn found(text: &str) -> Vec<String> {
    let settings = settings("{}");
    let say = |f: &crate::detect::Found| {
        format!("{} {}", settings.kind(f.kind).unwrap().name, text.get(f.start..f.end).unwrap())
    };
    let finds = settings.find(text, "");
    finds.iter().filter(|f| !settings.kind(f.kind).unwrap().quiet).map(say).collect()
}

#[test]
fn names_in_sentences_are_found() {
    for (text, expected) in [
        (
            "My name is Maria Gonzalez and I live in Hamburg.",
            &["person Maria Gonzalez", "location Hamburg"][..],
        ),
        ("hi my name is priya and i live in leeds", &["person priya", "location leeds"]),
        (
            "Dear Dr. Okonkwo,\nthank you.\nRegards,\nJean-Luc Picard",
            &["person Dr. Okonkwo", "person Jean-Luc Picard"],
        ),
        ("She works for Siemens AG in Munich.", &["organization Siemens AG", "location Munich"]),
        ("Please ship to 12 Rose Lane, Leeds LS1 4AB.", &["address 12 Rose Lane, Leeds LS1 4AB"]),
        (
            "Tom Becker\n14 Harbour Street\nApt. 5\nBoston, MA 02110",
            &["person Tom Becker", "address 14 Harbour Street\nApt. 5\nBoston, MA 02110"],
        ),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn a_line_within_an_address_is_part_of_it() {
    let text = "> Maria Gonzalez\n> 14 Harbour Street\n> Suite 414\n> Artilleros\n> Ethiopia 11809";
    let found = found(text);
    assert!(found.iter().any(|f| f.contains("Artilleros") && f.starts_with("address")), "{found:?}");
}

#[test]
fn what_is_no_name_stays() {
    for text in [
        "",
        "Write a Python function that computes the Fibonacci sequence.",
        "fn main() { let config = Config::load(\"settings.toml\")?; match kind { Kind::Paris => 1 } }",
        "import os\nfrom django.http import HttpResponse\nclass OrderView(View):\n    pass\n",
        "On Monday, 5 May, the first version was ready. Thanks in advance!",
        "open http://localhost:3000/Dashboard/Maria or src/Maria/Paris.rs",
        "The quick brown fox jumps over the lazy dog 12 times.",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn structured_finds_stand_before_names() {
    let text = "Maria Gonzalez <maria.gonzalez@example.org>, +44 20 7946 0958";
    assert_eq!(
        found(text),
        ["person Maria Gonzalez", "email maria.gonzalez@example.org", "phone +44 20 7946 0958"]
    );
}

#[test]
fn each_entity_can_be_switched_off() {
    let only = settings(r#"{"entities":["person"]}"#);
    let text = "Maria Gonzalez works for Siemens AG in Munich.";
    let kinds: Vec<&str> =
        only.find(text, "").iter().map(|f| only.kind(f.kind).unwrap().name.as_str()).collect();
    assert_eq!(kinds, ["person"]);
    assert!(settings(r#"{"entities":["email"]}"#).names().is_none());
}

proptest::proptest! {
    /// Finds are in order, apart, on whole characters and not empty, whatever the text.
    #[test]
    fn finds_are_sound(text in r#"([A-Z][a-zé]{1,8}|[a-z]{1,6}|[0-9]{1,5}|[ \n,.<>|'"-]|Mr\. |Dr |名前|```|@x\.org|\u{0301}){0,40}"#) {
        let mut end = 0;
        for f in settings("{}").find(&text, "name") {
            proptest::prop_assert!(f.start >= end && f.end > f.start);
            proptest::prop_assert!(text.get(f.start..f.end).is_some());
            end = f.end;
        }
    }
}
