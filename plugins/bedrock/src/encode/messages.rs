//! The conversation: roles, turns and blocks.
//!
//! Invariants: turns alternate; results of tools stand at the start of the user turn that follows the call; an
//! assistant's signed thoughts stand before what it says; no text is blank (the API refuses that); content that
//! cannot be expressed is refused by its place, never dropped.

use super::cache;
use super::media::{Names, block};
use crate::model::Model;
use adapter_kit::Refusal;
use adapter_kit::content::{Part, inexpressible};
use adapter_kit::message::{Message, Role, ToolCall, messages};
use adapter_kit::reasoning::Thought;
use serde_json::{Map, Value, json};

/// How long the API lets the ids of calls be.
const ID_LENGTH: usize = 64;

/// A translated conversation.
#[derive(Debug, Default)]
pub struct Conversation {
    /// What stood in `system` and `developer` messages.
    pub system: Vec<Value>,
    /// The turns.
    pub messages: Vec<Value>,
    /// The names of the tools that were called, each once.
    pub used_tools: Vec<String>,
    /// Whether it ends with the results of a call whose thinking is not known.
    pub in_tool_loop: bool,
}

#[derive(Default)]
struct Turn {
    assistant: bool,
    results: Vec<Value>,
    blocks: Vec<Value>,
}

/// Translates `messages`.
pub fn translate(given: Option<Value>, model: Model) -> Result<Conversation, Refusal> {
    let points = cache::points(given.as_ref(), model);
    let mut out = Conversation::default();
    let mut names = Names::default();
    let mut turns: Vec<Turn> = Vec::new();
    for (mut message, points) in messages(given)?.into_iter().zip(points) {
        let place = message.index;
        let wrong = |why: Refusal| format!("`messages[{place}]` {why}");
        let point = cache::point(&message.more, model);
        let blocks = blocks(&mut message, points, &mut names).map_err(wrong)?;
        match message.role {
            Role::System => out.system.extend(closed(blocks, point)),
            Role::User => {
                out.in_tool_loop = false;
                add(&mut turns, Turn { blocks: closed(blocks, point), ..Turn::default() });
            }
            Role::Assistant => {
                let said = assistant(&mut message, blocks, model, &mut out).map_err(wrong)?;
                add(&mut turns, Turn { assistant: true, blocks: closed(said, point), ..Turn::default() });
            }
            Role::Tool => {
                let results = closed(result(&mut message, blocks), point);
                add(&mut turns, Turn { results, ..Turn::default() });
            }
        }
    }
    if turns.is_empty() {
        // OpenAI takes a request of instructions alone; here someone must have said something.
        if out.system.is_empty() {
            return Err("`messages` says nothing".into());
        }
        turns.push(Turn { blocks: std::mem::take(&mut out.system), ..Turn::default() });
    }
    trim_prefill(&mut turns);
    out.messages = turns.into_iter().map(Turn::message).collect();
    Ok(out)
}

impl Turn {
    fn message(mut self) -> Value {
        self.results.append(&mut self.blocks);
        json!({ "role": if self.assistant { "assistant" } else { "user" }, "content": self.results })
    }
}

/// Adds to the last turn where it is of the same role. Of several results, and what the user said beside them,
/// the results come first.
fn add(turns: &mut Vec<Turn>, turn: Turn) {
    if turn.results.is_empty() && turn.blocks.is_empty() {
        return;
    }
    match turns.last_mut() {
        Some(last) if last.assistant == turn.assistant => {
            last.results.extend(turn.results);
            last.blocks.extend(turn.blocks);
        }
        _ => turns.push(turn),
    }
}

/// Anthropic's models refuse a last assistant turn (which they continue) that ends in white space.
fn trim_prefill(turns: &mut [Turn]) {
    if let Some(Turn { assistant: true, blocks, .. }) = turns.last_mut()
        && let Some(Value::String(text)) = blocks.last_mut().and_then(|block| block.get_mut("text"))
    {
        text.truncate(text.trim_end().len());
    }
}

