//! Tests of the translation of requests.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::body;
use crate::options::Options;
use adapter_kit::testing::spoilt;
use serde_json::{Value, json};

fn with(request: Value, model: &str, drop_params: bool) -> Result<Value, String> {
    let options = Options { drop_params, ..Options::default() };
    body(&request.to_string(), model, &options).map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

fn encode(request: Value) -> Result<Value, String> {
    with(request, "gemini-2.5-flash", false)
}

/// A request that says hello and more.
fn hello(more: Value) -> Value {
    let mut request = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hello" }] });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

#[test]
fn a_plain_request() {
    let out = encode(hello(json!({
        "max_tokens": 10, "temperature": 0.5, "top_p": 0.9, "top_k": 5, "stop": "END", "seed": 7, "n": 2,
        "presence_penalty": 0.1, "frequency_penalty": 0.2, "user": "u", "stream": true, "store": false,
        "metadata": { "k": "v" }, "logprobs": false, "safety_settings": [1],
        "generationConfig": { "mediaResolution": "LOW" },
    })));
    let expected = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "Hello" }] }],
        "generationConfig": { "mediaResolution": "LOW", "maxOutputTokens": 10, "temperature": 0.5, "topP": 0.9,
            "topK": 5, "seed": 7, "presencePenalty": 0.1, "frequencyPenalty": 0.2, "candidateCount": 2,
            "stopSequences": ["END"] },
        "safety_settings": [1],
    });
    assert_eq!(out, Ok(expected));
}

#[test]
fn a_conversation_with_calls() {
    let out = with(
        json!({ "messages": [
            { "role": "system", "content": "Be kind." },
            { "role": "user", "content": "Weather?" },
            { "role": "developer", "content": [{ "type": "text", "text": "Be brief." }] },
            { "role": "user", "content": "And time?" },
            { "role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [
                call("a.sig.QQ", "weather", "{\"city\":\"Paris\"}"), call("b", "time", "") ] },
            { "role": "tool", "tool_call_id": "a.sig.QQ", "content": "{\"sky\":\"blue\"}" },
            { "role": "tool", "tool_call_id": "b", "content": "noon" },
            { "role": "user", "content": "Thanks" },
            { "role": "assistant", "content": "So:" },
        ]}),
        "gemini-3-pro-preview",
        false,
    );
    let expected = json!({
        "systemInstruction": { "parts": [{ "text": "Be kind." }, { "text": "Be brief." }] },
        "contents": [
            { "role": "user", "parts": [{ "text": "Weather?" }, { "text": "And time?" }] },
            { "role": "model", "parts": [
                { "functionCall": { "id": "a", "name": "weather", "args": { "city": "Paris" } },
                  "thoughtSignature": "QQ==" },
                { "functionCall": { "id": "b", "name": "time", "args": {} } } ] },
            { "role": "user", "parts": [
                { "functionResponse": { "id": "a", "name": "weather", "response": { "sky": "blue" } } },
                { "functionResponse": { "id": "b", "name": "time", "response": { "output": "noon" } } } ] },
            { "role": "user", "parts": [{ "text": "Thanks" }] },
            { "role": "model", "parts": [{ "text": "So:" }] },
        ],
    });
    assert_eq!(out, Ok(expected));
}

#[test]
fn a_call_without_its_signature_says_so_where_one_is_wanted() {
    let mut own = call("1", "f", "{}");
    let request = |call: &Value| json!({ "messages": [{ "role": "assistant", "tool_calls": [call] }] });
    let signature = |request, model| {
        let out = with(request, model, false).unwrap();
        out.pointer("/contents/0/parts/0/thoughtSignature").cloned()
    };
    assert_eq!(signature(request(&own), "gemini-2.5-pro"), None);
    let unsigned = Some(json!("skip_thought_signature_validator"));
    assert_eq!(signature(request(&own), "gemini-3.1-pro"), unsigned);
    let beside = json!({ "google": { "thought_signature": "SS==" } });
    own.as_object_mut().unwrap().insert("extra_content".into(), beside);
    assert_eq!(signature(request(&own), "gemini-3.1-pro"), Some(json!("SS==")));
}

#[test]
fn instructions_alone_become_a_turn() {
    let out = encode(json!({ "messages": [{ "role": "system", "content": "Say hi." }] })).unwrap();
    assert_eq!(out, json!({ "contents": [{ "role": "user", "parts": [{ "text": "Say hi." }] }] }));
    assert!(encode(json!({ "messages": [] })).is_err());
    assert!(encode(json!({})).unwrap_err().contains("messages"));
}

