//! Reading a request: the content of its items.
//!
//! Invariant: every text becomes a canonical text, which guards read. Content of a kind that is not known travels as
//! it is, to be refused or understood by the adapter; what would have to be fetched from a store is refused.

use crate::error::Error;
use crate::format::translate::wrong;
use serde_json::{Map, Value, json};

/// Content as canonical content: a lone text is a string.
///
/// # Errors
/// 400, naming the place of what is wrong.
pub fn content(at: &str, content: Value) -> Result<Value, Error> {
    let parts = match content {
        Value::String(_) => return Ok(content),
        Value::Array(parts) => parts,
        _ => return Err(wrong(at, "must be a text or a list of parts")),
    };
    let read = |(index, value)| part(&format!("{at}[{index}]"), value);
    let mut parts: Vec<Value> = parts.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let lone = match parts.as_mut_slice() {
        [] => Some(Value::String(String::new())),
        [one] if one.get("type").is_some_and(|kind| kind == "text") => one.get_mut("text").map(Value::take),
        _ => None,
    };
    Ok(lone.unwrap_or_else(|| parts.into()))
}

/// Content as a list of parts.
pub fn list(content: Value) -> Vec<Value> {
    match content {
        Value::Array(parts) => parts,
        Value::Null => Vec::new(),
        text => vec![json!({ "type": "text", "text": text })],
    }
}

fn part(at: &str, part: Value) -> Result<Value, Error> {
    let Value::Object(mut part) = part else { return Err(wrong(at, "must be an object")) };
    let kind = part.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut text = |name: &str| match part.remove(name) {
        Some(text @ Value::String(_)) => Ok(text),
        _ => Err(wrong(&format!("{at}.{name}"), "must be a text")),
    };
    match kind.as_str() {
        "" => Err(wrong(&format!("{at}.type"), "is required")),
        "input_text" | "output_text" | "summary_text" | "reasoning_text" | "text" => {
            Ok(json!({ "type": "text", "text": text("text")? }))
        }
        "refusal" => Ok(json!({ "type": "refusal", "refusal": text("refusal")? })),
        "input_image" => image(at, part),
        "input_file" => file(at, part),
        _ => Ok(Value::Object(part)),
    }
}

fn image(at: &str, mut part: Map<String, Value>) -> Result<Value, Error> {
    let Some(url @ Value::String(_)) = part.remove("image_url") else {
        return Err(match part.get("file_id") {
            Some(Value::String(_)) => stored(&format!("{at}.file_id"), "an image_url"),
            _ => wrong(&format!("{at}.image_url"), "must be a URL"),
        });
    };
    let mut image = Map::new();
    image.insert("url".into(), url);
    match part.remove("detail") {
        // The most that chat completions know.
        Some(detail) if detail == "original" => drop(image.insert("detail".into(), "high".into())),
        Some(detail) if detail.is_string() && detail != "auto" => {
            image.insert("detail".into(), detail);
        }
        _ => {}
    }
    Ok(json!({ "type": "image_url", "image_url": image }))
}

fn file(at: &str, mut part: Map<String, Value>) -> Result<Value, Error> {
    let mut file = Map::new();
    let names = [
        ("filename", "filename"),
        ("file_data", "file_data"),
        ("file_url", "file_data"),
        ("file_id", "file_id"),
    ];
    for (name, canonical) in names {
        if let Some(value @ Value::String(_)) = part.remove(name) {
            file.entry(canonical).or_insert(value);
        }
    }
    if !file.contains_key("file_data") && !file.contains_key("file_id") {
        return Err(wrong(at, "has no file_data, file_url or file_id"));
    }
    Ok(json!({ "type": "file", "file": file }))
}

fn stored(param: &str, instead: &str) -> Error {
    let message = format!("{param}: the gateway keeps no files; send {instead}.");
    Error::bad_request("unsupported_parameter", message).param(param)
}
