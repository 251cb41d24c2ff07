//! Tests of the Cohere format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::chat::{Answer, Event, Operation, TextAt, Usage, channel};
use crate::error::Error;
use crate::format::Head;
use crate::sse::Decoder;
use bytes::BytesMut;
use serde_json::Map;

const HEAD: Head<'_> = Head { exchange: "x", created: 1, model: "m" };

fn read(body: &Value) -> Result<Map<String, Value>, Error> {
    parse_chat(body.to_string().as_bytes())
}

#[test]
fn a_chat_becomes_canonical() {
    let body = json!({
        "model": "smart", "stream": true, "max_tokens": 100, "stop_sequences": ["END"], "temperature": 0.3, "p": 0.9, "k": 5,
        "seed": 7, "frequency_penalty": 0.1, "presence_penalty": 0.2, "logprobs": false, "safety_mode": "STRICT",
        "citation_options": { "mode": "fast" }, "thinking": { "type": "enabled", "token_budget": 8000 }, "priority": null,
        "documents": ["A text.", { "id": "d1", "data": { "title": "T", "snippet": "S" } }],
        "response_format": { "type": "json_object", "json_schema": { "type": "object" } },
        "tools": [{ "type": "function", "function": { "name": "f", "description": "d", "parameters": { "type": "object" } } }],
        "strict_tools": true, "tool_choice": "REQUIRED",
        "messages": [
            { "role": "system", "content": "Be kind." },
            { "role": "user", "content": "Call it." },
            { "role": "assistant", "tool_plan": "I will.", "citations": [{ "text": "secret" }], "tool_calls": [
                { "id": "a", "type": "function", "function": { "name": "f", "arguments": "{}" } },
            ] },
            { "role": "tool", "tool_call_id": "a", "content": [
                { "type": "document", "document": { "id": "r", "data": { "n": 1 } } },
                { "type": "document", "document": { "data": "plain" } },
                { "type": "text", "text": "more", "cohere": { "document": {} } },
            ] },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm" }, { "type": "text", "text": "Done." },
            ] },
            { "role": "user", "content": [
                { "type": "text", "text": "Look" }, { "type": "image_url", "image_url": { "url": "data:image/png;base64,AA" } },
            ] },
        ],
    });
    let canonical = read(&body).unwrap();
    insta::assert_json_snapshot!(canonical);
    let plain = Value::Object(without_own_fields(canonical)).to_string();
    for gone in ["cohere", "token_budget", "reasoning_content", "citation"] {
        assert!(!plain.contains(gone), "{gone}: {plain}");
    }
    for stays in ["reasoning_effort", "safety_mode", "top_k", "A text.", "snippet"] {
        assert!(plain.contains(stays), "{stays}: {plain}");
    }
}

#[test]
fn thinking_is_effort_and_defaults_are_left_out() {
    let with = |field: &str, value: Value| {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }] });
        body[field] = value;
        Value::Object(read(&body).unwrap())
    };
    assert_eq!(with("thinking", json!({ "type": "disabled" }))["reasoning_effort"], "none");
    assert_eq!(with("thinking", json!({ "type": "enabled" }))["reasoning_effort"], "high");
    assert_eq!(with("thinking", json!({ "type": "enabled", "token_budget": 9 }))["reasoning_effort"], "low");
    let bare = with("model", json!("m"));
    for (field, value) in [
        ("k", json!(0)),
        ("response_format", json!({ "type": "text" })),
        ("tool_choice", Value::Null),
        ("strict_tools", json!(false)),
        ("documents", json!([])),
    ] {
        assert_eq!(with(field, value), bare, "{field}");
    }
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let chat = |message: Value| json!({ "model": "m", "messages": [message] });
    let with = |field: &str, value: Value| {
        let mut body = chat(json!({ "role": "user", "content": "x" }));
        body[field] = value;
        body
    };
    for (body, param) in [
        (json!([]), None),
        (json!({ "messages": [] }), Some("model")),
        (json!({ "model": "m", "message": "v1" }), Some("messages")),
        (json!({ "model": "m", "messages": [] }), Some("messages")),
        (chat(json!("x")), Some("messages[0]")),
        (chat(json!({ "role": "chatbot" })), Some("messages[0].role")),
        (chat(json!({ "role": "user" })), Some("messages[0].content")),
        (chat(json!({ "role": "user", "content": [{}] })), Some("messages[0].content[0].type")),
        (chat(json!({ "role": "tool", "content": "x" })), Some("messages[0].tool_call_id")),
        (chat(json!({ "role": "assistant", "tool_calls": {} })), Some("messages[0].tool_calls")),
        (
            chat(
                json!({ "role": "tool", "tool_call_id": "a", "content": [{ "type": "document", "document": 1 }] }),
            ),
            Some("messages[0].content[0].document"),
        ),
        (with("documents", json!([{ "id": "x" }])), Some("documents[0]")),
        (with("tools", json!([{ "type": "function" }])), Some("tools[0].function")),
        (with("tool_choice", json!("auto")), Some("tool_choice")),
        (with("logprobs", json!(true)), Some("logprobs")),
        (with("stream", json!("yes")), Some("stream")),
        (with("thinking", json!({})), Some("thinking.type")),
        (with("response_format", json!({ "type": "xml" })), Some("response_format.type")),
    ] {
        let error = read(&body).unwrap_err();
        assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, param), "{body}");
    }
    assert!(parse_chat(b"{").is_err() && parse_chat("[".repeat(100_000).as_bytes()).is_err());
    let mut unasked = chat(json!({ "role": "system", "content": "x" }));
    unasked["documents"] = json!(["a"]);
    assert_eq!(read(&unasked).unwrap_err().param.as_deref(), Some("documents"));
}

