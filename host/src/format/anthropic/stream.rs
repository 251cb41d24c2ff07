//! Streams, written as the events of a message.
//!
//! Invariants: a block is started once, gets its deltas while it is open, and is stopped once; the message is
//! stopped only by [`EventWriter::end`]. Buffers no text.

use super::answer::{answer_id, redacted, render_usage, stop_reason};
use super::thinking::vouched;
use crate::chat::channel::{self, Opaque};
use crate::chat::{Event, TextAt, Usage};
use crate::format::Head;
use crate::sse;
use bytes::BytesMut;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a block of text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Of a block of this number.
    Thinking(u32),
}

/// Writes the events of one message.
#[derive(Debug)]
pub struct EventWriter {
    id: String,
    model: String,
    begun: bool,
    /// Blocks started so far.
    blocks: u32,
    /// The open block of text; it is stopped when something else begins.
    text: Option<(Kind, u32)>,
    /// The open blocks of calls, by the call's number. They are stopped at the end, because a guard may hold the end
    /// of one back while the next begins.
    calls: BTreeMap<u32, u32>,
    usage: Usage,
    finish: Option<String>,
}

impl EventWriter {
    /// A writer; what the head says stands in until the provider's own facts are known.
    #[must_use]
    pub fn new(head: Head<'_>) -> Self {
        Self {
            id: answer_id(head.exchange),
            model: head.model.to_owned(),
            begun: false,
            blocks: 0,
            text: None,
            calls: BTreeMap::new(),
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
            Event::Tool { choice: 0, part, id, name } => {
                let block = json!({ "type": "tool_use", "id": id, "name": name, "input": {} });
                let index = self.start(&block, out);
                if let Some(other) = self.calls.insert(*part, index) {
                    stop(other, out);
                }
            }
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone()),
            Event::Text { .. } | Event::Tool { .. } | Event::Finish { .. } | Event::Error(_) => {}
        }
    }

    /// Writes the end of a complete message.
    pub fn end(&mut self, usage: Option<&Usage>, out: &mut BytesMut) {
        self.begin(out);
        let text = self.text.take().map(|(_, index)| index);
        let calls = std::mem::take(&mut self.calls).into_values();
        text.into_iter().chain(calls).for_each(|index| stop(index, out));
        self.usage.update(usage.copied().unwrap_or_default());
        let reason = stop_reason(self.finish.as_deref().unwrap_or("stop"));
        let delta = json!({ "stop_reason": reason, "stop_sequence": null });
        let usage = render_usage(&self.usage);
        event("message_delta", &json!({ "type": "message_delta", "delta": delta, "usage": usage }), out);
        event("message_stop", &json!({ "type": "message_stop" }), out);
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

    fn begin(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": render_usage(&self.usage),
        });
        event("message_start", &json!({ "type": "message_start", "message": message }), out);
    }

    fn text(&mut self, at: &TextAt, text: &str, out: &mut BytesMut) {
        let thinking = |writer: &mut Self, out: &mut BytesMut| {
            let block = || json!({ "type": "thinking", "thinking": "", "signature": "" });
            writer.open(Kind::Thinking(at.part), block, out)
        };
        let (index, delta) = match &*at.channel {
            channel::TOOL_ARGS => {
                // Arguments of a call that was never told cannot be placed.
                let Some(index) = self.calls.get(&at.part) else { return };
                (*index, json!({ "type": "input_json_delta", "partial_json": text }))
            }
            channel::REASONING => {
                (thinking(self, out), json!({ "type": "thinking_delta", "thinking": text }))
            }
            name => match channel::opaque(name) {
                Some(Opaque::Signature(format)) => {
                    let signature = vouched(format, text);
                    (thinking(self, out), json!({ "type": "signature_delta", "signature": signature }))
                }
                Some(Opaque::Encrypted(format)) => {
                    // It has no pieces: it comes with its start.
                    let index = self.start(&redacted(&vouched(format, text)), out);
                    return stop(index, out);
                }
                None => {
                    let index = self.open(Kind::Text, || json!({ "type": "text", "text": "" }), out);
                    (index, json!({ "type": "text_delta", "text": text }))
                }
            },
        };
        let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
        event("content_block_delta", &data, out);
    }

    /// The open block of text of a kind; another kind's is stopped.
    fn open(&mut self, kind: Kind, block: impl Fn() -> Value, out: &mut BytesMut) -> u32 {
        match self.text {
            Some((open, index)) if open == kind => index,
            _ => {
                let index = self.start(&block(), out);
                self.text = Some((kind, index));
                index
            }
        }
    }

    fn start(&mut self, block: &Value, out: &mut BytesMut) -> u32 {
        self.begin(out);
        if let Some((_, open)) = self.text.take() {
            stop(open, out);
        }
        let index = self.blocks;
        self.blocks += 1;
        let data = json!({ "type": "content_block_start", "index": index, "content_block": block });
        event("content_block_start", &data, out);
        index
    }
}

fn stop(index: u32, out: &mut BytesMut) {
    event("content_block_stop", &json!({ "type": "content_block_stop", "index": index }), out);
}

fn event(name: &str, data: &Value, out: &mut BytesMut) {
    sse::encode(name, &serde_json::to_vec(data).unwrap_or_default(), out);
}
