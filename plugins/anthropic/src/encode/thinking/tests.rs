//! Tests of what is thought, and of what was.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::version;
use crate::encode::tests::{encode, hello, with};
use crate::options::Options;
use serde_json::{Value, json};

#[test]
fn versions_are_read_from_names() {
    for (name, expected) in [
        ("claude-sonnet-4-5-20250929", (4, 5)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-3-haiku-20240307", (3, 0)),
        ("claude-opus-4-6", (4, 6)),
        ("claude-opus-4.7", (4, 7)),
        ("claude-opus-4-1@20250805", (4, 1)),
        ("anthropic.claude-opus-4-1-20250805-v1:0", (4, 1)),
        ("claude-fable-5", (5, 0)),
        ("claude-latest", (u32::MAX, 0)),
    ] {
        assert_eq!(version(name), expected, "{name}");
    }
}

#[test]
fn effort_is_a_budget_or_adaptive_by_the_models_version() {
    let think = |model: &str, more: Value| {
        let mut request = hello(json!({ "reasoning_effort": "medium" }));
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with(request, model, Options::default())
    };
    let budget = |n: u64| json!({ "type": "enabled", "budget_tokens": n });
    let out = think("claude-sonnet-4-5", json!({})).unwrap();
    assert_eq!(
        (out.get("thinking"), out.get("max_tokens")),
        (Some(&budget(8192)), Some(&json!(4096 + 8192)))
    );
    let out = think("claude-sonnet-4-5", json!({ "max_completion_tokens": 2000 })).unwrap();
    assert_eq!((out.get("thinking"), out.get("max_tokens")), (Some(&budget(1500)), Some(&json!(2000))));
    assert_eq!(think("claude-sonnet-4-5", json!({ "max_tokens": 500 })).unwrap().get("thinking"), None);
    assert_eq!(think("claude-3-haiku-20240307", json!({})).unwrap().get("thinking"), None);
    assert!(think("claude-sonnet-4-5", json!({ "temperature": 0 })).unwrap_err().contains("temperature"));
    let own = json!({ "thinking": { "type": "disabled" } });
    assert_eq!(think("claude-sonnet-4-5", own.clone()).unwrap().get("thinking"), own.get("thinking"));
    let out = think("claude-opus-4-6", json!({ "reasoning_effort": "xhigh" })).unwrap();
    assert_eq!(out.get("thinking"), Some(&json!({ "type": "adaptive" })));
    assert_eq!(out.get("output_config"), Some(&json!({ "effort": "max" })));
}

#[test]
fn a_tool_loop_without_its_thinking_goes_on_without() {
    let call = json!({ "id": "1", "function": { "name": "f", "arguments": "{}" } });
    let thought = json!([{ "type": "thinking", "thinking": "hm", "signature": "s" }]);
    let request = |thoughts: Value| {
        json!({ "reasoning_effort": "low", "messages": [
            { "role": "user", "content": "x" },
            { "role": "assistant", "tool_calls": [call], "thinking_blocks": thoughts },
            { "role": "tool", "tool_call_id": "1", "content": "y" },
        ]})
    };
    assert_eq!(encode(request(json!([]))).unwrap().get("thinking"), None);
    let budget = json!({ "type": "enabled", "budget_tokens": 2048 });
    let mut own = request(json!([]));
    own.as_object_mut().unwrap().insert("anthropic".into(), json!({ "thinking": budget }));
    assert_eq!(encode(own.clone()).unwrap().get("thinking"), None);
    let messages = own.pointer_mut("/messages").and_then(Value::as_array_mut).unwrap();
    messages.push(json!({ "role": "user", "content": "z" }));
    assert_eq!(encode(own).unwrap().get("thinking"), Some(&budget));
    let out = encode(request(thought.clone())).unwrap();
    assert!(out.get("thinking").is_some());
    assert_eq!(out.pointer("/messages/1/content/0"), thought.get(0));
}

fn signed(text: &str, signature: &str) -> Value {
    json!({ "type": "reasoning.text", "text": text, "signature": signature, "format": "anthropic-claude-v1" })
}

fn called(id: &str, details: Value) -> Value {
    json!({ "role": "assistant", "content": "t", "reasoning_details": details,
            "tool_calls": [{ "id": id, "function": { "name": "f", "arguments": "{}" } }] })
}

fn answered(id: &str) -> Value {
    json!({ "role": "tool", "tool_call_id": id, "content": "y" })
}

/// The types of the blocks of a turn.
fn kinds(out: &Value, turn: usize) -> Vec<&str> {
    let blocks = out.pointer(&format!("/messages/{turn}/content")).and_then(Value::as_array);
    blocks.into_iter().flatten().filter_map(|block| block.get("type")?.as_str()).collect()
}

#[test]
fn signed_thoughts_go_back_first() {
    let details = json!([
        signed("hm", "s1"),
        { "type": "reasoning.encrypted", "data": "zz", "format": "anthropic-claude-v1" },
        signed("", "s2"),
        { "type": "reasoning.text", "text": "unsigned", "format": "anthropic-claude-v1" },
        { "type": "reasoning.text", "text": "a", "signature": "b", "format": "google-gemini-v1" },
    ]);
    let user = json!({ "role": "user", "content": "x" });
    let request =
        json!({ "reasoning_effort": "low", "messages": [user, called("1", details), answered("1")] });
    let out = encode(request).unwrap();
    let expected = json!([
        { "type": "thinking", "thinking": "hm", "signature": "s1" },
        { "type": "redacted_thinking", "data": "zz" },
        { "type": "thinking", "thinking": "", "signature": "s2" },
        { "type": "text", "text": "t" },
        { "type": "tool_use", "id": "1", "name": "f", "input": {} },
    ]);
    assert_eq!(out.pointer("/messages/1/content"), Some(&expected));
    assert!(out.get("thinking").is_some());
}

#[test]
fn what_only_thinks_is_left_out() {
    let cut = json!({ "role": "assistant", "content": "", "reasoning_details": [signed("hm", "s")] });
    let user = json!({ "role": "user", "content": "x" });
    let out = encode(json!({ "reasoning_effort": "low", "messages": [user, cut, user] })).unwrap();
    assert_eq!(out.get("messages").and_then(Value::as_array).map(Vec::len), Some(1));
}

#[test]
fn an_answer_under_way_thinks_if_it_began_so() {
    let user = json!({ "role": "user", "content": "x" });
    let thought = || json!([signed("hm", "s")]);
    let out = |model: &str, first: Value, second: Value| {
        let loop_ =
            [user.clone(), called("1", first), answered("1"), called("2", second), answered("2")].to_vec();
        let request = json!({ "reasoning_effort": "low", "messages": loop_ });
        with(request, model, Options::default()).unwrap()
    };
    let begun = out("claude-sonnet-4-5", thought(), json!([]));
    assert!(begun.get("thinking").is_some());
    assert_eq!(kinds(&begun, 1), ["thinking", "text", "tool_use"]);
    // Thinking is off, so what was thought in this answer would be refused.
    let late = out("claude-sonnet-4-5", json!([]), thought());
    assert_eq!(late.get("thinking"), None);
    assert_eq!(kinds(&late, 3), ["text", "tool_use"]);
    let adaptive = out("claude-opus-4-6", json!([]), thought());
    assert!(adaptive.get("thinking").is_some());
    assert_eq!(kinds(&adaptive, 3), ["thinking", "text", "tool_use"]);
}

#[test]
fn thoughts_of_the_answer_under_way_go_only_where_thinking_is_on() {
    let said = json!({ "role": "assistant", "content": "t", "reasoning_details": [signed("hm", "s")] });
    let user = json!({ "role": "user", "content": "x" });
    let thought = json!([signed("hm", "s")]);
    let messages = json!([user, said, user, called("1", thought), answered("1")]);
    let out = |model: &str, more: Value| {
        let mut request = hello(more);
        request.as_object_mut().unwrap().insert("messages".into(), messages.clone());
        let out = with(request, model, Options::default()).unwrap();
        (kinds(&out, 1).contains(&"thinking"), kinds(&out, 3).contains(&"thinking"))
    };
    assert_eq!(out("claude-sonnet-4-5", json!({})), (true, false));
    assert_eq!(out("claude-opus-4-8", json!({})), (true, false));
    assert_eq!(out("claude-sonnet-4-5", json!({ "reasoning_effort": "low" })), (true, true));
    // From version 5 on, thinking is on unless the request says otherwise.
    assert_eq!(out("claude-opus-5", json!({})), (true, true));
    assert_eq!(out("claude-opus-5", json!({ "thinking": { "type": "disabled" } })), (true, false));
}

#[test]
fn a_forced_call_leaves_no_room_for_thinking_by_budget() {
    let tools = json!([{ "type": "function", "function": { "name": "f" } }]);
    let one = json!({ "type": "function", "function": { "name": "f" } });
    let out = |model: &str, choice: &Value, more: Value, drop_params: bool| {
        let mut request = hello(json!({ "tools": tools, "tool_choice": choice }));
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        with(request, model, Options { drop_params, ..Options::default() })
    };
    let effort = json!({ "reasoning_effort": "low", "temperature": 0.5 });
    let budget = json!({ "anthropic": { "thinking": { "type": "enabled", "budget_tokens": 2048 } } });
    for choice in [json!("required"), one] {
        let left = out("claude-sonnet-4-5", &choice, effort.clone(), false).unwrap();
        assert_eq!((left.get("thinking"), left.get("max_tokens")), (None, Some(&json!(4096))));
        assert!(left.get("tool_choice").is_some());
        let refused = out("claude-sonnet-4-5", &choice, budget.clone(), false).unwrap_err();
        assert!(refused.contains("`thinking`") && refused.contains("`tool_choice`"), "{refused}");
        let dropped = out("claude-sonnet-4-5", &choice, budget.clone(), true).unwrap();
        assert_eq!(dropped.get("thinking"), None);
        let adaptive = out("claude-opus-4-6", &choice, json!({ "reasoning_effort": "low" }), false).unwrap();
        assert_eq!(adaptive.get("thinking"), Some(&json!({ "type": "adaptive" })));
    }
    let free = out("claude-sonnet-4-5", &json!("auto"), budget, false).unwrap();
    assert!(free.get("thinking").is_some());
}
