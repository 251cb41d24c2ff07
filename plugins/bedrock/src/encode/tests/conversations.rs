//! Tests of what becomes of messages.

use super::{LLAMA, NOVA, SONNET, call, encode, function, of};
use serde_json::{Value, json};

/// What becomes of a conversation.
fn turns(model: &str, messages: Value) -> Value {
    of(model, json!({ "messages": messages })).unwrap().get("messages").cloned().unwrap()
}

/// What becomes of the parts of a user's message.
fn parts(parts: Value) -> Result<Value, String> {
    let out = encode(json!({ "messages": [{ "role": "user", "content": parts }] }))?;
    Ok(out.pointer("/messages/0/content").cloned().unwrap())
}

#[test]
fn a_conversation_with_calls() {
    let out = encode(json!({ "messages": [
        { "role": "developer", "content": "Be kind." },
        { "role": "user", "content": "Weather?", "name": "Ann" },
        { "role": "user", "content": [{ "type": "text", "text": " \n" }] },
        { "role": "assistant", "content": "" },
        { "role": "assistant", "content": "Well", "tool_calls": [call("1", "{\"a\":1}"), call("call:2", "")] },
        { "role": "tool", "tool_call_id": "1", "content": "sunny" },
        { "role": "user", "content": "Quick!" },
        { "role": "tool", "tool_call_id": "call:2", "content": [
            { "type": "image_url", "image_url": { "url": "data:image/jpg;base64,AA" } } ], "is_error": true },
        { "role": "assistant", "content": "So: " },
    ]}))
    .unwrap();
    assert_eq!(out.get("system"), Some(&json!([{ "text": "Be kind." }])));
    let used =
        |id: &str, input: Value| json!({ "toolUse": { "toolUseId": id, "name": "f", "input": input } });
    let image = json!({ "image": { "format": "jpeg", "source": { "bytes": "AA" } } });
    let expected = json!([
        { "role": "user", "content": [{ "text": "Weather?" }] },
        { "role": "assistant", "content": [{ "text": "Well" }, used("1", json!({ "a": 1 })), used("call_2", json!({}))] },
        { "role": "user", "content": [
            { "toolResult": { "toolUseId": "1", "content": [{ "text": "sunny" }] } },
            { "toolResult": { "toolUseId": "call_2", "status": "error", "content": [image] } },
            { "text": "Quick!" } ] },
        { "role": "assistant", "content": [{ "text": "So:" }] },
    ]);
    assert_eq!(out.get("messages"), Some(&expected));
    let empty = json!({ "role": "tool", "tool_call_id": "1", "content": "", "status": "error" });
    let empty = turns(SONNET, json!([empty]));
    assert_eq!(empty.pointer("/0/content/0/toolResult"), Some(&json!({ "toolUseId": "1", "content": [] })));
    let wrong = json!({ "messages": [{ "role": "assistant", "tool_calls": [call("1", "[1")] }] });
    assert!(encode(wrong).unwrap_err().contains("`messages[0]`"));
}

#[test]
fn somebody_must_say_something() {
    let alone = encode(json!({ "messages": [{ "role": "system", "content": "Go." }] })).unwrap();
    assert_eq!(alone, json!({ "messages": [{ "role": "user", "content": [{ "text": "Go." }] }] }));
    for messages in [json!([]), json!([{ "role": "user", "content": " " }]), json!(null)] {
        assert!(encode(json!({ "messages": messages })).is_err());
    }
}

#[test]
fn thoughts_go_back_to_who_signed_them() {
    let claude = "anthropic-claude-v1";
    let messages = json!([
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": "Hello", "reasoning_content": "hm", "reasoning_details": [
            { "type": "reasoning.text", "text": "hm", "signature": "sig", "format": claude },
            { "type": "reasoning.encrypted", "data": "zz", "format": claude },
            { "type": "reasoning.encrypted", "data": "oo", "format": "openai-bedrock-v1" },
            { "type": "reasoning.text", "text": "hm", "signature": "sig", "format": "google-gemini-v1" } ] },
        { "role": "assistant", "content": "", "reasoning_details": [
            { "type": "reasoning.encrypted", "data": "alone", "format": claude } ] },
        { "role": "user", "content": "Go on" },
    ]);
    let said = |model| turns(model, messages.clone()).pointer("/1/content").cloned().unwrap();
    let signed = json!({ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "sig" } } });
    let redacted = |data: &str| json!({ "reasoningContent": { "redactedContent": data } });
    assert_eq!(said(SONNET), json!([signed, redacted("zz"), { "text": "Hello" }]));
    assert_eq!(said("openai.gpt-5.6"), json!([redacted("oo"), { "text": "Hello" }]));
    assert_eq!(said(LLAMA), json!([{ "text": "Hello" }]));
}

