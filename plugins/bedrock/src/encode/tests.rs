//! Tests of the translation of requests.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::body;
use crate::options::{Options, Thinking};
use adapter_kit::testing::spoilt;
use serde_json::{Value, json};

mod conversations;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OLD: &str = "anthropic.claude-3-7-sonnet-20250219-v1:0";
const OPUS: &str = "global.anthropic.claude-opus-4-7";
const NOVA: &str = "us.amazon.nova-2-lite-v1:0";
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";

fn with(request: &Value, model: &str, options: &Options) -> Result<Value, String> {
    body(&request.to_string(), model, options).map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

fn of(model: &str, request: Value) -> Result<Value, String> {
    with(&request, model, &Options::default())
}

fn dropping(model: &str, request: &Value) -> Value {
    with(request, model, &Options { drop_params: true, ..Options::default() }).unwrap()
}

fn encode(request: Value) -> Result<Value, String> {
    of(SONNET, request)
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

fn function(name: &str, more: Value) -> Value {
    let mut function = json!({ "name": name });
    function.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "type": "function", "function": function })
}

#[test]
fn a_plain_request() {
    let out = encode(hello(json!({
        "max_completion_tokens": 10, "temperature": 0.5, "top_p": 0.9, "stop": "END", "n": 1, "user": "u",
        "stream": true, "stream_options": { "include_usage": true }, "store": false, "metadata": { "k": "v" },
        "logit_bias": {}, "top_k": 5, "own": [1], "additionalModelRequestFields": { "a": 1 },
        "guardrailConfig": { "guardrailIdentifier": "g", "guardrailVersion": "1" },
        "performanceConfig": { "latency": "optimized" }, "requestMetadata": { "team": "t" },
        "additionalModelResponseFieldPaths": ["/x"], "inferenceConfig": { "maxTokens": 3, "x": 1 },
    })));
    assert_eq!(
        out.unwrap(),
        json!({
            "messages": [{ "role": "user", "content": [{ "text": "Hello" }] }],
            "inferenceConfig": { "maxTokens": 10, "x": 1, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"] },
            "guardrailConfig": { "guardrailIdentifier": "g", "guardrailVersion": "1" },
            "performanceConfig": { "latency": "optimized" }, "requestMetadata": { "team": "t" },
            "additionalModelResponseFieldPaths": ["/x"],
            "additionalModelRequestFields": { "a": 1, "top_k": 5, "own": [1] },
        })
    );
    let nova = of(NOVA, hello(json!({ "top_k": 5 }))).unwrap();
    assert_eq!(nova.get("additionalModelRequestFields"), Some(&json!({ "inferenceConfig": { "topK": 5 } })));
    let plain = encode(hello(json!({}))).unwrap();
    assert_eq!(plain.as_object().unwrap().len(), 1);
}

#[test]
fn tools_and_choices() {
    let tools = json!([
        function("f", json!({ "description": "", "parameters": { "properties": { "a": {} } } })),
        function("g", json!({ "description": "d", "strict": true })),
    ]);
    let f = json!({ "toolSpec": { "name": "f", "inputSchema": { "json": { "properties": { "a": {} }, "type": "object" } } } });
    let g = json!({ "toolSpec": { "name": "g", "description": "d", "strict": true,
                    "inputSchema": { "json": { "properties": {}, "type": "object" } } } });
    let chosen = |choice: Value| {
        encode(hello(json!({ "tools": tools, "tool_choice": choice }))).unwrap().get("toolConfig").cloned()
    };
    let named = json!({ "type": "function", "function": { "name": "g" } });
    let allowed =
        |mode: &str| json!({ "type": "allowed_tools", "allowed_tools": { "mode": mode, "tools": [named] } });
    assert_eq!(chosen(json!("auto")), Some(json!({ "tools": [f, g] })));
    assert_eq!(chosen(json!("required")), Some(json!({ "tools": [f, g], "toolChoice": { "any": {} } })));
    assert_eq!(
        chosen(named.clone()),
        Some(json!({ "tools": [f, g], "toolChoice": { "tool": { "name": "g" } } }))
    );
    assert_eq!(chosen(json!("none")), None);
    assert_eq!(chosen(allowed("auto")), Some(json!({ "tools": [g] })));
    assert_eq!(chosen(allowed("required")), Some(json!({ "tools": [g], "toolChoice": { "any": {} } })));
    let own = json!([{ "systemTool": { "name": "nova_grounding" } }]);
    let out = of(NOVA, hello(json!({ "tools": own }))).unwrap();
    assert_eq!(out.pointer("/toolConfig/tools"), Some(&own));
    assert!(encode(hello(json!({ "tools": [{ "type": "web_search" }] }))).unwrap_err().contains("tools[0]"));
    let strict = hello(json!({ "tools": [function("g", json!({ "strict": true }))] }));
    assert!(of(OLD, strict.clone()).unwrap_err().contains("strict"));
    assert!(dropping(OLD, &strict).pointer("/toolConfig/tools/0/toolSpec/strict").is_none());
}

#[test]
fn one_call_at_a_time() {
    let request = |choice: Value| {
        hello(
            json!({ "tools": [function("f", json!({}))], "tool_choice": choice, "parallel_tool_calls": false }),
        )
    };
    let out = encode(request(json!("auto"))).unwrap();
    let own = json!({ "tool_choice": { "type": "auto", "disable_parallel_tool_use": true } });
    assert_eq!(out.get("additionalModelRequestFields"), Some(&own));
    assert!(out.pointer("/toolConfig/toolChoice").is_none());
    for (model, choice) in [(SONNET, "required"), (OLD, "auto"), (NOVA, "auto")] {
        let error = of(model, request(json!(choice))).unwrap_err();
        assert!(error.contains("parallel_tool_calls"), "{error}");
        assert!(dropping(model, &request(json!(choice))).get("additionalModelRequestFields").is_none());
    }
    assert!(encode(hello(json!({ "parallel_tool_calls": false }))).is_ok());
}

#[test]
fn tools_that_were_used_are_declared() {
    let request = |more: Value| {
        let mut request = json!({ "messages": [
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "tool_calls": [call("1", "{}"), call("2", "")] },
            { "role": "tool", "tool_call_id": "1", "content": "a" },
            { "role": "tool", "tool_call_id": "2", "content": "b" },
        ] });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let out = encode(request(json!({}))).unwrap();
    let mention = json!({ "tools": [{ "toolSpec": { "name": "f", "inputSchema": { "json": { "type": "object" } } } }] });
    assert_eq!(out.get("toolConfig"), Some(&mention));
    let none = request(json!({ "tools": [function("g", json!({}))], "tool_choice": "none" }));
    assert!(encode(none.clone()).unwrap_err().contains("`tool_choice` `none` after calls"));
    assert_eq!(dropping(SONNET, &none).pointer("/toolConfig/tools/0/toolSpec/name"), Some(&json!("g")));
}

#[test]
fn schemas_of_answers() {
    let schema = json!({ "type": "object", "additionalProperties": false });
    let format = |kind: &str| {
        let whole = json!({ "name": "n", "description": "d", "strict": true, "schema": schema });
        hello(
            json!({ "response_format": { "type": kind, "json_schema": whole }, "outputConfig": { "effort": "low" } }),
        )
    };
    let out = encode(format("json_schema")).unwrap();
    let expected = json!({ "effort": "low", "textFormat": { "type": "json_schema", "structure": { "jsonSchema": {
        "schema": schema.to_string(), "name": "n", "description": "d" } } } });
    assert_eq!(out.get("outputConfig"), Some(&expected));
    assert!(encode(format("text")).unwrap().pointer("/outputConfig/textFormat").is_none());
    for (model, kind) in [(OLD, "json_schema"), (SONNET, "json_object")] {
        assert!(of(model, format(kind)).unwrap_err().contains("`response_format` of type"));
        assert!(dropping(model, &format(kind)).pointer("/outputConfig/textFormat").is_none());
    }
}

/// The model's own fields, and the limit.
fn thought(model: &str, thinking: Thinking, more: Value) -> (Value, Option<u64>) {
    let out = with(&hello(more), model, &Options { thinking, ..Options::default() }).unwrap();
    let own = out.get("additionalModelRequestFields").cloned().unwrap_or_default();
    (own, out.pointer("/inferenceConfig/maxTokens").and_then(Value::as_u64))
}

#[test]
fn effort_is_said_in_the_words_of_the_models_maker() {
    let effort = |word: &str| json!({ "reasoning_effort": word });
    let own = |model: &str, word: &str| thought(model, Thinking::Auto, effort(word)).0;
    let budget = |tokens: u64| json!({ "thinking": { "type": "enabled", "budget_tokens": tokens } });
    let adaptive = |thinking: Value, effort: &str| json!({ "thinking": thinking, "output_config": { "effort": effort } });
    let shown = json!({ "type": "adaptive", "display": "summarized" });
    assert_eq!(own(OPUS, "xhigh"), adaptive(shown, "xhigh"));
    let opus = "anthropic.claude-opus-4-6-v1";
    assert_eq!(own(opus, "xhigh"), adaptive(json!({ "type": "adaptive" }), "max"));
    assert_eq!(
        thought(SONNET, Thinking::Adaptive, effort("minimal")).0,
        adaptive(json!({ "type": "adaptive" }), "low")
    );
    assert_eq!(thought(SONNET, Thinking::Auto, effort("low")), (budget(2048), Some(4096 + 2048)));
    assert_eq!(thought(OPUS, Thinking::Budget, effort("medium")).0, budget(8192));
    let limited = json!({ "reasoning_effort": "high", "max_tokens": 2000, "temperature": 1 });
    assert_eq!(thought(OLD, Thinking::Auto, limited), (budget(1500), Some(2000)));
    let short = json!({ "reasoning_effort": "high", "max_tokens": 1000 });
    assert_eq!(thought(OLD, Thinking::Auto, short), (Value::Null, Some(1000)));
    assert_eq!(own("anthropic.claude-3-haiku-20240307-v1:0", "high"), Value::Null);
    assert_eq!(own(SONNET, "none"), Value::Null);
    assert_eq!(own("openai.gpt-oss-120b-1:0", "minimal"), effort("low"));
    assert_eq!(own("us.openai.gpt-5.6-sol", "max"), json!({ "reasoning": { "effort": "max" } }));
    assert_eq!(own("us.openai.gpt-5.6-sol", "minimal"), json!({ "reasoning": { "effort": "low" } }));
    assert_eq!(
        own(NOVA, "medium"),
        json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "medium" } })
    );
    assert_eq!(own(NOVA, "none"), json!({ "reasoningConfig": { "type": "disabled" } }));
    assert_eq!(own(LLAMA, "none"), Value::Null);
}

