//! From a canonical (OpenAI chat completions) request to one that the Cohere API takes.
//!
//! Invariants: what the API cannot express is refused by name, or dropped when the operator said
//! `drop_params`; content is never dropped; fields that OpenAI does not know (`documents`, `safety_mode`,
//! `citation_options`, …) pass through untouched.
//! Source: Cohere API reference, "Chat", v2.

mod documents;
mod messages;
mod thinking;
mod tools;

use crate::API;
use crate::options::Options;
use adapter_kit::Refusal;
use adapter_kit::request::{Format, Request};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(given: &str, model: &str, streaming: bool, options: &Options) -> Result<Vec<u8>, Refusal> {
    let mut request = Request::parse(given, API, options.drop_params)?;
    let mut out = Map::new();
    out.insert("model".into(), model.into());
    request.exact("cohere");
    let mut conversation = request.take("messages");
    let documents = documents::take(&mut conversation);
    if !documents.is_empty() {
        out.insert("documents".into(), documents.into());
    }
    let thinks = thinking::translate(&mut request, model, &mut out)?;
    out.insert("messages".into(), messages::translate(conversation, thinks)?.into());
    if let Some(limit) = request.limit() {
        out.insert("max_tokens".into(), limit);
    }
    sampling(&mut request, &mut out)?;
    let stop = request.stop();
    if !stop.is_empty() {
        out.insert("stop_sequences".into(), stop.into());
    }
    tools::translate(&mut request, &mut out)?;
    let schema = match request.format()? {
        None | Some(Format::Text) => None,
        Some(Format::JsonObject) => Some(own_schema(given)),
        Some(Format::Schema(_, schema)) => Some(Some(schema)),
    };
    if let Some(schema) = schema {
        let mut format = Map::new();
        format.insert("type".into(), "json_object".into());
        format.extend(schema.map(|schema| ("json_schema".to_owned(), schema)));
        out.insert("response_format".into(), format.into());
    }
    if streaming {
        out.insert("stream".into(), true.into());
    }
    request.rest(&mut out)?;
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// How words are chosen.
fn sampling(request: &mut Request, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    for (name, theirs) in [("temperature", "temperature"), ("top_k", "k"), ("seed", "seed")] {
        request.pass(name, theirs, out);
    }
    request.pass_within("top_p", "p", (0.0, 1.0), out)?;
    if let Some(p) = out.get_mut("p")
        && let Some(number) = p.as_f64().filter(|number| !(0.01..=0.99).contains(number))
    {
        // The bounds of OpenAI's range, which many clients send, are just outside of Cohere's.
        *p = number.clamp(0.01, 0.99).into();
    }
    for name in ["frequency_penalty", "presence_penalty"] {
        request.pass_within(name, name, (0.0, 1.0), out)?;
        // Some models take only one of the two, and none is what happens anyway.
        if out.get(name).and_then(Value::as_f64) == Some(0.0) {
            out.shift_remove(name);
        }
    }
    Ok(())
}

/// The schema that stands beside `json_object` in Cohere's own form of `response_format`.
fn own_schema(given: &str) -> Option<Value> {
    #[derive(Deserialize)]
    struct Given {
        response_format: Own,
    }
    #[derive(Deserialize)]
    struct Own {
        #[serde(alias = "schema")]
        json_schema: Option<Value>,
    }
    serde_json::from_str::<Given>(given).ok()?.response_format.json_schema
}

#[cfg(test)]
mod tests;
