//! From the Converse API's answers to canonical events.
//!
//! Invariants: the host names the frames of a stream by their event, and a whole body has no name; both take the
//! same road; what is remembered between batches is small (no text) and changes only at the edges of blocks;
//! what models sign is told under their maker's format; media that the gateway's answers cannot carry is an
//! error, never silence.

mod error;
mod wire;

use crate::model::Family;
use adapter_kit::event::Events;
use adapter_kit::stream;
use lockgate_sdk::prelude::{ProviderError, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::{Answer, Block, Reasoning, Tokens, ToolUse};

/// What is remembered between batches of frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decoder {
    /// Whose model answers.
    family: Family,
    /// Tool calls so far.
    calls: u32,
    /// The blocks of tool calls that are open: index, tool part, and whether arguments came.
    open: Vec<(u64, u32, bool)>,
    /// Blocks of thinking so far.
    thoughts: u32,
    /// The index of the last of them.
    thinking: Option<u64>,
}

impl Decoder {
    /// For the answer of a model of this family.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self { family, ..Self::default() }
    }

    /// A body that is not a stream.
    fn whole(&mut self, answer: Answer, events: &mut Events) {
        let Some(message) = answer.output.and_then(|output| output.message) else {
            return events.bad_frame("it has no message");
        };
        for (index, block) in (0..).zip(message.content) {
            self.block(index, block, events);
            self.stop(index, events);
        }
        if let Some(tokens) = &answer.usage {
            events.usage(usage(tokens));
        }
        ending(answer.stop_reason, events);
    }

    /// A block, its start, or more of it.
    fn block(&mut self, index: u64, block: Block, events: &mut Events) {
        if block.image.is_some() || block.audio.is_some() {
            let message = "the answer holds media, which cannot be passed on".to_owned();
            return events.error(error::broken("unsupported_output", message));
        }
        events.say(0, "content", block.text.unwrap_or_default());
        for part in block.citations_content.into_iter().flat_map(|cited| cited.content) {
            events.say(0, "content", part.text.unwrap_or_default());
        }
        if let Some(reasoning) = block.reasoning_content {
            self.think(index, reasoning, events);
        }
        if let Some(call) = block.tool_use {
            self.call(index, call, events);
        }
    }

    fn think(&mut self, index: u64, reasoning: Reasoning, events: &mut Events) {
        if self.thinking != Some(index) {
            self.thinking = Some(index);
            self.thoughts = self.thoughts.saturating_add(1);
        }
        let number = self.thoughts.saturating_sub(1);
        let whole = reasoning.reasoning_text.unwrap_or_default();
        for text in [whole.text, reasoning.text].into_iter().flatten() {
            events.think(0, number, text);
        }
        let Some(format) = self.family.format() else { return };
        for signature in [whole.signature, reasoning.signature].into_iter().flatten() {
            events.sign(0, number, format, signature);
        }
        events.encrypted(0, number, format, reasoning.redacted_content.unwrap_or_default());
    }

    /// A whole call, the start of one, or more of its arguments.
    fn call(&mut self, index: u64, call: ToolUse, events: &mut Events) {
        if call.kind.as_deref() == Some("server_tool_use") {
            return;
        }
        if !call.name.is_empty() || !call.tool_use_id.is_empty() {
            let part = self.calls;
            self.calls = self.calls.saturating_add(1);
            events.call(0, part, call.tool_use_id, call.name);
            self.open.push((index, part, false));
        }
        let text = match call.input {
            Value::String(text) => text,
            Value::Null => String::new(),
            Value::Object(map) if map.is_empty() => String::new(),
            whole => whole.to_string(),
        };
        // Input of a provider's own tool has no open call.
        if let Some((_, part, written)) = self.open.iter_mut().find(|(at, ..)| *at == index)
            && !text.is_empty()
        {
            *written = true;
            events.arguments(0, *part, text);
        }
    }

    fn stop(&mut self, index: u64, events: &mut Events) {
        while let Some(at) = self.open.iter().position(|(open, ..)| *open == index) {
            let (_, part, written) = self.open.remove(at);
            if !written {
                // A call without arguments: OpenAI's clients parse them as JSON.
                events.arguments(0, part, "{}");
            }
        }
    }
}

impl stream::Decoder for Decoder {
    fn frame(&mut self, data: &[u8], events: &mut Events) {
        match serde_json::from_slice::<Answer>(data) {
            Ok(answer) => self.whole(answer, events),
            Err(error) => events.bad_frame(&error.to_string()),
        }
    }

    fn named(&mut self, event: &str, data: &[u8], events: &mut Events) {
        if event.is_empty() {
            return self.frame(data, events);
        }
        if let Some(error) = error::in_stream(event, data) {
            return events.error(error);
        }
        let answer = match serde_json::from_slice::<Answer>(data) {
            Ok(answer) => answer,
            Err(error) => return events.bad_frame(&error.to_string()),
        };
        let index = answer.content_block_index;
        match event {
            "contentBlockStart" => self.block(index, answer.start.unwrap_or_default(), events),
            "contentBlockDelta" => self.block(index, answer.delta.unwrap_or_default(), events),
            "contentBlockStop" => self.stop(index, events),
            "messageStop" => {
                while let Some((index, ..)) = self.open.first().copied() {
                    self.stop(index, events);
                }
                ending(answer.stop_reason, events);
            }
            "metadata" => {
                if let Some(tokens) = &answer.usage {
                    events.usage(usage(tokens));
                }
            }
            // `messageStart`, and what is yet to be invented.
            _ => {}
        }
    }

    fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
        error::failure(status, headers, body)
    }
}

fn ending(reason: Option<String>, events: &mut Events) {
    let Some(reason) = reason else { return };
    match reason.as_str() {
        "end_turn" | "stop_sequence" => events.finish(0, "stop"),
        "tool_use" => events.finish(0, "tool_calls"),
        "max_tokens" | "model_context_window_exceeded" => events.finish(0, "length"),
        "guardrail_intervened" | "content_filtered" => events.finish(0, "content_filter"),
        "malformed_model_output" | "malformed_tool_use" => {
            events.error(error::broken(&reason, format!("the model ended with {reason}")));
        }
        other => events.finish(0, other),
    }
}

/// Bedrock counts cached input apart from `inputTokens`; the gateway counts all input together.
fn usage(tokens: &Tokens) -> Usage {
    let (read, write) = (tokens.cache_read_input_tokens, tokens.cache_write_input_tokens);
    let of_an_hour = tokens.cache_details.iter().flatten().filter(|detail| detail.ttl == "1h");
    let hour = of_an_hour.fold(0_u64, |sum, detail| sum.saturating_add(detail.input_tokens));
    Usage {
        input: tokens.input_tokens + read + write,
        output: tokens.output_tokens,
        cache_read: read,
        cache_write: write,
        reasoning: 0,
        extra: (hour > 0).then(|| ("cache-write.1h".to_owned(), hour.to_string())).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
