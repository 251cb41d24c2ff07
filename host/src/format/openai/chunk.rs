//! Streams of chat completion chunks, read and written.
//!
//! The reader keeps what tells a new tool call from the continuation of one; the writer keeps what a chunk
//! repeats (id, model, date). Neither buffers text.

use super::answer::{answer_id, custom_tools, render_usage};
use super::error::read_error;
use super::request::wants_usage;
use super::wire::Body;
use crate::chat::channel::{self, Opaque};
use crate::chat::{Event, Operation, Usage};
use crate::format::Head;
use crate::sse;
use bytes::BytesMut;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// The data of the event that ends a stream.
pub const DONE: &[u8] = b"[DONE]";

/// Reads the chunks of one stream.
#[derive(Debug, Default)]
pub struct ChunkReader {
    tools: HashSet<(u32, u32)>,
    extras: Vec<(String, String)>,
}

impl ChunkReader {
    /// The events of one chunk (not of [`DONE`]).
    ///
    /// # Errors
    /// What is wrong, when the data is not a chunk.
    pub fn read(&mut self, data: &[u8]) -> Result<Vec<Event>, serde_json::Error> {
        let body: Body<'_> = serde_json::from_slice(data)?;
        let mut events = Vec::new();
        if body.error.is_some() {
            events.push(Event::Error(read_error(502, data, None)));
            return Ok(events);
        }
        // Every chunk repeats the facts of the whole; only a change is news.
        let extras = body.extras();
        if extras != self.extras {
            self.extras.clone_from(&extras);
            events.push(Event::Extra(extras));
        }
        let usage = body.usage();
        for mut choice in body.choices.unwrap_or_default() {
            events.extend(choice.bare());
            if let Some(delta) = choice.delta {
                let tools = &mut self.tools;
                delta.events(choice.index, |part| !tools.insert((choice.index, part)), &mut events);
            }
            if let Some(reason) = choice.finish_reason {
                events.push(Event::Finish { choice: choice.index, reason: reason.into_owned() });
            }
        }
        events.extend(usage);
        Ok(events)
    }
}

/// Writes the chunks of one stream.
#[derive(Debug)]
pub struct ChunkWriter {
    /// Whether it completes a bare text.
    bare: bool,
    head: Map<String, Value>,
    begun: HashSet<u32>,
    include_usage: bool,
    /// The tools that take a text instead of arguments, and the calls of them: choice and part.
    custom: Vec<String>,
    custom_calls: HashSet<(u32, u32)>,
}

impl ChunkWriter {
    /// A writer; what the head says stands in until the provider's own facts are known.
    #[must_use]
    pub fn new(operation: Operation, says: Head<'_>, asked: &Map<String, Value>) -> Self {
        let bare = operation == Operation::Completions;
        let mut head = Map::new();
        head.insert("id".into(), answer_id(says.exchange).into());
        head.insert("object".into(), if bare { "text_completion" } else { "chat.completion.chunk" }.into());
        head.insert("created".into(), says.created.into());
        head.insert("model".into(), says.model.into());
        Self {
            bare,
            head,
            begun: HashSet::new(),
            include_usage: wants_usage(asked),
            custom: custom_tools(asked),
            custom_calls: HashSet::new(),
        }
    }

    /// Whether the client asked for the usage.
    #[must_use]
    pub const fn tells_usage(&self) -> bool {
        self.include_usage
    }

    /// Writes the chunk of an event, where the event is told by itself.
    pub fn write(&mut self, event: &Event, out: &mut BytesMut) {
        if let Some(data) = self.data(event) {
            sse::encode("", &data, out);
        }
    }

