//! What an application does through the Cohere API.

use super::{PIXEL, Row};
use crate::support::with;
use lockgate_client::Answer;
use lockgate_upstream::Reply;
use serde_json::json;

/// The rows.
pub(super) fn rows() -> Vec<Row> {
    let row = |name, request, reply, check| Row { name, path: "/v2/chat", request, reply, check };
    let hello = || json!({ "model": "m", "messages": [{ "role": "user", "content": "Say hello." }] });
    let weather = json!([{ "type": "function", "function": {
        "name": "weather", "description": "The weather of a place.",
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] },
    } }]);
    let call = |id: &str, city: &str| json!({ "id": id, "type": "function", "function": { "name": "weather", "arguments": json!({ "city": city }).to_string() } });
    let conversation = json!({ "model": "m", "tools": weather, "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": "How is the weather in Bern and in Basel?" },
        { "role": "assistant", "tool_plan": "I will look.", "tool_calls": [call("call_a", "Bern"), call("call_b", "Basel")] },
        { "role": "tool", "tool_call_id": "call_a", "content": [
            { "type": "document", "document": { "id": "bern", "data": { "weather": "Rain." } } },
        ] },
        { "role": "tool", "tool_call_id": "call_b", "content": "Sun." },
        { "role": "user", "content": "And tomorrow?" },
    ] });
    let image = with(
        hello(),
        "messages",
        json!([{ "role": "user", "content": [
            { "type": "text", "text": "Which colour?" }, { "type": "image_url", "image_url": { "url": PIXEL } },
        ] }]),
    );
    let documents =
        json!(["Ada is tall.", { "id": "d", "data": { "title": "Eve", "snippet": "Eve is small." } }]);
    let mut parameters = with(hello(), "thinking", json!({ "type": "enabled", "token_budget": 2048 }));
    for (name, value) in [
        ("max_tokens", json!(4096)),
        ("stop_sequences", json!(["END"])),
        ("p", json!(0.95)),
        ("temperature", json!(1.0)),
        ("citation_options", json!({ "mode": "off" })),
    ] {
        parameters[name] = value;
    }
    let schema = json!({ "type": "json_object", "json_schema": {
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
        "additionalProperties": false,
    } });
    fn text(answer: &Answer) -> String {
        let whole = answer.json();
        let parts = whole["message"]["content"].as_array().cloned().unwrap_or_default();
        let deltas = answer.events();
        let deltas = deltas.iter().map(|event| &event["delta"]["message"]["content"]);
        let deltas = deltas.filter(|content| content["type"].is_null());
        parts.iter().chain(deltas).filter_map(|part| part["text"].as_str()).collect()
    }
    vec![
        row("text", hello(), Reply::text("Hello there."), |answer| {
            assert_eq!(text(answer), "Hello there.", "{}", answer.body);
            assert_eq!(answer.json()["finish_reason"], "COMPLETE");
            assert_eq!(answer.json()["usage"]["tokens"], json!({ "input_tokens": 2, "output_tokens": 2 }));
        }),
        row("text, streamed", with(hello(), "stream", json!(true)), Reply::text("Hello there."), |answer| {
            assert_eq!(text(answer), "Hello there.", "{}", answer.body);
            let end = answer.events().last().unwrap().clone();
            assert_eq!(
                (&end["type"], &end["delta"]["usage"]["tokens"]["output_tokens"]),
                (&json!("message-end"), &json!(2))
            );
            assert!(answer.is_done());
        }),
        row("a conversation with tools", conversation, Reply::text("Snow."), |answer| {
            assert_eq!(text(answer), "Snow.", "{}", answer.body);
        }),
        row(
            "a call of a tool",
            with(with(hello(), "tools", weather.clone()), "tool_choice", json!("REQUIRED")),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let call = &answer.json()["message"]["tool_calls"][0]["function"];
                assert_eq!(call, &json!({ "name": "weather", "arguments": r#"{"city":"Bern"}"# }));
                assert_eq!(answer.json()["finish_reason"], "TOOL_CALL");
            },
        ),
        row(
            "a call of a tool, streamed",
            with(with(hello(), "tools", weather), "stream", json!(true)),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let events = answer.events();
                let pieces = events.iter().filter(|event| event["type"] == "tool-call-delta");
                let pieces = pieces.filter_map(|event| {
                    event.pointer("/delta/message/tool_calls/function/arguments")?.as_str()
                });
                assert_eq!(pieces.collect::<String>(), r#"{"city":"Bern"}"#, "{}", answer.body);
            },
        ),
        row("an image", image, Reply::text("Red."), |answer| assert_eq!(text(answer), "Red.")),
        row("documents", with(hello(), "documents", documents), Reply::text("Hello Ada."), |answer| {
            assert_eq!(text(answer), "Hello Ada.", "{}", answer.body);
        }),
        row("parameters", parameters, Reply::text("Red."), |answer| {
            assert_eq!(text(answer), "Red.", "{}", answer.body);
        }),
        row(
            "an answer of a schema",
            with(hello(), "response_format", schema),
            Reply::text(r#"{"city":"Bern"}"#),
            |answer| assert_eq!(text(answer), r#"{"city":"Bern"}"#, "{}", answer.body),
        ),
        row("an error", hello(), Reply::error(429, "Slow down."), |answer| {
            let told = answer.json();
            assert_eq!((answer.status.as_u16(), &told["message"]), (429, &json!("Slow down.")));
            assert_eq!(told["id"], "exchange");
        }),
        row(
            "a truncated stream",
            with(hello(), "stream", json!(true)),
            Reply::truncated(["Hello ", "th"]),
            |answer| {
                let end = answer.events().last().unwrap().clone();
                assert_eq!((text(answer).as_str(), answer.is_done()), ("Hello th", false));
                assert_eq!(
                    (&end["delta"]["finish_reason"], &end["code"]),
                    (&json!("ERROR"), &json!("upstream_truncated"))
                );
            },
        ),
    ]
}
