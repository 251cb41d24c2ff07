//! From Messages API frames to canonical events.
//!
//! Invariants: frames are told apart by the `type` in their data, so a whole body and a stream take the same
//! road; what is remembered between batches is small (no text) and changes only at the edges of blocks;
//! unknown frames, blocks and deltas are passed over, as the API's versioning rules ask. Each block of thinking
//! keeps its own number, signature included; text of server-side tools never reaches the client.

mod error;
mod wire;

use adapter_kit::event::Events;
use adapter_kit::reasoning::ANTHROPIC;
use adapter_kit::stream;
use lockgate_sdk::prelude::{ProviderError, Usage};
use serde::{Deserialize, Serialize};
use wire::{Block, BlockDelta, Message, Tokens, Wire};

/// What is remembered between batches of frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decoder {
    /// Tool calls so far.
    calls: u32,
    /// The blocks of tool calls that are open: index, tool part, and whether arguments came.
    open: Vec<(u64, u32, bool)>,
    /// Blocks of thinking so far.
    thoughts: u32,
    /// Those that are open: index and number.
    thinking: Vec<(u64, u32)>,
    tokens: Tokens,
}

impl Decoder {
    /// A body that is not a stream.
    fn whole(&mut self, message: Message, events: &mut Events) {
        self.start(&message, events);
        for (index, block) in (0..).zip(message.content) {
            self.block(index, block, events);
            self.stop(index, events);
        }
        ending(message.stop_reason, message.stop_details, events);
    }

    fn start(&mut self, message: &Message, events: &mut Events) {
        events.facts(&[("id", &message.id), ("model", &message.model)]);
        self.usage(message.usage.clone(), events);
    }

    fn block(&mut self, index: u64, block: Block, events: &mut Events) {
        match block {
            Block::Text { text } => events.say(0, "content", text),
            Block::Thinking { thinking, signature } => {
                let number = self.thought(index);
                events.think(0, number, thinking);
                events.sign(0, number, ANTHROPIC, signature);
            }
            Block::RedactedThinking { data } => {
                let number = self.thought(index);
                events.encrypted(0, number, ANTHROPIC, data);
            }
            Block::ToolUse { id, name, input } => {
                let part = self.calls;
                self.calls += 1;
                events.call(0, part, id, name);
                // A stream starts with an empty input and sends it in pieces; a body has it whole.
                let whole = input.as_object().is_some_and(|map| !map.is_empty());
                if whole {
                    events.arguments(0, part, input.to_string());
                }
                self.open.push((index, part, whole));
            }
            Block::Fallback { to } => events.facts(&[("model", &to.model)]),
            Block::Other => {}
        }
    }

    /// A block of thinking begins.
    fn thought(&mut self, index: u64) -> u32 {
        let number = self.thoughts;
        self.thoughts += 1;
        self.thinking.push((index, number));
        number
    }

    /// The number of the block of thinking at an index.
    fn thought_at(&self, index: u64) -> u32 {
        let open = self.thinking.iter().find(|(at, _)| *at == index);
        open.map_or(self.thoughts.saturating_sub(1), |(_, number)| *number)
    }

    fn delta(&mut self, index: u64, delta: BlockDelta, events: &mut Events) {
        match delta {
            BlockDelta::Text { text } => events.say(0, "content", text),
            BlockDelta::Thinking { thinking } => events.think(0, self.thought_at(index), thinking),
            BlockDelta::Signature { signature } => {
                events.sign(0, self.thought_at(index), ANTHROPIC, signature);
            }
            BlockDelta::InputJson { partial_json } if !partial_json.is_empty() => {
                // Input of a server-side tool has no open call and is the provider's own affair.
                if let Some((_, part, written)) = self.open.iter_mut().find(|(at, ..)| *at == index) {
                    *written = true;
                    events.arguments(0, *part, partial_json);
                }
            }
            BlockDelta::InputJson { .. } | BlockDelta::Other => {}
        }
    }

    fn stop(&mut self, index: u64, events: &mut Events) {
        self.thinking.retain(|(at, _)| *at != index);
        let Some(at) = self.open.iter().position(|(open, ..)| *open == index) else { return };
        let (_, part, written) = self.open.swap_remove(at);
        if !written {
            // A call without arguments: OpenAI's clients parse them as JSON.
            events.arguments(0, part, "{}");
        }
    }

    fn usage(&mut self, tokens: Tokens, events: &mut Events) {
        self.tokens.update(tokens);
        events.usage(usage(&self.tokens));
    }
}

impl stream::Decoder for Decoder {
    fn frame(&mut self, data: &[u8], events: &mut Events) {
        let wire = match serde_json::from_slice::<Wire>(data) {
            Ok(wire) => wire,
            Err(error) => return events.bad_frame(&error.to_string()),
        };
        match wire {
            Wire::Message(message) => self.whole(message, events),
            Wire::MessageStart { mut message } => {
                // It is of before the answer (1, as a rule): of one that breaks off, it would pass for all that it took.
                message.usage.output_tokens = None;
                self.start(&message, events);
            }
            Wire::ContentBlockStart { index, content_block } => self.block(index, content_block, events),
            Wire::ContentBlockDelta { index, delta } => self.delta(index, delta, events),
            Wire::ContentBlockStop { index } => self.stop(index, events),
            Wire::MessageDelta { delta, usage } => {
                self.usage(usage, events);
                ending(delta.stop_reason, delta.stop_details, events);
            }
            Wire::Error { error } => events.error(error::in_stream(error)),
            Wire::Other => {}
        }
    }

    fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
        error::failure(status, headers, body)
    }
}

fn ending(reason: Option<String>, details: Option<wire::StopDetails>, events: &mut Events) {
    let Some(reason) = reason else { return };
    if let Some(explanation) = details.and_then(|details| details.explanation) {
        events.say(0, "refusal", explanation);
    }
    let finish = match reason.as_str() {
        "end_turn" | "stop_sequence" | "pause_turn" => "stop",
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        other => other,
    };
    events.finish(0, finish);
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

#[cfg(test)]
mod tests;
