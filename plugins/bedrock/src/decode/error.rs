//! The provider's errors, before and within a stream.
//!
//! Source: Amazon Bedrock API Reference, `ConverseStreamOutput` and "Converse", "Errors".
//! Invariants: an exception has one code, whichever way it comes; a model's failure is told as 502 (Bedrock says
//! 424, a status of the client's), or as the status that the model's own server gave.

use adapter_kit::failure;
use lockgate_sdk::prelude::ProviderError;
use serde_json::Value;

/// Where the type of an error stands, if the host shows it.
const TYPE: &str = "x-amzn-errortype";

/// The error that an answer with a status of 400 or more is.
pub fn failure(status: u16, headers: &[(String, String)], body: &[u8]) -> ProviderError {
    let told = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let header = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(TYPE));
    let header = header.map(|(_, value)| value.as_str());
    let code = header.or_else(|| text(&told, &["__type", "code"])).map(name);
    let status = self::status(code.as_deref().unwrap_or_default(), &told).unwrap_or(status);
    let status = if status == 424 { original(&told) } else { status };
    failure::failure(status, headers, body, code, message(&told))
}

/// An error in the middle of a stream, if an event of this name is one.
pub fn in_stream(event: &str, data: &[u8]) -> Option<ProviderError> {
    if !["Exception", "Error", "Failure"].iter().any(|end| event.ends_with(end)) {
        return None;
    }
    let told = serde_json::from_slice::<Value>(data).unwrap_or_default();
    let code = name(event);
    let status = status(&code, &told).unwrap_or(500);
    Some(failure::failure(status, &[], data, Some(code), message(&told)))
}

/// A choice that ended because the model wrote what cannot be read.
pub fn broken(code: &str, message: String) -> ProviderError {
    ProviderError { status: 502, code: code.to_owned(), message, retry_after_ms: None }
}

/// The status of an exception, where it is known better than by the answer's own.
fn status(code: &str, told: &Value) -> Option<u16> {
    Some(match code {
        "ValidationException" => 400,
        "AccessDeniedException" => 403,
        "ResourceNotFoundException" => 404,
        "ModelTimeoutException" => 408,
        // A quota is worth trying elsewhere, though the API says 400.
        "ThrottlingException" | "ModelNotReadyException" | "ServiceQuotaExceededException" => 429,
        "InternalServerException" => 500,
        "ServiceUnavailableException" => 503,
        "ModelStreamErrorException" | "ModelErrorException" => original(told),
        _ => return None,
    })
}

/// The status that the model's own server gave.
fn original(told: &Value) -> u16 {
    let status = told.get("originalStatusCode").and_then(Value::as_u64);
    let status = status.and_then(|status| u16::try_from(status).ok());
    status.filter(|status| (400..600).contains(status) && *status != 424).unwrap_or(502)
}

/// The name of an exception: without its namespace and what follows a colon, the first letter in upper case.
fn name(told: &str) -> String {
    let name = told.split(':').next().unwrap_or(told);
    let name = name.rsplit('#').next().unwrap_or(name);
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn message(told: &Value) -> Option<String> {
    let words = text(told, &["message", "Message", "originalMessage"]);
    words.or_else(|| text(told.get("error")?, &["message"])).map(str::to_owned)
}

fn text<'a>(told: &'a Value, names: &[&str]) -> Option<&'a str> {
    names.iter().filter_map(|name| told.get(name)?.as_str()).find(|text| !text.is_empty())
}
