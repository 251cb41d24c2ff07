//! Tools and the choice among them.

use adapter_kit::Refusal;
use adapter_kit::request::Request;
use adapter_kit::tool::{self, Choice, Function, Tool};
use serde_json::{Map, Value, json};

/// Translates `tools`, `tool_choice` and `parallel_tool_calls`.
pub fn translate(request: &mut Request, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    let mut tools = tool::tools(request.take("tools"))?;
    let choice = match request.take("tool_choice") {
        None => None,
        // Mistral's own word.
        Some(Value::String(word)) if word == "any" => Some(Choice::Required),
        Some(choice) => match tool::choice(&choice)? {
            None => request.cannot("tool_choice", "of this type").map(|()| None)?,
            known => known,
        },
    };
    let parallel = request.take("parallel_tool_calls");
    if tools.is_empty() {
        return Ok(());
    }
    if let Some(Choice::Allowed { names, .. }) = &choice {
        tool::keep(&mut tools, names)?;
    }
    let choice = choice.map(|choice| match choice {
        Choice::Auto | Choice::Allowed { required: false, .. } => json!("auto"),
        Choice::None => json!("none"),
        Choice::Required | Choice::Allowed { required: true, .. } => json!("any"),
        Choice::Function(name) => json!({ "type": "function", "function": { "name": name } }),
    });
    let mut functions = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        match tool {
            Tool::Function(function) => functions.push(declaration(function)),
            Tool::Foreign(kind, _) => {
                return Err(format!("`tools[{index}]` has the type `{kind}`, which cannot be expressed"));
            }
        }
    }
    out.insert("tools".into(), functions.into());
    for (name, value) in [("tool_choice", choice), ("parallel_tool_calls", parallel)] {
        if let Some(value) = value {
            out.insert(name.into(), value);
        }
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
    if function.strict {
        out.insert("strict".into(), true.into());
    }
    json!({ "type": "function", "function": out })
}
