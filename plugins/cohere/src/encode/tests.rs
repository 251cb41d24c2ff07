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
    with(request, "command-a-03-2025", false)
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
        "max_completion_tokens": 10, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop": "END", "seed": 7,
        "n": 1, "presence_penalty": 0.1, "frequency_penalty": 0, "user": "u", "stream": true,
        "stream_options": { "include_usage": true }, "store": false, "metadata": { "k": "v" }, "logit_bias": {},
        "documents": ["d"], "safety_mode": "STRICT", "citation_options": { "mode": "off" },
    }));
    let bytes = body(&request.to_string(), "command-x", true, &Options::default()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&bytes).unwrap(),
        json!({
            "model": "command-x", "messages": [{ "role": "user", "content": "Hello" }], "max_tokens": 10,
            "temperature": 0.5, "p": 0.9, "k": 40, "stop_sequences": ["END"], "seed": 7, "presence_penalty": 0.1,
            "stream": true, "documents": ["d"], "safety_mode": "STRICT", "citation_options": { "mode": "off" },
        })
    );
    for (ours, theirs) in [(json!(1), json!(0.99)), (json!(0.0), json!(0.01)), (json!(0.99), json!(0.99))] {
        let out = encode(hello(json!({ "top_p": ours }))).unwrap();
        assert_eq!(out.get("p"), Some(&theirs));
    }
}

#[test]
fn a_conversation_with_calls() {
    let request = json!({ "messages": [
        { "role": "developer", "content": [{ "type": "text", "text": "Be kind." }] },
        { "role": "user", "content": "Weather?", "name": "Ann" },
        { "role": "assistant", "content": "" },
        { "role": "system", "content": "Be brief." },
        { "role": "assistant", "content": null, "reasoning_content": "hm",
          "tool_calls": [call("a", "{\"a\":1}"), call("b", "")] },
        { "role": "tool", "tool_call_id": "a", "name": "f", "content": "sunny" },
        { "role": "tool", "tool_call_id": "b", "content": [
            { "type": "document", "document": { "data": "{}" } }, { "type": "text", "text": "t" } ] },
        { "role": "assistant", "content": "Sun", "reasoning_content": "so", "citations": [] },
    ]});
    let calls = json!([call("a", "{\"a\":1}"), call("b", "{}")]);
    let mut expected = json!([
        { "role": "system", "content": "Be kind.\n\nBe brief." },
        { "role": "user", "content": "Weather?" },
        { "role": "assistant", "tool_plan": "hm", "tool_calls": calls },
        { "role": "tool", "tool_call_id": "a", "content": "sunny" },
        { "role": "tool", "tool_call_id": "b", "content": [
            { "document": { "data": "{}" }, "type": "document" }, { "type": "text", "text": "t" } ] },
        { "role": "assistant", "content": "Sun", "citations": [] },
    ]);
    assert_eq!(encode(request.clone()).unwrap().get("messages"), Some(&expected));
    let think = |text: &str| json!({ "type": "thinking", "thinking": text });
    *expected.pointer_mut("/2").unwrap() =
        json!({ "role": "assistant", "content": [think("hm")], "tool_calls": calls });
    *expected.pointer_mut("/5/content").unwrap() = json!([think("so"), { "type": "text", "text": "Sun" }]);
    let out = with(request, "command-a-reasoning-08-2025", false).unwrap();
    assert_eq!(out.get("messages"), Some(&expected));
    assert!(encode(json!({ "messages": [{ "role": "assistant", "content": "" }] })).is_err());
    let own =
        json!({ "messages": [{ "role": "assistant", "tool_plan": "p", "tool_calls": [call("a", "{}")] }] });
    assert_eq!(encode(own).unwrap().pointer("/messages/0/tool_plan"), Some(&json!("p")));
}

