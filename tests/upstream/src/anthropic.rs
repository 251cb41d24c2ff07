//! Answers in the format of the Anthropic API.
//!
//! Source: the API reference, "Messages" and "Streaming messages". Figures of usage count words.

use crate::Recorded;
use crate::openai::{model, pieces, spoken_words};
use crate::reply::Speech;
use bytes::Bytes;
use serde_json::{Value, json};

/// A message as one document.
pub(crate) fn message(request: &Recorded, speech: &[Speech]) -> Value {
    let content = speech.iter().enumerate().map(|(index, part)| match part {
        Speech::Text(deltas) => json!({"type": "text", "text": deltas.concat()}),
        Speech::ToolCall { name, arguments } => {
            let input = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
            json!({"type": "tool_use", "id": use_id(index), "name": name, "input": input})
        }
    });
    let mut message = envelope(request, content.collect(), stop_reason(speech).into());
    message["usage"]["output_tokens"] = spoken_words(speech).into();
    message
}

/// A message as the frames of a stream.
pub(crate) fn stream(request: &Recorded, speech: &[Speech]) -> Vec<Bytes> {
    let start = envelope(request, Vec::new(), Value::Null);
    let mut frames = vec![
        frame("message_start", &json!({"type": "message_start", "message": start})),
        frame("ping", &json!({"type": "ping"})),
    ];
    for (index, part) in speech.iter().enumerate() {
        let (block, deltas) = match part {
            Speech::Text(deltas) => (
                json!({"type": "text", "text": ""}),
                deltas.iter().map(|text| json!({"type": "text_delta", "text": text})).collect::<Vec<_>>(),
            ),
            Speech::ToolCall { name, arguments } => (
                json!({"type": "tool_use", "id": use_id(index), "name": name, "input": {}}),
                pieces(arguments)
                    .into_iter()
                    .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
                    .collect(),
            ),
        };
        let start = json!({"type": "content_block_start", "index": index, "content_block": block});
        frames.push(frame("content_block_start", &start));
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            frames.push(frame("content_block_delta", &delta));
        }
        frames.push(frame("content_block_stop", &json!({"type": "content_block_stop", "index": index})));
    }
    let delta = json!({"stop_reason": stop_reason(speech), "stop_sequence": null});
    let usage = json!({"output_tokens": spoken_words(speech)});
    frames.push(frame("message_delta", &json!({"type": "message_delta", "delta": delta, "usage": usage})));
    frames.push(frame("message_stop", &json!({"type": "message_stop"})));
    frames
}

/// The beginning of a stream: its block is not closed.
pub(crate) fn opening(request: &Recorded, deltas: &[String]) -> Vec<Bytes> {
    let mut frames = stream(request, &[Speech::Text(deltas.to_vec())]);
    // What closes the block, tells the reason, and ends the message.
    frames.truncate(frames.len().saturating_sub(3));
    frames
}

/// An error.
pub(crate) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

fn envelope(request: &Recorded, content: Vec<Value>, stop_reason: Value) -> Value {
    json!({
        "id": "msg_scripted", "type": "message", "role": "assistant", "model": model(request),
        "content": content, "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {"input_tokens": request.words(), "output_tokens": 1},
    })
}

fn frame(event: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

fn stop_reason(speech: &[Speech]) -> &'static str {
    if speech.iter().any(|part| matches!(part, Speech::ToolCall { .. })) { "tool_use" } else { "end_turn" }
}

fn use_id(index: usize) -> String {
    format!("toolu_{index}")
}
