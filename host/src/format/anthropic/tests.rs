//! Tests of the Anthropic format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::chat::channel::{self, Opaque};
use crate::chat::{Answer, Event, TextAt, Usage};
use crate::error::Error;
use crate::format::Head;
use crate::sse::Decoder;
use bytes::BytesMut;
use proptest::prelude::*;

const HEAD: Head<'_> = Head { exchange: "x", created: 1, model: "m" };

fn read(body: Value) -> Value {
    parse_messages(body.to_string().as_bytes()).unwrap().into()
}

#[test]
fn a_request_becomes_canonical() {
    let body = json!({
        "model": "claude", "max_tokens": 100, "stop_sequences": ["END"], "temperature": 0.5, "top_k": 5,
        "stream": true, "metadata": { "user_id": "u1" }, "thinking": { "type": "enabled", "budget_tokens": 8000 },
        "some_new_parameter": 1,
        "system": [{ "type": "text", "text": "Be kind.", "cache_control": { "type": "ephemeral" } }],
        "tools": [
            { "name": "f", "description": "d", "input_schema": { "type": "object" }, "cache_control": { "type": "ephemeral" } },
            { "type": "web_search_20250305", "name": "web_search" },
        ],
        "tool_choice": { "type": "any", "disable_parallel_tool_use": true },
        "output_config": { "format": { "type": "json_schema", "schema": { "type": "object" } } },
        "messages": [
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "hm", "signature": "s" },
                { "type": "text", "text": "Let me see." },
                { "type": "tool_use", "id": "t1", "name": "f", "input": { "a": 1 } },
            ] },
            { "role": "user", "content": [
                { "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "42" }] },
                { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } },
                { "type": "image", "source": { "type": "url", "url": "https://a/b.png" } },
                { "type": "document", "title": "t", "source": { "type": "base64", "media_type": "application/pdf", "data": "BB" } },
                { "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": "plain" } },
                { "type": "search_result", "source": "s" },
            ] },
        ],
    });
    let canonical = read(body);
    insta::assert_json_snapshot!(canonical);
    let Value::Object(canonical) = canonical else { unreachable!("a body is an object") };
    let plain = Value::Object(without_own_fields(canonical)).to_string();
    for own in ["cache_control", "thinking", "\"anthropic\""] {
        assert!(!plain.contains(own), "{own}: {plain}");
    }
    for stays in ["reasoning_effort", "top_k", "some_new_parameter"] {
        assert!(plain.contains(stays), "{stays}: {plain}");
    }
    let off = json!({ "model": "m", "thinking": { "type": "disabled" }, "messages": [{ "role": "user", "content": "x" }] });
    let off = read(off);
    assert_eq!(
        off.get("anthropic"),
        Some(&json!({ "thinking": { "type": "disabled" } })),
        "some think otherwise"
    );
    assert!(off.get("reasoning_effort").is_none(), "others do not know of it: {off}");
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let message =
        |content: Value| json!({ "model": "m", "messages": [{ "role": "user", "content": content }] });
    for (body, param) in [
        (json!([]), None),
        (json!({ "messages": [] }), Some("model")),
        (json!({ "model": "m" }), Some("messages")),
        (json!({ "model": "m", "messages": [] }), Some("messages")),
        (json!({ "model": "m", "messages": ["x"] }), Some("messages[0]")),
        (json!({ "model": "m", "messages": [{ "role": "tool", "content": "x" }] }), Some("messages[0].role")),
        (message(json!(1)), Some("messages[0].content")),
        (message(json!([{ "text": "x" }])), Some("messages[0].content[0].type")),
        (message(json!([{ "type": "tool_result" }])), Some("messages[0].content")),
        (
            json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "stream": 1 }),
            Some("stream"),
        ),
        (
            json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "tools": [{}] }),
            Some("tools[0].name"),
        ),
        (json!({ "model": "m", "system": 1, "messages": [] }), Some("system")),
    ] {
        let error = parse_messages(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, param), "{body}");
    }
    assert!(parse_messages(b"{").is_err() && parse_messages("[".repeat(100_000).as_bytes()).is_err());
}

