//! Streams, written as the events of a response.
//!
//! Invariants: events are numbered from 0 without a gap; an item is added once, gets its deltas while it is open, and is
//! done once; the message is one item, however its text is cut. Only [`EventWriter::end`] completes the response. The
//! last events say everything again, so the text is kept until then.

use super::seal::seal;
use super::shape::{Call, Shape, Status, arguments, message, reasoning, said, summary};
use crate::chat::{Event, TextAt, Usage, channel};
use crate::error::Error;
use crate::format::{Head, openai};
use crate::sse;
use bytes::BytesMut;
use serde_json::{Map, Value, json};

/// An item of the output.
#[derive(Debug)]
struct Item {
    id: String,
    body: Body,
    /// Whether it was told to be done.
    done: bool,
}

#[derive(Debug)]
enum Body {
    /// What is thought: the number of its part, its words, and what vouches for them: a channel and what it told. It is
    /// done when something else begins.
    Thought { part: u32, words: String, sealed: Option<(String, String)> },
    /// What is said; whether each part is a refusal. It is done at the end, because a guard may hold the end of it
    /// back while a call begins.
    Message(Vec<(bool, String)>),
    /// A call, and its number. It is done at the end, for the same reason.
    Call(u32, Call),
}

impl Item {
    fn render(&self, seals: bool, status: Status) -> Value {
        match &self.body {
            Body::Thought { words, sealed, .. } => {
                let sealed = sealed.as_ref().filter(|_| seals);
                let sealed = sealed.and_then(|(name, told)| Some(seal(channel::opaque(name)?, words, told)));
                reasoning(&self.id, words, sealed.as_deref())
            }
            Body::Message(parts) => {
                let content: Vec<Value> = parts.iter().map(|(refusal, text)| said(*refusal, text)).collect();
                message(&self.id, &content, status)
            }
            Body::Call(_, call) => call.item(&self.id, status),
        }
    }
}

/// Writes the events of one response.
#[derive(Debug)]
pub struct EventWriter {
    shape: Shape,
    sequence: u64,
    items: Vec<Item>,
    usage: Usage,
    finish: Option<String>,
}

impl EventWriter {
    /// A writer; what the head says stands in until the provider's own facts are known.
    #[must_use]
    pub fn new(head: Head<'_>, asked: &Map<String, Value>) -> Self {
        let shape = Shape::new(head, asked);
        Self { shape, sequence: 0, items: Vec::new(), usage: Usage::default(), finish: None }
    }

    /// Writes what an event says. The API has one answer to a request: further choices are not told.
    pub fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match event {
            Event::Extra(facts) => {
                self.shape.learn(facts.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            }
            Event::Usage(usage) => self.usage.update(*usage),
            Event::Text { at, text } if at.item == 0 && !text.is_empty() => self.text(at, text, out),
            Event::Tool { choice: 0, part, id, name } => {
                self.close_thoughts(None, out);
                let custom = self.shape.is_custom(name);
                let call = Call { custom, call_id: id.clone(), name: name.clone(), given: String::new() };
                self.add(call.kind(), Body::Call(*part, call), out);
            }
            Event::Finish { choice: 0, reason } => self.finish = Some(reason.clone()),
            Event::Text { .. } | Event::Tool { .. } | Event::Finish { .. } | Event::Error(_) => {}
        }
    }

    /// Writes the end of a complete response.
    pub fn end(&mut self, usage: Option<&Usage>, out: &mut BytesMut) {
        self.begin(out);
        self.usage.update(usage.copied().unwrap_or_default());
        let status = Status::of(self.finish.as_deref().unwrap_or("stop"));
        for index in 0..self.items.len() {
            let last = index + 1 == self.items.len();
            self.close(index, if last { status } else { Status::Completed }, out);
        }
        let name = match status {
            Status::Incomplete(_) => "response.incomplete",
            _ => "response.completed",
        };
        let response = self.response(status, &Value::Null);
        self.tell(name, json!({ "response": response }), out);
    }

