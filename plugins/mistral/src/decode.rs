//! From the Mistral API's answers to canonical events.
//!
//! Invariants: a chunk of a stream and a whole body take the same road; a call is told once, whether it comes
//! whole or in pieces; what is remembered between batches is small (no text).

mod error;
mod wire;

use adapter_kit::event::Events;
use adapter_kit::stream;
use lockgate_sdk::prelude::{ProviderError, Usage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::{Answer, Call, Choice, Chunk, Content, Message, Tokens};

/// A call that has begun.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Begun {
    choice: u32,
    /// The provider's number for it.
    index: u64,
    id: String,
    /// The gateway's number for it.
    part: u32,
    /// Whether arguments came.
    written: bool,
}

/// What is remembered between batches of frames.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Decoder {
    /// The answer's facts were told.
    begun: bool,
    calls: Vec<Begun>,
}

impl Decoder {
    fn choice(&mut self, choice: Choice, events: &mut Events) {
        let number = choice.index;
        if let Some(message) = choice.delta.or(choice.message) {
            self.message(number, message, events);
        }
        let Some(reason) = choice.finish_reason else { return };
        for call in self.calls.iter_mut().filter(|call| call.choice == number && !call.written) {
            // A call without arguments: OpenAI's clients parse them as JSON.
            call.written = true;
            events.arguments(number, call.part, "{}");
        }
        match reason.as_str() {
            "model_length" => events.finish(number, "length"),
            "error" => events.error(error::gave_up()),
            other => events.finish(number, other),
        }
    }

    fn message(&mut self, choice: u32, message: Message, events: &mut Events) {
        match message.content {
            None => {}
            Some(Content::Text(text)) => events.say(choice, "content", text),
            Some(Content::Chunks(chunks)) => {
                for chunk in chunks {
                    say(choice, "content", chunk, events);
                }
            }
        }
        for (place, call) in (0..).zip(message.tool_calls.unwrap_or_default()) {
            self.call(choice, place, call, events);
        }
    }

    fn call(&mut self, choice: u32, place: u64, call: Call, events: &mut Events) {
        let index = call.index.unwrap_or(place);
        // The API writes `null` where it gives no id.
        let id = call.id.filter(|id| id != "null").unwrap_or_default();
        let known = self.calls.iter().rposition(|begun| {
            begun.choice == choice && begun.index == index && (id.is_empty() || begun.id == id)
        });
        let at = known.unwrap_or(self.calls.len());
        if known.is_none() {
            let part = self.calls.iter().filter(|begun| begun.choice == choice).count();
            let part = u32::try_from(part).unwrap_or(u32::MAX);
            let told = if id.is_empty() { format!("call{choice}{part}") } else { id.clone() };
            events.call(choice, part, told, call.function.name.unwrap_or_default());
            self.calls.push(Begun { choice, index, id, part, written: false });
        }
        let Some(begun) = self.calls.get_mut(at) else { return };
        let text = match call.function.arguments {
            Value::Null => return,
            Value::String(text) => text,
            object => object.to_string(),
        };
        if !text.is_empty() {
            begun.written = true;
            events.arguments(choice, begun.part, text);
        }
    }
}

impl stream::Decoder for Decoder {
    fn frame(&mut self, data: &[u8], events: &mut Events) {
        if data == b"[DONE]" {
            return;
        }
        let answer = match serde_json::from_slice::<Answer>(data) {
            Ok(answer) => answer,
            Err(error) => return events.bad_frame(&error.to_string()),
        };
        if let Some(error) = error::in_stream(&answer, data) {
            return events.error(error);
        }
        if !self.begun {
            self.begun = true;
            let created = Some(answer.created).filter(|at| *at > 0).map(|at| at.to_string());
            let created = created.unwrap_or_default();
            events.facts(&[("id", &answer.id), ("model", &answer.model), ("created", &created)]);
        }
        for choice in answer.choices {
            self.choice(choice, events);
        }
        if let Some(tokens) = &answer.usage {
            events.usage(usage(tokens));
        }
    }

    fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
        error::failure(status, headers, body)
    }
}

/// What a chunk says. A thought is made of chunks itself, one level deep.
fn say(choice: u32, channel: &str, chunk: Chunk, events: &mut Events) {
    if let Some(text) = chunk.text {
        events.say(choice, channel, text);
    }
    for thought in chunk.thinking.unwrap_or_default() {
        events.say(choice, "reasoning", thought.text.unwrap_or_default());
    }
}

fn usage(tokens: &Tokens) -> Usage {
    let cached = tokens.prompt_tokens_details.as_ref().map_or(0, |details| details.cached_tokens);
    let thought = tokens.completion_tokens_details.as_ref().map_or(0, |details| details.reasoning_tokens);
    let audio = tokens.prompt_audio_seconds;
    Usage {
        input: tokens.prompt_tokens,
        output: tokens.completion_tokens,
        cache_read: cached.max(tokens.num_cached_tokens),
        cache_write: 0,
        reasoning: thought,
        extra: (audio > 0).then(|| ("audio-seconds".to_owned(), audio.to_string())).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests;
