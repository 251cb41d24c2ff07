//! The provider's errors, before and within a stream.
//!
//! The API tells them in several shapes: `{object: error, type, message, code}`, the same within `error`, the
//! framework's `{detail: […]}` for a request that does not fit its schema, and that within `message`.

use super::wire::Answer;
use adapter_kit::failure;
use lockgate_sdk::prelude::ProviderError;
use serde_json::Value;

/// The error that an answer with a status of 400 or more is.
pub fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
    let told = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let told = told.get("error").filter(|error| error.is_object()).unwrap_or(&told);
    failure::failure(status, headers, body, code(told), message(told))
}

/// An error in the middle of a stream, if the frame is one.
pub fn in_stream(answer: &Answer, data: &[u8]) -> Option<ProviderError> {
    if answer.error.is_none() && answer.object != "error" {
        return None;
    }
    let whole = serde_json::from_slice::<Value>(data).unwrap_or_default();
    let told = answer.error.as_ref().filter(|error| error.is_object()).unwrap_or(&whole);
    let status = ["raw_status_code", "status", "code"].iter().find_map(|name| {
        let number = u16::try_from(told.get(name)?.as_u64()?).ok()?;
        (400..600).contains(&number).then_some(number)
    });
    Some(failure::failure(status.unwrap_or(500), &[], data, code(told), message(told)))
}

/// A choice that ended because the model failed.
pub fn gave_up() -> ProviderError {
    let message = "the model failed while it wrote the answer".to_owned();
    ProviderError { status: 502, code: "error".to_owned(), message, retry_after_ms: None }
}

fn code(told: &Value) -> Option<String> {
    let word = |name: &str| match told.get(name)? {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    word("type").or_else(|| word("code"))
}

fn message(told: &Value) -> Option<String> {
    match told.get("message").or_else(|| told.get("detail")).or_else(|| told.get("error"))? {
        Value::String(text) => Some(text.clone()),
        Value::Object(inner) => inner.get("detail").map(detail),
        list => Some(detail(list)),
    }
}

/// What does not fit the schema, each with its place.
fn detail(detail: &Value) -> String {
    let Some(items) = detail.as_array() else {
        return detail.as_str().map_or_else(|| detail.to_string(), str::to_owned);
    };
    let told = items.iter().map(|item| {
        let place = item.get("loc").and_then(Value::as_array).into_iter().flatten();
        let place: Vec<String> =
            place.map(|step| step.as_str().map_or_else(|| step.to_string(), str::to_owned)).collect();
        format!("{}: {}", place.join("."), item.get("msg").and_then(Value::as_str).unwrap_or("is wrong"))
    });
    told.collect::<Vec<_>>().join("; ")
}
