//! From Messages API frames to canonical events.
//!
//! Invariants: frames are told apart by the `type` in their data, so a whole body and a stream take the same
//! road; what is remembered between batches is small (no text) and changes only at the edges of blocks;
//! unknown frames, blocks and deltas are passed over, as the API's versioning rules ask.
//! It never gives text of server-side tools, signatures or redacted thinking to the client.

mod error;
mod wire;

pub use error::failure;

use lockgate_sdk::prelude::{Delta, Event, ProviderError, ToolCall, Usage};
use serde::{Deserialize, Serialize};
use wire::{Block, BlockDelta, Message, Tokens, Wire};

/// What is remembered between batches of frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decoder {
    /// Tool calls so far.
    calls: u32,
    /// The blocks of tool calls that are open: index, tool part, and whether arguments came.
    open: Vec<(u64, u32, bool)>,
    tokens: Tokens,
}

impl Decoder {
    /// From the scratch.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// For the scratch.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Decodes one frame.
    pub fn frame(&mut self, data: &[u8], events: &mut Vec<Event>) {
        let wire = match serde_json::from_slice::<Wire>(data) {
            Ok(wire) => wire,
            Err(_) if data.iter().all(u8::is_ascii_whitespace) => return,
            Err(error) => {
                events.push(Event::Error(ProviderError {
                    status: 502,
                    code: "bad_response".into(),
                    message: format!("the provider sent a frame that cannot be read: {error}"),
                    retry_after_ms: None,
                }));
                return;
            }
        };
        match wire {
            Wire::Message(message) => self.whole(message, events),
            Wire::MessageStart { message } => self.start(&message, events),
            Wire::ContentBlockStart { index, content_block } => self.block(index, content_block, events),
            Wire::ContentBlockDelta { index, delta } => self.delta(index, delta, events),
            Wire::ContentBlockStop { index } => self.stop(index, events),
            Wire::MessageDelta { delta, usage } => {
                self.usage(usage, events);
                self.ending(delta.stop_reason, delta.stop_details, events);
            }
            Wire::Error { error } => events.push(Event::Error(error::in_stream(error))),
            Wire::Other => {}
        }
    }

    /// A body that is not a stream.
    fn whole(&mut self, message: Message, events: &mut Vec<Event>) {
        self.start(&message, events);
        for (index, block) in (0..).zip(message.content) {
            self.block(index, block, events);
            self.stop(index, events);
        }
        self.ending(message.stop_reason, message.stop_details, events);
    }

    fn start(&mut self, message: &Message, events: &mut Vec<Event>) {
        let facts = [("id", &message.id), ("model", &message.model)];
        let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
        events.push(Event::Extra(facts.map(|(name, value)| (name.to_owned(), value.clone())).collect()));
        self.usage(message.usage.clone(), events);
    }

    fn block(&mut self, index: u64, block: Block, events: &mut Vec<Event>) {
        match block {
            Block::Text { text } => say("content", text, events),
            Block::Thinking { thinking } => say("reasoning", thinking, events),
            Block::ToolUse { id, name, input } => {
                let part = self.calls;
                self.calls += 1;
                events.push(Event::Tool(ToolCall { choice: 0, part, id, name }));
                // A stream starts with an empty input and sends it in pieces; a body has it whole.
                let whole = input.as_object().is_some_and(|map| !map.is_empty());
                if whole {
                    arguments(part, input.to_string(), events);
                }
                self.open.push((index, part, whole));
            }
            Block::Fallback { to } => {
                events.push(Event::Extra(vec![("model".to_owned(), to.model)]));
            }
            Block::Other => {}
        }
    }

    fn delta(&mut self, index: u64, delta: BlockDelta, events: &mut Vec<Event>) {
        match delta {
            BlockDelta::Text { text } => say("content", text, events),
            BlockDelta::Thinking { thinking } => say("reasoning", thinking, events),
            BlockDelta::InputJson { partial_json } if !partial_json.is_empty() => {
                // Input of a server-side tool has no open call and is the provider's own affair.
                if let Some((_, part, written)) = self.open.iter_mut().find(|(at, ..)| *at == index) {
                    *written = true;
                    arguments(*part, partial_json, events);
                }
            }
            BlockDelta::InputJson { .. } | BlockDelta::Other => {}
        }
    }

    fn stop(&mut self, index: u64, events: &mut Vec<Event>) {
        let Some(at) = self.open.iter().position(|(open, ..)| *open == index) else { return };
        let (_, part, written) = self.open.swap_remove(at);
        if !written {
            // A call without arguments: OpenAI's clients parse them as JSON.
            arguments(part, "{}".to_owned(), events);
        }
    }

    fn usage(&mut self, tokens: Tokens, events: &mut Vec<Event>) {
        self.tokens.update(tokens);
        events.push(Event::Usage(usage(&self.tokens)));
    }

    fn ending(&self, reason: Option<String>, details: Option<wire::StopDetails>, events: &mut Vec<Event>) {
        let Some(reason) = reason else { return };
        if let Some(explanation) = details.and_then(|details| details.explanation) {
            say("refusal", explanation, events);
        }
        let finish = match reason.as_str() {
            "end_turn" | "stop_sequence" | "pause_turn" => "stop",
            "max_tokens" | "model_context_window_exceeded" => "length",
            "tool_use" => "tool_calls",
            "refusal" => "content_filter",
            other => other,
        };
        events.push(Event::Finish((0, finish.to_owned())));
    }
}

/// Anthropic counts cached input apart from `input_tokens`; the gateway counts all input together.
fn usage(tokens: &Tokens) -> Usage {
    let read = tokens.cache_read_input_tokens.unwrap_or(0);
    let write = tokens.cache_creation_input_tokens.unwrap_or(0);
    let hour = tokens.cache_creation.as_ref().map_or(0, |cache| cache.ephemeral_1h_input_tokens);
    let searches = tokens.server_tool_use.as_ref().map_or(0, |tools| tools.web_search_requests);
    let extra = [("cache-write.1h", hour), ("web-searches", searches)];
    Usage {
        input: tokens.input_tokens.unwrap_or(0) + read + write,
        output: tokens.output_tokens.unwrap_or(0),
        cache_read: read,
        cache_write: write,
        reasoning: tokens.output_tokens_details.as_ref().map_or(0, |details| details.thinking_tokens),
        extra: extra.iter().filter(|(_, n)| *n > 0).map(|(k, n)| ((*k).to_owned(), n.to_string())).collect(),
    }
}

fn say(channel: &str, text: String, events: &mut Vec<Event>) {
    // Blocks of one channel are one text to the client, as OpenAI's format has it: part 0.
    if !text.is_empty() {
        events.push(Event::Text(Delta { choice: 0, part: 0, channel: channel.to_owned(), text }));
    }
}

fn arguments(part: u32, text: String, events: &mut Vec<Event>) {
    events.push(Event::Text(Delta { choice: 0, part, channel: "tool-args".to_owned(), text }));
}

#[cfg(test)]
mod tests;
