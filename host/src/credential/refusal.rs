//! What a provider's refusal says of the key that it was shown.
//!
//! Invariants: a key is good for nothing only where the provider says so in words or codes of its own: what a client wrote
//! and a provider repeats is not among what is looked at. What one key may not do, another may.

use crate::error::{Cause, Error};
use crate::format::openai;
use http::StatusCode;
use serde_json::Value;
use std::time::Duration;

/// Bytes of a message that are looked at: the reason is at its beginning.
const LOOKED_AT: usize = 200;

/// Codes that say that a key is good for nothing, in lower case.
const BAD_CODES: [&str; 12] = [
    "invalid_api_key",
    "api_key_invalid",
    "api_key_expired",
    "api_key_disabled",
    "api_key_service_blocked",
    "authentication_error",
    "unauthenticated",
    "account_deactivated",
    "account_suspended",
    "consumer_suspended",
    "consumer_invalid",
    "unrecognizedclientexception",
];

/// Words that say it, in lower case.
const BAD_WORDS: [&str; 14] = [
    "invalid api key",
    "incorrect api key",
    "api key not valid",
    "api key is invalid",
    "api key expired",
    "api key has expired",
    "api key was reported as leaked",
    "key has been disabled",
    "key has been revoked",
    "key has been suspended",
    "has been suspended",
    "has been deactivated",
    "organization has been disabled",
    "account has been disabled",
];

/// What a refusal says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is good for nothing.
    Bad,
    /// There is nothing left for it, for so long where that was said.
    Exhausted(Option<Duration>),
    /// It may not do this. Another may.
    Forbidden,
    /// Nothing: it is the request's, or the provider's own.
    Nothing,
}

impl Refusal {
    /// What an answer says. `said` is the beginning of its body, which matters for 403 alone.
    #[must_use]
    pub fn of(status: StatusCode, retry_after: Option<Duration>, said: &[u8]) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Bad,
            StatusCode::TOO_MANY_REQUESTS => Self::Exhausted(retry_after),
            StatusCode::FORBIDDEN => Self::of_forbidden(said),
            _ => Self::Nothing,
        }
    }

    fn of_forbidden(said: &[u8]) -> Self {
        let read = openai::read_error(StatusCode::FORBIDDEN.as_u16(), said, None);
        let error = Error::upstream(StatusCode::FORBIDDEN, read.code, read.message);
        if Cause::of(&error) == Cause::Refused {
            return Self::Nothing;
        }
        let end = error.message.floor_char_boundary(LOOKED_AT);
        let words = error.message.get(..end).unwrap_or_default().to_ascii_lowercase();
        let is_bad = codes(said).iter().any(|code| BAD_CODES.contains(&code.as_str()))
            || BAD_WORDS.iter().any(|bad| words.contains(bad));
        if is_bad { Self::Bad } else { Self::Forbidden }
    }
}

/// The codes of an error, in lower case, wherever the formats that there are have them.
fn codes(said: &[u8]) -> Vec<String> {
    let value: Value = serde_json::from_slice(said).unwrap_or_default();
    let error = value.get("error").unwrap_or(&value);
    let details = error.get("details").and_then(Value::as_array);
    let reasons = details.into_iter().flatten().filter_map(|detail| detail.get("reason"));
    let named = ["code", "type", "status", "__type"].into_iter().filter_map(|name| error.get(name));
    named.chain(reasons).filter_map(Value::as_str).map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(said: &Value, is: Refusal) {
        assert_eq!(Refusal::of(StatusCode::FORBIDDEN, None, said.to_string().as_bytes()), is, "{said}");
    }

    #[test]
    fn a_key_is_bad_where_the_provider_says_so() {
        for said in [
            json!({ "error": { "code": "invalid_api_key", "message": "no" } }),
            json!({ "error": { "type": "authentication_error", "message": "no" } }),
            json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": "no",
                "details": [{ "@type": "x", "reason": "CONSUMER_SUSPENDED" }] } }),
            json!({ "error": { "code": 403, "status": "PERMISSION_DENIED",
                "message": "Your API key was reported as leaked. Please use another API key." } }),
            json!({ "error": { "type": "permission_error", "message": "This organization has been disabled." } }),
            json!({ "error": "Invalid API Key" }),
        ] {
            check(&said, Refusal::Bad);
        }
    }

    #[test]
    fn what_a_key_may_not_do_another_may() {
        for said in [
            json!({ "error": { "code": "model_not_found", "message": "Project `p` does not have access to model `m`" } }),
            json!({ "error": { "type": "permission_error", "message": "You may not use this model." } }),
            json!({ "error": { "code": 403, "status": "PERMISSION_DENIED", "message": "The caller does not have permission" } }),
            json!({ "error": { "message": "unsupported_country_region_territory" } }),
            json!("<html>"),
            Value::Null,
            // What a client wrote, at length, and a provider says again.
            json!({ "error": { "message": format!("not allowed: {}{}", "x ".repeat(100), "invalid api key") } }),
            json!({ "error": { "message": "no", "metadata": { "flagged_input": "invalid api key" } } }),
        ] {
            check(&said, Refusal::Forbidden);
        }
        check(
            &json!({ "error": { "code": 403, "message": "Your input was flagged: invalid api key" } }),
            Refusal::Nothing,
        );
    }

    #[test]
    fn other_answers_say_it_with_their_status() {
        let wait = Some(Duration::from_secs(9));
        let of = |status| Refusal::of(status, wait, b"invalid api key");
        assert_eq!(of(StatusCode::UNAUTHORIZED), Refusal::Bad);
        assert_eq!(of(StatusCode::TOO_MANY_REQUESTS), Refusal::Exhausted(wait));
        for status in
            [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY, StatusCode::OK]
        {
            assert_eq!(of(status), Refusal::Nothing);
        }
    }
}
