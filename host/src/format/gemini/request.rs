//! Reading a request: its parameters. Its conversation is read in `contents`.

use super::contents;
use crate::error::Error;
use crate::format::translate::{effort, object, without_exact, wrong};
use serde_json::{Map, Value, json};

/// Reads a request for content into a canonical body. The model and whether to stream stand in the path.
///
/// # Errors
/// 400 for what is not a request of this API.
pub fn parse_content(body: &[u8], model: &str, stream: bool) -> Result<Map<String, Value>, Error> {
    let mut given = object(body)?;
    // A count of tokens may wrap the request, and repeat the model in it.
    if let Some(Value::Object(wrapped)) = take(&mut given, "generateContentRequest") {
        given = wrapped;
    }
    given.remove("model");
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    let system = take(&mut given, "systemInstruction");
    let said = given.remove("contents").ok_or_else(|| wrong("contents", "is required"))?;
    out.insert("messages".into(), contents::read(system, said)?.into());
    if let Some(tools) = given.remove("tools") {
        let tools = read_tools(tools)?;
        if !tools.is_empty() {
            out.insert("tools".into(), tools.into());
        }
    }
    if let Some(config) = take(&mut given, "toolConfig") {
        choice(config, &mut out)?;
    }
    match take(&mut given, "generationConfig") {
        Some(Value::Object(config)) => generation(config, &mut out),
        Some(_) => return Err(wrong("generationConfig", "must be an object")),
        None => {}
    }
    for name in ["safetySettings", "cachedContent"] {
        if let Some(value) = take(&mut given, name) {
            out.insert(name.into(), value);
        }
    }
    given.remove("stream");
    for (name, value) in given {
        // What this API does not know must not take the place of what it said.
        out.entry(name).or_insert(value);
    }
    if stream {
        out.insert("stream".into(), true.into());
    }
    Ok(out)
}

/// Where a canonical body says that its stream is to be a list.
const LIST: &str = "list";

/// Says that the stream is to be one list instead of events: so it is where a client does not ask for events.
pub fn ask_for_list(body: &mut Map<String, Value>) {
    if let Value::Object(own) = body.entry("gemini").or_insert_with(|| Value::Object(Map::new())) {
        own.insert(LIST.into(), true.into());
    }
}

/// Whether the stream is to be one list.
pub(super) fn wants_list(body: &Map<String, Value>) -> bool {
    body.get("gemini").and_then(|own| own.get(LIST)).is_some_and(|list| *list == true)
}

/// A canonical body without what only this API knows.
#[must_use]
pub fn without_own_fields(mut body: Map<String, Value>) -> Map<String, Value> {
    without_exact(&mut body);
    for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
        for call in calls.into_iter().flatten().filter_map(Value::as_object_mut) {
            call.shift_remove(contents::SIGNED);
        }
    }
    body
}

fn generation(mut config: Map<String, Value>, out: &mut Map<String, Value>) {
    for (name, canonical) in [
        ("temperature", "temperature"),
        ("topP", "top_p"),
        ("topK", "top_k"),
        ("maxOutputTokens", "max_completion_tokens"),
        ("stopSequences", "stop"),
        ("candidateCount", "n"),
        ("seed", "seed"),
        ("presencePenalty", "presence_penalty"),
        ("frequencyPenalty", "frequency_penalty"),
        ("responseLogprobs", "logprobs"),
    ] {
        if let Some(value) = take(&mut config, name) {
            out.insert(canonical.into(), value);
        }
    }
    let schema = take(&mut config, "responseJsonSchema")
        .or_else(|| take(&mut config, "responseSchema").map(json_schema));
    let json = take(&mut config, "responseMimeType").is_some_and(|kind| kind == "application/json");
    if let Some(schema) = schema {
        let schema = json!({ "name": "answer", "schema": schema });
        out.insert("response_format".into(), json!({ "type": "json_schema", "json_schema": schema }));
    } else if json {
        out.insert("response_format".into(), json!({ "type": "json_object" }));
    }
    if let Some(thinking) = take(&mut config, "thinkingConfig") {
        let field = |name: &str| thinking.get(name).or_else(|| thinking.get(snake(name)));
        let level = field("thinkingLevel").and_then(Value::as_str).map(str::to_ascii_lowercase);
        let budget = field("thinkingBudget").and_then(Value::as_u64).map(|budget| match budget {
            0 => "none".to_owned(),
            _ => effort(budget).to_owned(),
        });
        if let Some(effort) = level.or(budget) {
            out.insert("reasoning_effort".into(), effort.into());
        }
        out.insert("gemini".into(), json!({ "thinking_config": thinking }));
    }
    // What is left asks for what only this API gives: speech, pictures, ….
    if !config.is_empty() {
        out.insert("generationConfig".into(), config.into());
    }
}

