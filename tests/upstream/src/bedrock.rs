//! Answers in the format of Amazon Bedrock's Converse API.
//!
//! Source: Amazon Bedrock API Reference, "Converse" and `ConverseStreamOutput`. Its streams are binary messages, written
//! by Amazon's own crate; like Amazon's, every event carries padding (`p`). Figures of usage count words.

use crate::Recorded;
use crate::openai::{pieces, spoken_words};
use crate::reply::Speech;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde_json::{Value, json};

/// The media type of its streams.
pub(crate) const STREAM: &str = "application/vnd.amazon.eventstream";

/// An answer as one document.
pub(crate) fn answer(request: &Recorded, speech: &[Speech]) -> Value {
    let content = speech.iter().enumerate().map(|(index, part)| match part {
        Speech::Text(deltas) => json!({"text": deltas.concat()}),
        Speech::ToolCall { name, arguments } => {
            let input: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
            json!({"toolUse": {"toolUseId": use_id(index), "name": name, "input": input}})
        }
    });
    json!({
        "metrics": {"latencyMs": 100},
        "output": {"message": {"role": "assistant", "content": content.collect::<Vec<_>>()}},
        "stopReason": stop_reason(speech),
        "usage": usage(request, speech),
    })
}

/// An answer as the messages of a stream. A block of text has no start.
pub(crate) fn stream(request: &Recorded, speech: &[Speech]) -> Vec<Bytes> {
    let mut frames = opening(&[]);
    for (index, part) in speech.iter().enumerate() {
        match part {
            Speech::Text(deltas) => frames.extend(deltas.iter().map(|text| text_frame(index, text))),
            Speech::ToolCall { name, arguments } => {
                let start = json!({"toolUse": {"toolUseId": use_id(index), "name": name}});
                frames.push(event("contentBlockStart", json!({"contentBlockIndex": index, "start": start})));
                for piece in pieces(arguments) {
                    let delta = json!({"toolUse": {"input": piece}});
                    let delta = json!({"contentBlockIndex": index, "delta": delta});
                    frames.push(event("contentBlockDelta", delta));
                }
            }
        }
        frames.push(event("contentBlockStop", json!({"contentBlockIndex": index})));
    }
    frames.push(event("messageStop", json!({"stopReason": stop_reason(speech)})));
    let told = json!({"metrics": {"latencyMs": 100}, "usage": usage(request, speech)});
    frames.push(event("metadata", told));
    frames
}

/// The beginning of a stream.
pub(crate) fn opening(deltas: &[String]) -> Vec<Bytes> {
    let start = event("messageStart", json!({"role": "assistant"}));
    std::iter::once(start).chain(deltas.iter().map(|text| text_frame(0, text))).collect()
}

/// An error. What it is stands in a header.
pub(crate) fn error(message: &str) -> Value {
    json!({"message": message})
}

/// The header that says what an error is.
pub(crate) fn error_type(status: u16) -> &'static str {
    match status {
        400 => "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/",
        403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        408 => "ModelTimeoutException",
        424 => "ModelErrorException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        _ => "InternalServerException",
    }
}

fn text_frame(index: usize, text: &str) -> Bytes {
    event("contentBlockDelta", json!({"contentBlockIndex": index, "delta": {"text": text}}))
}

#[expect(clippy::expect_used, reason = "a message with three short headers can always be written")]
fn event(name: &'static str, mut payload: Value) -> Bytes {
    payload["p"] = "abcdefghijklm".into();
    let headers = [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    let headers = headers.map(|(name, value)| Header::new(name, HeaderValue::String(value.into())));
    let message = Message::new_from_parts(headers.to_vec(), payload.to_string());
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).expect("a message");
    bytes.into()
}

fn usage(request: &Recorded, speech: &[Speech]) -> Value {
    let (input, output) = (request.words(), spoken_words(speech));
    json!({"inputTokens": input, "outputTokens": output, "totalTokens": input + output})
}

fn stop_reason(speech: &[Speech]) -> &'static str {
    if speech.iter().any(|part| matches!(part, Speech::ToolCall { .. })) { "tool_use" } else { "end_turn" }
}

fn use_id(index: usize) -> String {
    format!("tooluse_{index}")
}
