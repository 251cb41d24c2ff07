//! Tests of the Responses format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::chat::{Answer, Event, TextAt, Usage, channel};
use crate::error::{Error, Party};
use crate::format::Head;
use crate::sse::Decoder;
use bytes::BytesMut;
use http::StatusCode;
use proptest::prelude::*;
use serde_json::Map;
use std::borrow::Cow;

const HEAD: Head<'_> = Head { exchange: "req_x", created: 1, model: "m" };

fn canonical(body: Value) -> Map<String, Value> {
    parse_response(body.to_string().as_bytes()).unwrap()
}

fn conversation() -> Value {
    json!([
        { "role": "developer", "content": "Be brief." },
        { "type": "message", "role": "user", "content": [
            { "type": "input_text", "text": "Look" },
            { "type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto" },
            { "type": "input_image", "image_url": "https://a/b.png", "detail": "original" },
            { "type": "input_file", "filename": "t.pdf", "file_data": "data:application/pdf;base64,BB" },
            { "type": "input_file", "file_url": "https://a/b.pdf" },
            { "type": "input_file", "file_id": "file-1" },
            { "type": "input_audio", "input_audio": { "data": "CC", "format": "wav" } },
            { "type": "input_hologram", "x": 1 },
        ] },
        { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "hm" }],
          "encrypted_content": seal::seal(channel::Opaque::Signature("anthropic-claude-v1"), "hm", "sig") },
        { "type": "reasoning", "id": "rs_2", "summary": [],
          "encrypted_content": seal::seal(channel::Opaque::Encrypted("anthropic-claude-v1"), "", "xx") },
        { "type": "reasoning", "id": "rs_3", "summary": [],
          "content": [{ "type": "reasoning_text", "text": "so" }], "encrypted_content": "gAAAAfromelsewhere" },
        { "type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [
            { "type": "output_text", "text": "Let me see.", "annotations": [], "logprobs": [] } ] },
        { "type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{\"x\":1}" },
        { "type": "custom_tool_call", "id": "ctc_1", "call_id": "b", "name": "patch", "input": "x" },
        { "type": "function_call_output", "call_id": "a", "output": "42" },
        { "type": "custom_tool_call_output", "call_id": "b", "output": [
            { "type": "input_text", "text": "done" }, { "type": "input_image", "image_url": "https://a/c.png" } ] },
        { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}" },
        { "role": "assistant", "content": "Again." },
        { "type": "function_call_output", "call_id": "c", "output": "43" },
        { "role": "assistant", "content": [{ "type": "refusal", "refusal": "No." }] },
        { "role": "assistant", "content": "Or yes." },
        { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "nobody said this" }] },
        { "role": "user", "content": "Thanks" },
    ])
}

fn rich() -> Value {
    json!({
        "model": "gpt", "instructions": "Be kind.", "max_output_tokens": 100, "temperature": 0.5, "top_p": 0.9,
        "stream": true, "stream_options": { "include_obfuscation": false }, "store": true, "truncation": "disabled",
        "metadata": { "a": "b" }, "user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "service_tier": "flex",
        "include": ["reasoning.encrypted_content", "file_search_call.results"], "max_tool_calls": 3,
        "reasoning": { "effort": "low", "summary": "auto" }, "some_new_parameter": 1, "previous_response_id": null,
        "text": { "verbosity": "low", "format": {
            "type": "json_schema", "name": "n", "schema": { "type": "object" }, "strict": true, "description": null,
        } },
        "tools": [
            { "type": "function", "name": "f", "description": "d", "parameters": { "type": "object" }, "strict": true },
            { "type": "custom", "name": "patch", "description": "p",
              "format": { "type": "grammar", "syntax": "lark", "definition": "start: /x/" } },
        ],
        "tool_choice": { "type": "allowed_tools", "mode": "required", "tools": [{ "type": "function", "name": "f" }] },
        "parallel_tool_calls": false,
        "input": conversation(),
    })
}

#[test]
fn a_request_becomes_canonical() {
    let canonical = canonical(rich());
    insta::assert_json_snapshot!(Value::Object(canonical.clone()));
    let plain = Value::Object(without_own_fields(canonical)).to_string();
    for own in ["\"responses\"", "reasoning_details", "reasoning_content", "\"metadata\"", "sig"] {
        assert!(!plain.contains(own), "{own}: {plain}");
    }
    for stays in ["reasoning_effort", "safety_identifier", "some_new_parameter"] {
        assert!(plain.contains(stays), "{stays}: {plain}");
    }
}

