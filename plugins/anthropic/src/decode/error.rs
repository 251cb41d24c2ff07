//! The provider's errors, before and within a stream.
//!
//! Invariants: an error that is not the API's own JSON (a proxy's page, say) is
//! told by its status and a short excerpt.

use super::wire::{ErrorBody, Wire};
use lockgate_sdk::prelude::{Frame, ProviderError};

/// How much of a foreign error page is told.
const EXCERPT_CHARS: usize = 200;

/// The error that an answer with a status of 400 or more is; its body is the first frame, if it has one.
pub fn failure(status: u16, headers: &[(String, String)], frames: &[Frame]) -> ProviderError {
    let body = frames.first().map_or(&[][..], |frame| &frame.data);
    let (code, message) = match serde_json::from_slice::<Wire>(body) {
        Ok(Wire::Error { error }) => (error.kind, error.message),
        _ => {
            let text = String::from_utf8_lossy(body);
            (format!("http_{status}"), text.trim().chars().take(EXCERPT_CHARS).collect())
        }
    };
    ProviderError { status, code, message, retry_after_ms: retry_after_ms(headers) }
}

/// An error in the middle of a stream, whose status is only known by its type.
/// Source: Anthropic's API reference, "Errors".
pub fn in_stream(error: ErrorBody) -> ProviderError {
    let status = match error.kind.as_str() {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    };
    ProviderError { status, code: error.kind, message: error.message, retry_after_ms: None }
}

/// `retry-after-ms`, or `retry-after` in seconds; its other form, a date, is left to the host's own back-off.
fn retry_after_ms(headers: &[(String, String)]) -> Option<u32> {
    let number = |name: &str| {
        let (_, value) = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        value.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
    };
    let ms = number("retry-after-ms").or_else(|| number("retry-after").map(|seconds| seconds * 1000.0))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; `as` saturates"
    )]
    Some(ms.ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::failure;
    use lockgate_sdk::prelude::{Frame, ProviderError};

    fn fail(status: u16, headers: &[(&str, &str)], body: &str) -> ProviderError {
        let headers: Vec<_> = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let frames = [Frame { event: String::new(), data: body.as_bytes().to_vec() }];
        failure(status, &headers, &frames)
    }

    #[test]
    fn the_apis_errors_keep_their_words() {
        let body =
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."},"request_id":"r"}"#;
        let error = fail(429, &[("retry-after", "7")], body);
        assert_eq!((error.status, error.code.as_str()), (429, "rate_limit_error"));
        assert_eq!((error.message.as_str(), error.retry_after_ms), ("Slow down.", Some(7000)));
        assert_eq!(
            fail(429, &[("retry-after-ms", "12.5"), ("retry-after", "9")], body).retry_after_ms,
            Some(13)
        );
        assert_eq!(fail(429, &[("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], body).retry_after_ms, None);
    }

    #[test]
    fn a_foreign_page_is_told_by_its_status() {
        let error = fail(503, &[], &format!("<html>{}</html>", "ü".repeat(5000)));
        assert_eq!(error.code, "http_503");
        assert_eq!(error.message.chars().count(), 200);
    }

    #[test]
    fn an_error_may_have_no_body() {
        let error = failure(500, &[], &[]);
        assert_eq!((error.code.as_str(), error.message.as_str()), ("http_500", ""));
    }
}
