//! Tools and the choice among them.
//!
//! Invariants: a function tool becomes an Anthropic tool; a tool that is in Anthropic's own form already
//! (`web_search_…`, say) passes through; a conversation that used tools always declares them, because the
//! API refuses it otherwise.

use super::{Refusal, inexpressible};
use crate::options::Options;
use serde_json::{Map, Value, json};

/// Translates `tools`, `tool_choice` and `parallel_tool_calls`. `used`: the names of the tools that the
/// conversation's calls mention.
pub fn translate(
    from: &mut Map<String, Value>,
    used: &[String],
    options: &Options,
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let mut tools = Vec::new();
    if let Some(Value::Array(given)) = from.remove("tools") {
        for (index, tool) in given.into_iter().enumerate() {
            tools.push(one(tool).map_err(|why| format!("`tools[{index}]` {why}"))?);
        }
    }
    let mut choice = match from.remove("tool_choice") {
        Some(choice) => Some(pick(&choice, &mut tools, options)?),
        None => None,
    };
    let parallel = from.remove("parallel_tool_calls");
    if tools.is_empty() {
        if used.is_empty() {
            return Ok(());
        }
        tools =
            used.iter().map(|name| json!({ "name": name, "input_schema": { "type": "object" } })).collect();
        choice = Some(json!({ "type": "none" }));
    }
    if parallel == Some(Value::Bool(false)) {
        let choice = choice.get_or_insert_with(|| json!({ "type": "auto" }));
        if let Value::Object(map) = choice
            && map.get("type").is_none_or(|kind| kind != "none")
        {
            map.insert("disable_parallel_tool_use".into(), true.into());
        }
    }
    out.insert("tools".into(), tools.into());
    if let Some(choice) = choice {
        out.insert("tool_choice".into(), choice);
    }
    Ok(())
}

fn one(tool: Value) -> Result<Value, Refusal> {
    let Value::Object(mut tool) = tool else { return Err("is not an object".into()) };
    match tool.get("type").and_then(Value::as_str) {
        Some("function") => {}
        Some("custom") if !tool.contains_key("custom") => return Ok(Value::Object(tool)),
        Some("custom") | None => return Err("has a type that this provider does not know".into()),
        Some(_) => return Ok(Value::Object(tool)),
    }
    let Some(Value::Object(mut function)) = tool.remove("function") else {
        return Err("has no `function`".into());
    };
    let Some(name) = function.remove("name") else { return Err("has no name".into()) };
    let mut out = Map::new();
    out.insert("name".into(), name);
    if let Some(description) = function.remove("description").filter(|text| !text.is_null()) {
        out.insert("description".into(), description);
    }
    let schema = function.remove("parameters").filter(|schema| !schema.is_null());
    let mut schema = schema.unwrap_or_else(|| json!({ "properties": {} }));
    if let Value::Object(schema) = &mut schema {
        schema.entry("type").or_insert_with(|| "object".into());
    }
    out.insert("input_schema".into(), schema);
    if function.get("strict") == Some(&Value::Bool(true)) {
        out.insert("strict".into(), true.into());
    }
    if let Some(cache) = tool.remove("cache_control").or_else(|| function.remove("cache_control")) {
        out.insert("cache_control".into(), cache);
    }
    Ok(Value::Object(out))
}

fn pick(choice: &Value, tools: &mut Vec<Value>, options: &Options) -> Result<Value, Refusal> {
    let kind = choice.as_str().or_else(|| choice.get("type").and_then(Value::as_str));
    let mode = |word: &str| json!({ "type": if word == "required" { "any" } else { word } });
    match kind {
        Some(word @ ("auto" | "none" | "required")) => Ok(mode(word)),
        // Anthropic's own words.
        Some("any" | "tool") => Ok(choice.clone()),
        Some("function") => match choice.pointer("/function/name") {
            Some(name) => Ok(json!({ "type": "tool", "name": name })),
            None => Err("`tool_choice.function.name` is missing".into()),
        },
        Some("allowed_tools") => {
            let allowed: Vec<&Value> = choice
                .pointer("/allowed_tools/tools")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|tool| tool.pointer("/function/name"))
                .collect();
            tools.retain(|tool| tool.get("name").is_some_and(|name| allowed.contains(&name)));
            if tools.is_empty() {
                return Err("`tool_choice.allowed_tools` names none of the request's tools".into());
            }
            Ok(mode(choice.pointer("/allowed_tools/mode").and_then(Value::as_str).unwrap_or("auto")))
        }
        _ if options.drop_params => Ok(mode("auto")),
        _ => Err(inexpressible("tool_choice")),
    }
}
