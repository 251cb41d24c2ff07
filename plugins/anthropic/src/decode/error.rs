//! The provider's errors, before and within a stream.
//!
//! Vertex AI tells some of them in Google's form (`{error: {status, message}}`), or as a list of one such.

use super::wire::ErrorBody;
use adapter_kit::failure;
use lockgate_sdk::prelude::ProviderError;
use serde_json::Value;

/// The error that an answer with a status of 400 or more is.
pub fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
    let told = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let told = told.get(0).unwrap_or(&told).get("error");
    let word = |name: &str| told?.get(name)?.as_str().map(str::to_owned);
    failure::failure(status, headers, body, word("type").or_else(|| word("status")), word("message"))
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
    failure::failure(status, &[], b"", Some(error.kind), Some(error.message))
}

#[cfg(test)]
mod tests {
    use crate::decode::Decoder;
    use adapter_kit::testing::refused;

    #[test]
    fn the_apis_errors_keep_their_words() {
        let body =
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Slow down."},"request_id":"r"}"#;
        let fail = |headers: &[(&str, &str)]| refused::<Decoder>(429, headers, body);
        assert_eq!(fail(&[("retry-after", "7")]), "error 429 rate_limit_error Slow down. after 7000");
        assert_eq!(
            fail(&[("retry-after-ms", "12.5"), ("retry-after", "9")]),
            "error 429 rate_limit_error Slow down. after 13"
        );
        let date = [("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")];
        assert_eq!(fail(&date), "error 429 rate_limit_error Slow down.");
    }

    #[test]
    fn googles_errors_keep_their_words() {
        let body = r#"{"error":{"code":404,"message":"Not here.","status":"NOT_FOUND"}}"#;
        assert_eq!(refused::<Decoder>(404, &[], body), "error 404 NOT_FOUND Not here.");
        assert_eq!(refused::<Decoder>(404, &[], &format!("[{body}]")), "error 404 NOT_FOUND Not here.");
    }

    #[test]
    fn a_foreign_page_is_told_by_its_status() {
        let told = refused::<Decoder>(503, &[], &format!("<html>{}</html>", "ü".repeat(5000)));
        let page = told.strip_prefix("error 503 http_503 ");
        assert_eq!(page.map(|page| page.chars().count()), Some(200));
    }

    #[test]
    fn an_error_may_have_no_body() {
        assert_eq!(refused::<Decoder>(500, &[], ""), "error 500 http_500 ");
    }
}
