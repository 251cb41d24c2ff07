//! Reading a request: its conversation.
//!
//! Invariants: the order stands; results of tools stand before what the user says in the same turn, as the
//! canonical conversation wants it; content of a kind that is not known travels as it is, to be refused or
//! understood by the adapter; thinking of earlier turns travels with what vouches for it.

use super::thinking::detail;
use crate::error::Error;
use crate::format::translate::{REASONING, wrong};
use serde_json::{Map, Value, json};

/// The mark of prompt caching on parts, calls and tools, which only this API and its adapters know.
pub(super) const MARK: &str = "cache_control";

/// What stands beside the result of a tool, for adapters that can say it.
pub(super) const RESULT_MARKS: [&str; 2] = ["is_error", MARK];

/// Reads `system` and `messages` into canonical messages.
///
/// # Errors
/// 400, naming the place of what is wrong.
pub fn read(system: Option<Value>, said: Value) -> Result<Vec<Value>, Error> {
    let mut out = Vec::new();
    match system {
        None | Some(Value::Null) => {}
        Some(content @ (Value::String(_) | Value::Array(_))) => {
            out.push(json!({ "role": "system", "content": content }));
        }
        Some(_) => return Err(wrong("system", "must be a text or a list of blocks")),
    }
    let Value::Array(said) = said else { return Err(wrong("messages", "must be a list")) };
    if said.is_empty() {
        return Err(wrong("messages", "must not be empty"));
    }
    for (index, message) in said.into_iter().enumerate() {
        let at = format!("messages[{index}]");
        let Value::Object(mut message) = message else { return Err(wrong(&at, "must be an object")) };
        let role = message.remove("role");
        let content = message.remove("content").unwrap_or_default();
        match role.as_ref().and_then(Value::as_str) {
            Some("user") => user(&at, content, &mut out)?,
            Some("assistant") => out.push(assistant(&at, content)?),
            Some("system") => out.push(json!({ "role": "system", "content": content })),
            _ => return Err(wrong(&format!("{at}.role"), "must be user or assistant")),
        }
    }
    Ok(out)
}

/// A block of content, by its type.
type Block = (String, Map<String, Value>);

fn blocks(at: &str, content: Value) -> Result<Vec<Block>, Error> {
    let Value::Array(blocks) = content else {
        return Err(wrong(&format!("{at}.content"), "must be a text or a list of blocks"));
    };
    let read = |(index, block)| match block {
        Value::Object(block) => {
            let kind = block.get("type").and_then(Value::as_str).map(str::to_owned);
            kind.map(|kind| (kind, block))
                .ok_or_else(|| wrong(&format!("{at}.content[{index}].type"), "is required"))
        }
        _ => Err(wrong(&format!("{at}.content[{index}]"), "must be an object")),
    };
    blocks.into_iter().enumerate().map(read).collect()
}

fn user(at: &str, content: Value, out: &mut Vec<Value>) -> Result<(), Error> {
    if content.is_string() {
        out.push(json!({ "role": "user", "content": content }));
        return Ok(());
    }
    let mut parts = Vec::new();
    for (kind, mut block) in blocks(at, content)? {
        if kind == "tool_result" {
            let Some(Value::String(id)) = block.remove("tool_use_id") else {
                return Err(wrong(&format!("{at}.content"), "has a tool_result without a tool_use_id"));
            };
            let content = result(at, block.remove("content").unwrap_or_default())?;
            let mut answer = json!({ "role": "tool", "tool_call_id": id, "content": content });
            for name in RESULT_MARKS {
                if let (Some(mark), Some(answer)) = (block.remove(name), answer.as_object_mut()) {
                    answer.insert(name.into(), mark);
                }
            }
            out.push(answer);
        } else {
            parts.push(part(&kind, block));
        }
    }
    if !parts.is_empty() {
        out.push(json!({ "role": "user", "content": parts }));
    }
    Ok(())
}