fn read_tools(tools: Value) -> Result<Vec<Value>, Error> {
    let Value::Array(tools) = tools else { return Err(wrong("tools", "must be a list")) };
    let mut out = Vec::new();
    for (index, tool) in tools.into_iter().enumerate() {
        let Value::Object(mut tool) = tool else {
            return Err(wrong(&format!("tools[{index}]"), "must be an object"));
        };
        if let Some(Value::Array(declared)) = take(&mut tool, "functionDeclarations") {
            for declared in declared {
                out.push(function(index, declared)?);
            }
        }
        // Tools of the API's own, such as its search, travel as they are.
        if !tool.is_empty() {
            out.push(Value::Object(tool));
        }
    }
    Ok(out)
}

fn function(index: usize, declared: Value) -> Result<Value, Error> {
    let at = || format!("tools[{index}].functionDeclarations");
    let Value::Object(mut declared) = declared else { return Err(wrong(&at(), "must hold objects")) };
    let Some(name @ Value::String(_)) = declared.remove("name") else {
        return Err(wrong(&at(), "has a function without a name"));
    };
    let mut function = Map::new();
    function.insert("name".into(), name);
    if let Some(description) = declared.remove("description") {
        function.insert("description".into(), description);
    }
    let schema = take(&mut declared, "parametersJsonSchema")
        .or_else(|| declared.remove("parameters").map(json_schema));
    if let Some(schema) = schema {
        function.insert("parameters".into(), schema);
    }
    Ok(json!({ "type": "function", "function": function }))
}

fn choice(mut config: Value, out: &mut Map<String, Value>) -> Result<(), Error> {
    let Some(config) = config.as_object_mut().and_then(|config| take(config, "functionCallingConfig")) else {
        return Ok(());
    };
    let Value::Object(mut config) = config else {
        return Err(wrong("toolConfig.functionCallingConfig", "must be an object"));
    };
    let names: Vec<Value> = match take(&mut config, "allowedFunctionNames") {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    let choice = match (config.get("mode").and_then(Value::as_str), names.as_slice()) {
        (None | Some("AUTO" | "VALIDATED" | "MODE_UNSPECIFIED"), _) => return Ok(()),
        (Some("NONE"), _) => "none".into(),
        (Some("ANY"), []) => "required".into(),
        (Some("ANY"), [name]) => json!({ "type": "function", "function": { "name": name } }),
        (Some("ANY"), names) => {
            let tools = names.iter().map(|name| json!({ "type": "function", "function": { "name": name } }));
            let allowed = json!({ "mode": "required", "tools": tools.collect::<Vec<_>>() });
            json!({ "type": "allowed_tools", "allowed_tools": allowed })
        }
        (Some(_), _) => {
            return Err(wrong(
                "toolConfig.functionCallingConfig.mode",
                "must be AUTO, ANY, VALIDATED or NONE",
            ));
        }
    };
    out.insert("tool_choice".into(), choice);
    Ok(())
}

/// A schema in the API's own dialect of OpenAPI as JSON Schema: types in lower case, `nullable` as a type.
fn json_schema(schema: Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut out = Map::new();
            let mut nullable = false;
            for (name, value) in map {
                match (name.as_str(), value) {
                    ("type", Value::String(kind)) => {
                        out.insert(name, kind.to_ascii_lowercase().into());
                    }
                    ("nullable", value) => nullable = value == Value::Bool(true),
                    // Their values are data, not schemas.
                    ("enum" | "default" | "example" | "required" | "propertyOrdering", value) => {
                        out.insert(name, value);
                    }
                    // Its keys are the names of fields, whatever they are called.
                    ("properties", Value::Object(fields)) => {
                        let fields: Map<String, Value> =
                            fields.into_iter().map(|(field, schema)| (field, json_schema(schema))).collect();
                        out.insert(name, fields.into());
                    }
                    (_, value) => {
                        out.insert(name, json_schema(value));
                    }
                }
            }
            if let (true, Some(kind)) = (nullable, out.get("type").cloned()) {
                out.insert("type".into(), json!([kind, "null"]));
            }
            out.into()
        }
        Value::Array(items) => items.into_iter().map(json_schema).collect(),
        other => other,
    }
}

/// Takes a field out, in either spelling; null is nothing.
pub(super) fn take(map: &mut Map<String, Value>, camel: &str) -> Option<Value> {
    let first = map.remove(camel);
    let second = map.remove(&snake(camel));
    first.or(second).filter(|value| !value.is_null())
}

/// `maxOutputTokens` as `max_output_tokens`.
pub(super) fn snake(camel: &str) -> String {
    let mut out = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
