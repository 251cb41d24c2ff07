//! What is asked for besides words: requests as they come in, and the usage of answers that pass through as they are.
//!
//! Source: OpenAI API reference (moderations, images, audio); Cohere and Jina API references (rerank).

use super::request::{missing, model_or, object, wrong_type};
use crate::chat::{Operation, Usage};
use crate::error::Error;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Reads a request whose body is JSON.
///
/// # Errors
/// 400 for what lacks a field that every provider needs.
pub fn parse_document(operation: Operation, body: &[u8]) -> Result<Map<String, Value>, Error> {
    let mut body = object(body)?;
    let (default_model, needed) = match operation {
        Operation::Moderations => (Some("omni-moderation-latest"), &["input"][..]),
        Operation::Images => (Some("dall-e-2"), &["prompt"][..]),
        Operation::Rerank => (None, &["query", "documents"][..]),
        _ => (None, &["input"][..]),
    };
    model_or(&mut body, default_model)?;
    for field in needed {
        let fits = |value: &Value| match *field {
            "documents" => value.as_array().is_some_and(|documents| documents.iter().all(is_document)),
            "input" if operation != Operation::Speech => value.is_string() || value.is_array(),
            _ => value.is_string(),
        };
        let wanted = match *field {
            "documents" => "an array of texts or objects",
            "input" if operation != Operation::Speech => "a string or an array",
            _ => "a string",
        };
        match body.get(*field) {
            None | Some(Value::Null) => return Err(missing(field)),
            Some(value) if !fits(value) => return Err(wrong_type(field, wanted)),
            Some(_) => {}
        }
    }
    if matches!(operation, Operation::Embeddings | Operation::Moderations | Operation::Rerank) {
        // There is no stream of these; a stray field must not make one of it.
        body.shift_remove("stream");
    }
    Ok(body)
}

fn is_document(document: &Value) -> bool {
    document.is_string() || document.is_object()
}

/// The usage that an answer tells, in whichever words; nothing where it tells none.
///
/// # Errors
/// When the body is no answer to such a request.
pub fn read_document(operation: Operation, body: &[u8]) -> Result<Usage, serde_json::Error> {
    let proof = match operation {
        Operation::Embeddings | Operation::Images => "data",
        Operation::Moderations | Operation::Rerank => "results",
        // A transcript may be bare text.
        _ => {
            return Ok(
                serde_json::from_slice::<Told>(body).map_or_else(|_| Usage::default(), |told| told.read())
            );
        }
    };
    let told: Told = serde_json::from_slice(body)?;
    let proved = match proof {
        "data" => told.data.is_some(),
        _ => told.results.is_some(),
    };
    if proved { Ok(told.read()) } else { Err(serde::de::Error::missing_field(proof)) }
}

/// A ranking with the documents that a client asked to see again; none where it did not, or they stand there already.
#[must_use]
pub fn with_documents(request: &Map<String, Value>, ranking: &[u8]) -> Option<Vec<u8>> {
    request.get("return_documents").filter(|wanted| **wanted == true)?;
    let documents = request.get("documents")?.as_array()?;
    let mut ranking: Value = serde_json::from_slice(ranking).ok()?;
    for result in ranking.get_mut("results")?.as_array_mut()? {
        let place = result.get("index").and_then(Value::as_u64).and_then(|place| usize::try_from(place).ok());
        let document = place.and_then(|place| documents.get(place));
        if let (Some(result), Some(document)) = (result.as_object_mut(), document) {
            let shown = match document {
                Value::String(text) => serde_json::json!({ "text": text }),
                object => object.clone(),
            };
            result.insert("document".into(), shown);
        }
    }
    serde_json::to_vec(&ranking).ok()
}

#[derive(Deserialize)]
struct Told {
    data: Option<serde::de::IgnoredAny>,
    results: Option<serde::de::IgnoredAny>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Tokens,
}

/// What is no usage is none: it is not what the client asked for.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tokens, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tokens {
    prompt_tokens: Option<u64>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

impl Told {
    fn read(&self) -> Usage {
        let tokens = &self.usage;
        let output = tokens.completion_tokens.or(tokens.output_tokens).unwrap_or(0);
        let total = tokens.total_tokens.map(|total| total.saturating_sub(output));
        let input = tokens.prompt_tokens.or(tokens.input_tokens).or(total).unwrap_or(0);
        Usage { input, output, ..Usage::default() }
    }
}
