//! Reading a request: its parameters. Its conversation is read in `messages`.
//!
//! Invariants: every parameter has a canonical name, or travels under its own; what is wrong is told by its place.

use super::messages::{self, MARK, RESULT_MARKS};
use crate::error::Error;
use crate::format::translate::{REASONING, effort, object, without_exact, wrong};
use serde_json::{Map, Value, json};

/// Reads a messages request into a canonical body.
///
/// # Errors
/// 400 for what is not a request of this API.
pub fn parse_messages(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut given = object(body)?;
    let mut out = Map::new();
    match given.remove("model") {
        Some(Value::String(model)) if !model.is_empty() => out.insert("model".into(), model.into()),
        Some(_) => return Err(wrong("model", "must be a non-empty string")),
        None => return Err(wrong("model", "is required")),
    };
    let said = given.remove("messages").ok_or_else(|| wrong("messages", "is required"))?;
    out.insert("messages".into(), messages::read(given.remove("system"), said)?.into());
    tools(&mut given, &mut out)?;
    let mut exact = Map::new();
    for (name, value) in given {
        parameter(name, value, &mut out, &mut exact)?;
    }
    if !exact.is_empty() {
        out.insert("anthropic".into(), exact.into());
    }
    Ok(out)
}

/// A canonical body without what only this API knows.
#[must_use]
pub fn without_own_fields(mut body: Map<String, Value>) -> Map<String, Value> {
    without_exact(&mut body);
    let unmark = |list: Option<&mut Value>| {
        for item in list.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(item) = item.as_object_mut() {
                item.shift_remove(MARK);
            }
        }
    };
    unmark(body.get_mut("tools"));
    for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        unmark(message.get_mut("content"));
        unmark(message.get_mut("tool_calls"));
        if let Some(message) = message.as_object_mut() {
            RESULT_MARKS.iter().chain([&REASONING]).for_each(|own| drop(message.shift_remove(*own)));
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
    match (name.as_str(), value) {
        (_, Value::Null) => {}
        ("max_tokens", value) => {
            out.insert("max_completion_tokens".into(), value);
        }
        ("stop_sequences", value) => {
            out.insert("stop".into(), value);
        }
        ("stream", value @ Value::Bool(_)) => {
            out.insert(name, value);
        }
        ("stream", _) => return Err(wrong("stream", "must be a boolean")),
        ("metadata", value) => {
            // The API knows nothing else of it.
            if let Some(user) = value.get("user_id").filter(|user| user.is_string()) {
                out.insert("user".into(), user.clone());
            }
        }
        // The newest models think unless told not to, so that `disabled` is said, too.
        ("thinking", value) => {
            let by_budget = value.get("type").is_some_and(|kind| kind == "enabled");
            let budget = value.get("budget_tokens").and_then(Value::as_u64);
            if let Some(budget) = budget.filter(|_| by_budget) {
                out.entry("reasoning_effort").or_insert_with(|| effort(budget).into());
            }
            exact.insert(name, value);
        }
        ("output_config", value) => output(value, out, exact),
        (_, value) => {
            out.insert(name, value);
        }
    }
    Ok(())
}

/// `output_config`: the shape of the answer, and the effort.
fn output(mut config: Value, out: &mut Map<String, Value>, exact: &mut Map<String, Value>) {
    if let Some(effort) = config.get("effort").filter(|effort| effort.is_string()) {
        out.insert("reasoning_effort".into(), effort.clone());
        exact.insert("output_config".into(), json!({ "effort": effort }));
    }
    if config.pointer("/format/type").is_some_and(|kind| kind == "json_schema") {
        let schema = config.pointer_mut("/format/schema").map(Value::take).unwrap_or_default();
        let schema = json!({ "name": "answer", "schema": schema, "strict": true });
        out.insert("response_format".into(), json!({ "type": "json_schema", "json_schema": schema }));
    }
}

/// `tools` and `tool_choice`.
fn tools(given: &mut Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), Error> {
    if let Some(tools) = given.remove("tools").filter(|tools| !tools.is_null()) {
        let Value::Array(tools) = tools else { return Err(wrong("tools", "must be a list")) };
        let tools: Result<Vec<Value>, Error> =
            tools.into_iter().enumerate().map(|(index, tool)| read_tool(index, tool)).collect();
        out.insert("tools".into(), tools?.into());
    }
    let Some(choice) = given.remove("tool_choice").filter(|choice| !choice.is_null()) else { return Ok(()) };
    let canonical = match choice.get("type").and_then(Value::as_str) {
        Some("auto") => "auto".into(),
        Some("any") => "required".into(),
        Some("none") => "none".into(),
        Some("tool") => match choice.get("name") {
            Some(Value::String(name)) => json!({ "type": "function", "function": { "name": name } }),
            _ => return Err(wrong("tool_choice.name", "is required")),
        },
        _ => return Err(wrong("tool_choice.type", "must be auto, any, tool or none")),
    };
    out.insert("tool_choice".into(), canonical);
    if choice.get("disable_parallel_tool_use") == Some(&Value::Bool(true)) {
        out.insert("parallel_tool_calls".into(), false.into());
    }
    Ok(())
}

fn read_tool(index: usize, tool: Value) -> Result<Value, Error> {
    let at = || format!("tools[{index}]");
    let Value::Object(mut tool) = tool else { return Err(wrong(&at(), "must be an object")) };
    if tool.get("type").is_some_and(|kind| kind != "custom" && !kind.is_null()) {
        // A tool of the provider's own, such as its web search: it travels as it is.
        return Ok(Value::Object(tool));
    }
    if !tool.get("name").is_some_and(Value::is_string) {
        return Err(wrong(&format!("{}.name", at()), "is required"));
    }
    let mut function = Map::new();
    for (name, canonical) in [
        ("name", "name"),
        ("description", "description"),
        ("input_schema", "parameters"),
        ("strict", "strict"),
    ] {
        if let Some(value) = tool.remove(name) {
            function.insert(canonical.into(), value);
        }
    }
    let mut canonical = Map::new();
    canonical.insert("type".into(), "function".into());
    canonical.insert("function".into(), function.into());
    if let Some(mark) = tool.remove(MARK) {
        canonical.insert(MARK.into(), mark);
    }
    Ok(canonical.into())
}
