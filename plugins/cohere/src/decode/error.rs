//! The provider's errors, before and within a stream.
//!
//! The API tells an error as `{message, id}`, without a code; proxies before it have words of their own.
//! Source: Cohere API reference, "Errors".

use super::wire::{Answer, Said};
use adapter_kit::failure;
use lockgate_sdk::prelude::ProviderError;
use serde_json::Value;

/// The error that an answer with a status of 400 or more is.
pub fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
    let told = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let word = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
    let message = word("message").or_else(|| word("error")).or_else(|| word("detail"));
    failure::failure(status, headers, body, word("code").or_else(|| word("type")), message)
}

/// An error in the middle of a stream, if the frame is one.
pub fn in_stream(answer: &Answer, data: &[u8]) -> Option<ProviderError> {
    let words = match &answer.message {
        Some(Said::Text(words)) => Some(words.clone()),
        _ if answer.kind == "error" => None,
        _ => return None,
    };
    let status = u16::try_from(answer.status_code).ok().filter(|status| (400..600).contains(status));
    Some(failure::failure(status.unwrap_or(500), &[], data, None, words))
}

/// An answer that ended because the provider failed.
pub fn gave_up(status: u16, code: &str, words: Option<String>) -> ProviderError {
    let words = words.filter(|words| !words.is_empty());
    let words = words.unwrap_or_else(|| "the model failed while it wrote the answer".to_owned());
    failure::failure(status, &[], b"", Some(code.to_owned()), Some(words))
}
