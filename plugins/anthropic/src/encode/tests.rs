//! Tests of the translation of requests.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::body;
use crate::options::{Options, Platform};
use adapter_kit::testing::spoilt;
use serde_json::{Value, json};

pub fn with(request: Value, model: &str, options: Options) -> Result<Value, String> {
    body(&request.to_string(), model, false, &options).map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

pub fn encode(request: Value) -> Result<Value, String> {
    with(request, "claude-sonnet-4-5", Options::default())
}

fn chat(messages: Value) -> Value {
    let out = encode(json!({ "model": "m", "messages": messages })).unwrap();
    out.get("messages").unwrap().clone()
}

/// A request that says hello and more.
pub fn hello(more: Value) -> Value {
    let mut request = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hello" }] });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

#[test]
fn a_plain_request() {
    let request = hello(json!({
        "max_tokens": 10, "temperature": 0.5, "top_p": 0.9, "stop": "END", "user": "u1",
        "stream": true, "stream_options": { "include_usage": true }, "n": 1, "logprobs": false,
        "presence_penalty": 0, "store": false, "metadata": { "k": "v" }, "seed": null,
    }));
    let bytes = body(&request.to_string(), "claude-x", true, &Options::default()).unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&bytes).unwrap(),
        json!({
            "model": "claude-x",
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Hello" }] }],
            "max_tokens": 10, "temperature": 0.5, "top_p": 0.9, "stop_sequences": ["END"],
            "metadata": { "user_id": "u1" }, "stream": true,
        })
    );
}

#[test]
fn instructions_go_to_the_top_and_turns_alternate() {
    let out = encode(json!({ "messages": [
        { "role": "system", "content": "Be kind." },
        { "role": "user", "content": "One" },
        { "role": "user", "content": [{ "type": "text", "text": "Two" }, { "type": "text", "text": " " }] },
        { "role": "developer", "content": "Be brief." },
        { "role": "assistant", "content": "" },
        { "role": "user", "content": "Three" },
        { "role": "assistant", "content": "So: " },
    ]}))
    .unwrap();
    assert_eq!(out.get("system"), Some(&json!("Be kind.\n\nBe brief.")));
    assert_eq!(
        out.get("messages"),
        Some(&json!([
            { "role": "user", "content": [
                { "type": "text", "text": "One" },
                { "type": "text", "text": "Two" },
                { "type": "text", "text": "Three" },
            ]},
            { "role": "assistant", "content": [{ "type": "text", "text": "So:" }] },
        ]))
    );
}

#[test]
fn instructions_alone_become_a_turn() {
    let out = encode(json!({ "messages": [{ "role": "system", "content": "Say hi." }] })).unwrap();
    assert_eq!(out.get("system"), None);
    assert_eq!(out.pointer("/messages/0/role"), Some(&json!("user")));
    assert!(encode(json!({ "messages": [] })).is_err());
    assert!(encode(json!({})).is_err());
}

#[test]
fn tool_calls_and_results() {
    let call = |id: &str, name: &str, arguments: &str| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } });
    let messages = chat(json!([
        { "role": "user", "content": "Weather?" },
        { "role": "assistant", "content": null, "tool_calls": [
            call("call.1", "weather", "{\"city\":\"Paris\"}"), call("2", "time", ""),
        ]},
        { "role": "tool", "tool_call_id": "call.1", "content": "sunny" },
        { "role": "tool", "tool_call_id": "2", "content": [{ "type": "text", "text": "noon" }] },
        { "role": "user", "content": "Thanks" },
    ]));
    assert_eq!(
        messages,
        json!([
            { "role": "user", "content": [{ "type": "text", "text": "Weather?" }] },
            { "role": "assistant", "content": [
                { "type": "tool_use", "id": "call_1", "name": "weather", "input": { "city": "Paris" } },
                { "type": "tool_use", "id": "2", "name": "time", "input": {} },
            ]},
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "call_1", "content": [{ "type": "text", "text": "sunny" }] },
                { "type": "tool_result", "tool_use_id": "2", "content": [{ "type": "text", "text": "noon" }] },
                { "type": "text", "text": "Thanks" },
            ]},
        ])
    );
    let broken = json!({ "messages": [{ "role": "assistant", "tool_calls": [call("1", "f", "[1")] }] });
    assert!(encode(broken).unwrap_err().contains("messages[0]"));
}