#[test]
fn media() {
    let part = |part: Value| {
        encode(json!({ "messages": [{ "role": "user", "content": [part] }] }))
            .map(|out| out.pointer("/contents/0/parts/0").unwrap().clone())
    };
    let image = |url: &str| part(json!({ "type": "image_url", "image_url": { "url": url } }));
    let file = |file: Value| part(json!({ "type": "file", "file": file }));
    let inline = |media: &str| Ok(json!({ "inlineData": { "mimeType": media, "data": "AA" } }));
    assert_eq!(image("data:image/jpg;base64,AA"), inline("image/jpeg"));
    assert_eq!(
        image("https://a/b.PNG?x=1"),
        Ok(json!({ "fileData": { "mimeType": "image/png", "fileUri": "https://a/b.PNG?x=1" } }))
    );
    assert_eq!(image("https://a/b"), Ok(json!({ "fileData": { "fileUri": "https://a/b" } })));
    assert_eq!(file(json!({ "file_data": "data:application/pdf;base64,AA" })), inline("application/pdf"));
    assert_eq!(
        file(json!({ "file_id": "gs://b/a.pdf" })),
        Ok(json!({ "fileData": { "mimeType": "application/pdf", "fileUri": "gs://b/a.pdf" } }))
    );
    assert_eq!(
        part(json!({ "type": "input_audio", "input_audio": { "data": "AA", "format": "wav" } })),
        inline("audio/wav")
    );
    assert!(file(json!({ "file_id": "file-1" })).unwrap_err().contains("`messages[0]`"));
    assert!(image("data:text/html;base64,AA").unwrap_err().contains("text/html"));
    assert!(part(json!({ "type": "invented" })).unwrap_err().contains("invented"));
}

#[test]
fn results_may_hold_pictures_and_must_answer_a_call() {
    let picture = |url: &str| json!({ "type": "image_url", "image_url": { "url": url } });
    let request = |id: &str, url: &str| {
        encode(json!({ "messages": [
            { "role": "assistant", "tool_calls": [call("1", "f", "{}")] },
            { "role": "tool", "tool_call_id": id, "content": [{ "type": "text", "text": "ok" }, picture(url)] },
        ]}))
    };
    let out = request("1", "data:image/png;base64,AA").unwrap();
    let expected = json!({ "id": "1", "name": "f", "response": { "output": "ok" },
                           "parts": [{ "inlineData": { "mimeType": "image/png", "data": "AA" } }] });
    assert_eq!(out.pointer("/contents/1/parts/0/functionResponse"), Some(&expected));
    assert!(request("1", "https://a/b.png").unwrap_err().contains("`messages[1]`"));
    assert!(request("2", "data:image/png;base64,AA").unwrap_err().contains("tool_call_id"));
}

#[test]
fn tools_and_choices() {
    let function = |name: &str, strict: bool| {
        json!({ "type": "function", "function": { "name": name, "description": "d", "strict": strict,
                "parameters": { "type": "object", "additionalProperties": false } } })
    };
    let tools = json!([function("f", false), function("g", false), { "google_search": {} }]);
    let chosen = |choice: Value| {
        encode(hello(json!({ "tools": tools, "tool_choice": choice })))
            .map(|out| out.pointer("/toolConfig/functionCallingConfig").cloned().unwrap_or_default())
    };
    let out = encode(hello(json!({ "tools": tools }))).unwrap();
    let schema = json!({ "type": "object", "additionalProperties": false });
    let declared = |name: &str| json!({ "name": name, "description": "d", "parametersJsonSchema": schema });
    assert_eq!(
        out.get("tools"),
        Some(&json!([{ "functionDeclarations": [declared("f"), declared("g")] }, { "google_search": {} }]))
    );
    assert_eq!(out.get("toolConfig"), None);
    assert_eq!(chosen(json!("auto")), Ok(json!(null)));
    assert_eq!(chosen(json!("none")), Ok(json!({ "mode": "NONE" })));
    assert_eq!(chosen(json!("required")), Ok(json!({ "mode": "ANY" })));
    let one = json!({ "type": "function", "function": { "name": "f" } });
    assert_eq!(chosen(one.clone()), Ok(json!({ "mode": "ANY", "allowedFunctionNames": ["f"] })));
    let allowed = json!({ "type": "allowed_tools", "allowed_tools": { "mode": "required", "tools": [one] } });
    let out = encode(hello(json!({ "tools": tools, "tool_choice": allowed }))).unwrap();
    assert_eq!(out.pointer("/tools"), Some(&json!([{ "functionDeclarations": [declared("f")] }])));
    assert!(chosen(json!({ "type": "custom" })).unwrap_err().contains("tool_choice"));
    let strict = encode(hello(json!({ "tools": [function("f", true)] }))).unwrap();
    assert_eq!(strict.pointer("/toolConfig/functionCallingConfig/mode"), Some(&json!("VALIDATED")));
    let custom = hello(json!({ "tools": [{ "type": "custom", "custom": { "name": "c" } }] }));
    assert!(encode(custom).unwrap_err().contains("tools[0]"));
}

