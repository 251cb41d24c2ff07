//! From a canonical (OpenAI chat completions) request to a Messages API body.
//!
//! Invariants: what the Messages API cannot express is refused by name, or dropped when the operator said
//! `drop_params`; content is never dropped; fields that OpenAI does not know pass through untouched.
//! It never reads the credential, the clock or the host.

mod messages;
mod thinking;
mod tools;

use crate::options::Options;
use serde_json::{Map, Value, json};

/// Why a request cannot be sent to this provider; shown to the operator, and names the parameter.
pub type Refusal = String;

/// Parameters that only change what OpenAI keeps, bills or caches, never the answer.
const HARMLESS: &[&str] = &[
    "stream",
    "stream_options",
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "service_tier",
    // Where the gateway keeps what a client of that API said more exactly than the canonical words beside it.
    "gemini",
];

/// Parameters that the Messages API has no word for.
const INEXPRESSIBLE: &[&str] = &[
    "audio",
    "function_call",
    "functions",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "modalities",
    "moderation",
    "n",
    "prediction",
    "seed",
    "store",
    "verbosity",
    "web_search_options",
];

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, model: &str, streaming: bool, options: &Options) -> Result<Vec<u8>, Refusal> {
    let request: Value =
        serde_json::from_str(request).map_err(|error| format!("the request is not JSON: {error}"))?;
    let Value::Object(mut from) = request else { return Err("the request is not a JSON object".into()) };
    from.retain(|_, value| !value.is_null());

    // The same for a client of this very API: its own words take the place of the canonical ones.
    if let Some(Value::Object(exact)) = from.remove("anthropic") {
        from.remove("reasoning_effort");
        from.extend(exact);
    }

    let mut out = Map::new();
    from.remove("model");
    out.insert("model".into(), model.into());
    if let Some(config) = from.remove("output_config") {
        out.insert("output_config".into(), config);
    }
    let conversation = messages::translate(from.remove("messages"))?;
    if let Some(system) = conversation.system {
        out.insert("system".into(), system);
    }
    out.insert("messages".into(), conversation.messages.into());
    tools::translate(&mut from, &conversation.used_tools, options, &mut out)?;
    thinking::translate(&mut from, model, conversation.in_tool_loop, options, &mut out)?;
    limits(&mut from, options, &mut out)?;
    response_format(from.remove("response_format"), options, &mut out)?;
    if streaming {
        out.insert("stream".into(), true.into());
    }

    for (name, value) in from {
        if HARMLESS.contains(&name.as_str()) {
            continue;
        }
        if !INEXPRESSIBLE.contains(&name.as_str()) {
            out.entry(name).or_insert(value);
        } else if !says_nothing(&name, &value) && !options.drop_params {
            return Err(inexpressible(&name));
        }
    }
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// The refusal of a parameter.
fn inexpressible(name: &str) -> Refusal {
    format!("the Anthropic Messages API cannot express `{name}`; remove it or set the option `drop_params`")
}

/// Whether a parameter asks for what happens anyway.
fn says_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Bool(on) => !on,
        Value::Number(number) => {
            number.as_f64() == Some(if name == "n" { 1.0 } else { 0.0 }) && name != "seed"
        }
        Value::Array(items) if name == "modalities" => items.iter().all(|item| item == "text"),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(word) => name == "verbosity" && word == "medium",
        Value::Null => true,
    }
}

/// Length, sampling and who asks.
fn limits(
    from: &mut Map<String, Value>,
    options: &Options,
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let old = from.remove("max_tokens");
    match from.remove("max_completion_tokens").or(old) {
        Some(most) => {
            out.insert("max_tokens".into(), most);
        }
        None => {
            out.entry("max_tokens").or_insert_with(|| options.max_tokens.into());
        }
    }
    if let Some(stop) = from.remove("stop") {
        let words = match stop {
            Value::Array(words) => words,
            word => vec![word],
        };
        let (usable, blank): (Vec<_>, Vec<_>) =
            words.into_iter().partition(|word| word.as_str().is_none_or(|word| !word.trim().is_empty()));
        if !blank.is_empty() && !options.drop_params {
            return Err(format!("{} (a stop sequence of white space)", inexpressible("stop")));
        }
        if !usable.is_empty() {
            out.insert("stop_sequences".into(), usable.into());
        }
    }
    if let Some(temperature) = from.remove("temperature") {
        match temperature.as_f64() {
            Some(above) if above > 1.0 && !options.drop_params => {
                return Err(format!("{} (above 1)", inexpressible("temperature")));
            }
            Some(above) if above > 1.0 => out.insert("temperature".into(), 1.into()),
            _ => out.insert("temperature".into(), temperature),
        };
    }
    let user = from.remove("user");
    if let Some(user) = from.remove("safety_identifier").or(user) {
        out.insert("metadata".into(), json!({ "user_id": user }));
    }
    Ok(())
}

fn response_format(
    format: Option<Value>,
    options: &Options,
    out: &mut Map<String, Value>,
) -> Result<(), Refusal> {
    let Some(format) = format else { return Ok(()) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(()),
        Some("json_schema") => {
            let Some(schema) = format.pointer("/json_schema/schema") else {
                return Err("`response_format.json_schema.schema` is missing".into());
            };
            output_config(out, "format", json!({ "type": "json_schema", "schema": schema }));
            Ok(())
        }
        _ if options.drop_params => Ok(()),
        Some(kind) => Err(format!("{} of type `{kind}`", inexpressible("response_format"))),
        None => Err("`response_format.type` is missing".into()),
    }
}

/// Sets a field of `output_config`, beside what the request says there itself.
fn output_config(out: &mut Map<String, Value>, name: &str, value: Value) {
    if let Value::Object(config) = out.entry("output_config").or_insert_with(|| json!({})) {
        config.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