#[test]
fn a_conversation_with_calls_declares_its_tools() {
    let out = encode(json!({ "messages": [
        { "role": "user", "content": "x" },
        { "role": "assistant", "tool_calls": [{ "id": "1", "function": { "name": "f", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": "1", "content": "" },
    ]}))
    .unwrap();
    assert_eq!(out.get("tools"), Some(&json!([{ "name": "f", "input_schema": { "type": "object" } }])));
    assert_eq!(out.get("tool_choice"), Some(&json!({ "type": "none" })));
    assert_eq!(
        out.pointer("/messages/2/content/0"),
        Some(&json!({ "type": "tool_result", "tool_use_id": "1" }))
    );
}

#[test]
fn tools_and_choices() {
    let tools = json!([
        { "type": "function", "function": {
            "name": "f", "description": "d", "strict": true,
            "parameters": { "type": "object", "properties": { "a": { "type": "string" } } } } },
        { "type": "function", "function": { "name": "g" }, "cache_control": { "type": "ephemeral" } },
        { "type": "web_search_20250305", "name": "web_search" },
    ]);
    let choice = |choice: Value, more: Value| {
        let mut request = hello(json!({ "tools": tools, "tool_choice": choice }));
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        encode(request).map(|out| out.get("tool_choice").unwrap().clone())
    };
    let out = encode(hello(json!({ "tools": tools }))).unwrap();
    assert_eq!(
        out.get("tools"),
        Some(&json!([
            { "name": "f", "description": "d", "strict": true,
              "input_schema": { "type": "object", "properties": { "a": { "type": "string" } } } },
            { "name": "g", "input_schema": { "properties": {}, "type": "object" },
              "cache_control": { "type": "ephemeral" } },
            { "type": "web_search_20250305", "name": "web_search" },
        ]))
    );
    assert_eq!(out.get("tool_choice"), None);
    assert_eq!(choice(json!("required"), json!({})), Ok(json!({ "type": "any" })));
    assert_eq!(choice(json!("none"), json!({ "parallel_tool_calls": false })), Ok(json!({ "type": "none" })));
    let one = json!({ "type": "function", "function": { "name": "f" } });
    assert_eq!(
        choice(one.clone(), json!({ "parallel_tool_calls": false })),
        Ok(json!({ "type": "tool", "name": "f", "disable_parallel_tool_use": true }))
    );
    let allowed = json!({ "type": "allowed_tools", "allowed_tools": { "mode": "required", "tools": [one] } });
    let out = encode(hello(json!({ "tools": tools, "tool_choice": allowed }))).unwrap();
    assert_eq!(out.get("tools").and_then(Value::as_array).map(Vec::len), Some(1));
    assert_eq!(out.get("tool_choice"), Some(&json!({ "type": "any" })));
    assert!(choice(json!("whatever"), json!({})).unwrap_err().contains("tool_choice"));
    let custom = hello(json!({ "tools": [{ "type": "custom", "custom": { "name": "c" } }] }));
    assert!(encode(custom).unwrap_err().contains("tools[0]"));
}

#[test]
fn images_and_files() {
    let part = |part: Value| {
        encode(json!({ "messages": [{ "role": "user", "content": [part] }] }))
            .map(|out| out.pointer("/messages/0/content/0").unwrap().clone())
    };
    assert_eq!(
        part(
            json!({ "type": "image_url", "image_url": { "url": "data:image/jpg;base64,AAAA", "detail": "low" } })
        ),
        Ok(
            json!({ "type": "image", "source": { "type": "base64", "media_type": "image/jpeg", "data": "AAAA" } })
        )
    );
    assert_eq!(
        part(json!({ "type": "image_url", "image_url": { "url": "https://a/b.png" } })),
        Ok(json!({ "type": "image", "source": { "type": "url", "url": "https://a/b.png" } }))
    );
    assert_eq!(
        part(
            json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,BB" } })
        ),
        Ok(json!({ "type": "document", "title": "a.pdf",
                   "source": { "type": "base64", "media_type": "application/pdf", "data": "BB" } }))
    );
    for bad in [
        json!({ "type": "image_url", "image_url": { "url": "data:image/tiff;base64,AA" } }),
        json!({ "type": "image_url", "image_url": { "url": "data:image/png,raw" } }),
        json!({ "type": "input_audio", "input_audio": { "data": "AA", "format": "wav" } }),
        json!({ "type": "file", "file": { "file_id": "file-1" } }),
    ] {
        assert!(part(bad).unwrap_err().contains("messages[0]"));
    }
}

#[test]
fn what_cannot_be_expressed_is_refused_by_name_or_dropped_on_request() {
    for (name, value) in [
        ("n", json!(2)),
        ("logprobs", json!(true)),
        ("frequency_penalty", json!(0.5)),
        ("logit_bias", json!({ "1": 2 })),
        ("seed", json!(0)),
        ("store", json!(true)),
        ("modalities", json!(["text", "audio"])),
        ("functions", json!([{ "name": "f" }])),
        ("response_format", json!({ "type": "json_object" })),
        ("stop", json!(["\n"])),
        ("temperature", json!(1.5)),
        ("reasoning_effort", json!("extreme")),
    ] {
        let request = hello(json!({ name: value }));
        let error = encode(request.clone()).unwrap_err();
        assert!(error.contains(name), "{error}");
        let dropped =
            with(request, "claude-sonnet-4-5", Options { drop_params: true, ..Options::default() }).unwrap();
        assert!(name == "temperature" || dropped.get(name).is_none(), "{name}");
    }
}

#[test]
fn unknown_fields_pass_through() {
    let out = encode(hello(json!({ "top_k": 5, "container": "c", "output_config": { "task": 1 } }))).unwrap();
    assert_eq!((out.get("top_k"), out.get("container")), (Some(&json!(5)), Some(&json!("c"))));
    assert_eq!(out.get("output_config"), Some(&json!({ "task": 1 })));
}

#[test]
fn schemas_become_output_config() {
    let format =
        json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "array" } } });
    let out = encode(hello(json!({ "response_format": format, "output_config": { "task": 1 } }))).unwrap();
    let expected = json!({ "task": 1, "format": { "type": "json_schema", "schema": { "type": "array" } } });
    assert_eq!(out.get("output_config"), Some(&expected));
    assert!(
        encode(hello(json!({ "response_format": { "type": "text" } })))
            .unwrap()
            .get("output_config")
            .is_none()
    );
}

