//! Tests of the decoding of answers. The frames follow the API's documentation.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::Decoder;
use adapter_kit::event::Events;
use adapter_kit::stream::Decoder as _;
use adapter_kit::testing::{survives, transcript};
use serde_json::{Value, json};

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

const EXTRA: &str = "extra id=msg_1 model=claude-x";

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
        transcript::<Decoder>(&frames),
        [
            EXTRA,
            "usage 17/0/5/2/0 cache-write.1h=2",
            "reasoning#0.0 Hm.",
            "reasoning-signature/anthropic-claude-v1#0.0 abc",
            "content#0.0 Let me see.",
            "tool#0.0 t1 weather",
            "tool-args#0.0 {\"city\": \"Paris\"}",
            "tool#0.1 t2 time",
            "tool-args#0.1 {}",
            "usage 17/30/5/2/9 cache-write.1h=2",
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
        transcript::<Decoder>(&[body]),
        [
            EXTRA,
            "usage 3/4/0/0/0",
            "reasoning#0.0 Hm.",
            "reasoning-signature/anthropic-claude-v1#0.0 s",
            "reasoning-encrypted/anthropic-claude-v1#0.1 zzz",
            "content#0.0 Hi",
            "tool#0.0 t1 f",
            "tool-args#0.0 {\"b\":1,\"a\":2}",
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
        assert_eq!(transcript::<Decoder>(&[end(theirs, json!({}))]).pop(), Some(format!("finish#0 {ours}")));
    }
}

#[test]
fn a_refusal_is_explained() {
    let frame = json!({ "type": "message_delta", "usage": { "output_tokens": 1 }, "delta": {
        "stop_reason": "refusal", "stop_details": { "type": "refusal", "explanation": "No." } } });
    assert_eq!(
        transcript::<Decoder>(&[frame]),
        ["usage 0/1/0/0/0", "refusal#0.0 No.", "finish#0 content_filter"]
    );
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
    assert_eq!(transcript::<Decoder>(&frames), Vec::<String>::new());
    let fallback = block(0, json!({ "type": "fallback", "from": { "model": "a" }, "to": { "model": "b" } }));
    assert_eq!(transcript::<Decoder>(&[fallback]), ["extra model=b"]);
}

#[test]
fn errors_inside_a_stream_have_a_status() {
    for (kind, status) in
        [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("new", 500)]
    {
        let frame = json!({ "type": "error", "error": { "type": kind, "message": "m" } });
        assert_eq!(transcript::<Decoder>(&[frame]), [format!("error {status} {kind} m")]);
    }
}

#[test]
fn blocks_of_thinking_keep_their_own_signatures() {
    let frames = [
        block(0, json!({ "type": "redacted_thinking", "data": "zzz" })),
        stop(0),
        block(1, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        delta(1, json!({ "type": "thinking_delta", "thinking": "One" })),
        delta(1, json!({ "type": "thinking_delta", "thinking": "." })),
        delta(1, json!({ "type": "signature_delta", "signature": "s1" })),
        stop(1),
        block(2, json!({ "type": "text", "text": "So" })),
        stop(2),
        // What was thought may be kept back; its signature is not.
        block(3, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        delta(3, json!({ "type": "signature_delta", "signature": "s2" })),
        stop(3),
    ];
    assert_eq!(
        transcript::<Decoder>(&frames),
        [
            "reasoning-encrypted/anthropic-claude-v1#0.0 zzz",
            "reasoning#0.1 One.",
            "reasoning-signature/anthropic-claude-v1#0.1 s1",
            "content#0.0 So",
            "reasoning-signature/anthropic-claude-v1#0.2 s2",
        ]
    );
}

#[test]
fn garbage_is_an_error_and_blank_is_nothing() {
    for garbage in ["<html>", "{\"type\":\"content_block_delta\"}"] {
        let told = transcript::<Decoder>(&[json!(" \n"), json!(garbage), stop(0)]);
        assert_eq!(told.len(), 1);
        assert!(told.iter().all(|event| event.starts_with("error 502 bad_response")), "{told:?}");
    }
}

#[test]
fn text_does_not_change_what_is_remembered() {
    let mut decoder = Decoder::default();
    let mut read = |frame: Value| {
        decoder.frame(frame.to_string().as_bytes(), &mut Events::default());
        serde_json::to_value(&decoder).unwrap()
    };
    read(start(json!({ "input_tokens": 1 })));
    let before = read(block(0, json!({ "type": "thinking", "thinking": "" })));
    for text in [
        json!({ "type": "text_delta", "text": "x".repeat(1000) }),
        json!({ "type": "thinking_delta", "thinking": "x".repeat(1000) }),
        json!({ "type": "signature_delta", "signature": "x".repeat(1000) }),
    ] {
        assert_eq!(read(delta(0, text)), before);
    }
    assert!(before.to_string().len() < 200);
    let again: Decoder = serde_json::from_value(before.clone()).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), before);
}

#[test]
fn hostile_answers_do_no_harm() {
    let tokens = json!({ "input_tokens": 1, "output_tokens": 1, "cache_read_input_tokens": 1,
                         "cache_creation_input_tokens": 1, "cache_creation": { "ephemeral_1h_input_tokens": 1 },
                         "output_tokens_details": { "thinking_tokens": 1 },
                         "server_tool_use": { "web_search_requests": 1 } });
    survives::<Decoder>(&[
        start(tokens.clone()),
        block(0, json!({ "type": "thinking", "thinking": "x", "signature": "s" })),
        delta(0, json!({ "type": "thinking_delta", "thinking": "x" })),
        delta(0, json!({ "type": "signature_delta", "signature": "s" })),
        stop(0),
        block(1, json!({ "type": "redacted_thinking", "data": "x" })),
        block(2, json!({ "type": "tool_use", "id": "t", "name": "f", "input": { "a": 1 } })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "{" })),
        stop(2),
        block(3, json!({ "type": "fallback", "to": { "model": "b" } })),
        end("refusal", tokens),
        json!({ "type": "error", "error": { "type": "api_error", "message": "m" } }),
    ]);
}
