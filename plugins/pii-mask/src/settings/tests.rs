//! Configurations that are taken, and what the others are told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn settings(json: &str) -> Result<Settings, Vec<Wrong>> {
    Settings::new(serde_json::from_str(json).unwrap())
}

/// The pointers of what is wrong with a configuration.
fn wrong(json: &str) -> Vec<String> {
    settings(json).err().unwrap_or_default().into_iter().map(|(at, _)| at).collect()
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let pointers = wrong(
        r#"{"entities":["email","person"],"actions":{"passport":"mask"},
            "custom":[{"name":"Bad Name","pattern":"a"},{"name":"ip","pattern":"("},{"name":"x","pattern":"a*"}]}"#,
    );
    let expected = [
        "/entities/1",
        "/custom/0/name",
        "/custom/1/name",
        "/custom/1/pattern",
        "/custom/2/pattern",
        "/actions/passport",
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn actions_are_per_entity() {
    let s = settings(r#"{"action":"flag","actions":{"card":"reject"},"custom":[{"name":"badge","pattern":"B\\d+","action":"hash"}]}"#).ok().unwrap();
    let action = |name: &str| s.kinds().iter().find(|k| k.name == name).unwrap().action;
    assert_eq!(
        (action("email"), action("card"), action("badge")),
        (Action::Flag, Action::Reject, Action::Hash)
    );
}

#[test]
fn allowed_values_stay() {
    let s = settings(r#"{"allow":["help@example.com"]}"#).ok().unwrap();
    assert_eq!(s.find("help@example.com ann@example.com").len(), 1);
}

#[test]
fn overlapping_finds_become_one_that_covers_both() {
    let s = settings(r#"{"custom":[{"name":"code","pattern":"ref [a-z]+"}]}"#).ok().unwrap();
    let text = "my ref bob@example.com!";
    assert_eq!(s.find(text), [Found { start: 3, end: 22, kind: 0 }]);
    let s = settings(r#"{"custom":[{"name":"badge","pattern":"BADGE 10\\.0\\.0\\.1"}]}"#).ok().unwrap();
    assert_eq!(s.find("BADGE 10.0.0.1"), [Found { start: 0, end: 14, kind: 6 }]);
}

#[test]
fn unknown_keys_are_refused() {
    assert!(serde_json::from_str::<Config>(r#"{"entitys":[]}"#).is_err());
}