fn embed(body: &Value) -> Result<Value, Error> {
    parse_embed(body.to_string().as_bytes()).map(Value::Object)
}

#[test]
fn embeddings_become_canonical() {
    let picture = json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA" } });
    let body = json!({
        "model": "m", "texts": ["a"], "inputs": [{ "content": [{ "type": "text", "text": "b" }] }, { "content": [picture] }],
        "input_type": "search_query", "embedding_types": ["int8"], "output_dimension": 256, "truncate": "END",
    });
    assert_eq!(
        embed(&body).unwrap(),
        json!({ "model": "m", "input": ["a", "b", picture], "embedding_types": ["int8"], "dimensions": 256,
                "cohere": { "input_type": "search_query", "truncate": "END" } })
    );
    let base64 = embed(&json!({ "model": "m", "texts": ["a"], "embedding_types": ["base64"] })).unwrap();
    assert_eq!(base64, json!({ "model": "m", "input": ["a"], "encoding_format": "base64" }));
    let images = embed(&json!({ "model": "m", "images": ["data:image/png;base64,AA"] })).unwrap();
    assert_eq!(images["input"], json!([picture]));
    let text = json!({ "type": "text", "text": "b" });
    for (body, param) in [
        (json!({ "model": "m" }), "texts"),
        (json!({ "texts": ["a"] }), "model"),
        (json!({ "model": "m", "texts": "a" }), "texts"),
        (json!({ "model": "m", "texts": [1] }), "texts[0]"),
        (json!({ "model": "m", "inputs": [{ "content": [text, text] }] }), "inputs[0]"),
        (json!({ "model": "m", "texts": ["a"], "embedding_types": ["float", "int8"] }), "embedding_types"),
    ] {
        assert_eq!(embed(&body).unwrap_err().param.as_deref(), Some(param), "{body}");
    }
}

