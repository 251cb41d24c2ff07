//! From the Cohere API's answers to canonical events.
//!
//! Invariants: an event of a stream and a whole body take the same road; a call is told once, with arguments that
//! are JSON; an answer of embeddings or reranking becomes one fact, the client's whole body; what is remembered
//! between batches is small (of text, only what citations quote).

mod body;
mod error;
mod wire;

use adapter_kit::event::Events;
use adapter_kit::stream;
use lockgate_sdk::prelude::{ProviderError, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wire::{Answer, Call, Citation, Content, Figures, Message, Part, Said, Several, Units};

/// How much of the citations is remembered, in bytes: the host's scratch has a bound.
const CITATIONS: usize = 64 << 10;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Operation {
    /// An answer in a conversation.
    #[default]
    Chat,
    /// Vectors.
    Embeddings,
    /// An order of documents.
    Rerank,
}

/// A call that has begun. Its place in the list is the gateway's number for it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Begun {
    /// The provider's number for it.
    index: u64,
    /// Whether arguments came.
    written: bool,
}

/// What is remembered between batches of frames.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Decoder {
    operation: Operation,
    /// The model's name, which answers of embeddings and reranking do not tell.
    model: String,
    calls: Vec<Begun>,
    /// The citations so far, each as JSON, with commas between them.
    citations: String,
}

impl Decoder {
    /// A decoder for the answer to a request of this operation.
    pub fn new(operation: &str, model: &str) -> Self {
        let operation = match operation {
            "embeddings" => Operation::Embeddings,
            "rerank" => Operation::Rerank,
            _ => return Self::default(),
        };
        Self { operation, model: model.to_owned(), ..Self::default() }
    }

    fn chat(&mut self, answer: Answer, events: &mut Events) {
        match answer.kind.as_str() {
            // No type: a whole body.
            "" => {
                events.facts(&[("id", &answer.id)]);
                if let Some(Said::Message(message)) = answer.message {
                    self.message(*message, events);
                }
                self.end(answer.finish_reason, None, answer.usage, events);
            }
            "message-end" => {
                let delta = answer.delta.unwrap_or_default();
                self.end(delta.finish_reason, delta.error, delta.usage, events);
            }
            kind => {
                if kind == "message-start" {
                    events.facts(&[("id", &answer.id)]);
                }
                let Some(message) = answer.delta.and_then(|delta| delta.message) else { return };
                if kind == "tool-call-delta" {
                    self.more_arguments(answer.index, message, events);
                } else {
                    self.message(Message { index: answer.index, ..message }, events);
                }
            }
        }
    }

    fn message(&mut self, message: Message, events: &mut Events) {
        if let Some(plan) = message.tool_plan {
            events.say(0, "reasoning", plan);
        }
        match message.content {
            None => {}
            Some(Content::Text(text)) => events.say(0, "content", text),
            Some(Content::Parts(parts)) => parts.into_iter().for_each(|part| say(part, events)),
            Some(Content::Part(part)) => say(part, events),
        }
        for call in message.tool_calls.map(Vec::from).unwrap_or_default() {
            self.call(message.index, call, events);
        }
        let citations = serde_json::from_value::<Several<Citation>>(message.citations).map(Vec::from);
        for citation in citations.unwrap_or_default() {
            self.cite(&citation);
        }
    }

    fn call(&mut self, index: Option<u64>, call: Call, events: &mut Events) {
        let part = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call{part}"));
        events.call(0, part, id, call.function.name.unwrap_or_default());
        self.calls.push(Begun { index: index.unwrap_or(part.into()), written: false });
        self.write(self.calls.len() - 1, call.function.arguments, events);
    }

    /// A piece of a call's arguments; of the last call's where it does not say.
    fn more_arguments(&mut self, index: Option<u64>, message: Message, events: &mut Events) {
        let known = |begun: &Begun| index.is_none_or(|index| begun.index == index);
        let Some(at) = self.calls.iter().rposition(known) else { return };
        for call in message.tool_calls.map(Vec::from).unwrap_or_default() {
            self.write(at, call.function.arguments, events);
        }
    }

