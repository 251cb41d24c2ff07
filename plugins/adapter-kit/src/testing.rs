//! For the adapters' tests: events as transcripts, every way of cutting a stream, and hostile inputs.
#![expect(clippy::expect_used, reason = "tests")]

use crate::stream::{Decoder, Scratch, begin, decode};
use lockgate_sdk::prelude::{Event, Fault, Frame};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;

/// A scratch of a test's own.
#[derive(Debug, Default)]
pub struct Memory(RefCell<HashMap<String, Vec<u8>>>);

impl Scratch for Memory {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.borrow().get(key).cloned()
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), Fault> {
        self.0.borrow_mut().insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Events as short strings, so that a test reads like a transcript. Neighbouring texts are joined.
#[must_use]
pub fn told(events: &[Event]) -> Vec<String> {
    let mut out: Vec<(String, String)> = Vec::new();
    for event in events {
        let (head, text) = match event {
            Event::Text(delta) => {
                (format!("{}#{}.{}", delta.channel, delta.choice, delta.part), delta.text.clone())
            }
            Event::Tool(call) => {
                (String::new(), format!("tool#{}.{} {} {}", call.choice, call.part, call.id, call.name))
            }
            Event::Usage(u) => {
                let parts =
                    [u.input, u.output, u.cache_read, u.cache_write, u.reasoning].map(|n| n.to_string());
                let extra: String = u.extra.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                (String::new(), format!("usage {}{extra}", parts.join("/")))
            }
            Event::Finish((choice, reason)) => (String::new(), format!("finish#{choice} {reason}")),
            Event::Extra(facts) => {
                let facts: Vec<_> = facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
                (String::new(), format!("extra {}", facts.join(" ")))
            }
            Event::Error(e) => {
                let after = e.retry_after_ms.map_or_else(String::new, |ms| format!(" after {ms}"));
                (String::new(), format!("error {} {} {}{after}", e.status, e.code, e.message))
            }
        };
        match out.last_mut() {
            Some((last, all)) if !head.is_empty() && *last == head => all.push_str(&text),
            _ => out.push((head, text)),
        }
    }
    out.into_iter()
        .map(|(head, text)| if head.is_empty() { text } else { format!("{head} {text}") })
        .collect()
}

/// Decodes frames (JSON values, or strings that are taken as they are) in one batch, in batches of one, and
/// with the end told apart; checks that each way tells the same, and gives that.
#[must_use]
pub fn transcript<D: Decoder>(frames: &[Value]) -> Vec<String> {
    transcript_from(&D::default(), frames)
}

/// The same, with what `encode` told the decoder.
#[must_use]
pub fn transcript_from<D: Decoder>(decoder: &D, frames: &[Value]) -> Vec<String> {
    let frames: Vec<Frame> = frames.iter().map(frame).collect();
    let run = |batches: &[&[Frame]]| {
        let (memory, mut events) = (Memory::default(), Vec::new());
        begin(&memory, decoder).expect("memory takes everything");
        for (at, batch) in batches.iter().enumerate() {
            let last = at + 1 == batches.len();
            events.extend(decode::<D>(&memory, 200, &[], batch, last).expect("memory takes everything"));
        }
        told(&events)
    };
    let whole = run(&[&frames]);
    let mut single: Vec<&[Frame]> = frames.chunks(1).collect();
    assert_eq!(run(&single), whole, "frame by frame");
    single.push(&[]);
    assert_eq!(run(&single), whole, "with the end told apart");
    whole
}

/// Decodes an error answer.
#[must_use]
pub fn refused<D: Decoder>(status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let headers: Vec<_> = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let memory = Memory::default();
    let frames = [frame(&Value::from(body))];
    let mut events = decode::<D>(&memory, status, &headers, &[], false).expect("memory takes everything");
    events.extend(decode::<D>(&memory, status, &headers, &frames, false).expect("memory takes everything"));
    events.extend(decode::<D>(&memory, status, &headers, &[], true).expect("memory takes everything"));
    begin(&memory, &D::default()).expect("memory takes everything");
    assert_eq!(
        decode::<D>(&memory, status, &headers, &frames, true).map(|events| events.len()).ok(),
        Some(1)
    );
    told(&events).join("\n")
}

/// A frame with an event's name, to stand among those of a transcript.
#[must_use]
pub fn named(event: &str, data: Value) -> Value {
    json!({ EVENT: event, DATA: data })
}

const EVENT: &str = "$event";
const DATA: &str = "$data";

fn frame(value: &Value) -> Frame {
    if let (Some(Value::String(event)), Some(data)) = (value.get(EVENT), value.get(DATA)) {
        return Frame { event: event.clone(), ..frame(data) };
    }
    let data = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Frame { event: String::new(), data: data.into_bytes() }
}

/// Feeds a decoder every frame with every value in it replaced by something hostile, and text that is no JSON.
/// Nothing may panic, and figures stay small enough to be added.
pub fn survives<D: Decoder>(frames: &[Value]) {
    for (at, sample) in frames.iter().enumerate() {
        for bad in spoilt(sample) {
            let mut frames: Vec<Value> = frames.to_vec();
            if let Some(slot) = frames.get_mut(at) {
                *slot = bad;
            }
            let frames: Vec<Frame> = frames.iter().map(frame).collect();
            for status in [200, 500] {
                let events = decode::<D>(&Memory::default(), status, &[], &frames, true);
                for event in events.expect("memory takes everything") {
                    if let Event::Usage(u) = event {
                        let figures = [u.input, u.output, u.cache_read, u.cache_write, u.reasoning];
                        assert!(figures.iter().all(|n| *n < 1 << 60), "{figures:?}");
                    }
                }
            }
        }
    }
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for garbage in
        ["<html>", "{", "null", "[]", "[[{}]]", "1e999", "\u{feff}{}", "data: x", &deep, "\"[DONE]\""]
    {
        let _ = transcript::<D>(&[Value::from(garbage)]);
        let _ = refused::<D>(500, &[("retry-after", garbage)], garbage);
    }
    let bytes = Frame { event: "\u{0}".into(), data: vec![0xff, 0xfe, 0x00] };
    let _ = decode::<D>(&Memory::default(), 200, &[], std::slice::from_ref(&bytes), true);
    let _ = decode::<D>(&Memory::default(), 429, &[], &[bytes], true);
}

/// A value with each value in it, itself included, replaced by each of many others, or left out.
#[must_use]
pub fn spoilt(sample: &Value) -> Vec<Value> {
    let hostile = [
        json!(null),
        json!(true),
        json!(-1),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("\u{0}é.sig.=="),
        json!("x".repeat(5000)),
        json!([]),
        json!({}),
        json!([null, { "type": 1 }]),
        json!({ "type": "text", "index": -7, "error": [] }),
    ];
    let mut out = Vec::new();
    for pointer in pointers(sample) {
        for value in &hostile {
            let mut copy = sample.clone();
            if let Some(slot) = copy.pointer_mut(&pointer) {
                *slot = value.clone();
            }
            out.push(copy);
        }
        if let Some((parent, key)) = pointer.rsplit_once('/') {
            let mut copy = sample.clone();
            if let Some(Value::Object(map)) = copy.pointer_mut(parent) {
                map.shift_remove(&key.replace("~1", "/").replace("~0", "~"));
                out.push(copy);
            }
        }
    }
    out
}

fn pointers(value: &Value) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut add = |key: String, inner: &Value| {
        out.extend(pointers(inner).into_iter().map(|rest| format!("/{key}{rest}")));
    };
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| add(key.replace('~', "~0").replace('/', "~1"), inner))
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| add(at.to_string(), inner)),
        _ => {}
    }
    out
}

/// The names and defaults that a `config.schema.json` tells.
#[must_use]
pub fn told_defaults(schema: &str) -> Value {
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let properties = schema.get("properties").and_then(Value::as_object).expect("it has properties");
    let default = |property: &Value| property.get("default").cloned().expect("each has a default");
    properties.iter().map(|(name, property)| (name.clone(), default(property))).collect()
}