#[test]
fn documents_are_rendered_digit_for_digit() {
    let asked = |kind: &str| {
        embed(&json!({ "model": "m", "texts": ["a", "b"], "embedding_types": [kind] }))
            .unwrap()
            .as_object()
            .cloned()
            .unwrap()
    };
    let list = |one: &str, two: &str| {
        format!(
            r#"{{"object":"list","data":[{{"index":1,"embedding":{two}}},{{"index":0,"embedding":{one}}}],"usage":{{"prompt_tokens":3}}}}"#
        )
    };
    let render = |operation, kind: &str, body: &str| {
        render_document(operation, &asked(kind), body.as_bytes(), "x")
            .map(|told| String::from_utf8(told.unwrap()).unwrap())
    };
    let told = render(Operation::Embeddings, "float", &list("[0.10,-1e-3]", "[1]")).unwrap();
    assert!(told.contains(r#""embeddings":{"float":[[0.10,-1e-3],[1]]},"texts":["a","b"]"#), "{told}");
    assert!(told.contains(r#""billed_units":{"input_tokens":3}"#), "{told}");
    assert!(
        render(Operation::Embeddings, "int8", &list("[1]", "[-2]")).unwrap().contains("\"int8\":[[1],[-2]]")
    );
    assert!(
        render(Operation::Embeddings, "base64", &list("\"AA\"", "\"BB\"")).unwrap().contains("\"base64\"")
    );
    for (kind, one) in [("int8", "[0.5]"), ("float", "\"AA\""), ("base64", "[1]")] {
        assert!(render(Operation::Embeddings, kind, &list(one, one)).is_err(), "{kind}");
    }
    let ranking =
        r#"{"model":"m","results":[{"index":1,"relevance_score":0.90}],"usage":{"total_tokens":4}}"#;
    let told = render(Operation::Rerank, "float", ranking).unwrap();
    assert!(
        told.starts_with(r#"{"id":"x","results":[{"index":1,"relevance_score":0.90}],"meta":{"#),
        "{told}"
    );
    let own = r#"{"id":"r","results":[],"meta":{"billed_units":{"search_units":1}}}"#;
    assert_eq!(render(Operation::Rerank, "float", own).unwrap(), own);
}

fn text(name: &'static str, text: &str) -> Event {
    Event::Text { at: TextAt::new(0, 0, name), text: text.into() }
}

fn events() -> Vec<Event> {
    let citations = json!([
        { "start": 4, "end": 6, "text": "me", "sources": [{ "type": "document", "id": "d1" }], "type": "TEXT_CONTENT" },
        { "start": 4, "end": 6, "text": "a name that a filter put back" },
    ]);
    vec![
        Event::Extra(vec![("id".into(), "r1".into())]),
        text(channel::REASONING, "hm"),
        text(channel::CONTENT, "Lét "),
        text(channel::CONTENT, "me see."),
        Event::Text {
            at: TextAt { item: 0, part: 0, channel: "reasoning-signature".into() },
            text: "sig".into(),
        },
        Event::Tool { choice: 0, part: 0, id: "a".into(), name: "f".into() },
        Event::Tool { choice: 0, part: 1, id: "b".into(), name: "g".into() },
        text(channel::TOOL_ARGS, "{\"x\":1}"),
        Event::Text { at: TextAt::new(0, 1, channel::TOOL_ARGS), text: "{}".into() },
        Event::Extra(vec![("citations".into(), citations.to_string())]),
        Event::Finish { choice: 0, reason: "tool_calls".into() },
        Event::Usage(Usage {
            input: 10,
            output: 5,
            cache_read: 4,
            cache_write: 0,
            reasoning: 2,
            ..Usage::default()
        }),
    ]
}

#[test]
fn a_whole_answer() {
    let answer: Answer = events().into_iter().collect();
    insta::assert_json_snapshot!(render_answer(&answer, HEAD));
}

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let mut writer = EventWriter::new(HEAD);
    let mut out = BytesMut::new();
    events().iter().for_each(|event| writer.write(event, &mut out));
    writer.end(None, &mut out);
    let frames = Decoder::new(1 << 20).push(&out.freeze()).unwrap();
    let told: Vec<Value> = frames.iter().map(|frame| serde_json::from_slice(&frame.data).unwrap()).collect();
    let lines: Vec<String> = told.iter().map(Value::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
    let whole = render_answer(&events().into_iter().collect(), HEAD);
    let said = |pointer: &str| -> String {
        told.iter()
            .filter(|event| event["type"].as_str().unwrap().ends_with("delta"))
            .filter_map(|event| event.pointer(pointer)?.as_str())
            .collect()
    };
    assert_eq!(said("/delta/message/content/text"), whole["message"]["content"][1]["text"]);
    assert_eq!(said("/delta/message/content/thinking"), whole["message"]["content"][0]["thinking"]);
    assert_eq!(said("/delta/message/tool_calls/function/arguments"), "{\"x\":1}{}");
    let end = &told.last().unwrap()["delta"];
    assert_eq!((&end["finish_reason"], &end["usage"]), (&whole["finish_reason"], &whole["usage"]));
}

#[test]
fn errors_have_cohere_s_shape() {
    let error = Error::bad_request("prompt_injection", "no");
    assert_eq!(render_error(&error, "x"), json!({ "id": "x", "message": "no", "code": "prompt_injection" }));
    let broken = EventWriter::new(HEAD).broken(&error);
    assert_eq!(
        (&broken["delta"]["finish_reason"], &broken["delta"]["error"]),
        (&json!("ERROR"), &json!("no"))
    );
}
