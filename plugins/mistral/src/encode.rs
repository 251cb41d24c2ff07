//! From a canonical (OpenAI chat completions) request to one that the Mistral API takes.
//!
//! Invariants: what the API cannot express is refused by name, or dropped when the operator said
//! `drop_params`; content is never dropped; fields that OpenAI does not know pass through untouched.
//! Source: Mistral API reference, "Chat Completion".

mod messages;
mod tools;

use crate::options::Options;
use adapter_kit::Refusal;
use adapter_kit::request::{Format, Request};
use serde_json::{Map, Value, json};

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, model: &str, streaming: bool, options: &Options) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(request, "Mistral API", options.drop_params)?;
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    let given = request.take("messages");
    reasoning(&mut request, &mut out)?;
    let effort = out.get("reasoning_effort").is_some_and(|effort| effort != "none");
    let thinks = effort || model.contains("magistral");
    out.insert("messages".into(), messages::translate(given, thinks)?.into());
    if let Some(limit) = request.limit() {
        out.insert("max_tokens".into(), limit);
    }
    request.pass_within("temperature", "temperature", (0.0, 1.5), &mut out)?;
    request.pass("seed", "random_seed", &mut out);
    for name in ["top_p", "presence_penalty", "frequency_penalty", "n", "prediction"] {
        request.pass(name, name, &mut out);
    }
    let stop = request.stop();
    if !stop.is_empty() {
        out.insert("stop".into(), stop.into());
    }
    tools::translate(&mut request, &mut out)?;
    match request.format()? {
        None | Some(Format::Text) => {}
        Some(Format::JsonObject) => {
            out.insert("response_format".into(), json!({ "type": "json_object" }));
        }
        Some(Format::Schema(mut whole, schema)) => {
            whole.insert("schema".into(), schema);
            let format = json!({ "type": "json_schema", "json_schema": whole });
            out.insert("response_format".into(), format);
        }
    }
    if streaming {
        out.insert("stream".into(), true.into());
    }
    request.rest(&mut out)?;
    if options.safe_prompt {
        out.entry("safe_prompt").or_insert(true.into());
    }
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// The API's own words are `none`, `low`, `medium` and `high`, each model taking some of them.
fn reasoning(request: &mut Request, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    let Some(effort) = request.take("reasoning_effort") else { return Ok(()) };
    let word = match effort.as_str() {
        Some(word @ ("none" | "low" | "medium" | "high")) => word,
        Some("minimal") => "low",
        Some("xhigh" | "max") => "high",
        _ => return request.cannot("reasoning_effort", "of this value"),
    };
    out.insert("reasoning_effort".into(), word.into());
    Ok(())
}

#[cfg(test)]
mod tests;
