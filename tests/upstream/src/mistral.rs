//! Answers in the format of the Mistral API.
//!
//! Source: the API reference, "Chat completion". It is OpenAI's with differences: a call of a tool comes whole, the
//! last piece of a stream tells the finish and the usage, unasked, and errors stand at the top.

use crate::Recorded;
use crate::openai::{CREATED, call_id, finish, frame, model, usage};
use crate::reply::Speech;
use bytes::Bytes;
use serde_json::{Value, json};

/// An answer as one document.
pub(crate) fn completion(request: &Recorded, speech: &[Speech]) -> Value {
    let mut text = String::new();
    let mut calls = Vec::new();
    for (index, part) in speech.iter().enumerate() {
        match part {
            Speech::Text(deltas) => text.push_str(&deltas.concat()),
            Speech::ToolCall { name, arguments } => calls.push(call(index, name, arguments)),
        }
    }
    let calls = if calls.is_empty() { Value::Null } else { calls.into() };
    let message = json!({"role": "assistant", "content": text, "tool_calls": calls, "prefix": false});
    json!({
        "id": "scripted", "object": "chat.completion", "created": CREATED, "model": model(request),
        "choices": [{"index": 0, "message": message, "finish_reason": finish(speech)}],
        "usage": usage(request, speech),
    })
}

/// An answer as the frames of a stream.
pub(crate) fn stream(request: &Recorded, speech: &[Speech]) -> Vec<Bytes> {
    let mut frames = opening(request, &[]);
    let mut last = json!({"content": ""});
    for (index, part) in speech.iter().enumerate() {
        match part {
            Speech::Text(deltas) => frames.extend(deltas.iter().map(|text| text_frame(request, text))),
            Speech::ToolCall { name, arguments } => {
                last["tool_calls"] = json!([call(index, name, arguments)])
            }
        }
    }
    let mut last = chunk(request, last, finish(speech).into());
    last["usage"] = usage(request, speech);
    frames.push(frame(&last));
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    frames
}

/// The beginning of a stream.
pub(crate) fn opening(request: &Recorded, deltas: &[String]) -> Vec<Bytes> {
    let role = frame(&chunk(request, json!({"role": "assistant", "content": ""}), Value::Null));
    std::iter::once(role).chain(deltas.iter().map(|text| text_frame(request, text))).collect()
}

/// An error.
pub(crate) fn error(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 => ("unauthorized", "1000"),
        429 => ("rate_limited", "1300"),
        500.. => ("internal_server_error", "3000"),
        _ => ("invalid_request_error", "1500"),
    };
    json!({"object": "error", "message": message, "type": kind, "param": null, "code": code})
}

fn call(index: usize, name: &str, arguments: &str) -> Value {
    json!({"id": call_id(index), "index": index, "function": {"name": name, "arguments": arguments}})
}

fn text_frame(request: &Recorded, text: &str) -> Bytes {
    frame(&chunk(request, json!({"content": text}), Value::Null))
}

fn chunk(request: &Recorded, delta: Value, finish: Value) -> Value {
    json!({
        "id": "scripted", "object": "chat.completion.chunk", "created": CREATED, "model": model(request),
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    })
}
