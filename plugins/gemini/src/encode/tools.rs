//! Tools and the choice among them.
//!
//! Invariants: a function tool becomes a function declaration with its JSON Schema as it is; a tool that is
//! in Google's own form already (`{"google_search": {}}`, say) passes through.

use crate::model::Generation;
use adapter_kit::Refusal;
use adapter_kit::request::Request;
use adapter_kit::tool::{self, Choice, Function, Tool};
use serde_json::{Map, Value, json};

/// Translates `tools`, `tool_choice` and `parallel_tool_calls`.
pub fn translate(
    request: &mut Request,
    generation: Generation,
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let mut tools = tool::tools(request.take("tools"))?;
    let choice = match request.take("tool_choice") {
        None => None,
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
    let choice = match choice {
        Some(Choice::Allowed { names, required }) => {
            tool::keep(&mut tools, &names)?;
            Some(if required { Choice::Required } else { Choice::Auto })
        }
        choice => choice,
    };
    let strict = tools.iter().any(|tool| matches!(tool, Tool::Function(function) if function.strict));
    let (mut declarations, mut own) = (Vec::new(), Vec::new());
    for (index, tool) in tools.into_iter().enumerate() {
        match tool {
            Tool::Function(function) => declarations.push(declaration(function)),
            Tool::Foreign(kind, tool) if kind.is_empty() => own.push(Value::Object(tool)),
            Tool::Foreign(kind, _) => {
                return Err(format!("`tools[{index}]` has the type `{kind}`, which cannot be expressed"));
            }
        }
    }
    let some = !declarations.is_empty();
    if some {
        own.insert(0, json!({ "functionDeclarations": declarations }));
    }
    out.insert("tools".into(), own.into());
    // From 2.5 on, calls can be made to follow their schema while the model may still answer in words.
    let auto = (strict && generation.thinks()).then(|| json!({ "mode": "VALIDATED" }));
    let mode = match choice {
        None | Some(Choice::Auto | Choice::Allowed { .. }) => auto,
        Some(Choice::None) => Some(json!({ "mode": "NONE" })),
        Some(Choice::Required) => Some(json!({ "mode": "ANY" })),
        Some(Choice::Function(name)) => Some(json!({ "mode": "ANY", "allowedFunctionNames": [name] })),
    };
    if let Some(mode) = mode.filter(|_| some) {
        out.insert("toolConfig".into(), json!({ "functionCallingConfig": mode }));
    }
    Ok(())
}

fn declaration(function: Function) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), function.name.into());
    if let Some(description) = function.description {
        out.insert("description".into(), description.into());
    }
    if let Some(schema) = function.parameters {
        out.insert("parametersJsonSchema".into(), schema);
    }
    out.into()
}
