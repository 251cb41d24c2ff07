//! Tests of the canonical request.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use super::*;
use serde_json::{Value, json};

fn prompt(operation: Operation, body: Value) -> Prompt {
    let Value::Object(body) = body else { panic!("a body is an object") };
    Prompt::new(operation, body, vec![("x-lockgate-cache".into(), "bypass".into())])
}

fn rich() -> Prompt {
    prompt(
        Operation::Chat,
        json!({
            "model": "smart", "stream": true, "unknown": { "kept": 1.5 },
            "messages": [
                { "role": "developer", "content": "be brief" },
                { "role": "user", "content": [
                    { "type": "text", "text": "look" },
                    { "type": "image_url", "image_url": { "url": "data:..." } },
                    { "type": "text", "text": "here" },
                ]},
                { "role": "assistant", "content": null, "reasoning_content": "hm", "refusal": "no", "tool_calls": [
                    { "id": "a", "type": "function", "function": { "name": "f", "arguments": "{\"x\":1}" } },
                    { "id": "b", "type": "custom", "custom": { "name": "g", "input": "y" } },
                ]},
                { "role": "tool", "tool_call_id": "a", "content": "42" },
            ],
            "tools": [
                { "type": "function", "function": { "name": "f", "description": "does f" } },
                { "type": "custom", "custom": { "name": "g", "description": "does g" } },
            ],
        }),
    )
}

#[test]
fn a_refusal_beside_parts_that_are_refusals_has_a_place_of_its_own() {
    let parts = json!([{ "type": "refusal", "refusal": "no" }, { "type": "text", "text": "but" }]);
    let mut prompt = prompt(
        Operation::Chat,
        json!({ "messages": [{ "role": "assistant", "content": parts, "refusal": "never" }] }),
    );
    for part in prompt.texts() {
        prompt.set_text(&part.at, &part.text.to_uppercase()).unwrap();
    }
    let texts: Vec<String> = prompt.texts().into_iter().map(|part| part.text).collect();
    assert_eq!(texts, ["NEVER", "NO", "BUT"]);
}

#[test]
fn every_text_has_an_address_that_takes_a_new_value() {
    let mut prompt = rich();
    let seen: Vec<String> = prompt
        .texts()
        .iter()
        .map(|t| format!("{}/{}/{} {}", t.at.item, t.at.part, t.at.channel, t.role))
        .collect();
    assert_eq!(
        seen,
        [
            "0/0/system developer",
            "1/0/content user",
            "1/2/content user",
            "2/0/reasoning assistant",
            "2/0/refusal assistant",
            "2/0/tool-args assistant",
            "2/1/tool-args assistant",
            "3/0/tool-result tool",
            "0/0/tool-description system",
            "1/0/tool-description system",
        ]
    );
    for (n, text) in prompt.texts().into_iter().enumerate() {
        prompt.set_text(&text.at, &format!("new {n}")).unwrap();
    }
    let values: Vec<String> = prompt.texts().into_iter().map(|t| t.text).collect();
    assert_eq!(values, (0..10).map(|n| format!("new {n}")).collect::<Vec<_>>());
    assert_eq!(prompt.json("/unknown/kept").unwrap(), "1.5");
    assert_eq!(prompt.json("/messages/1/content/1/type").unwrap(), "\"image_url\"");
    assert!(prompt.changed());
}

#[test]
fn an_address_of_nothing_is_refused_and_changes_nothing() {
    let mut prompt = rich();
    for at in [
        TextAt::new(1, 1, channel::CONTENT),
        TextAt::new(9, 0, channel::CONTENT),
        TextAt::new(0, 0, channel::CONTENT),
        TextAt::new(2, 2, channel::TOOL_ARGS),
    ] {
        assert!(matches!(prompt.set_text(&at, "x"), Err(PromptError::NoSuchText { .. })), "{at:?}");
    }
    assert!(!prompt.changed());
}

#[test]
fn messages_are_inserted_where_asked() {
    let mut prompt = rich();
    prompt.insert(4, "user", "last").unwrap();
    prompt.insert(0, "system", "first").unwrap();
    assert_eq!(prompt.json("/messages/0/content").unwrap(), "\"first\"");
    assert_eq!(prompt.json("/messages/5/content").unwrap(), "\"last\"");
    assert_eq!(prompt.insert(7, "user", "x"), Err(PromptError::NoSuchPosition(7)));
}

#[test]
fn a_patch_merges_but_may_not_choose_streaming() {
    let mut prompt = rich();
    prompt.merge(r#"{"model":"small","unknown":null,"metadata":{"a":{"b":null,"c":1}}}"#).unwrap();
    assert_eq!((prompt.model(), prompt.json("/unknown")), ("small", None));
    assert_eq!(prompt.json("/metadata").unwrap(), r#"{"a":{"c":1}}"#);
    for bad in ["[]", "{", r#"{"stream":false}"#, r#"{"model":1}"#] {
        assert!(prompt.merge(bad).is_err(), "{bad}");
    }
    assert!(prompt.streaming());
}

/// Numbers that a reader which rounds on its way gets wrong in the last digit.
#[test]
fn numbers_leave_as_they_came() {
    let sent =
        r#"{"model":"m","temperature":31.245270191439438,"x":[121.48791951161945,9007199254740993,5e-324]}"#;
    let p = Prompt::new(Operation::Chat, serde_json::from_str(sent).unwrap(), Vec::new());
    assert_eq!(p.json("").unwrap(), sent);
}

#[test]
fn what_is_not_text_is_named() {
    assert_eq!(rich().modalities(), [Modality::Image]);
    let embed = |input| prompt(Operation::Embeddings, json!({ "model": "e", "input": input }));
    assert_eq!(embed(json!(["a", "b"])).modalities(), []);
    assert_eq!(embed(json!([1, 2])).modalities(), [Modality::Tokens]);
    assert_eq!(embed(json!([[1], [2]])).modalities(), [Modality::Tokens]);
    let mut two = embed(json!(["a", "b"]));
    two.set_text(&TextAt::new(1, 0, channel::INPUT), "c").unwrap();
    assert_eq!(two.json("/input").unwrap(), r#"["a","c"]"#);
}

#[test]
fn every_text_of_a_list_of_objects_has_an_address() {
    let mut ranked = prompt(
        Operation::Rerank,
        json!({ "query": "q", "documents": ["one", { "type": "x", "title": "two", "text": "three", "n": 4 }] }),
    );
    let seen: Vec<String> =
        ranked.texts().iter().map(|t| format!("{}/{} {}", t.at.item, t.at.part, t.text)).collect();
    assert_eq!(seen, ["0/0 q", "0/1 one", "1/17 two", "1/25 three"]);
    for text in ranked.texts() {
        ranked.set_text(&text.at, &text.text.to_uppercase()).unwrap();
    }
    assert_eq!(
        ranked.json("/documents").unwrap(),
        r#"["ONE",{"type":"x","title":"TWO","text":"THREE","n":4}]"#
    );
    for (item, part) in [(0, 2), (1, 1), (1, 9), (1, 33), (2, 1), (0, 17)] {
        assert!(ranked.set_text(&TextAt::new(item, part, channel::INPUT), "x").is_err(), "{item}/{part}");
    }
}

#[test]
fn a_message_of_an_unknown_shape_is_no_text_and_no_panic() {
    let odd = prompt(
        Operation::Chat,
        json!({ "model": "m", "messages": [{ "role": "user", "content": 7 }, 3, null] }),
    );
    assert_eq!(odd.texts(), []);
    assert_eq!(odd.json("/messages/1").unwrap(), "3");
    assert_eq!(odd.json("nonsense"), None);
}
