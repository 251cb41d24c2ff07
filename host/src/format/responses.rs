//! The OpenAI Responses API: responses and the tokens of their input.
//!
//! A request is read into the canonical (chat completions) body, so that every guard and every provider is behind it.
//! What only this API says stands under `responses`; [`without_own_fields`] takes it out for providers of the OpenAI
//! API. Nothing is kept between requests: what refers to an earlier response, a conversation or a stored prompt is
//! refused, and so is every tool that a server would run itself.
//! Source: OpenAI's OpenAPI description, "Responses"; the official clients' types of it.

mod answer;
mod items;
mod parts;
mod request;
mod seal;
mod shape;
mod stream;
#[cfg(test)]
mod tests;
mod tools;

pub use answer::render_answer;
pub use request::{parse_response, without_own_fields};
pub use stream::EventWriter;

use serde_json::{Value, json};

/// The body of an answer to `POST /v1/responses/input_tokens`.
#[must_use]
pub fn render_tokens(tokens: u64) -> Value {
    json!({ "object": "response.input_tokens", "input_tokens": tokens })
}
