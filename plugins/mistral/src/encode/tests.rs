//! Tests of the translation of requests.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::body;
use crate::options::Options;
use adapter_kit::testing::spoilt;
use serde_json::{Value, json};

fn with(request: Value, model: &str, drop_params: bool) -> Result<Value, String> {
    let options = Options { drop_params, ..Options::default() };
    body(&request.to_string(), model, false, &options).map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

fn encode(request: Value) -> Result<Value, String> {
    with(request, "mistral-small-latest", false)
}

/// A request that says hello and more.
fn hello(more: Value) -> Value {
    let mut request = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hello" }] });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn call(id: &str, arguments: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": arguments } })
}

#[test]
fn a_plain_request() {
    let request = hello(json!({
        "max_completion_tokens": 10, "temperature": 0.5, "top_p": 0.9, "stop": "END", "seed": 7, "n": 2,
        "presence_penalty": 0.1, "user": "u", "stream": true, "stream_options": { "include_usage": true },
        "store": false, "metadata": { "k": "v" }, "logit_bias": {}, "prompt_mode": "reasoning",
        "response_format": { "type": "json_object" },
    }));
    let options = Options { safe_prompt: true, ..Options::default() };
    let bytes = body(&request.to_string(), "mistral-x", true, &options).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&bytes).unwrap(),
        json!({
            "model": "mistral-x", "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 10,
            "temperature": 0.5, "random_seed": 7, "top_p": 0.9, "presence_penalty": 0.1, "n": 2, "stop": ["END"],
            "response_format": { "type": "json_object" }, "stream": true, "prompt_mode": "reasoning",
            "safe_prompt": true,
        })
    );
}

#[test]
fn a_conversation_with_calls() {
    let request = |effort: &str| {
        json!({ "reasoning_effort": effort, "messages": [
            { "role": "developer", "content": [{ "type": "text", "text": "Be kind." }] },
            { "role": "user", "content": "Weather?", "name": "Ann" },
            { "role": "assistant", "content": "" },
            { "role": "assistant", "content": null, "reasoning_content": "hm",
              "tool_calls": [call("aB3456789", "{\"a\":1}"), call("call_1", "")] },
            { "role": "tool", "tool_call_id": "aB3456789", "name": "f", "content": "sunny" },
            { "role": "tool", "tool_call_id": "call_1", "content": [{ "type": "text", "text": "" }] },
            { "role": "assistant", "content": "So: " },
        ]})
    };
    let out = encode(request("none")).unwrap();
    let id = out.pointer("/messages/2/tool_calls/1/id").and_then(Value::as_str).unwrap().to_owned();
    let expected = json!([
        { "role": "system", "content": "Be kind." },
        { "role": "user", "content": "Weather?" },
        { "role": "assistant", "content": "", "tool_calls": [call("aB3456789", "{\"a\":1}"), call(&id, "{}")] },
        { "role": "tool", "tool_call_id": "aB3456789", "name": "f", "content": "sunny" },
        { "role": "tool", "tool_call_id": id, "content": "" },
        { "role": "assistant", "content": "So: ", "prefix": true },
    ]);
    assert_eq!(out.get("messages"), Some(&expected));
    let out = encode(request("high")).unwrap();
    let thought = json!([{ "type": "thinking", "thinking": [{ "type": "text", "text": "hm" }] }]);
    assert_eq!(out.pointer("/messages/2/content"), Some(&thought));
    assert!(encode(json!({ "messages": [{ "role": "assistant", "content": "" }] })).is_err());
}

