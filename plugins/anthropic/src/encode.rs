//! From a canonical (OpenAI chat completions) request to a Messages API body.
//!
//! Invariants: what the Messages API cannot express is refused by name, or dropped when the operator said
//! `drop_params`; content is never dropped; fields that OpenAI does not know pass through untouched; what a
//! client of this very API said exactly takes the place of the canonical words.
//! It never reads the credential, the clock or the host.
//! Source: Anthropic's API reference, "Create a Message"; Google Cloud's "Request predictions with Claude models".

mod messages;
mod thinking;
mod tools;

use crate::options::{Options, Platform};
use adapter_kit::Refusal;
use adapter_kit::request::{Format, Request};
use serde_json::{Map, Value, json};

/// What Vertex AI wants to read as `anthropic_version`.
const VERTEX_VERSION: &str = "vertex-2023-10-16";

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, model: &str, streaming: bool, options: &Options) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(request, "Anthropic Messages API", options.drop_params)?;
    if request.get("anthropic").is_some_and(Value::is_object) {
        request.take("reasoning_effort");
    }
    request.exact("anthropic");

    let mut out = Map::new();
    match options.platform {
        Platform::Anthropic => out.insert("model".into(), model.into()),
        Platform::Vertex => out.insert("anthropic_version".into(), VERTEX_VERSION.into()),
    };
    request.pass("output_config", "output_config", &mut out);
    let conversation = messages::translate(request.take("messages"))?;
    if let Some(system) = conversation.system {
        out.insert("system".into(), system);
    }
    out.insert("messages".into(), conversation.messages.into());
    tools::translate(&mut request, &conversation.used_tools, &mut out)?;
    thinking::translate(&mut request, model, conversation.in_tool_loop, options, &mut out)?;
    if !thinking::is_on(model, &out) {
        messages::forget(&mut out, conversation.under_way);
    }
    limits(&mut request, options, &mut out)?;
    match request.format()? {
        None | Some(Format::Text) => {}
        Some(Format::JsonObject) => request.cannot("response_format", "of type `json_object`")?,
        Some(Format::Schema(_, schema)) => {
            output_config(&mut out, "format", json!({ "type": "json_schema", "schema": schema }));
        }
    }
    if streaming {
        out.insert("stream".into(), true.into());
    }
    request.pass("top_p", "top_p", &mut out);
    request.rest(&mut out)?;
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// Length, sampling and who asks.
fn limits(request: &mut Request, options: &Options, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    match request.limit() {
        Some(most) => {
            out.insert("max_tokens".into(), most);
        }
        None => {
            out.entry("max_tokens").or_insert_with(|| options.max_tokens.into());
        }
    }
    let mut words = request.stop();
    let given = words.len();
    words.retain(|word| word.as_str().is_none_or(|word| !word.trim().is_empty()));
    if words.len() < given {
        request.cannot("stop", "sequences of white space")?;
    }
    if !words.is_empty() {
        out.insert("stop_sequences".into(), words.into());
    }
    request.pass_within("temperature", "temperature", (0.0, 1.0), out)?;
    if let Some(user) = request.first(&["safety_identifier", "user"]) {
        out.insert("metadata".into(), json!({ "user_id": user }));
    }
    Ok(())
}

/// Sets a field of `output_config`, beside what the request says there itself.
fn output_config(out: &mut Map<String, Value>, name: &str, value: Value) {
    if let Value::Object(config) = out.entry("output_config").or_insert_with(|| json!({})) {
        config.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
