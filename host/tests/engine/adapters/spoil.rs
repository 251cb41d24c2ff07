//! Ways of spoiling what is well formed: JSON with something else in its places, frames out of order and broken.

use crate::provider::frame;
use lockgate::plugin::Frame;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

/// Something where something else should be.
pub fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(0), json!(u64::MAX), json!(i64::MIN), json!(1e300), json!(0.1),
            json!(""), json!("\u{0}"), json!("x".repeat(40_000)), json!([]), json!({}), json!([[null]]), json!("null"),
            json!({ "type": 1 }), json!([{ "type": "text" }, { "type": "image_url" }, 7]), json!("data:;base64,"),
            json!("data:image/png;base64,AA=="), json!("[DONE]"), json!("{\"a\":"), json!("{}"), json!("assistant"),
        ]),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => "\\PC{0,12}".prop_map(Value::from),
        1 => (1_usize..120).prop_map(|depth| (0..depth).fold(json!(1), |inner, _| json!([inner]))),
        2 => json_of(4),
    ]
}

/// Any JSON, so deep.
pub fn json_of(depth: u32) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 24, 4, |inner| {
        let name = prop::sample::select(vec![
            "type",
            "text",
            "content",
            "role",
            "index",
            "id",
            "name",
            "function",
            "arguments",
            "input",
            "delta",
            "url",
            "thinking",
            "signature",
            "data",
            "source",
            "parts",
            "args",
            "usage",
            "cache_control",
            "format",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..5).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

/// A place in JSON and what is to happen there: something else, or nothing at all.
pub type Slip = (Index, Option<Value>);

/// A few of them.
pub fn slips(most: usize) -> impl Strategy<Value = Vec<Slip>> {
    prop::collection::vec((any::<Index>(), prop::option::weighted(0.85, odd())), 0..=most)
}

/// JSON with slips in it.
pub fn slipped(mut value: Value, slips: &[Slip]) -> Value {
    for (at, new) in slips {
        let all = pointers(&value);
        let pointer = at.get(&all).clone();
        match new {
            Some(new) => value.pointer_mut(&pointer).into_iter().for_each(|slot| *slot = new.clone()),
            None => {
                let Some((parent, key)) = pointer.rsplit_once('/') else { continue };
                match value.pointer_mut(parent) {
                    Some(Value::Object(map)) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
                    Some(Value::Array(list)) => {
                        if let Some(at) = key.parse().ok().filter(|at| *at < list.len()) {
                            list.remove(at);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    value
}

/// The places of every value, the whole first.
fn pointers(value: &Value) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut add = |key: String, inner: &Value| {
        out.extend(pointers(inner).into_iter().map(|rest| format!("/{key}{rest}")));
    };
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| add(key.replace('~', "~0").replace('/', "~1"), inner));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(at, inner)| add(at.to_string(), inner)),
        _ => {}
    }
    out
}

/// Bytes of frames that come again, at most.
const REPEATED: usize = 1 << 20;

/// What may happen to frames.
#[derive(Debug, Clone)]
pub enum Mishap {
    /// A byte is another.
    Byte(Index, Index, u8),
    /// The rest of a frame is missing.
    Cut(Index, Index),
    /// A frame comes so many times more.
    Again(Index, usize),
    /// Two change places.
    Swap(Index, Index),
    /// One is missing.
    Gone(Index),
    /// A frame's JSON has something else in it.
    Slips(Index, Vec<Slip>),
    /// A frame has another's name.
    Name(Index, String),
    /// A frame of garbage.
    Garbage(Index, Vec<u8>),
    /// A frame so deep that a parser that recurses has no stack left.
    Deep(Index, bool),
}

/// One of them.
pub fn mishap() -> impl Strategy<Value = Mishap> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), at(), any::<u8>()).prop_map(|(frame, place, byte)| Mishap::Byte(frame, place, byte)),
        1 => (at(), at()).prop_map(|(frame, place)| Mishap::Cut(frame, place)),
        1 => (at(), 1_usize..300).prop_map(|(frame, times)| Mishap::Again(frame, times)),
        2 => (at(), at()).prop_map(|(one, other)| Mishap::Swap(one, other)),
        1 => at().prop_map(Mishap::Gone),
        6 => (at(), slips(3)).prop_map(|(frame, slips)| Mishap::Slips(frame, slips)),
        1 => (at(), "[a-zA-Z-]{0,12}").prop_map(|(frame, name)| Mishap::Name(frame, name)),
        1 => (at(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(frame, bytes)| Mishap::Garbage(frame, bytes)),
        1 => (at(), any::<bool>()).prop_map(|(frame, list)| Mishap::Deep(frame, list)),
    ]
}

/// Frames to which it happened.
pub fn spoilt(mut frames: Vec<Frame>, mishaps: &[Mishap]) -> Vec<Frame> {
    for mishap in mishaps {
        let count = frames.len();
        if count == 0 {
            return frames;
        }
        match mishap {
            Mishap::Byte(at, place, byte) => {
                let data = &mut frames[at.index(count)].data;
                if !data.is_empty() {
                    let place = place.index(data.len());
                    data[place] = *byte;
                }
            }
            Mishap::Cut(at, place) => {
                let data = &mut frames[at.index(count)].data;
                data.truncate(place.index(data.len() + 1));
            }
            Mishap::Again(at, times) => {
                let at = at.index(count);
                let again = frames[at].clone();
                // The host hands no batches over that fill a plugin's memory by themselves.
                let times = (*times).min(REPEATED / (again.data.len() + 1));
                frames.splice(at..at, std::iter::repeat_n(again, times));
            }
            Mishap::Swap(one, other) => frames.swap(one.index(count), other.index(count)),
            Mishap::Gone(at) => drop(frames.remove(at.index(count))),
            Mishap::Slips(at, slips) => {
                let data = &mut frames[at.index(count)].data;
                if let Ok(value) = serde_json::from_slice(data) {
                    *data = slipped(value, slips).to_string().into_bytes();
                }
            }
            Mishap::Name(at, name) => frames[at.index(count)].event.clone_from(name),
            Mishap::Garbage(at, bytes) => frames.insert(at.index(count), frame("", bytes.clone())),
            Mishap::Deep(at, list) => {
                let (open, close) = if *list { ("[", "]") } else { ("{\"delta\":", "}") };
                let data = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
                frames.insert(at.index(count), frame("", data));
            }
        }
    }
    frames
}