#[test]
fn formats() {
    let mime = json!("application/json");
    let out = encode(hello(json!({ "response_format": { "type": "json_object" } }))).unwrap();
    assert_eq!(out.pointer("/generationConfig/responseMimeType"), Some(&mime));
    let format =
        json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "array" } } });
    let out = encode(hello(json!({ "response_format": format }))).unwrap();
    let expected = json!({ "responseMimeType": mime, "responseJsonSchema": { "type": "array" } });
    assert_eq!(out.get("generationConfig"), Some(&expected));
}

#[test]
fn effort_is_a_budget_or_a_level_by_the_models_generation() {
    let think = |model: &str, effort: &str| {
        with(hello(json!({ "reasoning_effort": effort })), model, false)
            .map(|out| out.pointer("/generationConfig/thinkingConfig").cloned().unwrap_or_default())
    };
    let budget = |n: u64| Ok(json!({ "thinkingBudget": n, "includeThoughts": n > 0 }));
    let level = |level: &str| Ok(json!({ "thinkingLevel": level, "includeThoughts": true }));
    assert_eq!(think("gemini-2.5-flash", "medium"), budget(8192));
    assert_eq!(think("gemini-2.5-flash", "none"), budget(0));
    assert_eq!(think("gemini-2.0-flash", "high"), Ok(json!(null)));
    assert_eq!(think("gemini-3-pro-preview", "medium"), level("high"));
    assert_eq!(think("gemini-3.1-pro-preview", "medium"), level("medium"));
    assert_eq!(think("gemini-3-flash", "minimal"), level("minimal"));
    assert_eq!(think("gemini-3-pro-preview", "minimal"), level("low"));
    assert!(think("gemini-3-flash", "none").unwrap_err().contains("reasoning_effort"));
    let own = hello(json!({ "reasoning_effort": "low", "thinking_config": { "thinkingBudget": 7 } }));
    let out = encode(own).unwrap();
    assert_eq!(out.get("generationConfig"), Some(&json!({ "thinkingConfig": { "thinkingBudget": 7 } })));
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
        ("audio", json!({ "voice": "v" })),
        ("functions", json!([{ "name": "f" }])),
        ("prediction", json!({ "type": "content", "content": "x" })),
        ("verbosity", json!("low")),
        ("web_search_options", json!({ "a": 1 })),
        ("parallel_tool_calls", json!(false)),
        ("tool_choice", json!("whatever")),
        ("temperature", json!(2.5)),
        ("reasoning_effort", json!("extreme")),
        ("response_format", json!({ "type": "grammar" })),
    ] {
        let request = hello(json!({ "tools": tool, name: value }));
        let error = encode(request.clone()).unwrap_err();
        assert!(error.contains(name), "{error}");
        let dropped = with(request, "gemini-2.5-flash", true).unwrap();
        assert!(dropped.get(name).is_none(), "{name}");
    }
}

#[test]
fn hostile_requests_are_answered_or_refused() {
    let sample = json!({
        "messages": [
            { "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "data:image/png;base64,A" } }] },
            { "role": "assistant", "content": "x", "tool_calls": [call("1.sig.A", "f", "{\"a\":1}")] },
            { "role": "tool", "tool_call_id": "1.sig.A", "content": "y" },
        ],
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": {} } }],
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "response_format": { "type": "json_schema", "json_schema": { "schema": {} } },
        "temperature": 1, "stop": ["a"], "reasoning_effort": "low", "generationConfig": {},
    });
    assert!(encode(sample.clone()).is_ok());
    for request in spoilt(&sample) {
        for drop in [false, true] {
            let _ = with(request.clone(), "gemini-3-pro", drop);
        }
    }
}
