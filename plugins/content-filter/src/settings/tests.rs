//! Configurations that are taken, and what the others are told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn settings(json: &str) -> Result<Settings, Vec<Wrong>> {
    Settings::new(serde_json::from_str(json).unwrap())
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let wrong = settings(
        r#"{"words":["ok"," "],"patterns":[{"name":"","pattern":"("}],"max_match_bytes":0,"apply_to":[],
            "categories":{"custom":{},"A b":{"words":[""]}}}"#,
    );
    let pointers: Vec<String> = wrong.unwrap_err().into_iter().map(|(at, _)| at).collect();
    let expected = [
        "/max_match_bytes",
        "/words/1",
        "/patterns/0/name",
        "/patterns/0/pattern",
        "/categories/A b",
        "/categories/A b/words/0",
        "/categories/custom",
        "/apply_to",
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn severity_gives_the_action_where_none_is_written() {
    let s = settings(
        r#"{"profanity":"off","categories":{"a":{"severity":"low","words":["x"]},"b":{"words":["x"]},"c":{"severity":"high","words":["x"]},
            "d":{"severity":"high","action":"flag","patterns":[{"name":"p","pattern":"x"},{"name":"q","pattern":"y","action":"mask"}]}}}"#,
    );
    let actions: Vec<Action> = s.unwrap().rules.iter().map(|r| r.action).collect();
    assert_eq!(actions, [Action::Flag, Action::Mask, Action::Stop, Action::Flag, Action::Mask]);
}

#[test]
fn sides_and_emptiness() {
    assert!(settings("{}").unwrap().covers(Side::Prompt));
    assert!(!settings(r#"{"profanity":"off","classifier":false}"#).unwrap().covers(Side::Prompt));
    let s = settings(r#"{"words":["x"],"apply_to":["answer"]}"#).unwrap();
    assert!(s.covers(Side::Answer) && !s.covers(Side::Prompt));
    assert!(settings(r#"{"profanity":"mask"}"#).unwrap().covers(Side::Prompt));
}

#[test]
fn unknown_keys_are_refused() {
    assert!(serde_json::from_str::<Config>(r#"{"word":[]}"#).is_err());
}