#[test]
fn media() {
    let parts = json!([
        { "type": "text", "text": "See" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA", "detail": "low" } },
        { "type": "image_url", "image_url": "https://a/b.png" },
        { "type": "input_audio", "input_audio": { "data": "BB", "format": "wav" } },
        { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,CC" } },
        { "type": "file", "file": { "file_id": "id" } },
        { "type": "document_url", "document_url": "https://a/b.pdf" },
    ]);
    let out = encode(json!({ "messages": [{ "role": "user", "content": parts }] })).unwrap();
    let expected = json!([
        { "type": "text", "text": "See" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA", "detail": "low" } },
        { "type": "image_url", "image_url": { "url": "https://a/b.png" } },
        { "type": "input_audio", "input_audio": "BB" },
        { "type": "document_url", "document_url": "data:application/pdf;base64,CC", "document_name": "a.pdf" },
        { "type": "file", "file_id": "id" },
        { "type": "document_url", "document_url": "https://a/b.pdf" },
    ]);
    assert_eq!(out.pointer("/messages/0/content"), Some(&expected));
    let bad = json!({ "messages": [{ "role": "user", "content": [{ "type": "invented" }] }] });
    assert!(encode(bad).unwrap_err().contains("`messages[0]`"));
    let picture = json!({ "messages": [{ "role": "system", "content": [
        { "type": "image_url", "image_url": "https://a/b.png" } ] }] });
    assert!(encode(picture).unwrap_err().contains("image_url"));
}

#[test]
fn tools_and_choices() {
    let function = |name: &str| json!({ "type": "function", "function": { "name": name, "description": "d", "strict": true } });
    let tools = json!([function("f"), function("g")]);
    let chosen = |choice: Value| {
        encode(hello(json!({ "tools": tools, "tool_choice": choice })))
            .map(|out| out.get("tool_choice").cloned().unwrap_or_default())
    };
    let out = encode(hello(json!({ "tools": tools, "parallel_tool_calls": false }))).unwrap();
    let declared = json!({ "type": "function", "function": { "name": "g", "description": "d",
                           "parameters": { "type": "object", "properties": {} }, "strict": true } });
    assert_eq!(out.pointer("/tools/1"), Some(&declared));
    assert_eq!(out.get("parallel_tool_calls"), Some(&json!(false)));
    assert_eq!(chosen(json!("required")), Ok(json!("any")));
    assert_eq!(chosen(json!("any")), Ok(json!("any")));
    assert_eq!(chosen(json!("none")), Ok(json!("none")));
    let one = json!({ "type": "function", "function": { "name": "g" } });
    assert_eq!(chosen(one.clone()), Ok(one.clone()));
    let allowed = json!({ "type": "allowed_tools", "allowed_tools": { "mode": "auto", "tools": [one] } });
    let out = encode(hello(json!({ "tools": tools, "tool_choice": allowed }))).unwrap();
    assert_eq!((out.get("tools"), out.get("tool_choice")), (Some(&json!([declared])), Some(&json!("auto"))));
    let custom = hello(json!({ "tools": [{ "type": "web_search" }] }));
    assert!(encode(custom).unwrap_err().contains("tools[0]"));
}

#[test]
fn schemas_and_effort() {
    let format = json!({ "type": "json_schema", "json_schema": { "name": "n", "strict": true, "schema": { "a": 1 } } });
    let out = encode(hello(json!({ "response_format": format }))).unwrap();
    assert_eq!(out.get("response_format"), Some(&format));
    for (ours, theirs) in [("none", "none"), ("minimal", "low"), ("medium", "medium"), ("xhigh", "high")] {
        let out = encode(hello(json!({ "reasoning_effort": ours }))).unwrap();
        assert_eq!(out.get("reasoning_effort"), Some(&json!(theirs)));
    }
}

#[test]
fn what_cannot_be_expressed_is_refused_by_name_or_dropped_on_request() {
    let tool = json!([{ "type": "function", "function": { "name": "f" } }]);
    for (name, value) in [
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("logit_bias", json!({ "1": 2 })),
        ("store", json!(true)),
        ("modalities", json!(["text", "audio"])),
        ("functions", json!([{ "name": "f" }])),
        ("verbosity", json!("low")),
        ("web_search_options", json!({ "a": 1 })),
        ("tool_choice", json!("whatever")),
        ("temperature", json!(1.8)),
        ("reasoning_effort", json!("extreme")),
        ("response_format", json!({ "type": "grammar" })),
    ] {
        let request = hello(json!({ "tools": tool, name: value }));
        let error = encode(request.clone()).unwrap_err();
        assert!(error.contains(name), "{error}");
        let dropped = with(request, "m", true).unwrap();
        assert!(dropped.get(name).is_none_or(|value| value == 1.5), "{name}");
    }
}

#[test]
fn hostile_requests_are_answered_or_refused() {
    let sample = json!({
        "messages": [
            { "role": "user", "content": [{ "type": "file", "file": { "file_data": "data:image/png;base64,A" } }] },
            { "role": "assistant", "content": "x", "reasoning_content": "h", "tool_calls": [call("1", "{\"a\":1}")] },
            { "role": "tool", "tool_call_id": "1", "content": "y" },
        ],
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": {} } }],
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "response_format": { "type": "json_schema", "json_schema": { "schema": {} } },
        "temperature": 1, "stop": ["a"], "reasoning_effort": "low",
    });
    assert!(encode(sample.clone()).is_ok());
    for request in spoilt(&sample) {
        for drop in [false, true] {
            let _ = with(request.clone(), "magistral-small", drop);
        }
    }
}
