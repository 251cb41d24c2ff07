//! The tools of a request and the choice among them, read and said again.
//!
//! Only tools that the client runs itself are known: functions, and custom tools that take a text. Invariant: what was
//! read is said again in the same words.

use crate::error::Error;
use crate::format::translate::wrong;
use serde_json::{Map, Value, json};

/// The fields of a function, the same in both APIs.
const FUNCTION: [&str; 4] = ["name", "description", "parameters", "strict"];

/// Reads `tools`, `tool_choice` and `parallel_tool_calls`. Chat completions know the latter two only where there are
/// tools; the words that then say nothing are left out.
///
/// # Errors
/// 400 for what is none, and for a tool that the provider would run.
pub fn read(given: &mut Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), Error> {
    let mut take = |name: &str| given.remove(name).filter(|value| !value.is_null());
    let (tools, choice, parallel) = (take("tools"), take("tool_choice"), take("parallel_tool_calls"));
    let tools = match tools {
        None => Vec::new(),
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err(wrong("tools", "must be a list")),
    };
    let read = |(index, value)| tool(&format!("tools[{index}]"), value);
    let tools: Vec<Value> = tools.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
    let choice = choice.map(read_choice).transpose()?;
    if tools.is_empty() {
        let says = |choice: &Value| choice != "auto" && choice != "none";
        out.extend(choice.filter(says).map(|choice| ("tool_choice".to_owned(), choice)));
        return Ok(());
    }
    out.insert("tools".into(), tools.into());
    out.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    out.extend(parallel.map(|parallel| ("parallel_tool_calls".to_owned(), parallel)));
    Ok(())
}

fn tool(at: &str, tool: Value) -> Result<Value, Error> {
    let Value::Object(mut tool) = tool else { return Err(wrong(at, "must be an object")) };
    let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind != "function" && kind != "custom" {
        return Err(match kind.as_str() {
            "" => wrong(&format!("{at}.type"), "is required"),
            kind => unsupported(at, kind),
        });
    }
    if !tool.get("name").is_some_and(Value::is_string) {
        return Err(wrong(&format!("{at}.name"), "is required"));
    }
    let fields: &[&str] = if kind == "function" { &FUNCTION } else { &["name", "description", "format"] };
    let mut inner = Map::new();
    for name in fields {
        inner
            .extend(tool.remove(*name).filter(|value| !value.is_null()).map(|value| ((*name).into(), value)));
    }
    // A grammar stands flat here, and in an object of its own there.
    if let Some(format) = inner.get_mut("format")
        && format.get("type").is_some_and(|kind| kind == "grammar")
    {
        let (syntax, definition) = (format.get("syntax").cloned(), format.get("definition").cloned());
        *format = json!({ "type": "grammar", "grammar": { "syntax": syntax, "definition": definition } });
    }
    Ok(named(&kind, inner.into()))
}

fn unsupported(at: &str, kind: &str) -> Error {
    let message = format!(
        "{at}: tools of type '{kind}' are not supported; the gateway passes on functions and custom tools."
    );
    Error::bad_request("unsupported_tool", message).param(at)
}

/// `{"type": KIND, KIND: {…}}`.
fn named(kind: &str, inner: Value) -> Value {
    json!({ "type": kind, kind: inner })
}

fn read_choice(choice: Value) -> Result<Value, Error> {
    match choice.get("type").and_then(Value::as_str) {
        None if choice.is_string() => Ok(choice),
        Some("allowed_tools") => {
            let tools = choice.get("tools").and_then(Value::as_array);
            let tools: Vec<Value> = tools.into_iter().flatten().map(read_one).collect::<Result<_, _>>()?;
            let mode = choice.get("mode").cloned().unwrap_or_else(|| "auto".into());
            Ok(named("allowed_tools", json!({ "mode": mode, "tools": tools })))
        }
        Some(_) => read_one(&choice),
        None => Err(wrong("tool_choice", "must be auto, none, required or a tool")),
    }
}

fn read_one(choice: &Value) -> Result<Value, Error> {
    match (choice.get("type").and_then(Value::as_str), choice.get("name")) {
        (Some(kind @ ("function" | "custom")), Some(name @ Value::String(_))) => {
            Ok(named(kind, json!({ "name": name })))
        }
        (Some("function" | "custom"), _) => Err(wrong("tool_choice.name", "is required")),
        (kind, _) => Err(unsupported("tool_choice", kind.unwrap_or_default())),
    }
}

/// A canonical tool or choice of one, as this API says it.
pub fn flat(tool: &Value) -> Value {
    let Some(kind) = tool.get("type").and_then(Value::as_str) else { return tool.clone() };
    let mut out = Map::new();
    out.insert("type".into(), kind.into());
    if let Some(Value::Object(inner)) = tool.get(kind) {
        out.extend(inner.clone());
    }
    if let Some(Value::Array(tools)) = out.get("tools") {
        let tools: Vec<Value> = tools.iter().map(flat).collect();
        out.insert("tools".into(), tools.into());
    }
    if let Some(grammar) = out.get("format").and_then(|format| format.get("grammar")) {
        let mut format = grammar.clone();
        if let Some(format) = format.as_object_mut() {
            format.shift_insert(0, "type".into(), "grammar".into());
        }
        out.insert("format".into(), format);
    }
    out.into()
}

/// A canonical function as the answer tells it: with every field that the API has.
pub fn told(tool: &Value) -> Value {
    let mut tool = flat(tool);
    if let Some(tool) =
        tool.as_object_mut().filter(|tool| tool.get("type").is_some_and(|kind| kind == "function"))
    {
        for (name, value) in
            [("description", Value::Null), ("parameters", Value::Null), ("strict", false.into())]
        {
            tool.entry(name).or_insert(value);
        }
    }
    tool
}
