//! Reading a request: its parameters. Its items are read in `items`, its tools in `tools`.
//!
//! Invariants: every parameter has a canonical name, or travels under its own; what needs a memory that the gateway
//! does not have is refused by name, never passed over.

use super::{items, tools};
use crate::error::Error;
use crate::format::translate::{object, without_exact, wrong};
use serde_json::{Map, Value, json};

/// Where a request keeps what only the answer needs.
pub(super) const OWN: &str = "responses";

/// Asks for reasoning that can be sent back.
pub(super) const SEALS: &str = "reasoning.encrypted_content";

/// What the gateway cannot do, and why.
const REFUSED: [(&str, &str); 5] = [
    ("previous_response_id", "the gateway keeps no responses; send the whole conversation as 'input'"),
    ("conversation", "the gateway keeps no conversations; send the whole conversation as 'input'"),
    ("prompt", "the gateway keeps no prompts; send 'instructions' and 'input'"),
    ("background", "the gateway answers at once or as a stream"),
    ("context_management", "the gateway changes no conversation; shorten 'input'"),
];

/// Reads a request for a response into a canonical body.
///
/// # Errors
/// 400 for what is not a request of this API, or asks for what the gateway cannot do.
pub fn parse_response(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut given = object(body)?;
    given.retain(|_, value| !value.is_null());
    refuse(&given)?;
    let mut out = Map::new();
    match given.remove("model") {
        Some(Value::String(model)) if !model.is_empty() => out.insert("model".into(), model.into()),
        Some(_) => return Err(wrong("model", "must be a non-empty string")),
        None => return Err(wrong("model", "is required")),
    };
    let mut own = Map::new();
    let instructions = given.remove("instructions").filter(|text| text != "");
    match &instructions {
        Some(Value::String(_)) => drop(own.insert("instructions".into(), true.into())),
        Some(_) => return Err(wrong("instructions", "must be a text")),
        None => {}
    }
    let input = given.remove("input").ok_or_else(|| wrong("input", "is required"))?;
    out.insert("messages".into(), items::read(instructions, input)?.into());
    tools::read(&mut given, &mut out)?;
    for (name, value) in given {
        parameter(name, value, &mut out, &mut own)?;
    }
    if !own.is_empty() {
        out.insert(OWN.into(), own.into());
    }
    Ok(out)
}

/// A canonical body without what a provider of chat completions would refuse: what only this API says, what was
/// thought in earlier turns, and `metadata`, which is allowed there only for answers that are kept.
#[must_use]
pub fn without_own_fields(mut body: Map<String, Value>) -> Map<String, Value> {
    without_exact(&mut body);
    body.shift_remove("metadata");
    for message in body.get_mut("messages").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(message) = message.as_object_mut() {
            message.shift_remove("reasoning_content");
            message.shift_remove("reasoning_details");
        }
    }
    body
}

fn refuse(given: &Map<String, Value>) -> Result<(), Error> {
    for (name, why) in REFUSED {
        if given.get(name).is_some_and(|value| *value != false) {
            return Err(unsupported(name, why));
        }
    }
    if given.get("truncation").is_some_and(|truncation| truncation != "disabled") {
        return Err(unsupported(
            "truncation",
            "the gateway drops nothing of a conversation; only 'disabled' is known",
        ));
    }
    let included = given.get("include").and_then(Value::as_array);
    let logprobs = included.into_iter().flatten().any(|include| include == "message.output_text.logprobs");
    if logprobs || given.get("top_logprobs").is_some_and(|top| top != 0) {
        let name = if logprobs { "include" } else { "top_logprobs" };
        return Err(unsupported(name, "log probabilities are not told in this API"));
    }
    Ok(())
}

fn unsupported(name: &str, why: &str) -> Error {
    Error::bad_request("unsupported_parameter", format!("'{name}' is not supported: {why}.")).param(name)
}

/// Says a parameter in canonical words; what only the answer says again goes into `own`.
fn parameter(
    name: String,
    value: Value,
    out: &mut Map<String, Value>,
    own: &mut Map<String, Value>,
) -> Result<(), Error> {
    match (name.as_str(), value) {
        ("max_output_tokens", value) => {
            out.insert("max_completion_tokens".into(), value);
        }
        ("stream", value @ Value::Bool(_)) => {
            out.insert(name, value);
        }
        ("stream", _) => return Err(wrong("stream", "must be a boolean")),
        ("include", Value::Array(included)) => {
            if included.iter().any(|include| include == SEALS) {
                own.insert(name, json!([SEALS]));
            }
        }
        ("include", _) => return Err(wrong("include", "must be a list")),
        ("text", Value::Object(text)) => shape(text, out)?,
        ("text", _) => return Err(wrong("text", "must be an object")),
        ("reasoning", Value::Object(mut reasoning)) => {
            let mut take = |name: &str| reasoning.remove(name).filter(|value| !value.is_null());
            out.extend(take("effort").map(|effort| ("reasoning_effort".to_owned(), effort)));
            let summary = take("summary").or_else(|| take("generate_summary"));
            own.extend(summary.map(|summary| ("summary".to_owned(), summary)));
        }
        ("reasoning", _) => return Err(wrong("reasoning", "must be an object")),
        // Of tools that the provider runs, which there are none of.
        ("max_tool_calls", value) => {
            own.insert(name, value);
        }
        // That an answer be kept is the default here, and means nothing to a gateway that keeps none. That it be not
        // kept is for the provider.
        ("store", value) => out.extend((value == false).then_some((name, value))),
        // The stream is the gateway's own; the rest says what happens anyway.
        ("stream_options" | "truncation" | "top_logprobs" | "background", _) => {}
        (_, value) => {
            // What this API does not know must not take the place of what it said.
            out.entry(name).or_insert(value);
        }
    }
    Ok(())
}

/// `text`: the shape of the answer, and how much it says.
fn shape(mut text: Map<String, Value>, out: &mut Map<String, Value>) -> Result<(), Error> {
    let mut take = |name: &str| text.remove(name).filter(|value| !value.is_null());
    out.extend(take("verbosity").map(|verbosity| ("verbosity".to_owned(), verbosity)));
    let Some(format) = take("format") else { return Ok(()) };
    let Value::Object(mut format) = format else { return Err(wrong("text.format", "must be an object")) };
    let canonical = match format.remove("type").as_ref().and_then(Value::as_str) {
        // Which is what happens without it.
        Some("text") => return Ok(()),
        Some("json_schema") => {
            format.retain(|_, value| !value.is_null());
            json!({ "type": "json_schema", "json_schema": format })
        }
        Some("json_object") => json!({ "type": "json_object" }),
        _ => return Err(wrong("text.format.type", "must be text, json_object or json_schema")),
    };
    out.insert("response_format".into(), canonical);
    Ok(())
}
