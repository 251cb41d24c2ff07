//! The provider's errors, before and within a stream.
//!
//! Source: Gemini API documentation, "Troubleshooting", and `google.rpc.Status`.
//! Invariant: a key that Google does not know is told as 401, which it is, though the API answers 400.

use super::wire::{Answer, Chunk, ErrorBody};
use adapter_kit::failure;
use lockgate_sdk::prelude::ProviderError;
use serde_json::Value;

/// The error that an answer with a status of 400 or more is.
pub fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
    let answer = match serde_json::from_slice::<Chunk>(body) {
        Ok(Chunk::One(answer)) => *answer,
        Ok(Chunk::List(answers)) => answers.into_iter().next().unwrap_or_default(),
        Err(_) => Answer::default(),
    };
    let told = answer.error.unwrap_or_default();
    let status = if refuses_key(&told) { 401 } else { status };
    let hint = retry_delay(&told);
    let error = failure::failure(status, headers, body, Some(told.status), Some(told.message));
    ProviderError { retry_after_ms: error.retry_after_ms.or(hint), ..error }
}

/// An error in the middle of a stream.
pub fn in_stream(told: &ErrorBody) -> ProviderError {
    let status = u16::try_from(told.code).ok().filter(|code| (400..600).contains(code)).unwrap_or(500);
    let status = if refuses_key(told) { 401 } else { status };
    let (code, message) = (told.status.clone(), told.message.clone());
    let error = failure::failure(status, &[], b"", Some(code), Some(message));
    ProviderError { retry_after_ms: retry_delay(told), ..error }
}

fn refuses_key(told: &ErrorBody) -> bool {
    told.details.iter().any(|detail| detail.get("reason").is_some_and(|reason| reason == "API_KEY_INVALID"))
}

/// `google.rpc.RetryInfo`: a number of seconds followed by `s`.
fn retry_delay(told: &ErrorBody) -> Option<u32> {
    let delay = told.details.iter().find_map(|detail| detail.get("retryDelay").and_then(Value::as_str))?;
    failure::seconds(delay.strip_suffix('s')?.parse().ok()?)
}
