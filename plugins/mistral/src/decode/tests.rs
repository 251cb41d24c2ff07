//! Tests of the decoding of answers. The frames follow the API's documentation.

use super::Decoder;
use adapter_kit::testing::{refused, survives, transcript};
use serde_json::{Value, json};

fn chunk(delta: Value, finish: Value) -> Value {
    json!({ "id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "mistral-x",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
}

fn call(index: u64, id: &str, name: &str, arguments: Value) -> Value {
    json!({ "id": id, "index": index, "type": "function", "function": { "name": name, "arguments": arguments } })
}

const BEGIN: &str = "extra id=c1 model=mistral-x created=7";

/// What the frames tell after their beginning.
fn after(frames: &[Value]) -> Vec<String> {
    let mut told = transcript::<Decoder>(frames);
    told.retain(|event| event != BEGIN);
    told
}

#[test]
fn a_stream_of_thinking_text_and_calls() {
    let think = |text: &str| json!({ "content": [{ "type": "thinking", "thinking": [{ "type": "text", "text": text }] }] });
    let mut last = chunk(
        json!({ "content": "", "tool_calls": [
            call(0, "D681PevKs", "weather", json!("{\"city\": \"Paris\"}")),
            call(1, "null", "time", json!({ "zone": 1 })),
            call(2, "abc123def", "now", json!("")),
        ]}),
        json!("tool_calls"),
    );
    if let Some(last) = last.as_object_mut() {
        let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
                            "prompt_tokens_details": { "cached_tokens": 4 }, "prompt_audio_seconds": null });
        last.insert("usage".into(), usage);
    }
    let frames = [
        chunk(json!({ "role": "assistant", "content": "" }), json!(null)),
        chunk(think("Hm"), json!(null)),
        chunk(think("."), json!(null)),
        chunk(
            json!({ "content": [{ "type": "text", "text": "Let me " }, { "type": "reference", "reference_ids": [1] }] }),
            json!(null),
        ),
        chunk(json!({ "content": "see." }), json!(null)),
        last,
        json!("[DONE]"),
    ];
    assert_eq!(
        transcript::<Decoder>(&frames),
        [
            BEGIN,
            "reasoning#0.0 Hm.",
            "content#0.0 Let me see.",
            "tool#0.0 D681PevKs weather",
            "tool-args#0.0 {\"city\": \"Paris\"}",
            "tool#0.1 call01 time",
            "tool-args#0.1 {\"zone\":1}",
            "tool#0.2 abc123def now",
            "tool-args#0.2 {}",
            "finish#0 tool_calls",
            "usage 10/5/4/0/0",
        ]
    );
}

#[test]
fn calls_may_come_in_pieces_and_share_a_number() {
    let piece = |call: Value| chunk(json!({ "tool_calls": [call] }), json!(null));
    let frames = [
        piece(call(0, "aaaaaaaaa", "f", json!("{\"a\""))),
        piece(json!({ "index": 0, "function": { "arguments": ":1}" } })),
        piece(call(0, "bbbbbbbbb", "g", json!("{}"))),
    ];
    let expected =
        ["tool#0.0 aaaaaaaaa f", "tool-args#0.0 {\"a\":1}", "tool#0.1 bbbbbbbbb g", "tool-args#0.1 {}"];
    assert_eq!(after(&frames), expected);
}

#[test]
fn a_whole_body_tells_the_same() {
    let body = json!({ "id": "c1", "object": "chat.completion", "created": 7, "model": "mistral-x",
        "choices": [
            { "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "tool_calls": null, "content": [
                { "type": "thinking", "thinking": [{ "type": "text", "text": "Hm." }] },
                { "type": "text", "text": "Hi" } ] } },
            { "index": 1, "finish_reason": "model_length", "message": { "content": "Ho" } },
        ],
        "usage": { "prompt_tokens": 3, "completion_tokens": 4, "num_cached_tokens": 1, "prompt_audio_seconds": 2 } });
    assert_eq!(
        transcript::<Decoder>(&[body]),
        [
            BEGIN,
            "reasoning#0.0 Hm.",
            "content#0.0 Hi",
            "finish#0 stop",
            "content#1.0 Ho",
            "finish#1 length",
            "usage 3/4/1/0/0 audio-seconds=2",
        ]
    );
}

#[test]
fn a_model_that_failed_is_an_error() {
    let told = after(&[chunk(json!({ "content": "a" }), json!(null)), chunk(json!({}), json!("error"))]);
    assert_eq!(told, ["content#0.0 a", "error 502 error the model failed while it wrote the answer"]);
}

#[test]
fn errors_keep_their_words_in_every_shape() {
    for (body, expected) in [
        (
            json!({ "object": "error", "message": "Invalid model: x", "type": "invalid_model", "code": "1500" }),
            "error 400 invalid_model Invalid model: x",
        ),
        (json!({ "error": { "message": "No.", "code": 3051 } }), "error 400 3051 No."),
        (json!({ "detail": "Unauthorized" }), "error 400 http_400 Unauthorized"),
        (
            json!({ "detail": [{ "type": "extra_forbidden", "loc": ["body", "messages", 0], "msg": "Not permitted" }] }),
            "error 400 http_400 body.messages.0: Not permitted",
        ),
        (
            json!({ "object": "error", "type": "invalid_request_error",
                    "message": { "detail": [{ "loc": ["body"], "msg": "Wrong" }, {}] } }),
            "error 400 invalid_request_error body: Wrong; : is wrong",
        ),
        (json!({ "message": "Unauthorized", "request_id": "r" }), "error 400 http_400 Unauthorized"),
        (json!("<html>Oh"), "error 400 http_400 <html>Oh"),
    ] {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        assert_eq!(refused::<Decoder>(400, &[], &body), expected);
    }
    let limit = json!({ "object": "error", "message": "Slow down.", "type": "rate_limited" }).to_string();
    let expected = "error 429 rate_limited Slow down. after 2000";
    assert_eq!(refused::<Decoder>(429, &[("retry-after", "2")], &limit), expected);
    let late = json!({ "object": "error", "message": "Busy", "type": "overloaded", "raw_status_code": 503 });
    assert_eq!(after(&[late]), ["error 503 overloaded Busy"]);
    assert_eq!(after(&[json!({ "error": "Oh" })]), ["error 500 http_500 Oh"]);
}

#[test]
fn hostile_answers_do_no_harm() {
    let delta = json!({ "content": [{ "type": "thinking", "thinking": [{ "text": "x" }] }, { "type": "text", "text": "y" }],
                        "tool_calls": [call(0, "aaaaaaaaa", "f", json!({ "a": 1 }))] });
    let mut last = chunk(delta, json!("stop"));
    if let Some(last) = last.as_object_mut() {
        let usage = json!({ "prompt_tokens": 3, "completion_tokens": 4, "prompt_tokens_details": { "cached_tokens": 1 },
                            "completion_tokens_details": { "reasoning_tokens": 1 }, "num_cached_tokens": 1 });
        last.insert("usage".into(), usage);
    }
    let error =
        json!({ "object": "error", "message": { "detail": [{ "loc": ["a", 1], "msg": "m" }] }, "code": 400 });
    let inner = json!({ "error": { "type": "t", "code": 500, "message": "m" } });
    survives::<Decoder>(&[last, inner, error]);
}