#[test]
fn pictures() {
    let image = |url: &str| json!({ "type": "image_url", "image_url": { "url": url, "detail": "low" } });
    let png = json!({ "image": { "format": "png", "source": { "bytes": "AA" } } });
    let stored =
        json!({ "image": { "format": "jpeg", "source": { "s3Location": { "uri": "s3://b/a.JPG" } } } });
    let file = json!({ "type": "file", "file": { "file_data": "data:image/png;base64,AA" } });
    let out = parts(json!([image("data:image/png;base64,AA"), image("s3://b/a.JPG"), file]));
    assert_eq!(out, Ok(json!([png, stored, png])));
    for (part, why) in [
        (image("https://a/b.png"), "an address"),
        (image("https://a/b"), "an address"),
        (image("data:image/tiff;base64,AA"), "`tiff`"),
        (image("s3://b/a"), "of type ``"),
        (json!({ "type": "input_audio", "input_audio": { "data": "A", "format": "wav" } }), "input_audio"),
        (json!({ "type": "video_url", "video_url": { "url": "data:video/mp4;base64,AA" } }), "video_url"),
    ] {
        let error = parts(json!([part])).unwrap_err();
        assert!(error.contains("`messages[0]`") && error.contains(why), "{error}");
    }
    let system =
        json!({ "messages": [{ "role": "system", "content": [image("data:image/png;base64,AA")] }] });
    assert!(encode(system).unwrap_err().contains("image_url"));
}

#[test]
fn documents() {
    let file = |media: &str, name: Value| json!({ "type": "file", "file": { "file_data": format!("data:{media};base64,AA"), "filename": name } });
    let document = |format: &str, name: &str| json!({ "document": { "format": format, "name": name, "source": { "bytes": "AA" } } });
    let out = parts(json!([
        file("application/pdf", json!("Q3_report.pdf")),
        file("application/pdf", json!("Q3 report.pdf")),
        file("text/plain", json!("notes.md")),
        file("text/plain", json!(null)),
        file("application/octet-stream", json!("t.XLSX")),
        { "type": "file", "file": { "file_id": "s3://b/deep/plan.v1.docx" } },
        { "type": "guardContent", "guardContent": { "text": { "text": "x" } } },
    ]));
    let stored = json!({ "document": { "format": "docx", "name": "plan v1",
                         "source": { "s3Location": { "uri": "s3://b/deep/plan.v1.docx" } } } });
    let expected = json!([
        document("pdf", "Q3 report"),
        document("pdf", "Q3 report (2)"),
        document("md", "notes"),
        document("txt", "document"),
        document("xlsx", "t"),
        stored,
        { "guardContent": { "text": { "text": "x" } } },
    ]);
    assert_eq!(out, Ok(expected));
    for (part, why) in [
        (file("application/zip", json!("a.zip")), "`a.zip`"),
        (json!({ "type": "file", "file": { "file_id": "file-1" } }), "`file-1`"),
        (json!({ "type": "file", "file": { "file_data": "https://a/b.pdf" } }), "an address"),
        (json!({ "type": "document", "source": { "type": "url" } }), "`document`"),
    ] {
        let error = parts(json!([part])).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn marks_of_caching_become_cache_points() {
    let mark = json!({ "type": "ephemeral" });
    let hour = json!({ "type": "ephemeral", "ttl": "1h" });
    let text = |text: &str, mark: &Value| json!({ "type": "text", "text": text, "cache_control": mark });
    let mut tool = function("f", json!({}));
    tool.as_object_mut().unwrap().insert("cache_control".into(), hour.clone());
    let request = json!({
        "messages": [
            { "role": "system", "content": [text("s", &hour)] },
            { "role": "user", "content": [text("a", &mark), { "type": "text", "text": "b" }, text(" ", &mark)] },
            { "role": "assistant", "content": null, "tool_calls": [call("1", "{}")], "cache_control": mark },
            { "role": "tool", "tool_call_id": "1", "content": [text("r", &mark)], "cache_control": mark },
            { "role": "user", "content": "c", "cache_control": mark },
        ],
        "tools": [tool, function("g", json!({}))],
    });
    let point = json!({ "cachePoint": { "type": "default" } });
    let of_an_hour = json!({ "cachePoint": { "type": "default", "ttl": "1h" } });
    let used = json!({ "toolUse": { "toolUseId": "1", "name": "f", "input": {} } });
    let result = json!({ "toolResult": { "toolUseId": "1", "content": [{ "text": "r" }] } });
    let out = of(SONNET, request.clone()).unwrap();
    assert_eq!(out.get("system"), Some(&json!([{ "text": "s" }, of_an_hour])));
    let expected = json!([
        { "role": "user", "content": [{ "text": "a" }, point, { "text": "b" }] },
        { "role": "assistant", "content": [used, point] },
        { "role": "user", "content": [result, point, { "text": "c" }, point] },
    ]);
    assert_eq!(out.get("messages"), Some(&expected));
    let tools = out.pointer("/toolConfig/tools").and_then(Value::as_array).unwrap();
    assert_eq!((tools.len(), tools.get(1)), (3, Some(&of_an_hour)));
    let nova = of(NOVA, request.clone()).unwrap();
    assert_eq!(nova.get("system"), Some(&json!([{ "text": "s" }, point])));
    assert_eq!(nova.pointer("/toolConfig/tools").and_then(Value::as_array).map(Vec::len), Some(2));
    assert!(!of(LLAMA, request).unwrap().to_string().contains("cachePoint"));
}

#[test]
fn marks_on_calls_become_cache_points_behind_them() {
    let mut marked = call("1", "{}");
    marked.as_object_mut().unwrap().insert("cache_control".into(), json!({ "type": "ephemeral" }));
    let called = turns(SONNET, json!([{ "role": "assistant", "tool_calls": [marked, call("2", "{}")] }]));
    let kinds = called.pointer("/0/content").and_then(Value::as_array).into_iter().flatten();
    let kinds: Vec<_> = kinds.filter_map(|block| block.as_object()?.keys().next()).collect();
    assert_eq!(kinds, ["toolUse", "cachePoint", "toolUse"]);
}