#[test]
fn a_short_request_is_a_short_body() {
    let read = |body| Value::Object(canonical(body));
    let hi = json!([{ "role": "user", "content": "Hi" }]);
    assert_eq!(read(json!({ "model": "m", "input": "Hi" })), json!({ "model": "m", "messages": hi }));
    let nothing = json!({
        "model": "m", "input": [{ "role": "user", "content": [{ "type": "input_text", "text": "Hi" }] }], "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": true, "background": false, "top_logprobs": 0, "include": [],
        "text": { "format": { "type": "text" } }, "reasoning": {}, "store": true, "truncation": "disabled",
    });
    assert_eq!(read(nothing), json!({ "model": "m", "messages": hi }));
    let secret = read(json!({ "model": "m", "input": "Hi", "store": false }));
    assert_eq!(secret["store"], false);
}

#[test]
fn what_is_wrong_is_told_by_its_place() {
    let item = |item: Value| json!({ "model": "m", "input": [item] });
    let part = |part: Value| item(json!({ "role": "user", "content": [part] }));
    let with = |name: &str, value: Value| json!({ "model": "m", "input": "x", name: value });
    for (body, param) in [
        (json!([]), None),
        (json!({ "input": "x" }), Some("model")),
        (json!({ "model": "", "input": "x" }), Some("model")),
        (json!({ "model": "m" }), Some("input")),
        (json!({ "model": "m", "input": [] }), Some("input")),
        (json!({ "model": "m", "input": 1 }), Some("input")),
        (json!({ "model": "m", "input": [{ "type": "reasoning", "summary": [] }] }), Some("input")),
        (item(json!("x")), Some("input[0]")),
        (item(json!({})), Some("input[0].type")),
        (item(json!({ "role": "tool", "content": "x" })), Some("input[0].role")),
        (item(json!({ "role": "user" })), Some("input[0].content")),
        (item(json!({ "type": "function_call", "call_id": "a" })), Some("input[0].name")),
        (item(json!({ "type": "function_call_output", "output": "x" })), Some("input[0].call_id")),
        (item(json!({ "type": "item_reference", "id": "msg_1" })), Some("input[0]")),
        (item(json!({ "type": "web_search_call", "id": "ws_1" })), Some("input[0]")),
        (part(json!({ "text": "x" })), Some("input[0].content[0].type")),
        (part(json!({ "type": "input_text" })), Some("input[0].content[0].text")),
        (part(json!({ "type": "input_image", "file_id": "f" })), Some("input[0].content[0].file_id")),
        (part(json!({ "type": "input_image" })), Some("input[0].content[0].image_url")),
        (part(json!({ "type": "input_file" })), Some("input[0].content[0]")),
        (with("stream", json!(1)), Some("stream")),
        (with("text", json!({ "format": { "type": "grammar" } })), Some("text.format.type")),
        (with("tools", json!([{ "type": "function", "function": { "name": "f" } }])), Some("tools[0].name")),
        (with("tool_choice", json!({ "type": "function" })), Some("tool_choice.name")),
        (with("instructions", json!([])), Some("instructions")),
    ] {
        let error = parse_response(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, param), "{body}");
    }
    for (name, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!({ "id": "conv_1" })),
        ("prompt", json!({ "id": "pmpt_1" })),
        ("background", json!(true)),
        ("truncation", json!("auto")),
        ("top_logprobs", json!(3)),
        ("include", json!(["message.output_text.logprobs"])),
    ] {
        let error = parse_response(with(name, value).to_string().as_bytes()).unwrap_err();
        assert_eq!((&*error.code, error.param.as_deref()), ("unsupported_parameter", Some(name)));
    }
    for kind in ["web_search", "file_search", "code_interpreter", "mcp", "image_generation", "namespace"] {
        let body = with("tools", json!([{ "type": kind }])).to_string();
        let error = parse_response(body.as_bytes()).unwrap_err();
        assert_eq!(&*error.code, "unsupported_tool");
        assert!(error.message.contains(&format!("'{kind}'")), "{}", error.message);
    }
    assert!(parse_response(b"{").is_err() && parse_response("[".repeat(100_000).as_bytes()).is_err());
}

fn text(part: u32, name: &'static str, text: &str) -> Event {
    Event::Text { at: TextAt::new(0, part, name), text: text.into() }
}

