//! What applications do with the Responses API.

use super::{PIXEL, Row};
use crate::support::with;
use lockgate_client::Answer;
use lockgate_upstream::Reply;
use serde_json::{Value, json};

/// Reasoning of an earlier turn, as the gateway seals what Anthropic signed.
const SEALED: &str =
    "lockgate.1:eyJmb3JtYXQiOiJhbnRocm9waWMtY2xhdWRlLXYxIiwidGV4dCI6ImhtIiwic2lnbmF0dXJlIjoic2lnIn0=";

/// The text of the items of a response.
fn text(response: &Value) -> String {
    let items = response["output"].as_array().into_iter().flatten();
    let parts = items.filter_map(|item| item["content"].as_array()).flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

/// The last event of a stream that is complete, and what its deltas of a kind say.
fn streamed(answer: &Answer, delta: &str) -> (Value, String) {
    let events = answer.events();
    let last = events.last().cloned().unwrap_or_default();
    assert_eq!(last["type"], "response.completed", "{}", answer.body);
    assert!(answer.body.contains("event: response.completed\n") && !answer.is_done(), "{}", answer.body);
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let deltas = events.iter().filter(|event| event["type"] == delta);
    (last["response"].clone(), deltas.filter_map(|event| event["delta"].as_str()).collect())
}

/// The call of a response. Some models say what they plan before it.
fn call(response: &Value) -> Value {
    let items = response["output"].as_array().unwrap();
    items.iter().find(|item| item["type"] == "function_call").unwrap().clone()
}

pub(super) fn rows() -> Vec<Row> {
    let row = |name, request, reply, check| Row { name, path: "/v1/responses", request, reply, check };
    let hello = || json!({ "model": "gpt-test", "input": "Say hello." });
    let streaming = || with(hello(), "stream", json!(true));
    let weather = json!([{ "type": "function", "name": "weather", "description": "The weather of a place.",
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] },
        "strict": null,
    }]);
    let conversation = json!({
        "model": "gpt-test", "instructions": "Be brief.", "tools": weather, "store": false, "metadata": { "a": "b" },
        "include": ["reasoning.encrypted_content"],
        "input": [
            { "role": "user", "content": "How is the weather in Bern and in Basel?" },
            { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "hm" }],
              "encrypted_content": SEALED },
            { "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
                { "type": "output_text", "text": "Let me see.", "annotations": [] } ] },
            { "type": "function_call", "id": "fc_1", "call_id": "call_a", "name": "weather", "arguments": "{\"city\":\"Bern\"}" },
            { "type": "function_call", "id": "fc_2", "call_id": "call_b", "name": "weather", "arguments": "{\"city\":\"Basel\"}" },
            { "type": "function_call_output", "call_id": "call_a", "output": "Rain." },
            { "type": "function_call_output", "call_id": "call_b", "output": [{ "type": "input_text", "text": "Sun." }] },
            { "role": "user", "content": [{ "type": "input_text", "text": "And tomorrow?" }] },
        ],
    });
    let image = with(
        hello(),
        "input",
        json!([{ "role": "user", "content": [
            { "type": "input_text", "text": "Which colour?" },
            { "type": "input_image", "image_url": PIXEL, "detail": "auto" },
        ] }]),
    );
    let mut parameters = with(hello(), "tools", weather.clone());
    for (name, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("max_output_tokens", json!(50)),
        ("tool_choice", json!({ "type": "function", "name": "weather" })),
        ("parallel_tool_calls", json!(true)),
        ("text", json!({ "format": { "type": "text" }, "verbosity": "medium" })),
        ("metadata", json!({ "a": "b" })),
        ("safety_identifier", json!("u1")),
        ("store", json!(true)),
        ("truncation", json!("disabled")),
    ] {
        parameters[name] = value;
    }
    let schema = json!({ "format": { "type": "json_schema", "name": "place", "strict": true, "schema": {
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
        "additionalProperties": false,
    } } });
    vec![
        row("text", hello(), Reply::text("Hello there."), |answer| {
            let response = answer.json();
            assert_eq!(
                (text(&response).as_str(), &response["status"]),
                ("Hello there.", &json!("completed"))
            );
            assert_eq!(response["usage"]["total_tokens"], 4);
            assert_eq!((&response["error"], &response["store"]), (&Value::Null, &json!(false)));
        }),
        row("text, streamed", streaming(), Reply::text("Hello there."), |answer| {
            let (response, deltas) = streamed(answer, "response.output_text.delta");
            assert_eq!((text(&response).as_str(), deltas.as_str()), ("Hello there.", "Hello there."));
            assert_eq!(response["usage"]["total_tokens"], 4, "{}", answer.body);
        }),
        row("a conversation with tools", conversation, Reply::text("Snow."), |answer| {
            assert_eq!(text(&answer.json()), "Snow.");
        }),
        row(
            "a call of a tool",
            with(hello(), "tools", weather.clone()),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let call = call(&answer.json());
                assert_eq!(call["name"], "weather");
                assert_eq!(call["arguments"], r#"{"city":"Bern"}"#);
            },
        ),
        row(
            "a call of a tool, streamed",
            with(streaming(), "tools", weather),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let (response, deltas) = streamed(answer, "response.function_call_arguments.delta");
                assert_eq!(deltas, r#"{"city":"Bern"}"#);
                assert_eq!(call(&response)["arguments"], r#"{"city":"Bern"}"#);
            },
        ),
        row("an image", image, Reply::text("Red."), |answer| assert_eq!(text(&answer.json()), "Red.")),
        row("parameters", parameters, Reply::text("Red."), |answer| assert_eq!(text(&answer.json()), "Red.")),
        row(
            "an answer of a schema",
            with(hello(), "text", schema),
            Reply::text(r#"{"city":"Bern"}"#),
            |answer| {
                assert_eq!(text(&answer.json()), r#"{"city":"Bern"}"#);
            },
        ),
        row("an error", hello(), Reply::error(429, "Slow down."), |answer| {
            assert_eq!((answer.status.as_u16(), answer.error("message").as_str()), (429, "Slow down."));
            assert_eq!(answer.error("type"), "rate_limit_error");
        }),
        row("a truncated stream", streaming(), Reply::truncated(["Hello ", "th"]), |answer| {
            let events = answer.events();
            let ends: Vec<&Value> = events.iter().rev().take(2).map(|event| &event["type"]).collect();
            assert_eq!(ends, ["response.failed", "error"]);
            assert!(answer.body.contains("event: error\n") && !answer.body.contains("response.completed"));
            assert_eq!(answer.error("code"), "upstream_truncated");
        }),
    ]
}
