//! Whole answers, rendered as a message.

use super::thinking::vouched;
use crate::chat::channel::{self, Opaque};
use crate::chat::{Answer, Choice, Usage};
use crate::format::Head;
use crate::format::translate::arguments;
use serde_json::{Value, json};

/// Renders a message. The API has one answer to a request: further choices are not told.
#[must_use]
pub fn render_answer(answer: &Answer, head: Head<'_>) -> Value {
    let choice = answer.choices.first();
    let finish = choice.and_then(|choice| choice.finish.as_deref());
    let content = choice.map(blocks).unwrap_or_default();
    json!({
        "id": answer.extra("id").map_or_else(|| answer_id(head.exchange), str::to_owned),
        "type": "message",
        "role": "assistant",
        "model": answer.extra("model").unwrap_or(head.model),
        "content": content,
        "stop_reason": stop_reason(finish.unwrap_or("stop")),
        "stop_sequence": null,
        "usage": render_usage(&answer.usage),
    })
}

/// The id of an answer whose provider gave none.
pub(super) fn answer_id(exchange: &str) -> String {
    format!("msg_{exchange}")
}

/// Cached input is counted apart from the rest here, and together with it in the host.
pub(super) fn render_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input.saturating_sub(usage.cache_read + usage.cache_write),
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    })
}

/// Why the answer ended, in the API's words.
pub(super) fn stop_reason(finish: &str) -> &'static str {
    match finish {
        "length" => "max_tokens",
        "tool_calls" | "function_call" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    }
}

/// Thinking that is not told in words.
pub(super) fn redacted(data: &str) -> Value {
    json!({ "type": "redacted_thinking", "data": data })
}

/// What was thought, then what was said, then what was called.
fn blocks(choice: &Choice) -> Vec<Value> {
    let mut blocks = Vec::new();
    blocks.extend(choice.thoughts().iter().map(|thought| match thought.opaque {
        Some((Opaque::Encrypted(format), data)) => redacted(&vouched(format, data)),
        Some((Opaque::Signature(format), signature)) => {
            json!({ "type": "thinking", "thinking": thought.text, "signature": vouched(format, signature) })
        }
        // Not every provider signs what its models think.
        None => json!({ "type": "thinking", "thinking": thought.text, "signature": "" }),
    }));
    let said = [channel::CONTENT, channel::REFUSAL].into_iter().filter_map(|name| choice.channel(name));
    blocks.extend(said.filter(|text| !text.is_empty()).map(|text| json!({ "type": "text", "text": text })));
    blocks.extend(choice.tools.iter().map(|tool| {
        let input = arguments(choice.part(channel::TOOL_ARGS, tool.part));
        json!({ "type": "tool_use", "id": tool.id, "name": tool.name, "input": input })
    }));
    blocks
}
