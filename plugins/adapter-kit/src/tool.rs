//! The tools of a canonical request and the choice among them.

use crate::Refusal;
use crate::content::string;
use serde_json::{Map, Value};

/// A function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The JSON Schema of its arguments.
    pub parameters: Option<Value>,
    /// Whether its arguments must follow the schema.
    pub strict: bool,
    /// What else stands beside the function or in it, such as `cache_control`.
    pub more: Map<String, Value>,
}

/// A tool.
#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    /// One of the client's.
    Function(Function),
    /// One in a form that may be the provider's own; its type, empty where it has none.
    Foreign(String, Map<String, Value>),
}

/// Which tools the model may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Function(String),
    /// Of these, at least one where it is required.
    Allowed {
        /// Their names.
        names: Vec<String>,
        /// Whether one must be called.
        required: bool,
    },
}

/// Reads `tools`.
///
/// # Errors
/// What is wrong with a tool, by its place.
pub fn tools(tools: Option<Value>) -> Result<Vec<Tool>, Refusal> {
    let tools = match tools {
        None => return Ok(Vec::new()),
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err("`tools` is not a list".to_owned()),
    };
    let read = |(index, value)| tool(value).map_err(|why| format!("`tools[{index}]` {why}"));
    tools.into_iter().enumerate().map(read).collect()
}

fn tool(tool: Value) -> Result<Tool, Refusal> {
    let Value::Object(mut tool) = tool else { return Err("is not an object".to_owned()) };
    let kind = string(&mut tool, "type").unwrap_or_default();
    if kind != "function" {
        return Ok(Tool::Foreign(kind, tool));
    }
    let Some(Value::Object(mut function)) = tool.remove("function") else {
        return Err("has no `function`".to_owned());
    };
    let name = string(&mut function, "name").ok_or("has no name")?;
    let description = string(&mut function, "description");
    let parameters = function.remove("parameters").filter(|schema| !schema.is_null());
    let strict = function.remove("strict") == Some(Value::Bool(true));
    function.extend(tool);
    Ok(Tool::Function(Function { name, description, parameters, strict, more: function }))
}

/// Reads `tool_choice`; none where it is of no kind that OpenAI knows.
///
/// # Errors
/// It names nothing.
pub fn choice(choice: &Value) -> Result<Option<Choice>, Refusal> {
    let kind = choice.as_str().or_else(|| choice.get("type").and_then(Value::as_str));
    let name = |of: &Value| of.pointer("/function/name").and_then(Value::as_str).map(str::to_owned);
    Ok(Some(match kind {
        Some("auto") => Choice::Auto,
        Some("none") => Choice::None,
        Some("required") => Choice::Required,
        Some("function") => Choice::Function(name(choice).ok_or("`tool_choice.function.name` is missing")?),
        Some("allowed_tools") => {
            let tools = choice.pointer("/allowed_tools/tools").and_then(Value::as_array);
            Choice::Allowed {
                names: tools.into_iter().flatten().filter_map(name).collect(),
                required: choice.pointer("/allowed_tools/mode").is_some_and(|mode| mode == "required"),
            }
        }
        _ => return Ok(None),
    }))
}

/// Keeps the functions of these names.
///
/// # Errors
/// None is left.
pub fn keep(tools: &mut Vec<Tool>, names: &[String]) -> Result<(), Refusal> {
    tools.retain(|tool| matches!(tool, Tool::Function(function) if names.contains(&function.name)));
    if tools.is_empty() {
        return Err("`tool_choice` names none of the request's tools".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Choice, Tool, choice, keep, tools};
    use serde_json::json;

    #[test]
    fn tools_are_functions_or_foreign() {
        let mut read = tools(Some(json!([
            { "type": "function", "mark": 1, "function": { "name": "f", "strict": true, "parameters": null } },
            { "google_search": {} },
        ])))
        .unwrap_or_default();
        assert!(
            matches!(read.first(), Some(Tool::Function(f)) if f.name == "f" && f.strict && f.parameters.is_none() && f.more.len() == 1)
        );
        assert!(matches!(read.get(1), Some(Tool::Foreign(kind, map)) if kind.is_empty() && map.len() == 1));
        assert_eq!(keep(&mut read, &["f".into()]).map(|()| read.len()), Ok(1));
        assert!(keep(&mut read, &["g".into()]).is_err());
        for bad in [
            json!({}),
            json!([1]),
            json!([{ "type": "function" }]),
            json!([{ "type": "function", "function": {} }]),
        ] {
            assert!(tools(Some(bad)).is_err());
        }
    }

    #[test]
    fn choices() {
        let function = json!({ "type": "function", "function": { "name": "f" } });
        let allowed =
            json!({ "type": "allowed_tools", "allowed_tools": { "mode": "required", "tools": [function] } });
        assert_eq!(choice(&json!("required")), Ok(Some(Choice::Required)));
        assert_eq!(choice(&function), Ok(Some(Choice::Function("f".into()))));
        assert_eq!(choice(&allowed), Ok(Some(Choice::Allowed { names: vec!["f".into()], required: true })));
        assert_eq!(choice(&json!({ "type": "custom" })), Ok(None));
        assert!(choice(&json!({ "type": "function" })).is_err());
    }
}
