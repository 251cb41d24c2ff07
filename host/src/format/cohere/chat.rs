//! Reading a chat: its parameters. Its conversation is read in `messages`.
//!
//! Invariants: every parameter has a canonical name, stands under `cohere`, travels under its own, or is refused.

use super::{OWN, messages};
use crate::error::Error;
use crate::format::translate::{effort, object, without_exact, wrong};
use serde_json::{Map, Value, json};

/// Parameters that stand under `cohere`: before another provider they ask for what happens anyway, or for what only this
/// API's answers have.
const EXACT: [&str; 2] = ["citation_options", "priority"];

/// Reads a request for a chat into a canonical body.
///
/// # Errors
/// 400 for what is not a request of this API.
pub fn parse_chat(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut given = object(body)?;
    given.retain(|_, value| !value.is_null());
    let mut out = Map::new();
    out.insert("model".into(), model(&mut given)?);
    let said = given.remove("messages").ok_or_else(|| wrong("messages", "is required"))?;
    let mut said = messages::read(said)?;
    if let Some(documents) = given.remove("documents") {
        messages::show(documents, &mut said)?;
    }
    out.insert("messages".into(), said.into());
    tools(&mut given, &mut out)?;
    let mut exact = Map::new();
    for (name, value) in given {
        parameter(name, value, &mut out, &mut exact)?;
    }
    if !exact.is_empty() {
        out.insert(OWN.into(), exact.into());
    }
    Ok(out)
}

/// Takes the model, which every request names.
pub(super) fn model(given: &mut Map<String, Value>) -> Result<Value, Error> {
    match given.remove("model") {
        Some(Value::String(model)) if !model.is_empty() => Ok(model.into()),
        Some(_) => Err(wrong("model", "must be a non-empty string")),
        None => Err(wrong("model", "is required")),
    }
}

/// A canonical body without what only this API knows, and without what the model thought in earlier turns, which most
/// providers of the OpenAI API refuse.
#[must_use]
pub fn without_own_fields(mut body: Map<String, Value>) -> Map<String, Value> {
    without_exact(&mut body);
    for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        let parts = message.get_mut("content").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten().filter_map(Value::as_object_mut) {
            part.shift_remove(OWN);
        }
        if let Some(message) = message.as_object_mut() {
            message.shift_remove("reasoning_content");
        }
    }
    body
}

/// Says a parameter in canonical words; where those are less exact, the API's own go into `exact` as well.
fn parameter(
    name: String,
    value: Value,
    out: &mut Map<String, Value>,
    exact: &mut Map<String, Value>,
) -> Result<(), Error> {
    let canonical = match (name.as_str(), &value) {
        ("max_tokens", _) => "max_completion_tokens",
        ("stop_sequences", _) => "stop",
        ("p", _) => "top_p",
        // Zero is no bound.
        ("k", Value::Number(number)) if number.as_f64() == Some(0.0) => return Ok(()),
        ("k", _) => "top_k",
        ("stream", Value::Bool(_)) => "stream",
        ("stream", _) => return Err(wrong("stream", "must be a boolean")),
        ("logprobs", Value::Bool(false)) => return Ok(()),
        ("logprobs", _) => return Err(wrong("logprobs", "cannot be true: the gateway's answers have none")),
        ("response_format", _) => return response_format(value, out),
        ("thinking", _) => {
            thinking(&value, out)?;
            exact.insert(name, value);
            return Ok(());
        }
        (own, _) if EXACT.contains(&own) => {
            exact.insert(name, value);
            return Ok(());
        }
        // What this API does not know must not take the place of what it said.
        _ => {
            out.entry(name).or_insert(value);
            return Ok(());
        }
    };
    out.insert(canonical.into(), value);
    Ok(())
}

/// Thinking is on where nothing is said, as the model has it; without a budget there is no bound to it.
fn thinking(value: &Value, out: &mut Map<String, Value>) -> Result<(), Error> {
    let budget = value.get("token_budget").and_then(Value::as_u64);
    let effort = match value.get("type").and_then(Value::as_str) {
        Some("disabled") => "none",
        Some("enabled") => budget.map_or("high", effort),
        _ => return Err(wrong("thinking.type", "must be enabled or disabled")),
    };
    out.insert("reasoning_effort".into(), effort.into());
    Ok(())
}

fn response_format(mut value: Value, out: &mut Map<String, Value>) -> Result<(), Error> {
    let format = match value.get("type").and_then(Value::as_str) {
        Some("text") => return Ok(()),
        Some("json_object") => {
            // The older of its names is `schema`.
            let mut take =
                |name: &str| value.get_mut(name).map(Value::take).filter(|schema| !schema.is_null());
            match take("json_schema").or_else(|| take("schema")) {
                Some(schema) => {
                    json!({ "type": "json_schema", "json_schema": { "name": "answer", "schema": schema } })
                }
                None => json!({ "type": "json_object" }),
            }
        }
        _ => return Err(wrong("response_format.type", "must be text or json_object")),
    };
    out.insert("response_format".into(), format);
    Ok(())
}

/// `tools`, `tool_choice` and `strict_tools`. Tools have OpenAI's shape already, where each says whether it is strict.
fn tools(given: &mut Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), Error> {
    let strict = given.remove("strict_tools") == Some(Value::Bool(true));
    if let Some(tools) = given.remove("tools") {
        let Value::Array(mut tools) = tools else { return Err(wrong("tools", "must be a list")) };
        for (index, tool) in tools.iter_mut().enumerate() {
            let function = tool.get_mut("function").and_then(Value::as_object_mut);
            let function =
                function.filter(|function| function.get("name").is_some_and(Value::is_string)).ok_or_else(
                    || wrong(&format!("tools[{index}].function"), "must be a function with a name"),
                )?;
            if strict {
                function.insert("strict".into(), true.into());
            }
        }
        out.insert("tools".into(), tools.into());
    }
    let choice = match given.remove("tool_choice") {
        None => return Ok(()),
        Some(Value::String(word)) if word == "REQUIRED" => "required",
        Some(Value::String(word)) if word == "NONE" => "none",
        Some(_) => return Err(wrong("tool_choice", "must be REQUIRED or NONE")),
    };
    out.insert("tool_choice".into(), choice.into());
    Ok(())
}
