//! Tests of the decoding of answers. The frames follow the API's documentation.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::Decoder;
use lockgate_sdk::prelude::Event;
use serde_json::{Value, json};

/// Events as short strings, so that a test reads like a transcript.
fn told(events: &[Event]) -> Vec<String> {
    let tell = |event: &Event| match event {
        Event::Text(delta) => format!("{}#{} {}", delta.channel, delta.part, delta.text),
        Event::Tool(call) => format!("tool#{} {} {}", call.part, call.id, call.name),
        Event::Usage(u) => {
            let parts = [u.input, u.output, u.cache_read, u.cache_write, u.reasoning].map(|n| n.to_string());
            format!("usage {}{}", parts.join("/"), if u.extra.is_empty() { "" } else { " +" })
        }
        Event::Finish((choice, reason)) => format!("finish#{choice} {reason}"),
        Event::Extra(facts) => format!("extra {facts:?}"),
        Event::Error(error) => format!("error {} {} {}", error.status, error.code, error.message),
    };
    events.iter().map(tell).collect()
}

/// Decodes with the state passing through bytes after every frame, as it does between batches.
fn decode(frames: &[Value]) -> Vec<String> {
    let mut events = Vec::new();
    let mut state = Decoder::default().to_bytes();
    for frame in frames {
        let mut decoder = Decoder::from_bytes(&state);
        decoder.frame(frame.to_string().as_bytes(), &mut events);
        state = decoder.to_bytes();
    }
    told(&events)
}

fn start(usage: Value) -> Value {
    json!({ "type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage } })
}

fn block(index: u64, block: Value) -> Value {
    json!({ "type": "content_block_start", "index": index, "content_block": block })
}

fn delta(index: u64, delta: Value) -> Value {
    json!({ "type": "content_block_delta", "index": index, "delta": delta })
}

fn stop(index: u64) -> Value {
    json!({ "type": "content_block_stop", "index": index })
}

fn end(reason: &str, usage: Value) -> Value {
    json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null }, "usage": usage })
}

const EXTRA: &str = r#"extra [("id", "msg_1"), ("model", "claude-x")]"#;

#[test]
fn a_stream_of_thinking_text_and_tools() {
    let frames = [
        start(json!({ "input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2,
                      "cache_creation": { "ephemeral_1h_input_tokens": 2 }, "output_tokens": 1 })),
        block(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        json!({ "type": "ping" }),
        delta(0, json!({ "type": "thinking_delta", "thinking": "Hm." })),
        delta(0, json!({ "type": "signature_delta", "signature": "abc" })),
        stop(0),
        block(1, json!({ "type": "text", "text": "" })),
        delta(1, json!({ "type": "text_delta", "text": "Let me " })),
        delta(1, json!({ "type": "text_delta", "text": "see." })),
        stop(1),
        block(2, json!({ "type": "tool_use", "id": "t1", "name": "weather", "input": {} })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "" })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "{\"city\": " })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "\"Paris\"}" })),
        stop(2),
        block(3, json!({ "type": "tool_use", "id": "t2", "name": "time", "input": {} })),
        stop(3),
        end("tool_use", json!({ "output_tokens": 30, "output_tokens_details": { "thinking_tokens": 9 } })),
        json!({ "type": "message_stop" }),
    ];
    assert_eq!(
        decode(&frames),
        [
            EXTRA,
            "usage 17/1/5/2/0 +",
            "reasoning#0 Hm.",
            "content#0 Let me ",
            "content#0 see.",
            "tool#0 t1 weather",
            "tool-args#0 {\"city\": ",
            "tool-args#0 \"Paris\"}",
            "tool#1 t2 time",
            "tool-args#1 {}",
            "usage 17/30/5/2/9 +",
            "finish#0 tool_calls",
        ]
    );
}

#[test]
fn a_whole_body_tells_the_same() {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [
            { "type": "thinking", "thinking": "Hm.", "signature": "s" },
            { "type": "redacted_thinking", "data": "zzz" },
            { "type": "text", "text": "Hi", "citations": null },
            { "type": "tool_use", "id": "t1", "name": "f", "input": { "b": 1, "a": 2 } },
        ],
        "stop_reason": "tool_use", "usage": { "input_tokens": 3, "output_tokens": 4 },
    });
    assert_eq!(
        decode(&[body]),
        [
            EXTRA,
            "usage 3/4/0/0/0",
            "reasoning#0 Hm.",
            "content#0 Hi",
            "tool#0 t1 f",
            "tool-args#0 {\"b\":1,\"a\":2}",
            "finish#0 tool_calls",
        ]
    );
}

#[test]
fn reasons_are_the_gateways_words() {
    for (theirs, ours) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "something_new"),
    ] {
        assert_eq!(decode(&[end(theirs, json!({}))]).pop(), Some(format!("finish#0 {ours}")));
    }
}

#[test]
fn a_refusal_is_explained() {
    let frame = json!({ "type": "message_delta", "usage": { "output_tokens": 1 }, "delta": {
        "stop_reason": "refusal", "stop_details": { "type": "refusal", "explanation": "No." } } });
    assert_eq!(decode(&[frame]), ["usage 0/1/0/0/0", "refusal#0 No.", "finish#0 content_filter"]);
}

#[test]
fn what_belongs_to_the_provider_is_passed_over() {
    let frames = [
        block(0, json!({ "type": "server_tool_use", "id": "s", "name": "web_search", "input": {} })),
        delta(0, json!({ "type": "input_json_delta", "partial_json": "{\"query\": 1}" })),
        stop(0),
        block(1, json!({ "type": "web_search_tool_result", "content": [{ "title": "t" }] })),
        stop(1),
        block(2, json!({ "type": "compaction", "content": null })),
        delta(2, json!({ "type": "compaction_delta", "content": "x" })),
        delta(3, json!({ "type": "citations_delta", "citation": {} })),
        json!({ "type": "invented_later", "x": [1] }),
    ];
    assert_eq!(decode(&frames), Vec::<String>::new());
    let fallback = block(0, json!({ "type": "fallback", "from": { "model": "a" }, "to": { "model": "b" } }));
    assert_eq!(decode(&[fallback]), [r#"extra [("model", "b")]"#]);
}

#[test]
fn errors_inside_a_stream_have_a_status() {
    for (kind, status) in
        [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("new", 500)]
    {
        let frame = json!({ "type": "error", "error": { "type": kind, "message": "m" } });
        assert_eq!(decode(&[frame]), [format!("error {status} {kind} m")]);
    }
}

#[test]
fn garbage_is_an_error_and_blank_is_nothing() {
    let mut events = Vec::new();
    let mut decoder = Decoder::default();
    decoder.frame(b" \n", &mut events);
    assert!(events.is_empty());
    decoder.frame(b"<html>", &mut events);
    decoder.frame(b"{\"type\":\"content_block_delta\"}", &mut events);
    assert!(told(&events).iter().all(|event| event.starts_with("error 502 bad_response")));
    assert_eq!(events.len(), 2);
}

#[test]
fn text_does_not_change_what_is_remembered() {
    let mut decoder = Decoder::default();
    decoder.frame(start(json!({ "input_tokens": 1 })).to_string().as_bytes(), &mut Vec::new());
    let before = decoder.to_bytes();
    let text = delta(0, json!({ "type": "text_delta", "text": "x".repeat(1000) }));
    decoder.frame(text.to_string().as_bytes(), &mut Vec::new());
    assert_eq!(decoder.to_bytes(), before);
    assert_eq!(Decoder::from_bytes(&before).to_bytes(), before);
    let value: Value = serde_json::from_slice(&before).unwrap();
    assert!(value.is_object());
}
