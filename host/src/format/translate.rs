//! What the formats share that are not the canonical one.

use crate::error::Error;
use serde_json::{Map, Value, json};

/// Thinking budgets up to these, in tokens, are these efforts; larger ones are `high`: the bounds lie between the budgets
/// that the `anthropic` adapter gives `low`, `medium` and `high` (2, 8 and 16 × 1024).
const EFFORTS: [(u64, &str); 2] = [(4_096, "low"), (12_288, "medium")];

/// Where a client API keeps what it says more exactly than the canonical body can: under its own name. Adapters of
/// the same API read it, others go by the canonical word, and [`without_exact`] takes it out where nobody reads it.
const EXACT: [&str; 4] = ["anthropic", "gemini", "cohere", "responses"];

/// Where a message keeps what was thought, with what vouches for it. Providers of the native format would refuse it.
pub(super) const REASONING: &str = "reasoning_details";

/// The effort that a thinking budget amounts to.
pub(super) fn effort(budget: u64) -> &'static str {
    EFFORTS.iter().find(|(most, _)| budget <= *most).map_or("high", |(_, effort)| effort)
}

/// Takes out what only the adapters of other APIs read.
pub(super) fn without_exact(body: &mut Map<String, Value>) {
    EXACT.iter().for_each(|name| drop(body.shift_remove(*name)));
}

/// The arguments of a call as an object. What is none stands under one name, so that it is not lost.
pub(super) fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Value::Object(arguments),
        _ => json!({ "arguments": text }),
    }
}

/// What is wrong with a field.
pub(super) fn wrong(param: &str, what: &str) -> Error {
    Error::bad_request("invalid_request", format!("{param}: {what}.")).param(param)
}

/// The body of a request as an object.
///
/// # Errors
/// 400 for what is none.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Error> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::bad_request("invalid_type", "The body of the request must be a JSON object.")),
        Err(error) => {
            let message = format!("The body of the request is not JSON: {error}.");
            Err(Error::bad_request("invalid_json", message))
        }
    }
}