#[test]
fn thinking_is_left_off_where_claude_would_refuse() {
    let forced =
        json!({ "reasoning_effort": "high", "tools": [function("f", json!({}))], "tool_choice": "required" });
    assert_eq!(thought(OPUS, Thinking::Auto, forced).0, Value::Null);
    let own = |model: &str, details: Value, more: Value| {
        let mut request = json!({ "reasoning_effort": "low", "messages": [
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "tool_calls": [call("1", "{}")], "reasoning_details": details },
            { "role": "tool", "tool_call_id": "1", "content": "a" },
        ] });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        of(model, request).unwrap().get("additionalModelRequestFields").cloned().unwrap_or_default()
    };
    let details = json!([{ "type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1" }]);
    assert_eq!(own(SONNET, json!([]), json!({})), Value::Null);
    assert!(own(SONNET, details, json!({})).get("thinking").is_some());
    assert!(own(OPUS, json!([]), json!({})).get("thinking").is_some());
    let exact = json!({ "anthropic": { "thinking": { "type": "enabled", "budget_tokens": 5000 } } });
    assert_eq!(own(SONNET, json!([]), exact), Value::Null);
}

#[test]
fn a_client_of_anthropics_api_has_its_own_words() {
    let exact = json!({ "reasoning_effort": "high", "anthropic": {
        "thinking": { "type": "enabled", "budget_tokens": 5000 }, "output_config": { "effort": "medium" } } });
    let expected = json!({ "thinking": { "type": "enabled", "budget_tokens": 5000 }, "output_config": { "effort": "medium" } });
    assert_eq!(thought(SONNET, Thinking::Auto, exact.clone()), (expected, None));
    let other = json!({ "reasoningConfig": { "type": "enabled", "maxReasoningEffort": "high" } });
    assert_eq!(thought(NOVA, Thinking::Auto, exact).0, other);
}