#[test]
fn exact_words_take_the_place_of_the_canonical_ones() {
    let out = encode(hello(json!({
        "reasoning_effort": "high", "anthropic": { "output_config": { "effort": "high" } },
        "gemini": { "thinking_config": {} },
    })));
    let out = out.unwrap();
    assert_eq!(out.get("output_config"), Some(&json!({ "effort": "high" })));
    for name in ["thinking", "reasoning_effort", "anthropic", "gemini"] {
        assert_eq!(out.get(name), None, "{name}");
    }
}

#[test]
fn cache_marks_are_kept() {
    let mark = json!({ "type": "ephemeral" });
    let out = encode(json!({ "messages": [
        { "role": "system", "content": [{ "type": "text", "text": "S", "cache_control": mark }] },
        { "role": "user", "content": [{ "type": "text", "text": "U", "cache_control": mark }] },
    ]}))
    .unwrap();
    assert_eq!(out.pointer("/system/0/cache_control"), Some(&mark));
    assert_eq!(out.pointer("/messages/0/content/0/cache_control"), Some(&mark));
}

#[test]
fn vertex_reads_its_own_version_and_no_model() {
    let options = Options { platform: Platform::Vertex, ..Options::default() };
    let request = hello(json!({ "anthropic_version": "mine", "stream": true }));
    let bytes = body(&request.to_string(), "claude-opus-4-1@20250805", true, &options).unwrap();
    let out: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(out.get("anthropic_version"), Some(&json!("vertex-2023-10-16")));
    assert_eq!((out.get("model"), out.get("stream")), (None, Some(&json!(true))));
}

#[test]
fn hostile_requests_are_answered_or_refused() {
    let mark = json!({ "type": "ephemeral" });
    let sample = json!({
        "messages": [
            { "role": "system", "content": [{ "type": "text", "text": "s", "cache_control": mark }] },
            { "role": "user", "content": [{ "type": "file", "file": { "file_data": "data:application/pdf;base64,A" } }] },
            { "role": "assistant", "content": "x", "thinking_blocks": [{ "type": "thinking" }],
              "reasoning_details": [{ "type": "reasoning.text", "text": "h", "signature": "s",
                                      "format": "anthropic-claude-v1" }],
              "tool_calls": [{ "id": "1", "function": { "name": "f", "arguments": "{\"a\":1}" } }] },
            { "role": "tool", "tool_call_id": "1", "content": "y", "cache_control": mark },
        ],
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": {} }, "cache_control": mark }],
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "response_format": { "type": "json_schema", "json_schema": { "schema": {} } }, "output_config": {},
        "anthropic": { "thinking": { "type": "adaptive" } }, "temperature": 1, "stop": ["a"],
    });
    assert!(encode(sample.clone()).is_ok());
    for request in spoilt(&sample) {
        for drop_params in [false, true] {
            let _ = with(request.clone(), "claude-opus-4-6", Options { drop_params, ..Options::default() });
        }
    }
}
