//! Tools and the choice among them.
//!
//! Invariants: a function tool becomes an Anthropic tool; a tool that is in Anthropic's own form already
//! (`web_search_…`, say) passes through; a conversation that used tools always declares them, because the
//! API refuses it otherwise.

use adapter_kit::Refusal;
use adapter_kit::request::Request;
use adapter_kit::tool::{self, Choice, Function, Tool};
use serde_json::{Map, Value, json};

/// Translates `tools`, `tool_choice` and `parallel_tool_calls`. `used`: the names of the tools that the
/// conversation's calls mention.
pub fn translate(
    request: &mut Request,
    used: &[String],
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let mut tools = tool::tools(request.take("tools"))?;
    let mut choice = match request.take("tool_choice") {
        Some(choice) => pick(choice, &mut tools, request)?,
        None => None,
    };
    let mut declared = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        declared.push(declaration(tool).map_err(|why| format!("`tools[{index}]` {why}"))?);
    }
    let parallel = request.take("parallel_tool_calls");
    if declared.is_empty() {
        if used.is_empty() {
            return Ok(());
        }
        declared =
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
    out.insert("tools".into(), declared.into());
    if let Some(choice) = choice {
        out.insert("tool_choice".into(), choice);
    }
    Ok(())
}

/// Whether the model must call a tool.
pub fn forces(out: &Map<String, Value>) -> bool {
    let kind = out.get("tool_choice").and_then(|choice| choice.get("type"));
    kind.is_some_and(|kind| kind == "any" || kind == "tool")
}

fn declaration(tool: Tool) -> Result<Value, Refusal> {
    let function = match tool {
        Tool::Function(function) => function,
        Tool::Foreign(kind, own) if kind.is_empty() || kind == "custom" && own.contains_key("custom") => {
            return Err("has a type that this provider does not know".into());
        }
        // Anthropic's own form.
        Tool::Foreign(kind, own) => {
            let mut out = Map::new();
            out.insert("type".into(), kind.into());
            out.extend(own);
            return Ok(out.into());
        }
    };
    let Function { name, description, parameters, strict, mut more } = function;
    let mut out = Map::new();
    out.insert("name".into(), name.into());
    if let Some(description) = description {
        out.insert("description".into(), description.into());
    }
    let mut schema = parameters.unwrap_or_else(|| json!({ "properties": {} }));
    if let Value::Object(schema) = &mut schema {
        schema.entry("type").or_insert_with(|| "object".into());
    }
    out.insert("input_schema".into(), schema);
    if strict {
        out.insert("strict".into(), true.into());
    }
    if let Some(mark) = more.remove("cache_control") {
        out.insert("cache_control".into(), mark);
    }
    Ok(out.into())
}

fn pick(choice: Value, tools: &mut Vec<Tool>, request: &Request) -> Result<Option<Value>, Refusal> {
    // Anthropic's own words.
    if choice.get("type").is_some_and(|kind| kind == "any" || kind == "tool") {
        return Ok(Some(choice));
    }
    if choice == "any" {
        return Ok(Some(json!({ "type": "any" })));
    }
    Ok(Some(match tool::choice(&choice)? {
        Some(Choice::Auto) => json!({ "type": "auto" }),
        Some(Choice::None) => json!({ "type": "none" }),
        Some(Choice::Required) => json!({ "type": "any" }),
        Some(Choice::Function(name)) => json!({ "type": "tool", "name": name }),
        Some(Choice::Allowed { names, required }) => {
            tool::keep(tools, &names)?;
            json!({ "type": if required { "any" } else { "auto" } })
        }
        None => return request.cannot("tool_choice", "of this type").map(|()| None),
    }))
}
