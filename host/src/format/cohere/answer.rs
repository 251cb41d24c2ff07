//! Whole answers, rendered as a message; and errors.
//!
//! Invariant: a citation is told only where its words stand in the text, at the place it names: what a filter changed or
//! took away is not quoted.

use crate::chat::{Answer, Choice, Usage, channel};
use crate::error::Error;
use crate::format::Head;
use serde_json::{Map, Value, json};

/// Renders a message. The API has one answer to a request: further choices are not told.
#[must_use]
pub fn render_answer(answer: &Answer, head: Head<'_>) -> Value {
    let choice = answer.choices.first();
    let finish = choice.and_then(|choice| choice.finish.as_deref());
    let cited = answer.extra("citations");
    json!({
        "id": answer.extra("id").unwrap_or(head.exchange),
        "finish_reason": finish_reason(finish.unwrap_or("stop")),
        "message": choice.map(|choice| message(choice, cited)),
        "usage": render_usage(&answer.usage),
    })
}

/// The body of an error answer. Beside the API's own fields stands the gateway's code.
#[must_use]
pub fn render_error(error: &Error, exchange: &str) -> Value {
    json!({ "id": exchange, "message": error.message, "code": error.code })
}

/// The gateway does not know what is billed: all tokens are told as billed.
pub(super) fn render_usage(usage: &Usage) -> Value {
    let figures = json!({ "input_tokens": usage.input, "output_tokens": usage.output });
    json!({ "billed_units": figures, "tokens": figures, "cached_tokens": usage.cache_read })
}

/// Why an answer ended, in the API's words.
pub(super) fn finish_reason(reason: &str) -> String {
    match reason {
        "stop" => "COMPLETE".into(),
        "length" => "MAX_TOKENS".into(),
        "tool_calls" | "function_call" => "TOOL_CALL".into(),
        "content_filter" => "ERROR".into(),
        other => other.to_ascii_uppercase(),
    }
}

/// A call.
pub(super) fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

/// The citations that hold of a text. Places are counted in characters.
pub(super) fn citations(told: Option<&str>, text: &str) -> Vec<Value> {
    let told = told.and_then(|told| serde_json::from_str::<Vec<Value>>(told).ok()).unwrap_or_default();
    let holds = |citation: &Value| {
        let place = |name: &str| citation.get(name)?.as_u64()?.try_into().ok();
        let (Some(start), Some(end)) = (place("start"), place("end")) else { return false };
        let of_text = citation.get("type").is_none_or(|kind| kind == "TEXT_CONTENT");
        let length = usize::saturating_sub(end, start);
        let cited: String = text.chars().skip(start).take(length).collect();
        of_text && citation.get("text").is_some_and(|words| *words == cited)
    };
    told.into_iter().filter(holds).collect()
}

/// What was thought, then what was said, then what was called.
fn message(choice: &Choice, cited: Option<&str>) -> Value {
    let mut content = Vec::new();
    if let Some(thought) = choice.channel(channel::REASONING) {
        content.push(json!({ "type": "thinking", "thinking": thought }));
    }
    let said = [channel::CONTENT, channel::REFUSAL].into_iter().filter_map(|name| choice.channel(name));
    let said: String = said.collect();
    if !said.is_empty() {
        content.push(json!({ "type": "text", "text": said }));
    }
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    if !content.is_empty() || choice.tools.is_empty() {
        message.insert("content".into(), content.into());
    }
    if !choice.tools.is_empty() {
        let calls = choice.tools.iter();
        let calls = calls.map(|tool| call(&tool.id, &tool.name, choice.part(channel::TOOL_ARGS, tool.part)));
        message.insert("tool_calls".into(), calls.collect());
    }
    let citations = citations(cited, &said);
    if !citations.is_empty() {
        message.insert("citations".into(), citations.into());
    }
    message.into()
}