fn opaque(part: u32, name: &'static str, text: &str) -> Event {
    Event::Text { at: TextAt { item: 0, part, channel: Cow::Borrowed(name) }, text: text.into() }
}

fn events() -> Vec<Event> {
    vec![
        Event::Extra(vec![("id".into(), "msg_1".into()), ("model".into(), "claude".into())]),
        text(0, channel::REASONING, "h"),
        text(0, channel::REASONING, "m"),
        opaque(0, "reasoning-signature/anthropic-claude-v1", "sig"),
        opaque(1, "reasoning-encrypted/anthropic-claude-v1", "xx"),
        text(0, channel::CONTENT, "Let "),
        Event::Tool { choice: 0, part: 0, id: "a".into(), name: "f".into() },
        text(0, channel::TOOL_ARGS, "{\"x\":"),
        Event::Tool { choice: 0, part: 1, id: "b".into(), name: "patch".into() },
        text(1, channel::TOOL_ARGS, "x"),
        Event::Tool { choice: 0, part: 2, id: "c".into(), name: "f".into() },
        // What a guard held back.
        text(0, channel::CONTENT, "me see."),
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

fn frames(out: BytesMut) -> Vec<Value> {
    let frames = Decoder::new(1 << 20).push(&out.freeze()).unwrap();
    let read = |(number, frame): (usize, crate::sse::Frame)| {
        let data: Value = serde_json::from_slice(&frame.data).unwrap();
        assert_eq!(
            (data["type"].as_str(), &data["sequence_number"]),
            (Some(frame.event.as_str()), &json!(number))
        );
        data
    };
    frames.into_iter().enumerate().map(read).collect()
}

fn written(events: &[Event], asked: &Map<String, Value>) -> Vec<Value> {
    let mut writer = EventWriter::new(HEAD, asked);
    let mut out = BytesMut::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    writer.end(None, &mut out);
    frames(out)
}

/// What a client makes of a stream's items, by the rules of the API.
fn understood(frames: &[Value]) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    let mut open = Vec::new();
    let add = |slot: &mut Value, more: &Value| {
        *slot = (slot.as_str().unwrap().to_owned() + more.as_str().unwrap()).into();
    };
    for data in frames {
        let index = usize::try_from(data["output_index"].as_u64().unwrap_or(0)).unwrap();
        if data["item_id"].is_string() {
            assert!(open.contains(&index), "{data}");
            assert_eq!(data["item_id"], items[index]["id"]);
        }
        let place = |name: &str| usize::try_from(data[name].as_u64().unwrap()).unwrap();
        match data["type"].as_str().unwrap() {
            "response.output_item.added" => {
                assert_eq!(items.len(), index);
                items.push(data["item"].clone());
                open.push(index);
            }
            "response.content_part.added" => {
                items[index]["content"].as_array_mut().unwrap().push(data["part"].clone());
            }
            "response.reasoning_summary_part.added" => {
                items[index]["summary"].as_array_mut().unwrap().push(data["part"].clone());
            }
            "response.output_text.delta" => {
                add(&mut items[index]["content"][place("content_index")]["text"], &data["delta"]);
            }
            "response.refusal.delta" => {
                add(&mut items[index]["content"][place("content_index")]["refusal"], &data["delta"]);
            }
            "response.reasoning_summary_text.delta" => {
                add(&mut items[index]["summary"][place("summary_index")]["text"], &data["delta"]);
            }
            "response.function_call_arguments.delta" => add(&mut items[index]["arguments"], &data["delta"]),
            "response.custom_tool_call_input.delta" => add(&mut items[index]["input"], &data["delta"]),
            "response.output_text.done" => {
                assert_eq!(items[index]["content"][place("content_index")]["text"], data["text"]);
            }
            "response.output_item.done" => {
                open.retain(|known| *known != index);
                // Status, seals and empty arguments are told at the end.
                for (name, value) in items[index].as_object().unwrap() {
                    let told = &data["item"][name];
                    assert!(value == told || name == "status" || value == "", "{name}: {value} {told}");
                }
                items[index] = data["item"].clone();
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    items
}

#[test]
fn a_stream_is_understood_as_the_whole_answer() {
    let asked = canonical(rich());
    let frames = written(&events(), &asked);
    insta::assert_json_snapshot!("a_stream", frames);
    let answer: Answer = events().into_iter().collect();
    let whole = render_answer(&answer, HEAD, &asked);
    let last = frames.last().unwrap();
    assert_eq!((&last["type"], &last["response"]), (&json!("response.completed"), &whole));
    assert_eq!(Value::from(understood(&frames)), whole["output"]);
    insta::assert_json_snapshot!("a_whole_answer", whole);
}

#[test]
fn what_was_answered_can_be_sent_back() {
    let answer: Answer = events().into_iter().collect();
    let whole = render_answer(&answer, HEAD, &canonical(rich()));
    let again = canonical(json!({ "model": "m", "input": whole["output"] }));
    insta::assert_json_snapshot!(again["messages"]);
}

#[test]
fn seals_are_shown_to_those_who_ask() {
    let answer: Answer = events().into_iter().collect();
    let asked = canonical(json!({ "model": "m", "input": "Hi" }));
    let frames = written(&events(), &asked);
    let whole = render_answer(&answer, HEAD, &asked);
    assert_eq!(frames.last().unwrap()["response"], whole);
    assert_eq!(
        whole["output"][0],
        json!({
            "id": "rs_x_0", "type": "reasoning", "summary": [{ "type": "summary_text", "text": "hm" }],
        })
    );
    assert_eq!(whole["output"][1]["type"], "message");
    for told in [whole.to_string(), Value::from(frames).to_string()] {
        assert!(!told.contains("sig") && !told.contains("encrypted_content"), "{told}");
    }
}

#[test]
fn thoughts_that_a_guard_held_back_are_an_item_of_their_own() {
    let asked = canonical(json!({ "model": "m", "input": "Hi" }));
    let frames = written(
        &[
            text(0, channel::REASONING, "to be "),
            text(0, channel::CONTENT, "Yes"),
            text(0, channel::REASONING, "or not"),
            text(0, channel::CONTENT, "."),
            text(0, channel::REFUSAL, "No."),
            Event::Finish { choice: 0, reason: "content_filter".into() },
        ],
        &asked,
    );
    let items = understood(&frames);
    let kinds: Vec<&str> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["reasoning", "message", "reasoning"]);
    assert_eq!(
        (&items[1]["content"][0]["text"], &items[1]["content"][1]["refusal"]),
        (&json!("Yes."), &json!("No."))
    );
    let last = frames.last().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"], json!({ "reason": "content_filter" }));
}

#[test]
fn an_answer_without_anything_is_still_a_response() {
    let asked = canonical(json!({ "model": "m", "input": "Hi" }));
    let frames = written(&[Event::Finish { choice: 0, reason: "length".into() }], &asked);
    let names: Vec<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(names, ["response.created", "response.in_progress", "response.incomplete"]);
    assert_eq!(frames[2]["response"]["id"], "resp_x");
    assert_eq!(frames[2]["response"]["incomplete_details"], json!({ "reason": "max_output_tokens" }));
}

#[test]
fn a_stream_that_breaks_off_fails() {
    let asked = canonical(json!({ "model": "m", "input": "Hi" }));
    let mut writer = EventWriter::new(HEAD, &asked);
    let mut out = BytesMut::new();
    writer.write(&text(0, channel::CONTENT, "Hel"), &mut out);
    let error = Error::new(Party::Upstream, StatusCode::BAD_GATEWAY, "upstream_truncated", "It broke off.");
    writer.break_off(&error, &mut out);
    let frames = frames(out);
    insta::assert_json_snapshot!(&frames[frames.len() - 2..]);
    assert!(frames.iter().all(|frame| frame["type"] != "response.completed"));
}

proptest! {
    /// No request makes it panic, and what is read is canonical: every message has a role.
    #[test]
    fn any_items_are_read_or_refused(
        kind in "message|function_call|function_call_output|custom_tool_call|reasoning|item_reference|other",
        role in "user|assistant|system|tool",
        field in "content|call_id|name|arguments|output|summary|encrypted_content",
        value in prop_oneof![
            Just(json!(null)), Just(json!("x")), Just(json!([])), Just(json!([{ "type": "input_text", "text": "x" }])),
            Just(json!("lockgate.1:e30=")), Just(json!([{ "type": "input_image" }])),
        ],
    ) {
        let mut item = json!({ "type": kind, "role": role, "call_id": "a", "name": "f", "arguments": "" });
        item[field] = value;
        let body = json!({ "model": "m", "input": [item, { "role": "assistant", "content": "x" }] });
        if let Ok(read) = parse_response(body.to_string().as_bytes()) {
            for message in read["messages"].as_array().unwrap() {
                prop_assert!(message["role"].is_string());
            }
        }
    }
}