    /// Writes the end of a response that cannot go on.
    pub fn break_off(&mut self, error: &Error, out: &mut BytesMut) {
        self.begin(out);
        // The official clients look for `error`, the API's description has its fields at the top.
        let mut told = openai::render_error(error);
        if let Some(told) = told.as_object_mut() {
            told.insert("code".into(), error.code.as_ref().into());
            told.insert("message".into(), error.message.as_str().into());
            told.insert("param".into(), error.param.as_deref().into());
        }
        self.tell("error", told, out);
        // The codes of a failed response are a closed list.
        let code = match error.status.as_u16() {
            429 => "rate_limit_exceeded",
            400..=499 => "invalid_prompt",
            _ => "server_error",
        };
        let failure = json!({ "code": code, "message": error.message });
        let response = self.response(Status::Failed, &failure);
        self.tell("response.failed", json!({ "response": response }), out);
    }

    fn text(&mut self, at: &TextAt, text: &str, out: &mut BytesMut) {
        match &*at.channel {
            channel::TOOL_ARGS => self.given(at.part, text, out),
            channel::REASONING => self.think(at.part, text, out),
            channel::CONTENT => self.say(false, text, out),
            channel::REFUSAL => self.say(true, text, out),
            other if self.shape.seals && channel::opaque(other).is_some() => {
                let index = self.thought(at.part, out);
                if let Some(Body::Thought { sealed, .. }) = self.body(index) {
                    sealed.get_or_insert_with(|| (other.to_owned(), String::new())).1.push_str(text);
                }
            }
            // Not words for the client.
            _ => {}
        }
    }

    /// More of a call. What is given to one that was never told cannot be placed.
    fn given(&mut self, part: u32, text: &str, out: &mut BytesMut) {
        let Some(index) = self.find(|body| matches!(body, Body::Call(known, _) if *known == part)) else {
            return;
        };
        let Some(Body::Call(_, call)) = self.body(index) else { return };
        call.given.push_str(text);
        let name = if call.custom { "custom_tool_call_input" } else { "function_call_arguments" };
        self.of(index, &format!("response.{name}.delta"), json!({ "delta": text }), out);
    }

    fn think(&mut self, part: u32, text: &str, out: &mut BytesMut) {
        let index = self.thought(part, out);
        let Some(Body::Thought { words, .. }) = self.body(index) else { return };
        let first = words.is_empty();
        words.push_str(text);
        if first {
            let fields = json!({ "summary_index": 0, "part": summary("") });
            self.of(index, "response.reasoning_summary_part.added", fields, out);
        }
        let fields = json!({ "summary_index": 0, "delta": text });
        self.of(index, "response.reasoning_summary_text.delta", fields, out);
    }

    fn say(&mut self, refusal: bool, text: &str, out: &mut BytesMut) {
        self.close_thoughts(None, out);
        let index = match self.find(|body| matches!(body, Body::Message(_))) {
            Some(index) => index,
            None => self.add("msg", Body::Message(Vec::new()), out),
        };
        let Some(Body::Message(parts)) = self.body(index) else { return };
        let (place, added) = match parts.iter_mut().position(|(kind, _)| *kind == refusal) {
            Some(place) => (place, false),
            None => {
                parts.push((refusal, String::new()));
                (parts.len() - 1, true)
            }
        };
        if let Some((_, all)) = parts.get_mut(place) {
            all.push_str(text);
        }
        if added {
            let fields = json!({ "content_index": place, "part": said(refusal, "") });
            self.of(index, "response.content_part.added", fields, out);
        }
        let (name, fields) = match refusal {
            true => ("response.refusal.delta", json!({ "content_index": place, "delta": text })),
            false => (
                "response.output_text.delta",
                json!({ "content_index": place, "delta": text, "logprobs": [] }),
            ),
        };
        self.of(index, name, fields, out);
    }

    /// The open item of a thought; other thoughts are done.
    fn thought(&mut self, wanted: u32, out: &mut BytesMut) -> usize {
        self.close_thoughts(Some(wanted), out);
        let open = self
            .items
            .iter()
            .position(|item| matches!(item.body, Body::Thought { part, .. } if part == wanted && !item.done));
        match open {
            Some(index) => index,
            None => self.add("rs", Body::Thought { part: wanted, words: String::new(), sealed: None }, out),
        }
    }

    fn close_thoughts(&mut self, but: Option<u32>, out: &mut BytesMut) {
        for index in 0..self.items.len() {
            let over = |item: &Item| matches!(item.body, Body::Thought { part, .. } if Some(part) != but);
            if self.items.get(index).is_some_and(over) {
                self.close(index, Status::Completed, out);
            }
        }
    }

