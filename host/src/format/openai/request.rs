//! Reading requests. Checks what the gateway itself relies on and leaves the rest to the provider: unknown
//! fields travel.

use crate::error::Error;
use serde_json::{Map, Value};

/// Reads a chat completions request.
///
/// # Errors
/// 400 for what is not a JSON object with a `model` and a list of messages.
pub fn parse_chat(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let body = parse_object(body)?;
    let messages = body.get("messages").ok_or_else(|| missing("messages"))?;
    let messages = messages.as_array().ok_or_else(|| wrong_type("messages", "an array of messages"))?;
    if messages.is_empty() {
        return Err(Error::bad_request("invalid_value", "'messages' must not be empty.").param("messages"));
    }
    for (index, message) in messages.iter().enumerate() {
        let role = message.as_object().and_then(|message| message.get("role")).and_then(Value::as_str);
        if role.is_none() {
            return Err(wrong_type(&format!("messages[{index}]"), "an object with a 'role'"));
        }
    }
    check_stream(&body)?;
    Ok(body)
}

fn check_stream(body: &Map<String, Value>) -> Result<(), Error> {
    match body.get("stream") {
        None | Some(Value::Bool(_) | Value::Null) => Ok(()),
        Some(_) => Err(wrong_type("stream", "a boolean")),
    }
}

/// Reads a request for the completion of a bare text.
///
/// # Errors
/// 400 for what is not a JSON object with a `model` and a `prompt`.
pub fn parse_completions(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let body = parse_object(body)?;
    match body.get("prompt") {
        None | Some(Value::Null) => return Err(missing("prompt")),
        Some(Value::String(_) | Value::Array(_)) => {}
        Some(_) => return Err(wrong_type("prompt", "a string or an array")),
    }
    check_stream(&body)?;
    Ok(body)
}

/// Whether the client of a stream asked for the usage chunk.
pub(super) fn wants_usage(body: &Map<String, Value>) -> bool {
    let option = body.get("stream_options").and_then(|options| options.get("include_usage"));
    option.and_then(Value::as_bool).unwrap_or(false)
}

fn parse_object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut body = object(body)?;
    model_or(&mut body, None)?;
    Ok(body)
}

/// The body of a request as an object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Error::bad_request(
            "invalid_json",
            format!("We could not parse the JSON body of your request: {error}."),
        )
    })?;
    let Value::Object(body) = value else {
        return Err(Error::bad_request("invalid_type", "The body of the request must be a JSON object."));
    };
    Ok(body)
}

/// Checks that a model is named, or names the one that is meant where none is.
pub(super) fn model_or(body: &mut Map<String, Value>, default: Option<&str>) -> Result<(), Error> {
    match (body.get("model"), default) {
        (Some(Value::String(model)), _) if !model.is_empty() => Ok(()),
        (None, Some(default)) => {
            body.insert("model".into(), default.into());
            Ok(())
        }
        (None, None) => Err(missing("model")),
        (Some(_), _) => Err(wrong_type("model", "a non-empty string")),
    }
}

pub(super) fn missing(param: &'static str) -> Error {
    Error::bad_request("missing_required_parameter", format!("Missing required parameter: '{param}'."))
        .param(param)
}

pub(super) fn wrong_type(param: &str, wanted: &str) -> Error {
    Error::bad_request("invalid_type", format!("Invalid type for '{param}': expected {wanted}.")).param(param)
}
