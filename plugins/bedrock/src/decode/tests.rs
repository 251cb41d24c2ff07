//! Tests of the decoding of answers. The frames follow the API's documentation.

use super::Decoder;
use crate::model::Family;
use adapter_kit::testing::{named, refused, survives, transcript, transcript_from};
use serde_json::{Value, json};

fn start(index: u64, start: Value) -> Value {
    named("contentBlockStart", json!({ "contentBlockIndex": index, "start": start, "p": "abc" }))
}

fn delta(index: u64, delta: Value) -> Value {
    named("contentBlockDelta", json!({ "contentBlockIndex": index, "delta": delta, "p": "abcdef" }))
}

fn stop(index: u64) -> Value {
    named("contentBlockStop", json!({ "contentBlockIndex": index }))
}

fn end(reason: &str) -> Value {
    named("messageStop", json!({ "stopReason": reason }))
}

fn metadata() -> Value {
    let usage = json!({ "inputTokens": 10, "outputTokens": 30, "totalTokens": 47, "cacheReadInputTokens": 5,
                        "cacheWriteInputTokens": 2, "cacheDetails": [{ "ttl": "1h", "inputTokens": 2 }] });
    named("metadata", json!({ "usage": usage, "metrics": { "latencyMs": 7 }, "trace": {} }))
}

fn think(text: &str) -> Value {
    json!({ "reasoningContent": { "text": text } })
}

fn answer() -> Vec<Value> {
    vec![
        named("messageStart", json!({ "role": "assistant", "p": "ab" })),
        delta(0, think("Hm")),
        delta(0, think(".")),
        delta(0, json!({ "reasoningContent": { "signature": "c2ln" } })),
        stop(0),
        delta(1, json!({ "reasoningContent": { "redactedContent": "eno=" } })),
        stop(1),
        delta(2, json!({ "text": "Let me " })),
        delta(2, json!({ "text": "see." })),
        delta(2, json!({ "citation": { "title": "t" } })),
        stop(2),
        start(3, json!({ "toolUse": { "toolUseId": "t1", "name": "weather" } })),
        delta(3, json!({ "toolUse": { "input": "" } })),
        delta(3, json!({ "toolUse": { "input": "{\"city\": " } })),
        delta(3, json!({ "toolUse": { "input": "\"Paris\"}" } })),
        stop(3),
        start(4, json!({ "toolUse": { "toolUseId": "t2", "name": "time" } })),
        stop(4),
        end("tool_use"),
        metadata(),
    ]
}

#[test]
fn a_stream_of_thinking_text_and_tools() {
    let rest = [
        "content#0.0 Let me see.",
        "tool#0.0 t1 weather",
        "tool-args#0.0 {\"city\": \"Paris\"}",
        "tool#0.1 t2 time",
        "tool-args#0.1 {}",
        "finish#0 tool_calls",
        "usage 17/30/5/2/0 cache-write.1h=2",
    ];
    let signed = [
        "reasoning#0.0 Hm.",
        "reasoning-signature/anthropic-claude-v1#0.0 c2ln",
        "reasoning-encrypted/anthropic-claude-v1#0.1 eno=",
    ];
    let told = transcript_from(&Decoder::new(Family::Anthropic), &answer());
    assert_eq!(told, [&signed[..], &rest[..]].concat());
    // What another's model signs has no format that it could be sent back in.
    assert_eq!(transcript::<Decoder>(&answer()), [&["reasoning#0.0 Hm."][..], &rest[..]].concat());
    let hidden = [delta(0, json!({ "reasoningContent": { "redactedContent": "eno=" } }))];
    let told = transcript_from(&Decoder::new(Family::OpenAi), &hidden);
    assert_eq!(told, ["reasoning-encrypted/openai-bedrock-v1#0.0 eno="]);
}

fn whole() -> Value {
    json!({
        "output": { "message": { "role": "assistant", "content": [
            { "reasoningContent": { "reasoningText": { "text": "Hm.", "signature": "s" } } },
            { "reasoningContent": { "redactedContent": "zz" } },
            { "citationsContent": { "content": [{ "text": "So: " }], "citations": [] } },
            { "text": "Hi" },
            { "toolUse": { "toolUseId": "t1", "name": "f", "input": { "b": 1, "a": 2 } } },
            { "toolUse": { "toolUseId": "t2", "name": "g", "input": {} } },
            { "toolUse": { "toolUseId": "s", "name": "nova_grounding", "input": {}, "type": "server_tool_use" } },
            { "toolResult": { "toolUseId": "s", "content": [] } },
        ] } },
        "stopReason": "tool_use", "metrics": { "latencyMs": 1 },
        "usage": { "inputTokens": 3, "outputTokens": 4, "totalTokens": 7, "cacheDetails": null },
    })
}

#[test]
fn a_whole_body_tells_the_same() {
    assert_eq!(
        transcript_from(&Decoder::new(Family::Anthropic), &[whole()]),
        [
            "reasoning#0.0 Hm.",
            "reasoning-signature/anthropic-claude-v1#0.0 s",
            "reasoning-encrypted/anthropic-claude-v1#0.1 zz",
            "content#0.0 So: Hi",
            "tool#0.0 t1 f",
            "tool-args#0.0 {\"b\":1,\"a\":2}",
            "tool#0.1 t2 g",
            "tool-args#0.1 {}",
            "usage 3/4/0/0/0",
            "finish#0 tool_calls",
        ]
    );
    let told = transcript::<Decoder>(&[json!({ "Output": { "__type": "UnknownOperationException" } })]);
    assert!(told.first().is_some_and(|told| told.starts_with("error 502 bad_response")), "{told:?}");
}

