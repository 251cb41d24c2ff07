//! The OpenAI API: chat and bare completions, embeddings, moderations, images, audio, models, and the rerank that other
//! servers add to it. It is also the host's native provider format:
//! an answer in it is read here without a plugin.

mod answer;
mod chunk;
mod documents;
mod error;
mod form;
mod request;
#[cfg(test)]
mod tests;
mod wire;

pub use answer::{read_answer, render_answer, render_completion};
pub use chunk::{ChunkReader, ChunkWriter, DONE};
pub use documents::{parse_document, read_document, sized, with_documents};
pub use error::{read_error, render_error};
pub use form::{check_fields, late_fields, parse_form, upload_error, write_form};
pub use request::{parse_chat, parse_completions};

use serde_json::{Value, json};

/// The body of `GET /v1/models`.
#[must_use]
pub fn render_models<'a>(models: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    let data: Vec<Value> = models.map(|(id, owner)| render_model(id, owner)).collect();
    json!({ "object": "list", "data": data })
}

/// The body of `GET /v1/models/{id}`. A gateway has no date of creation to tell, and the official clients
/// insist on one: 0.
#[must_use]
pub fn render_model(id: &str, owner: &str) -> Value {
    json!({ "id": id, "object": "model", "created": 0, "owned_by": owner })
}