/// What a tool answered: a text, or parts where there is more than text.
fn result(at: &str, content: Value) -> Result<Value, Error> {
    match content {
        Value::Null => Ok("".into()),
        Value::String(_) => Ok(content),
        content => {
            let parts: Vec<Value> =
                blocks(at, content)?.into_iter().map(|(kind, block)| part(&kind, block)).collect();
            Ok(parts.into())
        }
    }
}

fn assistant(at: &str, content: Value) -> Result<Value, Error> {
    if content.is_string() {
        return Ok(json!({ "role": "assistant", "content": content }));
    }
    let mut parts = Vec::new();
    let mut calls = Vec::new();
    let mut thoughts = Vec::new();
    for (kind, mut block) in blocks(at, content)? {
        match kind.as_str() {
            "thinking" | "redacted_thinking" => thoughts.extend(detail(&block, thoughts.len())),
            "tool_use" => {
                let (Some(Value::String(id)), Some(Value::String(name))) =
                    (block.remove("id"), block.remove("name"))
                else {
                    return Err(wrong(&format!("{at}.content"), "has a tool_use without an id or a name"));
                };
                let arguments = block.remove("input").unwrap_or_else(|| json!({})).to_string();
                let mut call = json!({
                    "id": id, "type": "function", "function": { "name": name, "arguments": arguments },
                });
                mark(&mut call, &mut block);
                calls.push(call);
            }
            _ => parts.push(part(&kind, block)),
        }
    }
    let content = match (parts.is_empty(), calls.is_empty()) {
        (false, _) => parts.into(),
        (true, false) => Value::Null,
        (true, true) => "".into(),
    };
    let mut message = json!({ "role": "assistant", "content": content });
    let lists = [("tool_calls", calls), (REASONING, thoughts)];
    for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
        if let Some(message) = message.as_object_mut() {
            message.insert(name.into(), list.into());
        }
    }
    Ok(message)
}

/// A block as a canonical part. The mark of prompt caching stays on it.
fn part(kind: &str, mut block: Map<String, Value>) -> Value {
    let mut asked = Map::new();
    asked.extend(block.remove_entry(MARK));
    let mut part = match kind {
        "text" => json!({ "type": "text", "text": block.remove("text").unwrap_or_default() }),
        "image" => match address(block.get("source")) {
            Some(url) => json!({ "type": "image_url", "image_url": { "url": url } }),
            None => Value::Object(block),
        },
        "document" => document(block),
        _ => Value::Object(block),
    };
    mark(&mut part, &mut asked);
    part
}

/// Hands the mark of prompt caching on.
fn mark(to: &mut Value, block: &mut Map<String, Value>) {
    let mark = block.remove(MARK).filter(|mark| !mark.is_null());
    if let (Some(mark), Some(to)) = (mark, to.as_object_mut()) {
        to.insert(MARK.into(), mark);
    }
}

/// A document: one of plain text is text to a guard, others are files.
fn document(mut block: Map<String, Value>) -> Value {
    let source = block.get("source");
    let is = |kind: &str| source.and_then(|source| source.get("type")).is_some_and(|given| given == kind);
    if is("text") {
        let text = source.and_then(|source| source.get("data")).cloned().unwrap_or_default();
        return json!({ "type": "text", "text": text });
    }
    let Some(url) = address(source).filter(|_| is("base64")) else { return Value::Object(block) };
    let mut file = json!({ "file_data": url });
    if let (Some(title @ Value::String(_)), Some(file)) = (block.remove("title"), file.as_object_mut()) {
        file.insert("filename".into(), title);
    }
    json!({ "type": "file", "file": file })
}

/// Where media is: its own address, or its bytes as a data URL.
fn address(source: Option<&Value>) -> Option<String> {
    let field = |name: &str| source?.get(name)?.as_str();
    match field("type")? {
        "url" => field("url").map(str::to_owned),
        "base64" => Some(format!("data:{};base64,{}", field("media_type")?, field("data")?)),
        _ => None,
    }
}