fn text(part: u32, name: &'static str, text: &str) -> Event {
    Event::Text { at: TextAt::new(0, part, name), text: text.into() }
}

fn opaque(part: u32, what: Opaque<'_>, told: &str) -> Event {
    let at = TextAt { item: 0, part, channel: channel::of_opaque(what).into() };
    Event::Text { at, text: told.into() }
}

fn events() -> Vec<Event> {
    vec![
        Event::Extra(vec![("id".into(), "msg_1".into()), ("model".into(), "claude".into())]),
        text(0, channel::REASONING, "hm"),
        opaque(0, Opaque::Signature("anthropic-claude-v1"), "sig"),
        opaque(1, Opaque::Encrypted("anthropic-claude-v1"), "secret"),
        text(2, channel::REASONING, "so"),
        opaque(2, Opaque::Signature("other-v1"), "sig"),
        text(0, channel::CONTENT, "Let "),
        text(0, channel::CONTENT, "me see."),
        Event::Tool { choice: 0, part: 0, id: "a".into(), name: "f".into() },
        text(0, channel::TOOL_ARGS, "{\"x\":"),
        Event::Tool { choice: 0, part: 1, id: "b".into(), name: "g".into() },
        // The end of the first call's arguments was held back by a guard.
        text(0, channel::TOOL_ARGS, "1}"),
        Event::Finish { choice: 0, reason: "tool_calls".into() },
        Event::Usage(Usage {
            input: 10,
            output: 5,
            cache_read: 4,
            cache_write: 1,
            reasoning: 2,
            ..Usage::default()
        }),
    ]
}

/// What a client makes of a stream, by the rules of the API.
fn understood(frames: &[(String, Value)]) -> Value {
    let mut message = Value::Null;
    let mut open = Vec::new();
    for (name, data) in frames {
        assert_eq!(data["type"], name.as_str());
        let index = usize::try_from(data["index"].as_u64().unwrap_or(0)).unwrap();
        match name.as_str() {
            "message_start" => message = data["message"].clone(),
            "content_block_start" => {
                assert_eq!(message["content"].as_array().unwrap().len(), index);
                message["content"].as_array_mut().unwrap().push(data["content_block"].clone());
                open.push(index);
            }
            "content_block_delta" => {
                assert!(open.contains(&index), "a delta of a block that is not open");
                let block = &mut message["content"][index];
                for (delta, field) in [
                    ("text", "text"),
                    ("thinking", "thinking"),
                    ("signature", "signature"),
                    ("partial_json", "json"),
                ] {
                    if let Some(more) = data["delta"][delta].as_str() {
                        let all = block[field].as_str().unwrap_or_default().to_owned() + more;
                        block[field] = all.into();
                    }
                }
            }
            "content_block_stop" => {
                open.retain(|known| *known != index);
                let block = &mut message["content"][index];
                if block["type"] == "tool_use" {
                    let json = block.as_object_mut().unwrap().remove("json").unwrap_or_else(|| "{}".into());
                    block["input"] = serde_json::from_str(json.as_str().unwrap()).unwrap();
                }
            }
            "message_delta" => {
                message["stop_reason"] = data["delta"]["stop_reason"].clone();
                message["usage"] = data["usage"].clone();
            }
            "message_stop" => assert!(open.is_empty()),
            other => unreachable!("an event of the name {other}"),
        }
    }
    message
}

fn written(events: &[Event]) -> Vec<(String, Value)> {
    let mut writer = EventWriter::new(HEAD);
    let mut out = BytesMut::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    writer.end(None, &mut out);
    let frames = Decoder::new(1 << 20).push(&out.freeze()).unwrap();
    frames.into_iter().map(|frame| (frame.event, serde_json::from_slice(&frame.data).unwrap())).collect()
}

