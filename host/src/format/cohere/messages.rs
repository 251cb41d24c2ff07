//! Reading a chat: its conversation and its documents.
//!
//! Invariants: the order stands; every text is where guards look for it, documents included: they are text parts with a
//! mark, by which the adapter of this API knows them; what the model thought or planned in earlier turns is its
//! reasoning; citations of earlier turns are left out, as their texts would be seen by no guard.

use super::OWN;
use crate::error::Error;
use crate::format::translate::wrong;
use serde_json::{Map, Value, json};

/// Reads `messages` into canonical messages.
///
/// # Errors
/// 400, naming the place of what is wrong.
pub fn read(said: Value) -> Result<Vec<Value>, Error> {
    let Value::Array(said) = said else { return Err(wrong("messages", "must be a list")) };
    if said.is_empty() {
        return Err(wrong("messages", "must not be empty"));
    }
    said.into_iter().enumerate().map(|(index, message)| one(&format!("messages[{index}]"), message)).collect()
}

/// Puts documents where the user's last message begins.
///
/// # Errors
/// 400 for what is no document, or where no user says anything.
pub fn show(documents: Value, messages: &mut [Value]) -> Result<(), Error> {
    let Value::Array(documents) = documents else { return Err(wrong("documents", "must be a list")) };
    if documents.is_empty() {
        return Ok(());
    }
    let documents = documents.into_iter().enumerate();
    let mut parts: Vec<Value> = documents
        .map(|(index, document)| {
            marked(document)
                .ok_or_else(|| wrong(&format!("documents[{index}]"), "must be a text or hold data"))
        })
        .collect::<Result<_, _>>()?;
    let last =
        messages.iter_mut().rev().find(|message| message.get("role").is_some_and(|role| role == "user"));
    let content = last.and_then(|message| message.get_mut("content"));
    let content = content.ok_or_else(|| wrong("documents", "need a message of the user"))?;
    match content.take() {
        Value::Array(said) => parts.extend(said),
        said => parts.push(json!({ "type": "text", "text": said })),
    }
    *content = parts.into();
    Ok(())
}

fn one(at: &str, message: Value) -> Result<Value, Error> {
    let Value::Object(mut message) = message else { return Err(wrong(at, "must be an object")) };
    message.retain(|_, value| !value.is_null());
    let role = message.remove("role");
    let content = message.remove("content");
    match role.as_ref().and_then(Value::as_str) {
        Some(role @ ("user" | "system")) => {
            let content = content.ok_or_else(|| wrong(&format!("{at}.content"), "is required"))?;
            Ok(json!({ "role": role, "content": parts(at, content, &mut Vec::new())? }))
        }
        Some("assistant") => assistant(at, content, message),
        Some("tool") => {
            let Some(Value::String(id)) = message.remove("tool_call_id") else {
                return Err(wrong(&format!("{at}.tool_call_id"), "is required"));
            };
            let content = parts(at, content.unwrap_or_else(|| "".into()), &mut Vec::new())?;
            Ok(json!({ "role": "tool", "tool_call_id": id, "content": content }))
        }
        _ => Err(wrong(&format!("{at}.role"), "must be user, assistant, system or tool")),
    }
}

fn assistant(at: &str, content: Option<Value>, mut message: Map<String, Value>) -> Result<Value, Error> {
    let mut thoughts = Vec::new();
    if let Some(Value::String(plan)) = message.remove("tool_plan") {
        thoughts.push(plan);
    }
    let content = match content {
        Some(content) => parts(at, content, &mut thoughts)?,
        None => Value::Null,
    };
    let calls = match message.remove("tool_calls") {
        Some(Value::Array(calls)) if !calls.is_empty() => Some(calls),
        None | Some(Value::Array(_)) => None,
        Some(_) => return Err(wrong(&format!("{at}.tool_calls"), "must be a list")),
    };
    let silent = content.as_array().map_or_else(|| content.is_null(), Vec::is_empty);
    let content = match (silent, &calls) {
        (false, _) => content,
        (true, Some(_)) => Value::Null,
        (true, None) => "".into(),
    };
    let mut out = Map::new();
    out.insert("role".into(), "assistant".into());
    out.insert("content".into(), content);
    thoughts.retain(|thought| !thought.is_empty());
    if !thoughts.is_empty() {
        out.insert("reasoning_content".into(), thoughts.join("\n").into());
    }
    if let Some(calls) = calls {
        out.insert("tool_calls".into(), calls.into());
    }
    Ok(out.into())
}

/// Content: a text, or parts. What was thought goes to `thoughts`; parts of a kind that is not known travel as they are, to
/// be refused or understood by the adapter.
fn parts(at: &str, content: Value, thoughts: &mut Vec<String>) -> Result<Value, Error> {
    let given = match content {
        Value::String(_) => return Ok(content),
        Value::Array(given) => given,
        _ => return Err(wrong(&format!("{at}.content"), "must be a text or a list of parts")),
    };
    let mut out = Vec::with_capacity(given.len());
    for (index, part) in given.into_iter().enumerate() {
        let at = format!("{at}.content[{index}]");
        let Value::Object(mut part) = part else { return Err(wrong(&at, "must be an object")) };
        // The mark is the gateway's to set.
        part.shift_remove(OWN);
        match part.get("type").and_then(Value::as_str) {
            Some("thinking") => match part.remove("thinking") {
                Some(Value::String(thought)) => thoughts.push(thought),
                _ => return Err(wrong(&at, "has no thinking")),
            },
            Some("document") => {
                let document = part.remove("document").and_then(marked);
                out.push(
                    document
                        .ok_or_else(|| wrong(&format!("{at}.document"), "must be a text or hold data"))?,
                );
            }
            Some(_) => out.push(part.into()),
            None => return Err(wrong(&format!("{at}.type"), "is required")),
        }
    }
    Ok(out.into())
}

/// A document as a text part: its own text, or its fields as JSON. The mark keeps its id.
fn marked(document: Value) -> Option<Value> {
    let mut mark = Map::new();
    let text = match document {
        Value::String(text) => text,
        Value::Object(mut document) => {
            mark.extend(document.remove("id").filter(|id| !id.is_null()).map(|id| ("id".to_owned(), id)));
            match document.remove("data")? {
                Value::String(text) => text,
                fields @ Value::Object(_) => fields.to_string(),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(json!({ "type": "text", "text": text, OWN: { "document": mark } }))
}
