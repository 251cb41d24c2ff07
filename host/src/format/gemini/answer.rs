//! Whole answers, rendered as candidates.

use crate::chat::{Answer, Choice, Usage, channel};
use crate::format::Head;
use crate::format::translate::arguments;
use serde_json::{Value, json};

/// Renders an answer.
#[must_use]
pub fn render_answer(answer: &Answer, head: Head<'_>) -> Value {
    let candidates: Vec<Value> = answer.choices.iter().map(candidate).collect();
    json!({
        "candidates": candidates,
        "usageMetadata": render_usage(&answer.usage),
        "modelVersion": answer.extra("model").unwrap_or(head.model),
        "responseId": answer.extra("id").unwrap_or(head.exchange),
    })
}

/// The API counts thoughts apart from the answer; the gateway counts them together.
pub(super) fn render_usage(usage: &Usage) -> Value {
    json!({
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output.saturating_sub(usage.reasoning),
        "thoughtsTokenCount": usage.reasoning,
        "cachedContentTokenCount": usage.cache_read,
        "totalTokenCount": usage.input + usage.output,
    })
}

/// Why an answer ended, in the API's words.
pub(super) fn finish_reason(reason: &str) -> &'static str {
    match reason {
        "stop" | "tool_calls" | "function_call" => "STOP",
        "length" => "MAX_TOKENS",
        "content_filter" => "SAFETY",
        _ => "OTHER",
    }
}

/// A call as a part.
pub(super) fn call(id: &str, name: &str, given: &str) -> Value {
    json!({ "functionCall": { "id": id, "name": name, "args": arguments(given) } })
}

fn candidate(choice: &Choice) -> Value {
    let mut parts = Vec::new();
    if let Some(thought) = choice.channel(channel::REASONING) {
        parts.push(json!({ "text": thought, "thought": true }));
    }
    let said = [channel::CONTENT, channel::REFUSAL].into_iter().filter_map(|name| choice.channel(name));
    parts.extend(said.filter(|text| !text.is_empty()).map(|text| json!({ "text": text })));
    let calls = choice.tools.iter();
    parts.extend(calls.map(|tool| call(&tool.id, &tool.name, choice.part(channel::TOOL_ARGS, tool.part))));
    json!({
        "content": { "role": "model", "parts": parts },
        "finishReason": finish_reason(choice.finish.as_deref().unwrap_or("stop")),
        "index": choice.index,
    })
}