    fn write(&mut self, at: usize, arguments: Value, events: &mut Events) {
        let text = match arguments {
            Value::Null => return,
            Value::String(text) => text,
            object => object.to_string(),
        };
        if let Some(begun) = self.calls.get_mut(at).filter(|_| !text.is_empty()) {
            begun.written = true;
            events.arguments(0, u32::try_from(at).unwrap_or(u32::MAX), text);
        }
    }

    fn cite(&mut self, citation: &Citation) {
        let citation = json!(citation).to_string();
        if self.citations.len() + citation.len() < CITATIONS {
            if !self.citations.is_empty() {
                self.citations.push(',');
            }
            self.citations.push_str(&citation);
        }
    }

    fn end(
        &mut self,
        reason: Option<String>,
        error: Option<String>,
        figures: Option<Figures>,
        events: &mut Events,
    ) {
        for (part, call) in (0..).zip(&mut self.calls) {
            // A call without arguments: OpenAI's clients parse them as JSON.
            if !std::mem::replace(&mut call.written, true) {
                events.arguments(0, part, "{}");
            }
        }
        let citations = std::mem::take(&mut self.citations);
        if !citations.is_empty() {
            events.facts(&[("citations", &format!("[{citations}]"))]);
        }
        if let Some(figures) = figures {
            events.usage(usage(&figures));
        }
        match reason.as_deref() {
            None => {
                if error.is_some() {
                    events.error(error::gave_up(502, "error", error));
                }
            }
            Some("COMPLETE") => events.finish(0, if self.calls.is_empty() { "stop" } else { "tool_calls" }),
            Some("STOP_SEQUENCE") => events.finish(0, "stop"),
            Some("MAX_TOKENS" | "ERROR_LIMIT") => events.finish(0, "length"),
            Some("TOOL_CALL") => events.finish(0, "tool_calls"),
            Some("ERROR_TOXIC") => events.finish(0, "content_filter"),
            Some("ERROR") => events.error(error::gave_up(502, "error", error)),
            Some("TIMEOUT") => events.error(error::gave_up(504, "timeout", error)),
            Some(other) => events.finish(0, &other.to_ascii_lowercase()),
        }
    }
}

impl stream::Decoder for Decoder {
    fn frame(&mut self, data: &[u8], events: &mut Events) {
        if data == b"[DONE]" {
            return;
        }
        let told = match self.operation {
            Operation::Chat => {
                serde_json::from_slice::<Answer>(data).map(|answer| match error::in_stream(&answer, data) {
                    Some(error) => events.error(error),
                    None => self.chat(answer, events),
                })
            }
            Operation::Embeddings => body::embeddings(data, &self.model, events),
            Operation::Rerank => body::rerank(data, &self.model, events),
        };
        if let Err(error) = told {
            events.bad_frame(&error.to_string());
        }
    }

    fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
        error::failure(status, headers, body)
    }
}

fn say(part: Part, events: &mut Events) {
    events.say(0, "reasoning", part.thinking.unwrap_or_default());
    events.say(0, "content", part.text.unwrap_or_default());
}

/// What was read and written, or, where the API does not tell, what it bills.
fn usage(figures: &Figures) -> Usage {
    let billed = figures.billed_units.unwrap_or_default();
    let known = |units: &Units| units.input_tokens + units.output_tokens > 0;
    let tokens = figures.tokens.filter(known).unwrap_or(billed);
    let extra = [("search_units", billed.search_units), ("images", billed.images)];
    let extra = extra.into_iter().filter(|(_, units)| *units > 0);
    Usage {
        // Reranking may tell a sum alone.
        input: if known(&tokens) { tokens.input_tokens } else { billed.total_tokens },
        output: tokens.output_tokens,
        cache_read: figures.cached_tokens,
        cache_write: 0,
        reasoning: 0,
        extra: extra.map(|(name, units)| (name.to_owned(), units.to_string())).collect(),
    }
}

#[cfg(test)]
mod tests;
