//! Reading a request for embeddings.
//!
//! Invariants: what is to be embedded is the canonical `input`, where guards look for it: texts as they are, pictures as
//! parts; vectors of one type are asked for, as the canonical answer holds one for each input.

use super::{OWN, chat::model};
use crate::error::Error;
use crate::format::translate::{object, wrong};
use serde_json::{Map, Value, json};

/// What stands under `cohere`: other providers do without.
const EXACT: [&str; 4] = ["input_type", "truncate", "max_tokens", "priority"];

/// Reads a request for embeddings into a canonical body.
///
/// # Errors
/// 400 for what is not a request of this API.
pub fn parse_embed(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut given = object(body)?;
    given.retain(|_, value| !value.is_null());
    given.remove("stream");
    let mut out = Map::new();
    out.insert("model".into(), model(&mut given)?);
    out.insert("input".into(), input(&mut given)?.into());
    match kind(given.remove("embedding_types"))?.as_str() {
        "float" => {}
        "base64" => {
            out.insert("encoding_format".into(), "base64".into());
        }
        own => {
            out.insert("embedding_types".into(), json!([own]));
        }
    }
    let mut exact = Map::new();
    for (name, value) in given {
        if name == "output_dimension" {
            out.insert("dimensions".into(), value);
        } else if EXACT.contains(&name.as_str()) {
            exact.insert(name, value);
        } else {
            out.entry(name).or_insert(value);
        }
    }
    if !exact.is_empty() {
        out.insert(OWN.into(), exact.into());
    }
    Ok(out)
}

/// The type of vectors that a canonical request asks for.
pub(super) fn asked(request: &Map<String, Value>) -> &str {
    let own = request.get("embedding_types").and_then(|kinds| kinds.get(0));
    own.or_else(|| request.get("encoding_format")).and_then(Value::as_str).unwrap_or("float")
}

fn kind(kinds: Option<Value>) -> Result<String, Error> {
    let mut kinds = match kinds {
        None => return Ok("float".into()),
        Some(Value::Array(kinds)) => kinds,
        Some(_) => return Err(wrong("embedding_types", "must be a list")),
    };
    match (kinds.pop(), kinds.is_empty()) {
        (None, _) => Ok("float".into()),
        (Some(Value::String(kind)), true) => Ok(kind),
        (Some(Value::String(_)), false) => {
            Err(wrong("embedding_types", "must be one: the gateway's answers hold one vector for each input"))
        }
        (Some(_), _) => Err(wrong("embedding_types", "must hold names")),
    }
}

/// `texts`, `images` and `inputs`, one after the other.
fn input(given: &mut Map<String, Value>) -> Result<Vec<Value>, Error> {
    let mut out = Vec::new();
    let mut named = false;
    for (name, read) in
        [("texts", text as fn(Value) -> Option<Value>), ("images", image), ("inputs", only_part)]
    {
        let items = match given.remove(name) {
            None => continue,
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong(name, "must be a list")),
        };
        named = true;
        for (index, item) in items.into_iter().enumerate() {
            let what = match name {
                "texts" => "must be a text",
                "images" => "must be an address",
                _ => "must have content of one part, a text or a picture",
            };
            out.push(read(item).ok_or_else(|| wrong(&format!("{name}[{index}]"), what))?);
        }
    }
    if named { Ok(out) } else { Err(wrong("texts", "is required")) }
}

fn text(item: Value) -> Option<Value> {
    item.is_string().then_some(item)
}

fn image(item: Value) -> Option<Value> {
    item.is_string().then(|| json!({ "type": "image_url", "image_url": { "url": item } }))
}

/// Several parts in one input are one vector; guards and other providers know no such input.
fn only_part(mut item: Value) -> Option<Value> {
    let parts = item.get_mut("content")?.as_array_mut()?;
    let part = parts.pop().filter(|_| parts.is_empty())?;
    match part.get("type")?.as_str()? {
        "text" => part.get("text").cloned().and_then(text),
        "image_url" if part.pointer("/image_url/url").is_some_and(Value::is_string) => Some(part),
        _ => None,
    }
}
