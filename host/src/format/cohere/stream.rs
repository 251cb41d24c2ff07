//! Streams, written as the events of a message.
//!
//! Invariants: a part is started once, gets its deltas while it is open, and is ended once; the message is ended by
//! [`EventWriter::end`], or by [`EventWriter::broken`] with an error, which is how this API's clients read one. Keeps what
//! was said, because citations come last and must hold of it.

use super::answer::{call, citations, finish_reason, render_usage};
use crate::chat::{Event, TextAt, Usage, channel};
use crate::error::Error;
use crate::format::Head;
use crate::sse;
use bytes::BytesMut;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a part of content holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
}

/// Writes the events of one message.
#[derive(Debug)]
pub struct EventWriter {
    id: String,
    begun: bool,
    /// Parts of content started so far.
    parts: u32,
    /// The open part; it is ended when something else begins.
    open: Option<(Kind, u32)>,
    /// Calls started so far.
    started: u32,
    /// The open calls, by the call's number. They are ended last, because a guard may hold the end of one back while the
    /// next begins.
    calls: BTreeMap<u32, u32>,
    said: String,
    citations: Option<String>,
    usage: Usage,
    finish: Option<String>,
}

impl EventWriter {
    /// A writer; what the head says stands in until the provider's own facts are known.
    #[must_use]
    pub fn new(head: Head<'_>) -> Self {
        Self {
            id: head.exchange.to_owned(),
            begun: false,
            parts: 0,
            open: None,
            started: 0,
            calls: BTreeMap::new(),
            said: String::new(),
            citations: None,
            usage: Usage::default(),
            finish: None,
        }
    }

    /// Writes what an event says. The API has one answer to a request: further choices are not told.
    pub fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Extra(facts) => self.learn(facts),
            Event::Usage(usage) => self.usage.update(*usage),
            Event::Text { at, text } if at.item == 0 => self.text(at, text, out),
            Event::Tool { choice: 0, part, id, name } => self.call(*part, id, name, out),
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone()),
            Event::Text { .. } | Event::Tool { .. } | Event::Finish { .. } | Event::Error(_) => {}
        }
    }

    /// Writes the end of a complete message, but for the mark of the stream's end.
    pub fn end(&mut self, usage: Option<&Usage>, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        for index in std::mem::take(&mut self.calls).into_values() {
            event("tool-call-end", Some(index), Value::Null, out);
        }
        for (index, citation) in (0..).zip(citations(self.citations.as_deref(), &self.said)) {
            event("citation-start", Some(index), json!({ "citations": citation }), out);
            event("citation-end", Some(index), Value::Null, out);
        }
        self.usage.update(usage.copied().unwrap_or_default());
        let reason = finish_reason(self.finish.as_deref().unwrap_or("stop"));
        let delta = json!({ "finish_reason": reason, "usage": render_usage(&self.usage) });
        frame("message-end", &json!({ "type": "message-end", "id": self.id, "delta": delta }), out);
    }

    /// The end of a message that cannot go on. The API's own clients know no other event of an error.
    #[must_use]
    pub fn broken(&self, error: &Error) -> Value {
        let delta = json!({ "error": error.message, "finish_reason": "ERROR" });
        json!({
            "type": "message-end", "id": self.id, "message": error.message, "code": error.code, "delta": delta,
        })
    }

    fn learn(&mut self, facts: &[(String, String)]) {
        for (name, value) in facts {
            match name.as_str() {
                "id" => self.id.clone_from(value),
                "citations" => self.citations = Some(value.clone()),
                _ => {}
            }
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message =
            json!({ "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [] });
        let data = json!({ "type": "message-start", "id": self.id, "delta": { "message": message } });
        frame("message-start", &data, out);
    }

    fn text(&mut self, at: &TextAt, text: &str, out: &mut BytesMut) {
        let (kind, name) = match &*at.channel {
            channel::TOOL_ARGS => {
                // Arguments of a call that was never told cannot be placed.
                if let Some(index) = self.calls.get(&at.part) {
                    let more = json!({ "tool_calls": { "function": { "arguments": text } } });
                    event("tool-call-delta", Some(*index), more, out);
                }
                return;
            }
            channel::REASONING => (Kind::Thinking, "thinking"),
            channel::CONTENT | channel::REFUSAL => (Kind::Text, "text"),
            // Not for a reader's eyes.
            _ => return,
        };
        if kind == Kind::Text {
            self.said.push_str(text);
        }
        let index = self.part(kind, name, out);
        event("content-delta", Some(index), json!({ "content": { name: text } }), out);
    }

    /// The open part of a kind; another kind's is ended.
    fn part(&mut self, kind: Kind, name: &str, out: &mut BytesMut) -> u32 {
        if let Some((open, index)) = self.open
            && open == kind
        {
            return index;
        }
        self.begin(out);
        self.close(out);
        let index = self.parts;
        self.parts += 1;
        self.open = Some((kind, index));
        event("content-start", Some(index), json!({ "content": { "type": name, name: "" } }), out);
        index
    }

    fn call(&mut self, part: u32, id: &str, name: &str, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        let index = self.started;
        self.started += 1;
        if let Some(other) = self.calls.insert(part, index) {
            event("tool-call-end", Some(other), Value::Null, out);
        }
        event("tool-call-start", Some(index), json!({ "tool_calls": call(id, name, "") }), out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if let Some((_, index)) = self.open.take() {
            event("content-end", Some(index), Value::Null, out);
        }
    }
}

/// Writes an event that adds to the message, or, without an addition, ends a part of it.
fn event(name: &str, index: Option<u32>, message: Value, out: &mut BytesMut) {
    let mut data = Map::new();
    data.insert("type".into(), name.into());
    data.extend(index.map(|index| ("index".to_owned(), index.into())));
    if !message.is_null() {
        data.insert("delta".into(), json!({ "message": message }));
    }
    frame(name, &data.into(), out);
}

fn frame(name: &str, data: &Value, out: &mut BytesMut) {
    sse::encode(name, &serde_json::to_vec(data).unwrap_or_default(), out);
}
