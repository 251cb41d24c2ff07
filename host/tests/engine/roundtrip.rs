//! There and back: what the host writes in a client's API, and the adapter of the same API reads or writes, is the same.
//!
//! The two are written apart, one native and one as a component. What an API cannot express, or the gateway leaves out on
//! purpose, is named where a strategy avoids it.

#![expect(clippy::indexing_slicing, reason = "tests")]

mod answers;
pub mod anthropic;
pub mod cohere;
pub mod gemini;
mod words;

use crate::provider::{Provider, asking, holds};
use lockgate::chat::Operation;
use lockgate::format::{Format, InPath};
use lockgate::plugin::CallBody;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;

/// Has requests of an API go through the canonical form and come back as they were.
fn come_back(
    adapter: &str,
    format: Format,
    model: &'static str,
    requests: impl Strategy<Value = (Value, Value)>,
) {
    let provider = Provider::new(adapter);
    holds(300, requests, |(sent, expected)| {
        let stream = sent.get("stream") == Some(&Value::Bool(true));
        // Where the path says it, the body does not.
        let path = (format == Format::Gemini).then(|| InPath {
            model: model.to_owned(),
            stream: false,
            list: false,
        });
        let parsed = format.parse(Operation::Chat, sent.to_string().as_bytes(), path.as_ref());
        let canonical = parsed.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(canonical.get("stream") == Some(&Value::Bool(true)), stream);
        let call = provider.encode(&asking(Operation::Chat, canonical), model);
        let call = call.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let CallBody::Bytes(body) = call.body else { return Err(TestCaseError::fail("it sends no bytes")) };
        let came: Value =
            serde_json::from_slice(&body).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(came, expected);
        Ok(())
    });
}

#[test]
fn requests_of_the_anthropic_api() {
    come_back("anthropic", Format::Anthropic, anthropic::MODEL, anthropic::requests());
}

#[test]
fn requests_of_the_gemini_api() {
    come_back("gemini", Format::Gemini, gemini::MODEL, gemini::requests());
}

#[test]
fn requests_of_the_cohere_api() {
    come_back("cohere", Format::Cohere, cohere::MODEL, cohere::requests());
}
