//! From a canonical (OpenAI chat completions) request to a `generateContent` body.
//!
//! Invariants: what the API cannot express is refused by name, or dropped when the operator said
//! `drop_params`; content is never dropped; fields that OpenAI does not know pass through untouched.
//! Source: Gemini API reference, "Generating content", `v1beta`.

mod contents;
mod thinking;
mod tools;

use crate::model::Generation;
use crate::options::Options;
use adapter_kit::Refusal;
use adapter_kit::request::{Format, Request};
use serde_json::{Map, Value};

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, model: &str, options: &Options) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(request, "Gemini API", options.drop_params)?;
    request.exact("gemini");
    let generation = Generation::of(model);
    let mut out = Map::new();
    let conversation = contents::translate(request.take("messages"), generation)?;
    if let Some(system) = conversation.system {
        out.insert("systemInstruction".into(), system);
    }
    out.insert("contents".into(), conversation.contents.into());
    tools::translate(&mut request, generation, &mut out)?;
    let config = config(&mut request, model, generation)?;
    if !config.is_empty() {
        out.insert("generationConfig".into(), config.into());
    }
    request.rest(&mut out)?;
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// `generationConfig`: what the request says there itself, and what OpenAI says at the top.
fn config(request: &mut Request, model: &str, generation: Generation) -> Result<Map<String, Value>, Refusal> {
    let mut config = match request.first(&["generationConfig", "generation_config"]) {
        Some(Value::Object(config)) => config,
        Some(_) => return Err("`generationConfig` is not an object".into()),
        None => Map::new(),
    };
    if let Some(limit) = request.limit() {
        config.insert("maxOutputTokens".into(), limit);
    }
    request.pass_within("temperature", "temperature", (0.0, 2.0), &mut config)?;
    for (name, theirs) in [
        ("top_p", "topP"),
        ("top_k", "topK"),
        ("seed", "seed"),
        ("presence_penalty", "presencePenalty"),
        ("frequency_penalty", "frequencyPenalty"),
    ] {
        request.pass(name, theirs, &mut config);
    }
    if let Some(n) = request.take("n").filter(|n| n.as_u64() != Some(1)) {
        config.insert("candidateCount".into(), n);
    }
    let stop = request.stop();
    if !stop.is_empty() {
        config.insert("stopSequences".into(), stop.into());
    }
    match request.format()? {
        None | Some(Format::Text) => {}
        Some(Format::JsonObject) => {
            config.insert("responseMimeType".into(), "application/json".into());
        }
        Some(Format::Schema(_, schema)) => {
            config.insert("responseMimeType".into(), "application/json".into());
            config.insert("responseJsonSchema".into(), schema);
        }
    }
    thinking::translate(request, model, generation, &mut config)?;
    Ok(config)
}

#[cfg(test)]
mod tests;
