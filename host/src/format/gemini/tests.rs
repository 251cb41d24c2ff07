//! Tests of the Gemini format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::chat::{Answer, Event, TextAt, Usage, channel};
use crate::error::Error;
use crate::format::Head;
use crate::sse::Decoder;
use bytes::BytesMut;

const HEAD: Head<'_> = Head { exchange: "x", created: 1, model: "m" };

#[test]
fn a_request_becomes_canonical() {
    let body = json!({
        "systemInstruction": { "parts": [{ "text": "Be kind." }] },
        "contents": [
            { "role": "user", "parts": [
                { "text": "Look" },
                { "inlineData": { "mimeType": "image/png", "data": "AA==" } },
                { "inline_data": { "mime_type": "audio/wav", "data": "BB" } },
                { "inlineData": { "mimeType": "application/pdf", "data": "CC" } },
                { "fileData": { "mimeType": "video/mp4", "fileUri": "https://a/b" } },
                { "executableCode": { "code": "1" } },
            ] },
            { "role": "model", "parts": [
                { "text": "hm", "thought": true },
                { "text": "Let me see." },
                { "functionCall": { "name": "f", "args": { "a": 1 } }, "thoughtSignature": "s" },
                { "functionCall": { "name": "f", "args": { "a": 2 } } },
            ] },
            { "role": "user", "parts": [
                { "functionResponse": { "name": "f", "response": { "output": "one" } } },
                { "functionResponse": { "name": "f", "response": { "n": 2 } } },
                { "text": "And?" },
            ] },
        ],
        "tools": [
            { "functionDeclarations": [{ "name": "f", "description": "d", "parameters": {
                "type": "OBJECT", "properties": { "type": { "type": "STRING", "nullable": true, "enum": ["A"] } },
                "required": ["type"],
            } }] },
            { "googleSearch": {} },
        ],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } },
        "generationConfig": {
            "temperature": 0.5, "topP": 0.9, "top_k": 5, "maxOutputTokens": 100, "stopSequences": ["END"],
            "responseMimeType": "application/json", "responseSchema": { "type": "ARRAY", "items": { "type": "STRING" } },
            "thinkingConfig": { "thinkingBudget": 8000, "includeThoughts": true },
        },
        "safetySettings": [{ "category": "c", "threshold": "t" }],
    });
    let canonical = parse_content(body.to_string().as_bytes(), "smart", true).unwrap();
    insta::assert_json_snapshot!(canonical);
    let plain = Value::Object(without_own_fields(canonical)).to_string();
    assert!(!plain.contains("thinking_config") && !plain.contains("thought_signature"), "{plain}");
    for stays in ["reasoning_effort", "safetySettings", "top_k"] {
        assert!(plain.contains(stays), "{stays}: {plain}");
    }
}

