//! Embeddings and orders of documents, rendered from the canonical document.
//!
//! Invariants: numbers stay the text that the provider sent, digit for digit; vectors are told under the type that was
//! asked for, and only where they can be of it.

use super::embed::asked;
use crate::chat::{Operation, Usage};
use crate::format::openai::read_document;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    data: Vec<Vector<'a>>,
}

#[derive(Deserialize)]
struct Vector<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow)]
    embedding: &'a RawValue,
}

#[derive(Serialize)]
struct Embedded<'a> {
    id: &'a str,
    response_type: &'static str,
    embeddings: BTreeMap<&'a str, Vec<&'a RawValue>>,
    texts: Vec<&'a str>,
    meta: Value,
}

#[derive(Deserialize)]
struct Ranking<'a> {
    id: Option<String>,
    #[serde(borrow)]
    results: &'a RawValue,
    #[serde(borrow)]
    meta: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Ranked<'a> {
    id: &'a str,
    results: &'a RawValue,
    meta: &'a RawValue,
}

/// Renders a canonical document; none where this API has no shape of its own for it. `request` is what the client asked.
///
/// # Errors
/// It is no answer to the request.
pub fn render_document(
    operation: Operation,
    request: &Map<String, Value>,
    body: &[u8],
    exchange: &str,
) -> serde_json::Result<Option<Vec<u8>>> {
    match operation {
        Operation::Embeddings => embeddings(request, body, exchange).map(Some),
        Operation::Rerank => ranking(body, exchange).map(Some),
        _ => Ok(None),
    }
}

fn embeddings(request: &Map<String, Value>, body: &[u8], exchange: &str) -> serde_json::Result<Vec<u8>> {
    let usage = read_document(Operation::Embeddings, body)?;
    let mut list: List<'_> = serde_json::from_slice(body)?;
    list.data.sort_by_key(|vector| vector.index);
    let kind = asked(request);
    let vectors: Vec<&RawValue> = list.data.iter().map(|vector| vector.embedding).collect();
    if !vectors.iter().all(|vector| fits(kind, vector.get())) {
        return Err(serde_json::Error::custom(format!("the embeddings are not of the type {kind}")));
    }
    let texts = request.get("input").and_then(Value::as_array).into_iter().flatten();
    serde_json::to_vec(&Embedded {
        id: exchange,
        response_type: "embeddings_by_type",
        embeddings: BTreeMap::from([(kind, vectors)]),
        texts: texts.filter_map(Value::as_str).collect(),
        meta: meta(usage),
    })
}

/// Whether a vector can be of a type: text is base64, and whole numbers are all types but that.
fn fits(kind: &str, vector: &str) -> bool {
    match kind {
        "base64" => vector.starts_with('"'),
        "float" => vector.starts_with('['),
        _ => vector.starts_with('[') && !vector.contains(['.', 'e', 'E']),
    }
}

fn ranking(body: &[u8], exchange: &str) -> serde_json::Result<Vec<u8>> {
    let usage = read_document(Operation::Rerank, body)?;
    let ranking: Ranking<'_> = serde_json::from_slice(body)?;
    let own = serde_json::value::to_raw_value(&meta(usage))?;
    let id = ranking.id.as_deref().unwrap_or(exchange);
    serde_json::to_vec(&Ranked { id, results: ranking.results, meta: ranking.meta.unwrap_or(&own) })
}

/// The gateway does not know what is billed: all tokens are told as billed.
fn meta(usage: Usage) -> Value {
    let figures = json!({ "input_tokens": usage.input });
    json!({ "api_version": { "version": "2" }, "billed_units": figures, "tokens": figures })
}
