//! From a canonical (OpenAI chat completions) request to one of the Converse API.
//!
//! Invariants: what the API cannot express is refused by name, or dropped when the operator said `drop_params`;
//! content is never dropped; fields that OpenAI does not know pass through: Converse's own where they stand,
//! others as fields of the model's.
//! Source: Amazon Bedrock API Reference, "Converse" and "ConverseStream".

mod cache;
mod media;
mod messages;
mod thinking;
mod tools;

use crate::model::{Family, Model};
use crate::options::Options;
use adapter_kit::Refusal;
use adapter_kit::request::{Format, Request};
use serde_json::{Map, Value, json};

/// Converse's own fields that OpenAI has no word for. A service of Amazon's passes over fields that it does not
/// know, so that others would be lost beside these.
const CONVERSE: &[&str] = &[
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
];

/// Translates a request.
///
/// # Errors
/// What cannot be expressed, by the name of the parameter.
pub fn body(request: &str, id: &str, options: &Options) -> Result<Vec<u8>, Refusal> {
    let model = Model::of(id, options);
    let mut request = Request::parse(request, "Bedrock Converse API", options.drop_params)?;
    if model.family == Family::Anthropic {
        request.exact("anthropic");
    }
    let mut own = object(&mut request, "additionalModelRequestFields")?;
    let mut config = inference(&mut request, model, &mut own)?;
    let mut out = Map::new();
    let conversation = messages::translate(request.take("messages"), model)?;
    if !conversation.system.is_empty() {
        out.insert("system".into(), conversation.system.into());
    }
    out.insert("messages".into(), conversation.messages.into());
    let forced = tools::translate(&mut request, model, &conversation.used_tools, &mut own, &mut out)?;
    format(&mut request, model, &mut out)?;
    let bound = thinking::Bound { in_tool_loop: conversation.in_tool_loop, forced };
    thinking::translate(&mut request, model, bound, options, &mut config, &mut own)?;
    if !config.is_empty() {
        out.insert("inferenceConfig".into(), config.into());
    }
    let mut rest = Map::new();
    request.rest(&mut rest)?;
    for (name, value) in rest {
        let place = if CONVERSE.contains(&name.as_str()) { &mut out } else { &mut own };
        place.entry(name).or_insert(value);
    }
    if !own.is_empty() {
        out.insert("additionalModelRequestFields".into(), own.into());
    }
    serde_json::to_vec(&out).map_err(|error| error.to_string())
}

/// What the request says itself in an object of Converse's.
fn object(request: &mut Request, name: &str) -> Result<Map<String, Value>, Refusal> {
    match request.take(name) {
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(format!("`{name}` is not an object")),
        None => Ok(Map::new()),
    }
}

/// `inferenceConfig`: length, sampling and where to stop.
fn inference(
    request: &mut Request,
    model: Model,
    own: &mut Map<String, Value>,
) -> Result<Map<String, Value>, Refusal> {
    let mut config = object(request, "inferenceConfig")?;
    if let Some(limit) = request.limit() {
        config.insert("maxTokens".into(), limit);
    }
    request.pass_within("temperature", "temperature", (0.0, 1.0), &mut config)?;
    request.pass("top_p", "topP", &mut config);
    let (usable, blank): (Vec<Value>, Vec<Value>) =
        request.stop().into_iter().partition(|word| word.as_str() != Some(""));
    if !blank.is_empty() {
        request.cannot("stop", "of nothing")?;
    }
    if !usable.is_empty() {
        config.insert("stopSequences".into(), usable.into());
    }
    // Amazon's models want it in a place of its own; Anthropic's, and others, under this name.
    if model.family == Family::Nova
        && let Some(most) = request.take("top_k")
        && let Value::Object(inner) = own.entry("inferenceConfig").or_insert_with(|| json!({}))
    {
        inner.insert("topK".into(), most);
    }
    Ok(config)
}

/// `response_format` as `outputConfig.textFormat`.
/// Source: Amazon Bedrock User Guide, "Get validated JSON results from models": Claude can from 4.5 on.
fn format(request: &mut Request, model: Model, out: &mut Map<String, Value>) -> Result<(), Refusal> {
    let (whole, schema) = match request.format()? {
        None | Some(Format::Text) => return Ok(()),
        Some(Format::JsonObject) => return request.cannot("response_format", "of type `json_object`"),
        Some(Format::Schema(..)) if model.claude_before(4, 5) => {
            return request.cannot("response_format", "of type `json_schema` to this model");
        }
        Some(Format::Schema(whole, schema)) => (whole, schema),
    };
    let mut definition = Map::new();
    // The API takes the schema as text.
    definition.insert("schema".into(), schema.to_string().into());
    for name in ["name", "description"] {
        if let Some(value @ Value::String(_)) = whole.get(name) {
            definition.insert(name.into(), value.clone());
        }
    }
    let mut config = object(request, "outputConfig")?;
    let format = json!({ "type": "json_schema", "structure": { "jsonSchema": definition } });
    config.insert("textFormat".into(), format);
    out.insert("outputConfig".into(), config.into());
    Ok(())
}

#[cfg(test)]
mod tests;