#[test]
fn what_cannot_be_expressed_is_refused_by_name_or_dropped_on_request() {
    let tools = json!([function("f", json!({}))]);
    for (model, name, value) in [
        (SONNET, "logprobs", json!(true)),
        (SONNET, "top_logprobs", json!(3)),
        (SONNET, "logit_bias", json!({ "1": 2 })),
        (SONNET, "seed", json!(7)),
        (SONNET, "n", json!(2)),
        (SONNET, "presence_penalty", json!(0.5)),
        (SONNET, "frequency_penalty", json!(0.5)),
        (SONNET, "store", json!(true)),
        (SONNET, "modalities", json!(["text", "audio"])),
        (SONNET, "prediction", json!({ "type": "content" })),
        (SONNET, "functions", json!([{ "name": "f" }])),
        (SONNET, "verbosity", json!("low")),
        (SONNET, "web_search_options", json!({ "a": 1 })),
        (SONNET, "tool_choice", json!("whatever")),
        (SONNET, "temperature", json!(1.8)),
        (SONNET, "stop", json!([""])),
        (SONNET, "reasoning_effort", json!("extreme")),
        (SONNET, "response_format", json!({ "type": "grammar" })),
        (LLAMA, "reasoning_effort", json!("low")),
        ("amazon.nova-pro-v1:0", "reasoning_effort", json!("low")),
        ("openai.gpt-oss-20b-1:0", "reasoning_effort", json!("none")),
    ] {
        let request = hello(json!({ "tools": tools, name: value }));
        let error = of(model, request.clone()).unwrap_err();
        assert!(error.contains(&format!("the Bedrock Converse API cannot express `{name}`")), "{error}");
        let text = dropping(model, &request).to_string();
        assert!(!text.contains(&format!("\"{name}\"")) || text.contains("\"temperature\":1.0"), "{text}");
    }
    for (name, value) in [("temperature", json!(0.2)), ("top_k", json!(4))] {
        let request = hello(json!({ "reasoning_effort": "high", name: value }));
        let error = of(SONNET, request.clone()).unwrap_err();
        assert!(error.contains(&format!("`{name}` together with")), "{error}");
        assert!(!dropping(SONNET, &request).to_string().contains(name));
    }
}

