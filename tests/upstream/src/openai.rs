//! Answers in the format of the OpenAI API.
//!
//! Source: the API reference, "Chat" and "Embeddings". Figures of usage count words.

use crate::Recorded;
use crate::recorded::{content_text, words};
use crate::reply::Speech;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

/// When every answer was made, in Unix seconds: answers are the same in every run.
pub(crate) const CREATED: u64 = 1_760_000_000;
/// Bytes of each piece of a tool call's arguments.
const ARGUMENT_PIECE: usize = 7;

/// A frame of a stream.
pub(crate) fn frame(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// A chat completion as one document.
pub(crate) fn completion(request: &Recorded, speech: &[Speech]) -> Value {
    let mut text = None;
    let mut calls = Vec::new();
    for (index, part) in speech.iter().enumerate() {
        match part {
            Speech::Text(deltas) => text.get_or_insert_with(String::new).push_str(&deltas.concat()),
            Speech::ToolCall { name, arguments } => calls.push(json!({
                "id": call_id(index), "type": "function", "function": {"name": name, "arguments": arguments},
            })),
        }
    }
    let mut message = json!({"role": "assistant", "content": text, "refusal": null});
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    json!({
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": CREATED, "model": model(request),
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish(speech)}],
        "usage": usage(request, speech),
    })
}

/// A chat completion as the frames of a stream.
pub(crate) fn stream(request: &Recorded, speech: &[Speech]) -> Vec<Bytes> {
    let model = model(request);
    let mut frames = vec![frame(&chunk(&model, json!({"role": "assistant", "content": ""}), Value::Null))];
    for (index, part) in speech.iter().enumerate() {
        match part {
            Speech::Text(deltas) => frames.extend(deltas.iter().map(|delta| text_frame(&model, delta))),
            Speech::ToolCall { name, arguments } => {
                let opening = json!({
                    "index": index, "id": call_id(index), "type": "function",
                    "function": {"name": name, "arguments": ""},
                });
                frames.push(frame(&chunk(&model, json!({"tool_calls": [opening]}), Value::Null)));
                for piece in pieces(arguments) {
                    let more = json!({"index": index, "function": {"arguments": piece}});
                    frames.push(frame(&chunk(&model, json!({"tool_calls": [more]}), Value::Null)));
                }
            }
        }
    }
    frames.push(frame(&chunk(&model, json!({}), finish(speech).into())));
    if request.json()["stream_options"]["include_usage"] == true {
        let mut last = chunk(&model, json!({}), Value::Null);
        last["choices"] = json!([]);
        last["usage"] = usage(request, speech);
        frames.push(frame(&last));
    }
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    frames
}

/// The beginning of a stream: its role and these pieces.
pub(crate) fn opening(request: &Recorded, deltas: &[String]) -> Vec<Bytes> {
    let model = model(request);
    let role = frame(&chunk(&model, json!({"role": "assistant", "content": ""}), Value::Null));
    std::iter::once(role).chain(deltas.iter().map(|delta| text_frame(&model, delta))).collect()
}

/// An error.
pub(crate) fn error(status: u16, message: &str) -> Value {
    let kind = if status < 500 { "invalid_request_error" } else { "server_error" };
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
}

/// One embedding for each input.
pub(crate) fn embeddings(request: &Recorded, dimensions: usize) -> Value {
    let inputs = inputs(&request.json()["input"]);
    let as_base64 = request.json()["encoding_format"] == "base64";
    let data = inputs.iter().enumerate().map(|(index, input)| {
        let vector = embedding(input, dimensions);
        let vector = if as_base64 { base64(&vector).into() } else { Value::from(vector) };
        json!({"object": "embedding", "index": index, "embedding": vector})
    });
    let tokens = inputs.iter().map(|input| words(input)).sum::<usize>();
    json!({
        "object": "list", "data": data.collect::<Vec<_>>(), "model": model(request),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })
}

/// A vector as the bytes of its single-precision numbers, lowest first.
fn base64(vector: &[f64]) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the API's own precision")]
    let bytes: Vec<u8> = vector.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

/// The texts to embed: one, or a list.
pub(crate) fn inputs(given: &Value) -> Vec<String> {
    match given {
        Value::Array(inputs) => inputs.iter().map(|input| content_text(&json!([input]))).collect(),
        input => vec![content_text(input)],
    }
}

/// A unit vector that depends on the bytes of the text alone.
pub(crate) fn embedding(text: &str, dimensions: usize) -> Vec<f64> {
    let mut state = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut vector = Vec::with_capacity(dimensions);
    for _ in 0..dimensions {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = u32::try_from(state >> 32).unwrap_or_default();
        vector.push(f64::from(high) / f64::from(u32::MAX) - 0.5);
    }
    let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    vector.into_iter().map(|value| value / norm).collect()
}

/// Figures of usage: words.
pub(crate) fn usage(request: &Recorded, speech: &[Speech]) -> Value {
    let (input, output) = (request.words(), spoken_words(speech));
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}

/// Words in what the model says.
pub(crate) fn spoken_words(speech: &[Speech]) -> usize {
    speech
        .iter()
        .map(|part| match part {
            Speech::Text(deltas) => words(&deltas.concat()),
            Speech::ToolCall { arguments, .. } => words(arguments),
        })
        .sum()
}

/// A tool call's arguments in pieces.
pub(crate) fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(ARGUMENT_PIECE).map(|piece| piece.iter().collect()).collect()
}

/// The model a request names.
pub(crate) fn model(request: &Recorded) -> String {
    request.json()["model"].as_str().unwrap_or("scripted").to_owned()
}

fn text_frame(model: &str, delta: &str) -> Bytes {
    frame(&chunk(model, json!({"content": delta}), Value::Null))
}

fn chunk(model: &str, delta: Value, finish: Value) -> Value {
    json!({
        "id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": CREATED, "model": model,
        "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
    })
}

/// Why what the model says ends.
pub(crate) fn finish(speech: &[Speech]) -> &'static str {
    if speech.iter().any(|part| matches!(part, Speech::ToolCall { .. })) { "tool_calls" } else { "stop" }
}

/// The id of a call.
pub(crate) fn call_id(index: usize) -> String {
    format!("call_{index}")
}