#[test]
fn nothing_takes_the_place_of_what_was_said() {
    let body =
        json!({ "contents": [{ "parts": [{ "text": "hi" }] }], "messages": "x", "stream": "yes", "new": 1 });
    let read = parse_content(body.to_string().as_bytes(), "smart", false).unwrap();
    assert_eq!(
        Value::Object(read),
        json!({ "model": "smart", "new": 1,
                "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }] })
    );
}

#[test]
fn responses_find_their_calls() {
    let call = |id: &str| json!({ "functionCall": { "name": "f", "id": id, "args": {} } });
    let body = json!({ "contents": [
        { "role": "model", "parts": [call("a"), call("b"), call("c")] },
        { "role": "user", "parts": [
            { "functionResponse": { "name": "f", "id": "b", "response": {} } },
            { "functionResponse": { "name": "f", "response": {} } },
            { "functionResponse": { "name": "f", "response": {} } },
        ] },
    ] });
    let read = parse_content(body.to_string().as_bytes(), "m", false).unwrap();
    let ids: Vec<_> =
        read["messages"].as_array().unwrap().iter().skip(1).map(|m| m["tool_call_id"].clone()).collect();
    assert_eq!(ids, ["b", "a", "c"]);
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let parts = |parts: Value| json!({ "contents": [{ "role": "user", "parts": parts }] });
    for (body, param) in [
        (json!([]), None),
        (json!({}), Some("contents")),
        (json!({ "contents": [] }), Some("contents")),
        (json!({ "contents": ["x"] }), Some("contents[0]")),
        (json!({ "contents": [{ "role": "tool", "parts": [] }] }), Some("contents[0].role")),
        (parts(json!("x")), Some("contents[0].parts")),
        (parts(json!(["x"])), Some("contents[0].parts[0]")),
        (parts(json!([{ "functionResponse": { "name": "f" } }])), Some("contents[0].parts")),
        (json!({ "contents": {}, "tools": {} }), Some("tools")),
        (
            json!({ "contents": {}, "tools": [{ "functionDeclarations": [{}] }] }),
            Some("tools[0].functionDeclarations"),
        ),
        (json!({ "contents": {}, "generationConfig": 1 }), Some("generationConfig")),
        (
            json!({ "contents": {}, "toolConfig": { "functionCallingConfig": { "mode": "X" } } }),
            Some("toolConfig.functionCallingConfig.mode"),
        ),
    ] {
        let error = parse_content(body.to_string().as_bytes(), "m", false).unwrap_err();
        assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, param), "{body}");
    }
    assert!(parse_content(b"{", "m", false).is_err());
    assert!(parse_content("[".repeat(100_000).as_bytes(), "m", false).is_err());
}

fn text(name: &'static str, text: &str) -> Event {
    Event::Text { at: TextAt::new(0, 0, name), text: text.into() }
}

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let events = [
        Event::Extra(vec![("id".into(), "r1".into()), ("model".into(), "gemini".into())]),
        text(channel::REASONING, "hm"),
        text(channel::CONTENT, "Let "),
        text(channel::CONTENT, "me see."),
        Event::Tool { choice: 0, part: 0, id: "a".into(), name: "f".into() },
        text(channel::TOOL_ARGS, "{\"x\":"),
        text(channel::TOOL_ARGS, "1}"),
        Event::Finish { choice: 0, reason: "tool_calls".into() },
        Event::Usage(Usage {
            input: 10,
            output: 5,
            cache_read: 4,
            cache_write: 0,
            reasoning: 2,
            ..Usage::default()
        }),
    ];
    let mut writer = ChunkWriter::new(HEAD, &serde_json::Map::new());
    let mut out = BytesMut::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    writer.end(None, &mut out);
    let frames = Decoder::new(1 << 20).push(&out.freeze()).unwrap();
    let chunks: Vec<Value> =
        frames.iter().map(|frame| serde_json::from_slice(&frame.data).unwrap()).collect();
    let answer: Answer = events.into_iter().collect();
    let whole = render_answer(&answer, HEAD);
    let mut parts: Vec<Value> = Vec::new();
    for chunk in &chunks {
        for part in chunk["candidates"][0]["content"]["parts"].as_array().unwrap() {
            match parts.last_mut() {
                Some(last) if part["text"].is_string() && last["thought"] == part["thought"] => {
                    let joined = last["text"].as_str().unwrap().to_owned() + part["text"].as_str().unwrap();
                    last["text"] = joined.into();
                }
                _ => parts.push(part.clone()),
            }
        }
    }
    assert_eq!(json!(parts), whole["candidates"][0]["content"]["parts"]);
    let last = chunks.last().unwrap();
    assert_eq!(last["usageMetadata"], whole["usageMetadata"]);
    assert_eq!(last["usageMetadata"]["candidatesTokenCount"], 3);
    assert_eq!((&last["candidates"][0]["finishReason"], &last["responseId"]), (&json!("STOP"), &json!("r1")));
}

#[test]
fn errors_have_googles_shape() {
    let told = render_error(&Error::bad_request("prompt_injection", "no"))["error"].clone();
    assert_eq!((&told["code"], &told["status"]), (&json!(400), &json!("INVALID_ARGUMENT")));
    assert_eq!(told["details"][0]["reason"], "prompt_injection");
}
