//! What is known to belong together.

use super::*;
use crate::chat::Operation;
use serde_json::json;

fn affinity(by: By) -> Affinity {
    Affinity { by, keep: Duration::from_secs(300), least: 100, warm: Arc::new(Warm::new(100)) }
}

fn prompt(messages: Value, headers: &[(&str, &str)]) -> Prompt {
    let Value::Object(body) = json!({ "model": "smart", "messages": messages }) else {
        unreachable!("an object")
    };
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Prompt::new(Operation::Chat, body, headers.collect())
}

fn said(role: &str, text: &str) -> Value {
    json!({ "role": role, "content": text })
}

/// Whether the second prompt is known by what the first left.
fn follows(affinity: &Affinity, first: &Prompt, second: &Prompt) -> bool {
    let (first, second) = (affinity.marks(&["acme"], first), affinity.marks(&["acme"], second));
    second.known_by.iter().any(|mark| first.leaves.contains(mark))
}

#[test]
fn a_conversation_is_known_by_its_name_or_its_beginning() {
    let affinity = affinity(By::Conversation);
    let begun = prompt(json!([said("user", "Hello")]), &[]);
    let went_on = prompt(json!([said("user", "Hello"), said("assistant", "Hi"), said("user", "And?")]), &[]);
    let other = prompt(json!([said("user", "Goodbye")]), &[]);
    assert!(follows(&affinity, &begun, &went_on) && !follows(&affinity, &begun, &other));
    let named = |name: &str, text: &str| prompt(json!([said("user", text)]), &[(CONVERSATION, name)]);
    assert!(follows(&affinity, &named("c1", "Hello"), &named("c1", "Goodbye")));
    assert!(!follows(&affinity, &named("c1", "Hello"), &named("c2", "Hello")));
    assert_ne!(affinity.marks(&["a", "bc"], &begun), affinity.marks(&["ab", "c"], &begun));
}

#[test]
fn a_long_beginning_is_known_however_it_goes_on() {
    let affinity = affinity(By::Prefix);
    let long = "word ".repeat(40);
    let first = prompt(json!([said("system", &long), said("user", "One?")]), &[]);
    let second = prompt(json!([said("system", &long), said("user", "Two?")]), &[]);
    let grown = prompt(
        json!([said("system", &long), said("user", "One?"), said("assistant", "1"), said("user", "Why?")]),
        &[],
    );
    assert!(follows(&affinity, &first, &second) && follows(&affinity, &first, &grown));
    let parts = |question: &str| {
        let content = json!([{ "type": "text", "text": long }, { "type": "text", "text": question }]);
        prompt(json!([{ "role": "user", "content": content }]), &[])
    };
    assert!(follows(&affinity, &parts("One?"), &parts("Two?")));
    let changed = prompt(json!([said("system", &format!("{long}!")), said("user", "One?")]), &[]);
    assert!(!follows(&affinity, &first, &changed));
}

#[test]
fn a_short_beginning_is_not_worth_it() {
    let affinity = affinity(By::Prefix);
    let short = prompt(json!([said("system", "Be brief."), said("user", "One?")]), &[]);
    assert_eq!(affinity.marks(&["acme"], &short), Marks::default());
}

#[test]
fn a_prompt_without_end_leaves_a_few_marks() {
    let affinity = affinity(By::Prefix);
    let messages: Vec<Value> = (0..5_000).map(|n| said("user", &format!("message {n}"))).collect();
    let marks = affinity.marks(&["acme"], &prompt(messages.into(), &[]));
    assert!(marks.known_by.len() <= LAST_PLACES + 1 && marks.leaves.len() <= 3);
    assert!(!marks.leaves.is_empty());
}
