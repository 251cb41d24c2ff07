//! Errors in Anthropic's shape: `{"type": "error", "error": {"type", "message"}, "request_id"}`.

use crate::error::Error;
use http::StatusCode;
use serde_json::{Value, json};

/// The body of an error answer, or the data of an error event in a stream. Beside the API's own fields stands the
/// gateway's code, which is finer.
#[must_use]
pub fn render_error(error: &Error, exchange: &str) -> Value {
    json!({
        "type": "error",
        "error": { "type": kind(error.status), "message": error.message, "code": error.code },
        "request_id": exchange,
    })
}

fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