/// A message's parts, each with the cache point that it asks for.
fn blocks(
    message: &mut Message,
    points: Vec<Option<Value>>,
    names: &mut Names,
) -> Result<Vec<Value>, Refusal> {
    let mut out: Vec<Value> = Vec::new();
    let parts = std::mem::take(&mut message.parts);
    for (part, point) in parts.into_iter().zip(points.into_iter().chain(std::iter::repeat(None))) {
        if message.role == Role::System && !matches!(part, Part::Text(_)) {
            return Err(inexpressible(part.kind()));
        }
        if let Some(block) = block(part, names)? {
            out.push(block);
            out.extend(point);
        }
    }
    Ok(out)
}

/// With the cache point that the message asks for, unless there is nothing to cache or one stands there already.
fn closed(mut blocks: Vec<Value>, point: Option<Value>) -> Vec<Value> {
    if blocks.last().is_some_and(|last| last.get("cachePoint").is_none()) {
        blocks.extend(point);
    }
    blocks
}

/// What an assistant message says: thinking, text, calls, in this order.
fn assistant(
    message: &mut Message,
    spoken: Vec<Value>,
    model: Model,
    out: &mut Conversation,
) -> Result<Vec<Value>, Refusal> {
    let thoughts = model.family.format().map(|format| message.thoughts(format)).unwrap_or_default();
    out.in_tool_loop = !message.calls.is_empty() && thoughts.is_empty();
    if spoken.is_empty() && message.calls.is_empty() {
        return Ok(Vec::new());
    }
    let mut said: Vec<Value> = thoughts.into_iter().map(thought).collect();
    said.extend(spoken);
    for call in &message.calls {
        if !out.used_tools.contains(&call.name) {
            out.used_tools.push(call.name.clone());
        }
        said.push(used(call)?);
        said.extend(cache::point(&call.more, model));
    }
    Ok(said)
}

fn thought(thought: Thought) -> Value {
    let content = match thought {
        Thought::Signed { text, signature } => {
            json!({ "reasoningText": { "text": text, "signature": signature } })
        }
        Thought::Encrypted(data) => json!({ "redactedContent": data }),
    };
    json!({ "reasoningContent": content })
}

fn used(call: &ToolCall) -> Result<Value, Refusal> {
    let block = json!({ "toolUseId": fit(&call.id), "name": call.name, "input": call.object()? });
    Ok(json!({ "toolUse": block }))
}

/// The result of a call; cache points stand behind it, not in it.
fn result(message: &mut Message, blocks: Vec<Value>) -> Vec<Value> {
    let (points, content): (Vec<_>, Vec<_>) =
        blocks.into_iter().partition(|block| block.get("cachePoint").is_some());
    let mut result = Map::new();
    result.insert("toolUseId".into(), fit(message.call_id.as_deref().unwrap_or_default()).into());
    // The API refuses an error without content.
    if let Some(status) = status(message).filter(|_| !content.is_empty()) {
        result.insert("status".into(), status.into());
    }
    result.insert("content".into(), content.into());
    std::iter::once(json!({ "toolResult": result })).chain(points.into_iter().next_back()).collect()
}

/// Whether a tool failed, in Converse's words or in Anthropic's.
fn status(message: &mut Message) -> Option<&'static str> {
    let status = message.more.remove("status");
    match status.as_ref().and_then(Value::as_str) {
        Some("error") => Some("error"),
        Some("success") => Some("success"),
        _ => (message.more.remove("is_error") == Some(Value::Bool(true))).then_some("error"),
    }
}

/// An id as the API wants it: letters, digits, `_` and `-`, and not too long. A call's and its result's alike.
fn fit(id: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let fitting: String = id.chars().map(fit).collect();
    match fitting.len() {
        0 => "_".to_owned(),
        1..=ID_LENGTH => fitting,
        _ => {
            // Source: FNV-1a, 64 bits.
            let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, mix);
            fitting.chars().take(ID_LENGTH - 17).chain(format!("-{hash:016x}").chars()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn ids_are_short_and_of_few_characters() {
        for (id, expected) in [("tooluse_a-B1", "tooluse_a-B1"), ("call:é.1", "call___1"), ("", "_")] {
            assert_eq!(fit(id), expected);
        }
        let long = format!("call_1.sig.{}", "x".repeat(500));
        let made = fit(&long);
        assert!(made.len() == 64 && made.starts_with("call_1_sig_x"), "{made}");
        assert_eq!(made, fit(&long));
        assert_ne!(made, fit(&format!("{long}y")));
    }
}
