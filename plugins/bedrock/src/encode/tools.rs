//! Tools and the choice among them.
//!
//! Invariant: a conversation that used tools always declares some, because the API refuses it otherwise.

use super::cache;
use crate::model::Model;
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use adapter_kit::tool::{self, Choice, Function, Tool};
use serde_json::{Map, Value, json};

/// Converse's own forms of a tool.
const OWN: &[&str] = &["toolSpec", "systemTool", "cachePoint"];

/// Translates `tools`, `tool_choice` and `parallel_tool_calls`, and tells whether a call is forced. `used`: the
/// names of the tools that the conversation's calls mention.
pub fn translate(
    request: &mut Request,
    model: Model,
    used: &[String],
    own: &mut Map<String, Value>,
    out: &mut Map<String, Value>,
) -> Result<bool, Refusal> {
    let given = request.take("tools");
    let points = cache::points_of_tools(given.as_ref(), model);
    let mut tools = tool::tools(given)?;
    let choice = match request.take("tool_choice") {
        None => None,
        Some(choice) => match tool::choice(&choice)? {
            None => request.cannot("tool_choice", "of this type").map(|()| None)?,
            known => known,
        },
    };
    let parallel = request.take("parallel_tool_calls");
    if tools.is_empty() {
        if !used.is_empty() {
            out.insert(
                "toolConfig".into(),
                json!({ "tools": used.iter().map(mentioned).collect::<Vec<_>>() }),
            );
        }
        return Ok(false);
    }
    if let Some(Choice::Allowed { names, .. }) = &choice {
        tool::keep(&mut tools, names)?;
    }
    let choice = match choice {
        None | Some(Choice::Auto | Choice::Allowed { required: false, .. }) => None,
        Some(Choice::Required | Choice::Allowed { required: true, .. }) => Some(json!({ "any": {} })),
        Some(Choice::Function(name)) => Some(json!({ "tool": { "name": name } })),
        // The API has no such choice: no tool is declared then, unless some were used.
        Some(Choice::None) if used.is_empty() => return Ok(false),
        Some(Choice::None) => request.cannot("tool_choice", "`none` after calls of tools").map(|()| None)?,
    };
    let mut declared = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        match tool {
            Tool::Function(function) => {
                let point = points.iter().find(|(name, _)| *name == function.name);
                let point = point.map(|(_, point)| point.clone());
                declared.push(declaration(function, request, model)?);
                declared.extend(point);
            }
            Tool::Foreign(kind, map) if kind.is_empty() && OWN.iter().any(|own| map.contains_key(*own)) => {
                declared.push(map.into());
            }
            Tool::Foreign(kind, _) => {
                return Err(format!("`tools[{index}]` has the type `{kind}`, which cannot be expressed"));
            }
        }
    }
    let forced = choice.is_some();
    if parallel == Some(Value::Bool(false)) {
        one_at_a_time(request, model, forced, own)?;
    }
    let mut config = Map::new();
    config.insert("tools".into(), declared.into());
    if let Some(choice) = choice {
        config.insert("toolChoice".into(), choice);
    }
    out.insert("toolConfig".into(), config.into());
    Ok(forced)
}

/// `parallel_tool_calls: false`, which Claude takes in its own words from 4.5 on; they must not meet a choice in
/// Converse's.
fn one_at_a_time(
    request: &Request,
    model: Model,
    forced: bool,
    own: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    if forced || !model.claude_from(4, 5) {
        return request
            .cannot("parallel_tool_calls", if forced { "together with a forced call" } else { "" });
    }
    let choice = json!({ "type": "auto", "disable_parallel_tool_use": true });
    own.entry("tool_choice").or_insert(choice);
    Ok(())
}

fn declaration(function: Function, request: &Request, model: Model) -> Result<Value, Refusal> {
    let mut out = Map::new();
    out.insert("name".into(), function.name.into());
    if let Some(description) = function.description.filter(|text| !text.is_empty()) {
        out.insert("description".into(), description.into());
    }
    let mut schema = function.parameters.unwrap_or_else(|| json!({ "properties": {} }));
    if let Value::Object(schema) = &mut schema {
        schema.entry("type").or_insert_with(|| "object".into());
    }
    out.insert("inputSchema".into(), json!({ "json": schema }));
    if function.strict {
        // Source: as for schemas of the answer.
        if model.claude_before(4, 5) {
            request.cannot("tools.function.strict", "to this model")?;
        } else {
            out.insert("strict".into(), true.into());
        }
    }
    Ok(json!({ "toolSpec": out }))
}

/// A tool of which only the name is known.
fn mentioned(name: &String) -> Value {
    json!({ "toolSpec": { "name": name, "inputSchema": { "json": { "type": "object" } } } })
}
