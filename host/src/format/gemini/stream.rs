//! Streams, written as partial answers.
//!
//! They are events, or the items of one list where the client did not ask for events. Texts go out as they come. A call is one part in this API, so its arguments are gathered until the answer ends;
//! the last partial answer tells the calls, why each candidate ended, and the usage.

use super::answer::{call, finish_reason, render_usage};
use super::request::wants_list;
use crate::chat::{Event, TextAt, Usage, channel};
use crate::format::{EVENTS, Head};
use crate::sse;
use bytes::BytesMut;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A call under way.
#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: String,
}

/// What is told of a candidate at the end.
#[derive(Debug, Default)]
struct Rest {
    /// By the call's number.
    calls: BTreeMap<u32, Call>,
    finish: Option<String>,
}

/// Writes the partial answers of one stream.
#[derive(Debug)]
pub struct ChunkWriter {
    id: String,
    model: String,
    rest: BTreeMap<u32, Rest>,
    usage: Usage,
    /// Whether the stream is one list, and whether it was begun.
    list: Option<bool>,
}

impl ChunkWriter {
    /// A writer; what the head says stands in until the provider's own facts are known.
    #[must_use]
    pub fn new(head: Head<'_>, asked: &Map<String, Value>) -> Self {
        let (id, model) = (head.exchange.to_owned(), head.model.to_owned());
        let list = wants_list(asked).then_some(false);
        Self { id, model, rest: BTreeMap::new(), usage: Usage::default(), list }
    }

    /// The stream's media type.
    #[must_use]
    pub const fn media(&self) -> &'static str {
        if self.list.is_some() { "application/json; charset=utf-8" } else { EVENTS }
    }

    /// Writes an error, and what ends a list.
    pub fn broken(&mut self, error: &Value, out: &mut BytesMut) {
        self.frame(error, out);
        self.close(out);
    }

    fn frame(&mut self, data: &Value, out: &mut BytesMut) {
        let data = serde_json::to_vec(data).unwrap_or_default();
        match &mut self.list {
            None => sse::encode("", &data, out),
            Some(begun) => {
                out.extend_from_slice(if *begun { b",\r\n" } else { b"[" });
                out.extend_from_slice(&data);
                *begun = true;
            }
        }
    }

    fn close(&self, out: &mut BytesMut) {
        if self.list.is_some() {
            out.extend_from_slice(b"]");
        }
    }

    /// Writes what an event says, where it is told by itself.
    pub fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Extra(facts) => self.learn(facts),
            Event::Usage(usage) => self.usage.update(*usage),
            Event::Text { at, text } => self.text(at, text, out),
            Event::Tool { choice, part, id, name } => {
                let call = Call { id: id.clone(), name: name.clone(), arguments: String::new() };
                self.rest.entry(*choice).or_default().calls.insert(*part, call);
            }
            Event::Finish { choice, reason } => {
                self.rest.entry(*choice).or_default().finish = Some(reason.clone());
            }
            Event::Error(_) => {}
        }
    }

    /// Writes the last partial answer.
    pub fn end(&mut self, usage: Option<&Usage>, out: &mut BytesMut) {
        self.usage.update(usage.copied().unwrap_or_default());
        let rest = std::mem::take(&mut self.rest);
        let candidates = rest.into_iter().map(|(index, rest)| {
            let calls = rest.calls.values().map(|known| call(&known.id, &known.name, &known.arguments));
            let mut parts: Vec<Value> = calls.collect();
            if parts.is_empty() {
                // Clients take a content without parts for a broken answer.
                parts.push(json!({ "text": "" }));
            }
            json!({
                "content": { "role": "model", "parts": parts },
                "finishReason": finish_reason(rest.finish.as_deref().unwrap_or("stop")),
                "index": index,
            })
        });
        let usage = render_usage(&self.usage);
        let last = self.partial(candidates.collect(), Some(usage));
        self.frame(&last, out);
        self.close(out);
    }

    fn learn(&mut self, facts: &[(String, String)]) {
        for (name, value) in facts {
            match name.as_str() {
                "id" => self.id.clone_from(value),
                "model" => self.model.clone_from(value),
                _ => {}
            }
        }
    }

    fn text(&mut self, at: &TextAt, text: &str, out: &mut BytesMut) {
        if channel::opaque(&at.channel).is_some() {
            // The API keeps its signatures elsewhere: in the ids of calls.
            return;
        }
        if at.channel == channel::TOOL_ARGS {
            // Arguments of a call that was never told cannot be placed.
            let call = self.rest.get_mut(&at.item).and_then(|rest| rest.calls.get_mut(&at.part));
            if let Some(call) = call {
                call.arguments.push_str(text);
            }
            return;
        }
        let part = match &*at.channel {
            channel::REASONING => json!({ "text": text, "thought": true }),
            _ => json!({ "text": text }),
        };
        let candidate = json!({ "content": { "role": "model", "parts": [part] }, "index": at.item });
        let partial = self.partial(vec![candidate], None);
        self.frame(&partial, out);
    }

    fn partial(&self, candidates: Vec<Value>, usage: Option<Value>) -> Value {
        let mut partial = Map::new();
        partial.insert("candidates".into(), candidates.into());
        partial.extend(usage.map(|usage| ("usageMetadata".to_owned(), usage)));
        partial.insert("modelVersion".into(), self.model.as_str().into());
        partial.insert("responseId".into(), self.id.as_str().into());
        partial.into()
    }
}
