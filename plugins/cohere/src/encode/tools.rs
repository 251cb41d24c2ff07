//! Tools and the choice among them.
//!
//! Cohere can force a call, or forbid calls, but cannot name a tool: where the client names some, the others are
//! left out. Its `strict_tools` is for all of them.

use adapter_kit::Refusal;
use adapter_kit::request::Request;
use adapter_kit::tool::{self, Choice, Function, Tool};
use serde_json::{Map, Value, json};

/// Translates `tools`, `tool_choice` and `parallel_tool_calls`.
pub fn translate(request: &mut Request, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    let mut tools = tool::tools(request.take("tools"))?;
    let choice = match request.take("tool_choice") {
        None => None,
        // Cohere's own words.
        Some(Value::String(word)) if word == "REQUIRED" => Some(Choice::Required),
        Some(Value::String(word)) if word == "NONE" => Some(Choice::None),
        Some(choice) => match tool::choice(&choice)? {
            None => request.cannot("tool_choice", "of this type").map(|()| None)?,
            known => known,
        },
    };
    let parallel = request.take("parallel_tool_calls");
    if tools.is_empty() {
        return Ok(());
    }
    if parallel == Some(Value::Bool(false)) {
        request.cannot("parallel_tool_calls", "of `false`")?;
    }
    let word = match choice {
        None | Some(Choice::Auto) => None,
        Some(Choice::None) => Some("NONE"),
        Some(Choice::Required) => Some("REQUIRED"),
        Some(Choice::Function(name)) => {
            tool::keep(&mut tools, &[name])?;
            Some("REQUIRED")
        }
        Some(Choice::Allowed { names, required }) => {
            tool::keep(&mut tools, &names)?;
            required.then_some("REQUIRED")
        }
    };
    let mut strict = false;
    let mut functions = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        match tool {
            Tool::Function(function) => {
                strict |= function.strict;
                functions.push(declaration(function));
            }
            Tool::Foreign(kind, _) => {
                return Err(format!("`tools[{index}]` has the type `{kind}`, which cannot be expressed"));
            }
        }
    }
    out.insert("tools".into(), functions.into());
    if let Some(word) = word {
        out.insert("tool_choice".into(), word.into());
    }
    let own = request.take("strict_tools");
    if let Some(strict) = own.or_else(|| strict.then_some(Value::Bool(true))) {
        out.insert("strict_tools".into(), strict);
    }
    Ok(())
}

fn declaration(function: Function) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), function.name.into());
    if let Some(description) = function.description {
        out.insert("description".into(), description.into());
    }
    let parameters = function.parameters.unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    out.insert("parameters".into(), parameters);
    json!({ "type": "function", "function": out })
}