#[test]
fn media() {
    let parts = json!([
        { "type": "text", "text": "See" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA", "detail": "low" } },
        { "type": "image_url", "image_url": "https://a/b.png" },
    ]);
    let out = encode(json!({ "messages": [{ "role": "user", "content": parts }] })).unwrap();
    let expected = json!([
        { "type": "text", "text": "See" },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA", "detail": "low" } },
        { "type": "image_url", "image_url": { "url": "https://a/b.png" } },
    ]);
    assert_eq!(out.pointer("/messages/0/content"), Some(&expected));
    for (role, kind, part) in [
        ("user", "input_audio", json!({ "input_audio": { "data": "BB", "format": "wav" } })),
        ("user", "file", json!({ "file": { "file_id": "id" } })),
        ("user", "document", json!({ "document": {} })),
        ("system", "image_url", json!({ "image_url": "https://a/b.png" })),
        ("assistant", "image_url", json!({ "image_url": "https://a/b.png" })),
    ] {
        let mut part = part;
        part.as_object_mut().unwrap().insert("type".into(), kind.into());
        let error = encode(json!({ "messages": [{ "role": role, "content": [part] }] })).unwrap_err();
        assert!(error.contains("`messages[0]`") && error.contains(kind), "{error}");
    }
}

#[test]
fn tools_and_choices() {
    let function = |name: &str, strict: bool| json!({ "type": "function", "function": { "name": name, "description": "d", "strict": strict } });
    let tools = json!([function("f", false), function("g", false)]);
    let declared = |name: &str| {
        json!({ "type": "function", "function": { "name": name, "description": "d",
                "parameters": { "type": "object", "properties": {} } } })
    };
    let chosen = |choice: Value| {
        let out = encode(hello(json!({ "tools": tools, "tool_choice": choice }))).unwrap();
        (out.get("tools").cloned().unwrap(), out.get("tool_choice").cloned())
    };
    let (all, second) = (json!([declared("f"), declared("g")]), json!([declared("g")]));
    let required = Some(json!("REQUIRED"));
    for word in ["required", "REQUIRED"] {
        assert_eq!(chosen(json!(word)), (all.clone(), required.clone()));
    }
    for word in ["none", "NONE"] {
        assert_eq!(chosen(json!(word)), (all.clone(), Some(json!("NONE"))));
    }
    assert_eq!(chosen(json!("auto")), (all.clone(), None));
    let one = json!({ "type": "function", "function": { "name": "g" } });
    assert_eq!(chosen(one.clone()), (second.clone(), required.clone()));
    let allowed =
        |mode: &str| json!({ "type": "allowed_tools", "allowed_tools": { "mode": mode, "tools": [one] } });
    assert_eq!(chosen(allowed("auto")), (second.clone(), None));
    assert_eq!(chosen(allowed("required")), (second, required));
    let strict = json!([function("f", true), function("g", false)]);
    let out = encode(hello(json!({ "tools": strict, "parallel_tool_calls": true }))).unwrap();
    assert_eq!((out.get("tools"), out.get("strict_tools")), (Some(&all), Some(&json!(true))));
    let out = encode(hello(json!({ "tools": strict, "strict_tools": false }))).unwrap();
    assert_eq!(out.get("strict_tools"), Some(&json!(false)));
    let custom = hello(json!({ "tools": [{ "type": "web_search" }] }));
    assert!(encode(custom).unwrap_err().contains("tools[0]"));
}

#[test]
fn schemas_and_effort() {
    let schema = json!({ "type": "object", "properties": {} });
    let format = |format: Value| {
        let out = encode(hello(json!({ "response_format": format }))).unwrap();
        out.get("response_format").cloned().unwrap_or_default()
    };
    let theirs = json!({ "type": "json_object", "json_schema": schema });
    let ours = json!({ "name": "n", "strict": true, "schema": schema });
    assert_eq!(format(json!({ "type": "json_schema", "json_schema": ours })), theirs);
    assert_eq!(format(theirs.clone()), theirs);
    assert_eq!(format(json!({ "type": "json_object" })), json!({ "type": "json_object" }));
    assert_eq!(format(json!({ "type": "text" })), Value::Null);
    let thinking = |request: Value| encode(hello(request)).unwrap().get("thinking").cloned();
    for (effort, theirs) in [
        ("none", json!({ "type": "disabled" })),
        ("minimal", json!({ "type": "enabled", "token_budget": 512 })),
        ("low", json!({ "type": "enabled", "token_budget": 1024 })),
        ("medium", json!({ "type": "enabled", "token_budget": 8192 })),
        ("high", json!({ "type": "enabled" })),
        ("xhigh", json!({ "type": "enabled" })),
    ] {
        assert_eq!(thinking(json!({ "reasoning_effort": effort })), Some(theirs));
    }
    let own = json!({ "type": "enabled", "token_budget": 5 });
    assert_eq!(thinking(json!({ "reasoning_effort": "none", "thinking": own })), Some(own));
}

#[test]
fn what_cannot_be_expressed_is_refused_by_name_or_dropped_on_request() {
    let tool = json!([{ "type": "function", "function": { "name": "f" } }]);
    for (name, value) in [
        ("logprobs", json!(true)),
        ("top_logprobs", json!(3)),
        ("logit_bias", json!({ "1": 2 })),
        ("n", json!(2)),
        ("store", json!(true)),
        ("modalities", json!(["text", "audio"])),
        ("functions", json!([{ "name": "f" }])),
        ("verbosity", json!("low")),
        ("web_search_options", json!({ "a": 1 })),
        ("parallel_tool_calls", json!(false)),
        ("tool_choice", json!("whatever")),
        ("frequency_penalty", json!(-0.5)),
        ("presence_penalty", json!(1.5)),
        ("reasoning_effort", json!("extreme")),
        ("response_format", json!({ "type": "grammar" })),
    ] {
        let request = hello(json!({ "tools": tool, name: value }));
        let error = encode(request.clone()).unwrap_err();
        assert!(error.contains(name), "{error}");
        let dropped = with(request, "m", true).unwrap();
        assert!(dropped.get(name).is_none_or(|value| *value == json!(1.0)), "{name}");
    }
    assert!(encode(hello(json!({ "top_p": 1.5 }))).unwrap_err().contains("top_p"));
}

#[test]
fn hostile_requests_are_answered_or_refused() {
    let sample = json!({
        "messages": [
            { "role": "system", "content": "s" },
            { "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "data:image/png;base64,A" } }] },
            { "role": "assistant", "content": "x", "reasoning_content": "h", "tool_calls": [call("1", "{\"a\":1}")] },
            { "role": "tool", "tool_call_id": "1", "content": "y" },
        ],
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": {} } }],
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "response_format": { "type": "json_object", "json_schema": {} },
        "temperature": 1, "top_p": 0.5, "stop": ["a"], "reasoning_effort": "low", "thinking": { "type": "enabled" },
    });
    assert!(encode(sample.clone()).is_ok());
    for request in spoilt(&sample) {
        for drop in [false, true] {
            let _ = with(request.clone(), "command-a-reasoning-08-2025", drop);
        }
    }
}