    fn data(&mut self, event: &Event) -> Option<Vec<u8>> {
        if self.bare {
            return self.bare_data(event);
        }
        let (choice, delta, finish) = match event {
            Event::Extra(extras) => {
                self.learn(extras);
                return None;
            }
            Event::Usage(_) | Event::Error(_) => return None,
            Event::Text { at, text }
                if self.custom_calls.contains(&(at.item, at.part)) && at.channel == channel::TOOL_ARGS =>
            {
                let call = json!({ "index": at.part, "custom": { "input": text } });
                (at.item, json!({ "tool_calls": [call] }), None)
            }
            Event::Text { at, text } => (at.item, text_delta(&at.channel, at.part, text), None),
            Event::Tool { choice, part, id, name } if self.custom.contains(name) => {
                self.custom_calls.insert((*choice, *part));
                let call = json!({ "index": part, "id": id, "type": "custom", "custom": { "name": name, "input": "" } });
                (*choice, json!({ "tool_calls": [call] }), None)
            }
            Event::Tool { choice, part, id, name } => {
                let call = json!({
                    "index": part, "id": id, "type": "function",
                    "function": { "name": name, "arguments": "" },
                });
                (*choice, json!({ "tool_calls": [call] }), None)
            }
            Event::Finish { choice, reason } => (*choice, json!({}), Some(reason.as_str())),
        };
        let mut delta = delta;
        if self.begun.insert(choice)
            && let Some(delta) = delta.as_object_mut()
        {
            delta.shift_insert(0, "role".into(), "assistant".into());
        }
        let choice = json!({ "index": choice, "delta": delta, "logprobs": null, "finish_reason": finish });
        Some(self.chunk(json!([choice]), None))
    }

    /// A bare text has no messages: what the model thought or called has no place in it.
    fn bare_data(&mut self, event: &Event) -> Option<Vec<u8>> {
        let (choice, text, finish) = match event {
            Event::Extra(extras) => {
                self.learn(extras);
                return None;
            }
            Event::Text { at, text } if at.channel == channel::CONTENT => (at.item, text.as_str(), None),
            Event::Finish { choice, reason } => (*choice, "", Some(reason.as_str())),
            _ => return None,
        };
        let choice = json!({ "text": text, "index": choice, "logprobs": null, "finish_reason": finish });
        Some(self.chunk(json!([choice]), None))
    }

    /// Writes the chunk that tells the usage, where the client asked for it.
    pub fn usage(&self, usage: &Usage, out: &mut BytesMut) {
        if self.include_usage {
            sse::encode("", &self.chunk(json!([]), Some(render_usage(usage))), out);
        }
    }

    fn learn(&mut self, extras: &[(String, String)]) {
        for (key, value) in extras {
            let value = match (key.as_str(), value.parse::<u64>()) {
                ("created", Ok(created)) => created.into(),
                ("created", Err(_)) => continue,
                ("id" | "model" | "system_fingerprint" | "service_tier", _) => value.as_str().into(),
                _ => continue,
            };
            self.head.insert(key.clone(), value);
        }
    }

    fn chunk(&self, choices: Value, usage: Option<Value>) -> Vec<u8> {
        let mut body = self.head.clone();
        body.insert("choices".into(), choices);
        if self.include_usage {
            body.insert("usage".into(), usage.unwrap_or_default());
        }
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// A piece of a text. The text of a signed thought is what was told of it before.
fn text_delta(name: &str, part: u32, text: &str) -> Value {
    match channel::opaque(name) {
        Some(Opaque::Signature(format)) => {
            let detail =
                json!({ "type": "reasoning.text", "signature": text, "format": format, "index": part });
            return json!({ "reasoning_details": [detail] });
        }
        Some(Opaque::Encrypted(format)) => {
            let detail =
                json!({ "type": "reasoning.encrypted", "data": text, "format": format, "index": part });
            return json!({ "reasoning_details": [detail] });
        }
        None => {}
    }
    match name {
        channel::TOOL_ARGS => json!({ "tool_calls": [{ "index": part, "function": { "arguments": text } }] }),
        channel::REASONING => json!({ "reasoning_content": text }),
        channel::REFUSAL => json!({ "refusal": text }),
        _ => json!({ "content": text }),
    }
}