    fn find(&self, wanted: impl Fn(&Body) -> bool) -> Option<usize> {
        self.items.iter().position(|item| wanted(&item.body))
    }

    fn body(&mut self, index: usize) -> Option<&mut Body> {
        self.items.get_mut(index).map(|item| &mut item.body)
    }

    fn begin(&mut self, out: &mut BytesMut) {
        if self.sequence > 0 {
            return;
        }
        for name in ["response.created", "response.in_progress"] {
            let response = self.shape.response(Status::InProgress, &Value::Null, &[], None);
            self.tell(name, json!({ "response": response }), out);
        }
    }

    fn add(&mut self, kind: &str, body: Body, out: &mut BytesMut) -> usize {
        self.begin(out);
        let index = self.items.len();
        let item = Item { id: self.shape.id(kind, index), body, done: false };
        let shown = item.render(self.shape.seals, Status::InProgress);
        self.items.push(item);
        self.tell("response.output_item.added", json!({ "output_index": index, "item": shown }), out);
        index
    }

    /// Tells that an item is done, and each part of it.
    fn close(&mut self, index: usize, status: Status, out: &mut BytesMut) {
        let Some(item) = self.items.get_mut(index).filter(|item| !item.done) else { return };
        item.done = true;
        let mut told = Vec::new();
        match &mut item.body {
            Body::Thought { words, .. } if !words.is_empty() => {
                told.push(("reasoning_summary_text.done", json!({ "summary_index": 0, "text": words })));
                told.push((
                    "reasoning_summary_part.done",
                    json!({ "summary_index": 0, "part": summary(words) }),
                ));
            }
            Body::Thought { .. } => {}
            Body::Message(parts) => {
                for (place, (refusal, text)) in parts.iter().enumerate() {
                    told.push(match refusal {
                        true => ("refusal.done", json!({ "content_index": place, "refusal": text })),
                        false => (
                            "output_text.done",
                            json!({ "content_index": place, "text": text, "logprobs": [] }),
                        ),
                    });
                    told.push((
                        "content_part.done",
                        json!({ "content_index": place, "part": said(*refusal, text) }),
                    ));
                }
            }
            Body::Call(_, call) if call.custom => {
                told.push(("custom_tool_call_input.done", json!({ "input": call.given })));
            }
            Body::Call(_, call) => {
                call.given = arguments(&call.given).to_owned();
                let fields = json!({ "name": call.name, "arguments": call.given });
                told.push(("function_call_arguments.done", fields));
            }
        }
        let shown = item.render(self.shape.seals, status);
        for (name, fields) in told {
            self.of(index, &format!("response.{name}"), fields, out);
        }
        self.tell("response.output_item.done", json!({ "output_index": index, "item": shown }), out);
    }

    fn response(&self, status: Status, error: &Value) -> Value {
        let last = self.items.len();
        let items = self.items.iter().zip(1..).map(|(item, place)| {
            let over = status == Status::Failed && item.done || status != Status::Failed && place < last;
            item.render(self.shape.seals, if over { Status::Completed } else { status })
        });
        let usage = Some(&self.usage).filter(|_| status != Status::Failed);
        self.shape.response(status, error, &items.collect::<Vec<_>>(), usage)
    }

    /// Tells something of an item.
    fn of(&mut self, index: usize, name: &str, fields: Value, out: &mut BytesMut) {
        let id = self.items.get(index).map(|item| item.id.clone()).unwrap_or_default();
        let mut all = json!({ "item_id": id, "output_index": index });
        if let (Value::Object(all), Value::Object(fields)) = (&mut all, fields) {
            all.extend(fields);
        }
        self.tell(name, all, out);
    }

    fn tell(&mut self, name: &str, fields: Value, out: &mut BytesMut) {
        let mut data = json!({ "type": name, "sequence_number": self.sequence });
        if let (Value::Object(data), Value::Object(fields)) = (&mut data, fields) {
            data.extend(fields);
        }
        self.sequence += 1;
        sse::encode(name, &serde_json::to_vec(&data).unwrap_or_default(), out);
    }
}
