//! Streams, written as the events of a message.
//!
//! Invariants: a block is started once, gets its deltas while it is open, and is stopped once; the message is
//! stopped only by [`EventWriter::end`]. Buffers no text.

use super::answer::{answer_id, render_usage, stop_reason};
use crate::chat::{Event, TextAt, Usage, channel};
use crate::format::Head;
use crate::sse;
use bytes::BytesMut;
use serde_json::{Value, json};

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    /// The call of this number.
    Tool(u32),
}

/// Writes the events of one message.
#[derive(Debug)]
pub struct EventWriter {
    id: String,
    model: String,
    begun: bool,
    /// The blocks so far, and whether each is open. Texts are stopped when something else begins; calls at the
    /// end, because a guard may hold the end of one back while the next begins.
    blocks: Vec<(Kind, bool)>,
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
            blocks: Vec::new(),
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
                self.start(Kind::Tool(*part), &block, out);
            }
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone()),
            Event::Text { .. } | Event::Tool { .. } | Event::Finish { .. } | Event::Error(_) => {}
        }
    }

    /// Writes the end of a complete message.
    pub fn end(&mut self, usage: Option<&Usage>, out: &mut BytesMut) {
        self.begin(out);
        for block in 0..self.blocks.len() {
            self.stop(block, out);
        }
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
        let (kind, block, delta) = match &*at.channel {
            channel::TOOL_ARGS => {
                let delta = json!({ "type": "input_json_delta", "partial_json": text });
                (Kind::Tool(at.part), Value::Null, delta)
            }
            channel::REASONING => (
                Kind::Thinking,
                json!({ "type": "thinking", "thinking": "", "signature": "" }),
                json!({ "type": "thinking_delta", "thinking": text }),
            ),
            _ => (
                Kind::Text,
                json!({ "type": "text", "text": "" }),
                json!({ "type": "text_delta", "text": text }),
            ),
        };
        let open = self.blocks.iter().rposition(|block| *block == (kind, true));
        let index = match open {
            Some(index) => index,
            // Arguments of a call that was never told cannot be placed.
            None if matches!(kind, Kind::Tool(_)) => return,
            None => self.start(kind, &block, out),
        };
        let data = json!({ "type": "content_block_delta", "index": index, "delta": delta });
        event("content_block_delta", &data, out);
    }

    fn start(&mut self, kind: Kind, block: &Value, out: &mut BytesMut) -> usize {
        self.begin(out);
        let texts = self.blocks.iter().rposition(|(kind, open)| *open && !matches!(kind, Kind::Tool(_)));
        if let Some(open) = texts {
            self.stop(open, out);
        }
        let index = self.blocks.len();
        self.blocks.push((kind, true));
        let data = json!({ "type": "content_block_start", "index": index, "content_block": block });
        event("content_block_start", &data, out);
        index
    }

    fn stop(&mut self, index: usize, out: &mut BytesMut) {
        if let Some((_, open @ true)) = self.blocks.get_mut(index) {
            *open = false;
            event("content_block_stop", &json!({ "type": "content_block_stop", "index": index }), out);
        }
    }
}

fn event(name: &str, data: &Value, out: &mut BytesMut) {
    sse::encode(name, &serde_json::to_vec(data).unwrap_or_default(), out);
}