#[test]
fn a_stream_is_understood_as_the_whole_answer() {
    let frames = written(&events());
    assert_eq!(frames.last().unwrap().0, "message_stop");
    let answer: Answer = events().into_iter().collect();
    let whole = render_answer(&answer, HEAD);
    assert_eq!(understood(&frames), whole);
    assert_eq!(whole["usage"]["input_tokens"], 5);
    assert_eq!(whole["stop_reason"], "tool_use");
    assert_eq!(whole["content"][4]["input"], json!({ "x": 1 }));
}

#[test]
fn what_vouches_for_thoughts_comes_back_as_it_was() {
    let answer: Answer = events().into_iter().collect();
    let said = render_answer(&answer, HEAD)["content"].clone();
    assert_eq!(said[0], json!({ "type": "thinking", "thinking": "hm", "signature": "sig" }));
    assert_eq!(said[1], json!({ "type": "redacted_thinking", "data": "secret" }));
    let back = read(json!({ "model": "m", "messages": [{ "role": "assistant", "content": said }] }));
    assert_eq!(
        back["messages"][0]["reasoning_details"],
        json!([
            { "type": "reasoning.text", "text": "hm", "signature": "sig", "format": "anthropic-claude-v1", "index": 0 },
            { "type": "reasoning.encrypted", "data": "secret", "format": "anthropic-claude-v1", "index": 1 },
            { "type": "reasoning.text", "text": "so", "signature": "sig", "format": "other-v1", "index": 2 },
        ])
    );
    let Value::Object(back) = back else { unreachable!("a body is an object") };
    assert!(!Value::from(without_own_fields(back)).to_string().contains("reasoning"));
    let unsigned =
        json!([{ "type": "thinking", "thinking": "x", "signature": "" }, { "type": "text", "text": "y" }]);
    let back = read(json!({ "model": "m", "messages": [{ "role": "assistant", "content": unsigned }] }));
    assert_eq!(
        back["messages"][0],
        json!({ "role": "assistant", "content": [{ "type": "text", "text": "y" }] })
    );
}

#[test]
fn an_answer_without_anything_is_still_a_message() {
    let frames = written(&[Event::Finish { choice: 0, reason: "stop".into() }]);
    let names: Vec<&str> = frames.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["message_start", "message_delta", "message_stop"]);
    assert_eq!(understood(&frames)["id"], "msg_x");
}

#[test]
fn arguments_that_are_no_object_are_not_lost() {
    let events = [
        Event::Tool { choice: 0, part: 0, id: "a".into(), name: "f".into() },
        text(0, channel::TOOL_ARGS, "[1"),
        Event::Finish { choice: 0, reason: "tool_calls".into() },
    ];
    let answer: Answer = events.into_iter().collect();
    assert_eq!(render_answer(&answer, HEAD)["content"][0]["input"], json!({ "arguments": "[1" }));
}

#[test]
fn errors_have_the_apis_shape() {
    let error = Error::bad_request("prompt_injection", "no");
    assert_eq!(
        render_error(&error, "req_1"),
        json!({ "type": "error", "request_id": "req_1",
                "error": { "type": "invalid_request_error", "message": "no", "code": "prompt_injection" } })
    );
}

proptest! {
    /// No request makes it panic, and what is read is canonical: every message has a role.
    #[test]
    fn any_blocks_are_read_or_refused(
        kind in "text|image|document|tool_result|tool_use|thinking|other",
        role in "user|assistant|system",
        field in "text|source|content|id|name|input|tool_use_id",
        value in prop_oneof![Just(json!(null)), Just(json!("x")), Just(json!([])), Just(json!({ "type": "text" }))],
    ) {
        let mut block = json!({ "type": kind });
        block[field] = value;
        let body = json!({ "model": "m", "messages": [{ "role": role, "content": [block] }] });
        if let Ok(read) = parse_messages(body.to_string().as_bytes()) {
            for message in read["messages"].as_array().unwrap() {
                prop_assert!(message["role"].is_string());
            }
        }
    }
}
