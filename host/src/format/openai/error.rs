//! Errors in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.
//! Source: OpenAI API reference, error codes, and the official clients' `APIError`.

use crate::chat::ProviderError;
use crate::error::Error;
use http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// Bytes of a provider's message that are passed on.
const MAX_MESSAGE: usize = 2_000;

/// The body of an error answer, or the data of an error event in a stream.
#[must_use]
pub fn render_error(error: &Error) -> Value {
    json!({ "error": {
        "message": error.message,
        "type": kind(error.status),
        "param": error.param,
        "code": error.code,
    }})
}

/// Reads a provider's error body, whatever it is.
#[must_use]
pub fn read_error(status: u16, body: &[u8], retry_after: Option<Duration>) -> ProviderError {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = value.get("error").unwrap_or(&value);
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let message = text("message").or_else(|| error.as_str()).or_else(|| text("detail"));
    let code = match error.get("code") {
        Some(Value::String(code)) => Some(code.clone()),
        Some(Value::Number(code)) => Some(code.to_string()),
        _ => text("type").map(str::to_owned),
    };
    let mut message = message.unwrap_or("the provider gave no reason").to_owned();
    message.truncate(message.floor_char_boundary(MAX_MESSAGE));
    ProviderError { status, code: code.unwrap_or_else(|| "provider_error".into()), message, retry_after }
}

fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    }
}
