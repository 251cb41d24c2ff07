//! Answers in the format of the Gemini API.
//!
//! Source: the API reference, "Generating content", and its error model (`google.rpc.Status`). Figures of usage
//! count words; frames end as the API's do, in CRLF.

use crate::Recorded;
use crate::openai::spoken_words;
use crate::reply::Speech;
use bytes::Bytes;
use serde_json::{Value, json};

/// An answer as one document.
pub(crate) fn answer(request: &Recorded, speech: &[Speech]) -> Value {
    let parts = speech.iter().map(|part| match part {
        Speech::Text(deltas) => json!({"text": deltas.concat()}),
        Speech::ToolCall { name, arguments } => call(name, arguments),
    });
    said(request, parts.collect(), Some("STOP"), spoken_words(speech))
}

/// An answer as the frames of a stream: calls come whole, and the finish with the last piece.
pub(crate) fn stream(request: &Recorded, speech: &[Speech]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    for part in speech {
        match part {
            Speech::Text(deltas) => parts.extend(deltas.iter().map(|text| json!({"text": text}))),
            Speech::ToolCall { name, arguments } => parts.push(call(name, arguments)),
        }
    }
    let last = parts.len().saturating_sub(1);
    let frames = parts.into_iter().enumerate().map(|(index, part)| {
        let finish = (index == last).then_some("STOP");
        frame(&said(request, vec![part], finish, spoken_words(speech)))
    });
    frames.collect()
}

/// The beginning of a stream.
pub(crate) fn opening(request: &Recorded, deltas: &[String]) -> Vec<Bytes> {
    deltas.iter().map(|text| frame(&said(request, vec![json!({"text": text})], None, 1))).collect()
}

/// An error.
pub(crate) fn error(status: u16, message: &str) -> Value {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": message, "status": name}})
}

fn call(name: &str, arguments: &str) -> Value {
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_else(|_| json!({}));
    json!({"functionCall": {"name": name, "args": arguments}})
}

fn said(request: &Recorded, parts: Vec<Value>, finish: Option<&str>, spoken: usize) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    let asked = request.words();
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": asked, "candidatesTokenCount": spoken, "totalTokenCount": asked + spoken,
        },
        "modelVersion": "gemini-scripted", "responseId": "scripted",
    })
}

fn frame(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\r\n\r\n"))
}
