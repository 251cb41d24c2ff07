//! Answers that are not a conversation, as the body that the client gets.
//!
//! Invariants: embeddings stay the text that the provider sent, digit for digit; what is not an answer is an
//! error, never an empty one.
//! Source: Cohere API reference, "Embed" and "Rerank", v2; OpenAI API reference, "Embeddings".

use super::usage;
use super::wire::Figures;
use adapter_kit::event::Events;
use serde::de::Error;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

/// Vectors, of each type that was asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Embedded<'a> {
    #[serde(borrow)]
    embeddings: Types<'a>,
    meta: Option<Figures>,
}

type Vectors<'a> = Option<Vec<&'a RawValue>>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Types<'a> {
    #[serde(borrow)]
    float: Vectors<'a>,
    #[serde(borrow)]
    base64: Vectors<'a>,
    #[serde(borrow)]
    int8: Vectors<'a>,
    #[serde(borrow)]
    uint8: Vectors<'a>,
    #[serde(borrow)]
    binary: Vectors<'a>,
    #[serde(borrow)]
    ubinary: Vectors<'a>,
}

/// A vector in OpenAI's shape.
#[derive(Debug, Serialize)]
struct Vector<'a> {
    object: &'static str,
    index: usize,
    embedding: &'a RawValue,
}

/// An order of documents.
#[derive(Debug, Deserialize)]
struct Ranked<'a> {
    #[serde(default)]
    id: Option<String>,
    results: Vec<Scored>,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

/// A document, by its place in the request.
#[derive(Debug, Serialize, Deserialize)]
struct Scored {
    index: u32,
    relevance_score: f64,
}

/// Tells embeddings.
///
/// # Errors
/// It is not an answer.
pub fn embeddings(data: &[u8], model: &str, events: &mut Events) -> serde_json::Result<()> {
    let answer: Embedded = serde_json::from_slice(data)?;
    let types = answer.embeddings;
    let vectors = [types.float, types.base64, types.int8, types.uint8, types.binary, types.ubinary];
    let vectors = vectors.into_iter().flatten().next();
    let vectors = vectors.ok_or_else(|| serde_json::Error::custom("there are no embeddings in it"))?;
    let vectors = vectors.into_iter().enumerate();
    let data: Vec<Vector> =
        vectors.map(|(index, embedding)| Vector { object: "embedding", index, embedding }).collect();
    let used = usage(&answer.meta.unwrap_or_default());
    let tokens = json!({ "prompt_tokens": used.input, "total_tokens": used.input + used.output });
    let fields = [
        ("object", to_raw_value("list")?),
        ("data", to_raw_value(&data)?),
        ("model", to_raw_value(model)?),
        ("usage", to_raw_value(&tokens)?),
    ];
    events.usage(used);
    events.facts(&[("body", &object(&fields))]);
    Ok(())
}

/// Tells an order of documents.
///
/// # Errors
/// It is not an answer.
pub fn rerank(data: &[u8], model: &str, events: &mut Events) -> serde_json::Result<()> {
    let answer: Ranked = serde_json::from_slice(data)?;
    let figures = answer.meta.and_then(|meta| serde_json::from_str::<Figures>(meta.get()).ok());
    let used = usage(&figures.unwrap_or_default());
    let mut fields = Vec::new();
    if let Some(id) = &answer.id {
        fields.push(("id", to_raw_value(id)?));
    }
    fields.push(("model", to_raw_value(model)?));
    fields.push(("results", to_raw_value(&answer.results)?));
    if let Some(meta) = answer.meta {
        fields.push(("meta", meta.to_owned()));
    }
    fields.push(("usage", to_raw_value(&json!({ "total_tokens": used.input + used.output }))?));
    events.usage(used);
    events.facts(&[("body", &object(&fields))]);
    Ok(())
}

/// An object of fields whose names need no escapes.
fn object(fields: &[(&str, Box<RawValue>)]) -> String {
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("\"{name}\":{}", value.get())).collect();
    format!("{{{}}}", fields.join(","))
}
