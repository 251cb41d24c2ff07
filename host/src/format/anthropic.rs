//! The Anthropic API: messages and their tokens.
//!
//! A request is read into the canonical (OpenAI) body, so that every guard and every provider is behind it. What
//! this API says more exactly stands under `anthropic` as well, and marks of prompt caching stay on their parts, for
//! the `anthropic` adapter; [`without_own_fields`] takes both out for providers of the OpenAI API.
//! Source: Anthropic API reference, "Messages", "Streaming messages", "Errors".

mod answer;
mod error;
mod messages;
mod request;
mod stream;
#[cfg(test)]
mod tests;
mod thinking;

pub use answer::render_answer;
pub use error::render_error;
pub use request::{parse_messages, without_own_fields};
pub use stream::EventWriter;

use serde_json::{Value, json};

/// The body of `GET /v1/models`. All of them fit on one page.
#[must_use]
pub fn render_models<'a>(models: impl Iterator<Item = &'a str>) -> Value {
    let data: Vec<Value> = models.map(render_model).collect();
    let end = |model: Option<&Value>| model.and_then(|model| model.get("id")).cloned();
    json!({ "first_id": end(data.first()), "last_id": end(data.last()), "has_more": false, "data": data })
}

/// The body of `GET /v1/models/{id}`. A gateway has no date of creation to tell, and the official clients insist
/// on one: the epoch. A model that a key may use is active.
#[must_use]
pub fn render_model(id: &str) -> Value {
    json!({
        "type": "model", "id": id, "display_name": id, "created_at": "1970-01-01T00:00:00Z", "lifecycle": "active",
    })
}
