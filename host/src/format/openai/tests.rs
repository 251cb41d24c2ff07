//! Tests of the OpenAI format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::chat::{Answer, Event, Operation, TextAt, channel};
use crate::error::{Error, Party};
use crate::format::Head;
use crate::sse::Decoder;
use bytes::BytesMut;
use http::StatusCode;
use serde_json::{Map, json};

#[test]
fn requests_are_checked_for_what_the_gateway_needs() {
    let refused = |body: &str| {
        let error = parse_chat(body.as_bytes()).unwrap_err();
        (error.code.into_owned(), error.param)
    };
    assert_eq!(refused("{"), ("invalid_json".into(), None));
    assert_eq!(refused("\u{feff}[]"), ("invalid_json".into(), None));
    assert_eq!(refused("[]"), ("invalid_type".into(), None));
    assert_eq!(refused("{}"), ("missing_required_parameter".into(), Some("model".into())));
    assert_eq!(refused(r#"{"model":1}"#), ("invalid_type".into(), Some("model".into())));
    assert_eq!(refused(r#"{"model":"m"}"#), ("missing_required_parameter".into(), Some("messages".into())));
    assert_eq!(refused(r#"{"model":"m","messages":[]}"#), ("invalid_value".into(), Some("messages".into())));
    assert_eq!(
        refused(r#"{"model":"m","messages":["x"]}"#),
        ("invalid_type".into(), Some("messages[0]".into()))
    );
    assert_eq!(
        refused(r#"{"model":"m","messages":[{"role":"user"}],"stream":"yes"}"#),
        ("invalid_type".into(), Some("stream".into()))
    );
    assert!(parse_chat(&[b'{', 0xff, b'}']).is_err());
    assert!(parse_chat("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn a_whole_answer_reads_and_renders_the_same() {
    let body = json!({
        "id": "c1", "object": "chat.completion", "created": 7, "model": "gpt-x",
        "choices": [{ "index": 0, "message": {
            "role": "assistant", "content": "hi", "refusal": null, "reasoning_content": "hm",
            "tool_calls": [
                { "id": "a", "type": "function", "function": { "name": "f", "arguments": "{}" } },
                { "id": "b", "type": "function", "function": { "name": "g", "arguments": "{\"x\":1}" } },
            ]}, "logprobs": null, "finish_reason": "tool_calls" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8,
            "prompt_tokens_details": { "cached_tokens": 1 }, "completion_tokens_details": { "reasoning_tokens": 2 } },
        "system_fingerprint": "fp",
    });
    let events = read_answer(body.to_string().as_bytes()).unwrap();
    let answer: Answer = events.into_iter().collect();
    assert!(answer.is_complete());
    assert_eq!(render_answer(&answer, Head { exchange: "-", created: 0, model: "-" }, &Map::new()), body);
    let again: Answer = answer.events().into_iter().collect();
    assert_eq!(again, answer);
}

const HEAD: Head<'_> = Head { exchange: "x", created: 9, model: "m" };

fn asked(body: serde_json::Value) -> Map<String, serde_json::Value> {
    body.as_object().unwrap().clone()
}

#[test]
fn custom_tools_are_called_with_a_text() {
    let asked = asked(json!({ "tools": [
        { "type": "custom", "custom": { "name": "sql" } },
        { "type": "function", "function": { "name": "f" } },
    ] }));
    let call = |part, name: &str, given: &str| {
        let at = TextAt::new(0, part, channel::TOOL_ARGS);
        [
            Event::Tool { choice: 0, part, id: format!("id-{part}"), name: name.into() },
            Event::Text { at, text: given.into() },
        ]
    };
    let finish = Event::Finish { choice: 0, reason: "tool_calls".into() };
    let events: Vec<Event> =
        call(0, "sql", "SELECT 1").into_iter().chain(call(1, "f", "{}")).chain([finish]).collect();
    let answer: Answer = events.clone().into_iter().collect();
    let calls = render_answer(&answer, HEAD, &asked)["choices"][0]["message"]["tool_calls"].clone();
    assert_eq!(
        calls[0],
        json!({ "id": "id-0", "type": "custom", "custom": { "name": "sql", "input": "SELECT 1" } })
    );
    assert_eq!(calls[1]["function"], json!({ "name": "f", "arguments": "{}" }));
    let (mut writer, mut out) = (ChunkWriter::new(Operation::Chat, HEAD, &asked), BytesMut::new());
    events.iter().for_each(|event| writer.write(event, &mut out));
    let mut reader = ChunkReader::default();
    let frames = Decoder::new(1 << 20).push(&out.freeze()).unwrap();
    let read: Answer = frames.iter().flat_map(|frame| reader.read(&frame.data).unwrap()).collect();
    assert_eq!(read.choices, answer.choices);
}

#[test]
fn a_stream_of_chunks_reads_to_the_same_answer_as_it_was_written_from() {
    let mut writer = ChunkWriter::new(
        Operation::Chat,
        HEAD,
        &asked(json!({ "stream_options": { "include_usage": true } })),
    );
    let events = vec![
        Event::Extra(vec![
            ("id".into(), "c2".into()),
            ("model".into(), "gpt-y".into()),
            ("created".into(), "9".into()),
        ]),
        Event::Text { at: TextAt::new(0, 0, channel::REASONING), text: "let me see".into() },
        Event::Text { at: TextAt::new(0, 0, channel::CONTENT), text: "a \"b\"".into() },
        Event::Tool { choice: 0, part: 0, id: "t".into(), name: "f".into() },
        Event::Text { at: TextAt::new(0, 0, channel::TOOL_ARGS), text: "{\"a\"".into() },
        Event::Text { at: TextAt::new(0, 0, channel::TOOL_ARGS), text: ":1}".into() },
        Event::Text { at: TextAt::new(1, 0, channel::REFUSAL), text: "no".into() },
        Event::Finish { choice: 0, reason: "tool_calls".into() },
        Event::Finish { choice: 1, reason: "stop".into() },
        Event::Usage(crate::chat::Usage {
            input: 2,
            output: 3,
            cache_read: 1,
            cache_write: 0,
            reasoning: 1,
            ..Default::default()
        }),
    ];
    let expected: Answer = events.iter().cloned().collect();
    let mut out = BytesMut::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    writer.usage(&expected.usage, &mut out);
    let frames = Decoder::new(1 << 20).push(&out.freeze()).unwrap();
    let mut reader = ChunkReader::default();
    let got: Answer = frames.iter().flat_map(|frame| reader.read(&frame.data).unwrap()).collect();
    assert_eq!(got, expected);
    let first: serde_json::Value = serde_json::from_slice(&frames.first().unwrap().data).unwrap();
    assert_eq!(first["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(first["usage"], json!(null));
}

#[test]
fn a_chunk_that_is_an_error_is_one() {
    let events =
        ChunkReader::default().read(br#"{"error":{"message":"overloaded","type":"server_error"}}"#).unwrap();
    let Some(Event::Error(error)) = events.first() else { unreachable!("an error was read as {events:?}") };
    assert_eq!(
        (error.status, error.code.as_str(), error.message.as_str()),
        (502, "server_error", "overloaded")
    );
    assert!(ChunkReader::default().read(b"<html>").is_err());
}

#[test]
fn errors_have_the_shape_that_clients_parse() {
    let error = Error::bad_request("invalid_type", "no").param("messages");
    assert_eq!(
        render_error(&error),
        json!({ "error": { "message": "no", "type": "invalid_request_error", "param": "messages", "code": "invalid_type" } })
    );
    let busy = Error::new(Party::Upstream, StatusCode::TOO_MANY_REQUESTS, "rate_limited", "slow down");
    assert_eq!(render_error(&busy)["error"]["type"], "rate_limit_error");
    let odd = read_error(500, b"<html>oops</html>", None);
    assert_eq!(odd.message, "the provider gave no reason");
    assert_eq!(read_error(400, br#"{"error":{"code":42,"message":"x"}}"#, None).code, "42");
}
