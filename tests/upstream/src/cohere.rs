//! Answers in the format of the Cohere API, version 2, and orders of documents, whose shape others share.
//!
//! Source: Cohere API reference, "Chat", "Chat with Streaming", "Embed" and "Rerank", v2; Jina API reference,
//! "Reranker". Figures of usage count words.

use crate::Recorded;
use crate::openai::{call_id, finish, pieces, spoken_words};
use crate::recorded::words;
use crate::reply::Speech;
use bytes::Bytes;
use serde_json::{Value, json};

/// An answer as one document.
pub(crate) fn message(request: &Recorded, speech: &[Speech]) -> Value {
    let mut message = json!({"role": "assistant"});
    let mut calls = Vec::new();
    let mut content = Vec::new();
    for (index, part) in speech.iter().enumerate() {
        match part {
            Speech::Text(deltas) => content.push(json!({"type": "text", "text": deltas.concat()})),
            Speech::ToolCall { name, arguments } => calls.push(call(index, name, arguments)),
        }
    }
    if !content.is_empty() {
        message["content"] = content.into();
    }
    if !calls.is_empty() {
        message["tool_plan"] = PLAN.into();
        message["tool_calls"] = calls.into();
    }
    json!({
        "id": ID, "finish_reason": finish_reason(speech), "message": message, "usage": usage(request, speech),
    })
}

/// An answer as the frames of a stream.
pub(crate) fn stream(request: &Recorded, speech: &[Speech]) -> Vec<Bytes> {
    let mut frames = opening(request, &[]);
    let plans = speech.iter().any(|part| matches!(part, Speech::ToolCall { .. }));
    if plans {
        frames.extend(
            pieces(PLAN).into_iter().map(|text| event("tool-plan-delta", None, &json!({"tool_plan": text}))),
        );
    }
    for (number, part) in speech.iter().enumerate() {
        let index = Some(number);
        match part {
            Speech::Text(deltas) => {
                frames.push(begun(index));
                frames.extend(deltas.iter().map(|text| more(index, text)));
                frames.push(event("content-end", index, &Value::Null));
            }
            Speech::ToolCall { name, arguments } => {
                let begun = call(number, name, "");
                frames.push(event("tool-call-start", index, &json!({"tool_calls": begun})));
                for piece in pieces(arguments) {
                    let more = json!({"tool_calls": {"function": {"arguments": piece}}});
                    frames.push(event("tool-call-delta", index, &more));
                }
                frames.push(event("tool-call-end", index, &Value::Null));
            }
        }
    }
    let end = json!({"finish_reason": finish_reason(speech), "usage": usage(request, speech)});
    frames.push(frame("message-end", &json!({"type": "message-end", "delta": end})));
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    frames
}

/// The beginning of a stream; with pieces of text, their block is not closed.
pub(crate) fn opening(_: &Recorded, deltas: &[String]) -> Vec<Bytes> {
    let empty =
        json!({"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []});
    let start = json!({"type": "message-start", "id": ID, "delta": {"message": empty}});
    let mut frames = vec![frame("message-start", &start)];
    if !deltas.is_empty() {
        frames.push(begun(Some(0)));
        frames.extend(deltas.iter().map(|text| more(Some(0), text)));
    }
    frames
}

/// An error.
pub(crate) fn error(_: u16, message: &str) -> Value {
    json!({"id": ID, "message": message})
}

/// Vectors, of the first type that is asked for.
pub(crate) fn embeddings(request: &Recorded, vectors: &[Vec<f64>], tokens: usize) -> Value {
    let body = request.json();
    let kind = body["embedding_types"][0].as_str().unwrap_or("float");
    json!({
        "id": ID, "embeddings": {kind: vectors}, "texts": body["texts"],
        "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}},
        "response_type": "embeddings_by_type",
    })
}

/// An order of documents, the best first, from the score of each.
pub(crate) fn ranking(request: &Recorded, scores: &[f64]) -> Value {
    let body = request.json();
    let mut order: Vec<(usize, f64)> = scores.iter().copied().enumerate().collect();
    order.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let most = body["top_n"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let results: Vec<Value> = order
        .into_iter()
        .take(most)
        .map(|(index, score)| json!({"index": index, "relevance_score": score}))
        .collect();
    if request.path.ends_with("/v2/rerank") {
        let meta = json!({"api_version": {"version": "2"}, "billed_units": {"search_units": 1}});
        return json!({"id": ID, "results": results, "meta": meta});
    }
    let documents = body["documents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let asked = std::iter::once(&body["query"]).chain(documents);
    let tokens: usize = asked.filter_map(Value::as_str).map(words).sum();
    json!({"model": body["model"], "results": results, "usage": {"total_tokens": tokens}})
}

/// The id of every answer.
const ID: &str = "scripted";
/// What the model means to do with the tools.
const PLAN: &str = "I will call it.";

fn call(index: usize, name: &str, arguments: &str) -> Value {
    json!({"id": call_id(index), "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn begun(index: Option<usize>) -> Bytes {
    event("content-start", index, &json!({"content": {"type": "text", "text": ""}}))
}

fn more(index: Option<usize>, text: &str) -> Bytes {
    event("content-delta", index, &json!({"content": {"text": text}}))
}

/// An event that adds to the message, or, without an addition, ends a part of it.
fn event(name: &str, index: Option<usize>, message: &Value) -> Bytes {
    let mut data = json!({"type": name});
    if let Some(index) = index {
        data["index"] = index.into();
    }
    if !message.is_null() {
        data["delta"] = json!({"message": message});
    }
    frame(name, &data)
}

fn frame(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

fn finish_reason(speech: &[Speech]) -> &'static str {
    if finish(speech) == "stop" { "COMPLETE" } else { "TOOL_CALL" }
}

fn usage(request: &Recorded, speech: &[Speech]) -> Value {
    let figures = json!({"input_tokens": request.words(), "output_tokens": spoken_words(speech)});
    json!({"billed_units": figures, "tokens": figures})
}
