//! Errors in Google's shape: `{"error": {"code", "message", "status", "details"}}`.

use crate::error::Error;
use http::StatusCode;
use serde_json::{Value, json};

/// The body of an error answer, or the data of an error in a stream. The gateway's own code is the reason.
#[must_use]
pub fn render_error(error: &Error) -> Value {
    let reason = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": error.code, "domain": "lockgate",
    });
    json!({ "error": {
        "code": error.status.as_u16(), "message": error.message, "status": name(error.status), "details": [reason],
    }})
}

fn name(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        408 | 504 => "DEADLINE_EXCEEDED",
        400..=498 => "INVALID_ARGUMENT",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}
