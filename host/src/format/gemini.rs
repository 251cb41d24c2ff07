//! The Gemini API: content and its tokens.
//!
//! A request is read into the canonical (OpenAI) body, so that every guard and every provider is behind it. What
//! this API says more exactly stands under `gemini` as well, for the `gemini` adapter; [`without_own_fields`] takes it
//! out for providers of the OpenAI API. What only this API knows (`safetySettings`, …) travels under its own name. Field names are read in both of the spellings that the API takes.
//! Source: Gemini API reference, "Generating content", "Counting tokens", "Models"; `google.rpc.Status`.

mod answer;
mod contents;
mod error;
mod request;
mod stream;
#[cfg(test)]
mod tests;

pub use answer::render_answer;
pub use error::render_error;
pub use request::{ask_for_list, parse_content, without_own_fields};
pub use stream::ChunkWriter;

use serde_json::{Value, json};

/// The body of `GET /v1beta/models`. All of them fit on one page.
#[must_use]
pub fn render_models<'a>(models: impl Iterator<Item = &'a str>) -> Value {
    json!({ "models": models.map(render_model).collect::<Vec<_>>() })
}

/// The body of `GET /v1beta/models/{id}`.
#[must_use]
pub fn render_model(id: &str) -> Value {
    json!({
        "name": format!("models/{id}"), "baseModelId": id, "version": "1", "displayName": id,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    })
}
