//! The Cohere API, version 2: chat, embeddings, orders of documents.
//!
//! A request is read into the canonical (OpenAI) body, so that every guard and every provider is behind it. What this
//! API says more exactly stands under `cohere` as well, and documents are texts with a mark (`cohere`) on their part, for
//! the `cohere` adapter; [`without_own_fields`] takes both out for providers of the OpenAI API. An answer that is no
//! chat is rendered from the canonical document. Never keeps a text where guards do not look for it.
//! Source: Cohere API reference, v2: "Chat", "Chat with Streaming", "Embed", "Rerank", "Errors"; v1: "List Models".

mod answer;
mod chat;
mod document;
mod embed;
mod messages;
mod stream;
#[cfg(test)]
mod tests;

pub use answer::{render_answer, render_error};
pub use chat::{parse_chat, without_own_fields};
pub use document::render_document;
pub use embed::parse_embed;
pub use stream::EventWriter;

use serde_json::{Value, json};

/// The word under which stands what only this API knows: in the body, and on a part of content.
const OWN: &str = "cohere";

/// The body of `GET /v1/models`. All of them fit on one page.
#[must_use]
pub fn render_models<'a>(models: impl Iterator<Item = &'a str>) -> Value {
    json!({ "models": models.map(render_model).collect::<Vec<_>>() })
}

/// The body of `GET /v1/models/{id}`.
#[must_use]
pub fn render_model(id: &str) -> Value {
    json!({ "name": id, "endpoints": ["chat", "embed", "rerank"], "is_deprecated": false })
}