#[test]
fn reasons_are_the_gateways_words() {
    for (theirs, ours) in [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("something_new", "something_new"),
    ] {
        assert_eq!(transcript::<Decoder>(&[end(theirs)]), [format!("finish#0 {ours}")]);
    }
    let told = transcript::<Decoder>(&[end("malformed_tool_use"), metadata()]);
    assert_eq!(told, ["error 502 malformed_tool_use the model ended with malformed_tool_use"]);
}

#[test]
fn a_call_that_nobody_closes_is_closed_by_the_end() {
    let frames = [start(0, json!({ "toolUse": { "toolUseId": "t", "name": "f" } })), end("tool_use")];
    assert_eq!(transcript::<Decoder>(&frames), ["tool#0.0 t f", "tool-args#0.0 {}", "finish#0 tool_calls"]);
}

#[test]
fn what_belongs_to_the_provider_is_passed_over_but_media_is_not() {
    let frames = [
        start(0, json!({ "toolUse": { "toolUseId": "s", "name": "n", "type": "server_tool_use" } })),
        delta(0, json!({ "toolUse": { "input": "{\"query\": 1}" } })),
        stop(0),
        start(1, json!({ "toolResult": { "toolUseId": "s" } })),
        delta(1, json!({ "toolResult": [{ "text": "x" }] })),
        named("inventedLater", json!({ "x": 1 })),
    ];
    assert_eq!(transcript::<Decoder>(&frames), Vec::<String>::new());
    let picture = start(0, json!({ "image": { "format": "png" } }));
    let told = transcript::<Decoder>(&[picture, end("end_turn")]);
    assert_eq!(told, ["error 502 unsupported_output the answer holds media, which cannot be passed on"]);
}

#[test]
fn exceptions_inside_a_stream_have_a_status() {
    for (event, data, expected) in [
        ("throttlingException", json!({ "message": "Slow." }), "429 ThrottlingException Slow."),
        ("validationException", json!({ "message": "No." }), "400 ValidationException No."),
        ("internalServerException", json!({ "Message": "Oh." }), "500 InternalServerException Oh."),
        ("serviceUnavailableException", json!({ "message": "m" }), "503 ServiceUnavailableException m"),
        (
            "modelStreamErrorException",
            json!({ "message": "", "originalStatusCode": 529, "originalMessage": "Busy" }),
            "529 ModelStreamErrorException Busy",
        ),
        ("modelStreamErrorException", json!({ "message": "m" }), "502 ModelStreamErrorException m"),
        ("modelTimeoutException", json!({}), "408 ModelTimeoutException {}"),
        ("newException", json!("plain"), "500 NewException plain"),
    ] {
        let told = transcript::<Decoder>(&[delta(0, json!({ "text": "a" })), named(event, data), stop(0)]);
        assert_eq!(told, ["content#0.0 a".to_owned(), format!("error {expected}")]);
    }
}

#[test]
fn errors_keep_their_words_and_their_type() {
    let error = |status, headers: &[(&str, &str)], body: Value| {
        refused::<Decoder>(status, headers, &body.as_str().map_or_else(|| body.to_string(), str::to_owned))
    };
    let typed = [("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/coral/")];
    assert_eq!(error(429, &typed, json!({ "message": "Slow." })), "error 429 ThrottlingException Slow.");
    assert_eq!(
        error(429, &[("retry-after", "2")], json!({ "message": "Too many tokens" })),
        "error 429 http_429 Too many tokens after 2000"
    );
    let unknown =
        json!({ "__type": "com.amazon.coral.service#UnrecognizedClientException", "Message": "No." });
    assert_eq!(error(403, &[], unknown), "error 403 UnrecognizedClientException No.");
    let quota = [("x-amzn-errortype", "ServiceQuotaExceededException")];
    assert_eq!(error(400, &quota, json!({ "message": "m" })), "error 429 ServiceQuotaExceededException m");
    assert_eq!(error(424, &[], json!({ "message": "m", "originalStatusCode": 400 })), "error 400 http_400 m");
    assert_eq!(error(424, &[], json!({ "message": "m" })), "error 502 http_502 m");
    let inner = json!({ "error": { "code": "unknown_parameter", "message": "Unknown." } });
    assert_eq!(error(400, &[], inner), "error 400 http_400 Unknown.");
    assert_eq!(error(503, &[], json!("<html>Oh")), "error 503 http_503 <html>Oh");
}

#[test]
fn hostile_answers_do_no_harm() {
    let mut frames = answer();
    frames.retain(|frame| frame.pointer("/$event").is_none_or(|event| event != "messageStop"));
    frames.push(named("modelStreamErrorException", json!({ "originalStatusCode": 500, "message": "m" })));
    survives::<Decoder>(&frames);
    survives::<Decoder>(&[whole()]);
}