#[test]
fn hostile_requests_are_answered_or_refused() {
    let sample = json!({
        "messages": [
            { "role": "system", "content": [{ "type": "text", "text": "s", "cache_control": { "type": "ephemeral" } }] },
            { "role": "user", "content": [
                { "type": "file", "file": { "file_data": "data:application/pdf;base64,A", "filename": "a.pdf" } },
                { "type": "image_url", "image_url": { "url": "s3://b/c.png" } } ] },
            { "role": "assistant", "content": "x", "tool_calls": [call("1", "{\"a\":1}")], "reasoning_details": [
                { "type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1" } ] },
            { "role": "tool", "tool_call_id": "1", "content": "y", "status": "error" },
        ],
        "tools": [{ "type": "function", "cache_control": { "ttl": "1h" }, "function": { "name": "f", "parameters": {} } }],
        "tool_choice": { "type": "function", "function": { "name": "f" } }, "parallel_tool_calls": true,
        "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": {} } },
        "temperature": 1, "stop": ["a"], "reasoning_effort": "low", "max_tokens": 5000, "top_p": 1,
        "inferenceConfig": {}, "outputConfig": {}, "additionalModelRequestFields": { "output_config": {} },
        "anthropic": { "thinking": { "type": "enabled" } },
    });
    assert!(encode(sample.clone()).is_ok());
    for request in spoilt(&sample) {
        for drop_params in [false, true] {
            for model in [SONNET, OPUS, NOVA] {
                let _ = with(&request, model, &Options { drop_params, ..Options::default() });
            }
        }
    }
}
