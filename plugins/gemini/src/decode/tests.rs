//! Tests of the decoding of answers. The frames follow the API's documentation.

use super::Decoder;
use adapter_kit::testing::{refused, survives, transcript, transcript_from};
use serde_json::{Value, json};

fn chunk(parts: Value, more: Value) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": 0 });
    if let (Some(candidate), Some(more)) = (candidate.as_object_mut(), more.as_object()) {
        candidate.extend(more.clone());
    }
    json!({ "candidates": [candidate], "modelVersion": "gemini-x", "responseId": "r-1",
            "usageMetadata": { "promptTokenCount": 10, "candidatesTokenCount": 4, "totalTokenCount": 20,
                               "cachedContentTokenCount": 3, "thoughtsTokenCount": 6 } })
}

fn ended(reason: &str) -> Value {
    chunk(json!([]), json!({ "finishReason": reason, "finishMessage": "Because." }))
}

const BEGIN: [&str; 2] = ["extra id=r-1 model=gemini-x", "usage 10/10/3/0/6"];

/// What the frames tell after their beginning, without repeated usage.
fn after(frames: &[Value]) -> Vec<String> {
    let mut told = transcript::<Decoder>(frames);
    told.retain(|event| !BEGIN.contains(&event.as_str()));
    told
}

#[test]
fn a_stream_of_thinking_text_and_calls() {
    let frames = [
        chunk(json!([{ "text": "Hm.", "thought": true }]), json!({})),
        chunk(json!([{ "text": "Let me " }]), json!({})),
        chunk(json!([{ "text": "see.", "thoughtSignature": "zz" }]), json!({})),
        chunk(
            json!([
                { "functionCall": { "name": "weather", "args": { "b": 1, "a": 2 } }, "thoughtSignature": "a+/=" },
                { "functionCall": { "id": "own", "name": "time" } },
            ]),
            json!({}),
        ),
        ended("STOP"),
    ];
    assert_eq!(transcript::<Decoder>(&frames).get(..2), Some(&BEGIN.map(str::to_owned)[..]));
    let expected = [
        "reasoning#0.0 Hm.",
        "content#0.0 Let me ",
        "content#0.0 see.",
        "tool#0.0 call_r1_0_0.sig.a-_ weather",
        "tool-args#0.0 {\"b\":1,\"a\":2}",
        "tool#0.1 own time",
        "tool-args#0.1 {}",
        "finish#0 tool_calls",
    ];
    assert_eq!(after(&frames), expected);
    // The same as a list, which a stream that is not one of events is.
    assert_eq!(after(&[Value::from(frames.to_vec())]), expected);
    let unsigned = transcript_from(&Decoder::new(false), &frames);
    assert!(unsigned.contains(&"tool#0.0 call_r1_0_0 weather".to_owned()), "{unsigned:?}");
}

#[test]
fn choices_are_told_apart() {
    let candidate = |index: u32, text: &str| json!({ "index": index, "content": { "parts": [{ "text": text }] }, "finishReason": "STOP" });
    let body = json!({ "candidates": [candidate(0, "A"), candidate(1, "B")] });
    assert_eq!(after(&[body]), ["content#0.0 A", "finish#0 stop", "content#1.0 B", "finish#1 stop"]);
}

#[test]
fn reasons_are_the_gateways_words() {
    for (theirs, ours) in [
        ("STOP", "finish#0 stop"),
        ("MAX_TOKENS", "finish#0 length"),
        ("SAFETY", "finish#0 content_filter"),
        ("PROHIBITED_CONTENT", "finish#0 content_filter"),
        ("OTHER", "finish#0 other"),
        ("INVENTED_LATER", "finish#0 invented_later"),
        ("MALFORMED_FUNCTION_CALL", "error 502 malformed_function_call Because."),
    ] {
        assert_eq!(after(&[ended(theirs)]).pop().as_deref(), Some(ours));
    }
    assert_eq!(after(&[ended("FINISH_REASON_UNSPECIFIED")]), Vec::<String>::new());
}

#[test]
fn a_refused_prompt_is_a_filtered_answer() {
    let body = json!({ "promptFeedback": { "blockReason": "SAFETY", "blockReasonMessage": "No." } });
    assert_eq!(after(&[body]), ["refusal#0.0 No.", "finish#0 content_filter"]);
}

#[test]
fn what_cannot_be_carried_is_told_or_an_error() {
    let image = json!([{ "inlineData": { "mimeType": "image/png", "data": "AA" } }]);
    let told = after(&[chunk(image, json!({})), ended("STOP")]);
    assert_eq!(told, ["error 502 unsupported_output the answer holds image/png, which cannot be passed on"]);
    let own = json!([{ "executableCode": { "code": "1" } }, { "codeExecutionResult": { "output": "1" } }]);
    assert_eq!(
        after(&[chunk(own, json!({ "groundingMetadata": { "a": 1 } }))]),
        ["extra grounding={\"a\":1}"]
    );
}

#[test]
fn errors_keep_their_words() {
    let error = json!({ "error": { "code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED",
        "details": [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s" }] } });
    let expected = "error 429 RESOURCE_EXHAUSTED Slow down. after 1500";
    assert_eq!(refused::<Decoder>(429, &[], &error.to_string()), expected);
    assert_eq!(refused::<Decoder>(429, &[], &json!([error]).to_string()), expected);
    assert!(refused::<Decoder>(429, &[("retry-after", "7")], &error.to_string()).ends_with("after 7000"));
    assert_eq!(after(&[chunk(json!([{ "text": "Hi" }]), json!({})), error]), ["content#0.0 Hi", expected]);
    let key = json!({ "error": { "code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{ "reason": "API_KEY_INVALID" }] } });
    assert_eq!(
        refused::<Decoder>(400, &[], &key.to_string()),
        "error 401 INVALID_ARGUMENT API key not valid."
    );
    assert_eq!(refused::<Decoder>(503, &[], "<html>Oh"), "error 503 http_503 <html>Oh");
}

#[test]
fn hostile_answers_do_no_harm() {
    let calls = json!([{ "text": "a", "thought": true, "thoughtSignature": "s" },
                       { "functionCall": { "id": "i", "name": "n", "args": { "a": 1 } }, "thoughtSignature": "s" },
                       { "inlineData": { "mimeType": "m" }, "thought": true }]);
    let error = json!({ "error": { "code": 500, "message": "m", "status": "S",
                                   "details": [{ "retryDelay": "1s", "reason": "r" }] } });
    let blocked = json!({ "promptFeedback": { "blockReason": "X", "blockReasonMessage": "m" } });
    survives::<Decoder>(&[chunk(calls, json!({ "citationMetadata": {} })), ended("STOP"), blocked, error]);
}

#[test]
fn embeddings_of_vertex_are_told_as_a_document() {
    let decoder = Decoder::of_embeddings("m");
    let answer = json!({ "predictions": [
        { "embeddings": { "values": [0.5, -0.25], "statistics": { "token_count": 3, "truncated": false } } },
        { "embeddings": { "values": [1.0, 0.0] } },
    ] });
    let told = transcript_from(&decoder, &[answer]);
    assert_eq!(
        told,
        [
            "usage 3/0/0/0/0",
            r#"extra body={"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-0.25]},{"object":"embedding","index":1,"embedding":[1.0,0.0]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}"#,
        ]
    );
    assert!(transcript_from(&decoder, &[json!({ "predictions": 1 })]).join("").starts_with("error 502"));
}
