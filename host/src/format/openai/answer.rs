//! Whole answers, read and rendered.

use super::wire::Body;
use crate::chat::channel::{self, Opaque};
use crate::chat::{Answer, Choice, Event, Thought, Usage};
use crate::format::Head;
use serde_json::{Map, Value, json};

/// Reads a whole chat completion.
///
/// # Errors
/// What is wrong, when the body is not a chat completion.
pub fn read_answer(body: &[u8]) -> Result<Vec<Event>, serde_json::Error> {
    let body: Body<'_> = serde_json::from_slice(body)?;
    let mut events = vec![Event::Extra(body.extras())];
    let usage = body.usage();
    for mut choice in body.choices.unwrap_or_default() {
        events.extend(choice.bare());
        if let Some(message) = choice.message {
            message.events(choice.index, |_| false, &mut events);
        }
        if let Some(reason) = choice.finish_reason {
            events.push(Event::Finish { choice: choice.index, reason: reason.into_owned() });
        }
    }
    events.extend(usage);
    Ok(events)
}

/// Renders a whole chat completion. What the head says stands in where the provider said nothing.
#[must_use]
pub fn render_answer(answer: &Answer, head: Head<'_>, asked: &Map<String, Value>) -> Value {
    let custom = custom_tools(asked);
    render("chat.completion", answer, head, |choice| render_choice(choice, &custom))
}

/// The names of the tools that take a text instead of arguments.
pub(super) fn custom_tools(asked: &Map<String, Value>) -> Vec<String> {
    let tools = asked.get("tools").and_then(Value::as_array).into_iter().flatten();
    tools.filter_map(|tool| tool.pointer("/custom/name")?.as_str().map(str::to_owned)).collect()
}

/// Renders the completion of a bare text.
#[must_use]
pub fn render_completion(answer: &Answer, head: Head<'_>) -> Value {
    render("text_completion", answer, head, |choice| {
        json!({
            "text": choice.channel(channel::CONTENT).unwrap_or_default(),
            "index": choice.index,
            "logprobs": null,
            "finish_reason": choice.finish.as_deref().unwrap_or("stop"),
        })
    })
}

fn render(object: &str, answer: &Answer, head: Head<'_>, choice: impl Fn(&Choice) -> Value) -> Value {
    let mut body = Map::new();
    body.insert(
        "id".into(),
        answer.extra("id").map_or_else(|| answer_id(head.exchange), str::to_owned).into(),
    );
    body.insert("object".into(), object.into());
    let told = answer.extra("created").and_then(|created| created.parse().ok());
    body.insert("created".into(), told.unwrap_or(head.created).into());
    body.insert("model".into(), answer.extra("model").unwrap_or(head.model).into());
    body.insert("choices".into(), answer.choices.iter().map(choice).collect());
    body.insert("usage".into(), render_usage(&answer.usage));
    for key in ["system_fingerprint", "service_tier"] {
        if let Some(value) = answer.extra(key) {
            body.insert(key.into(), value.into());
        }
    }
    Value::Object(body)
}

/// The id of an answer whose provider gave none.
pub(super) fn answer_id(exchange: &str) -> String {
    format!("chatcmpl-{exchange}")
}

/// The usage object.
pub(super) fn render_usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cache_read },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}

/// A thought that a client has to send back as it is, in OpenRouter's shape; none of one that nobody vouches for.
/// Source: OpenRouter documentation, "Reasoning tokens".
fn detail(thought: &Thought<'_>) -> Option<Value> {
    let (opaque, told) = thought.opaque?;
    Some(match opaque {
        Opaque::Signature(format) => json!({
            "type": "reasoning.text", "text": thought.text, "signature": told, "format": format, "index": thought.part,
        }),
        Opaque::Encrypted(format) => json!({
            "type": "reasoning.encrypted", "data": told, "format": format, "index": thought.part,
        }),
    })
}

fn render_choice(choice: &Choice, custom: &[String]) -> Value {
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    message.insert("content".into(), choice.channel(channel::CONTENT).into());
    message.insert("refusal".into(), choice.channel(channel::REFUSAL).into());
    if let Some(reasoning) = choice.channel(channel::REASONING) {
        message.insert("reasoning_content".into(), reasoning.into());
    }
    let details: Vec<Value> = choice.thoughts().iter().filter_map(detail).collect();
    if !details.is_empty() {
        message.insert("reasoning_details".into(), details.into());
    }
    if !choice.tools.is_empty() {
        let calls = choice.tools.iter().map(|tool| {
            let given = choice.part(channel::TOOL_ARGS, tool.part);
            match custom.contains(&tool.name) {
                true => json!({
                    "id": tool.id, "type": "custom", "custom": { "name": tool.name, "input": given },
                }),
                false => json!({
                    "id": tool.id, "type": "function", "function": { "name": tool.name, "arguments": given },
                }),
            }
        });
        message.insert("tool_calls".into(), calls.collect());
    }
    json!({
        "index": choice.index,
        "message": message,
        "logprobs": null,
        "finish_reason": choice.finish.as_deref().unwrap_or("stop"),
    })
}
