//! Embeddings from a server that speaks OpenAI's API.
//!
//! Invariants: what the server answers is bounded in bytes and checked in full (one vector per text, each of
//! the right length, all finite) before any of it is used. Holds no credential and no connection: those are
//! the [`Fetch`]'s. Source: <https://platform.openai.com/docs/api-reference/embeddings>.

use super::{EmbedError, Embedder, normalise};
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Texts of one request at most.
const BATCH: usize = 256;
/// Bytes of a number in JSON, with its comma, and of what surrounds a vector; generous.
const BYTES_PER_NUMBER: usize = 32;
const BYTES_PER_VECTOR: usize = 1_024;

/// A request failed. Never holds the credential.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server answered with another status than 2xx.
    #[error("it answered with status {0}")]
    Status(u16),
    /// The answer is longer than the limit.
    #[error("its answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The connection, or the wait for the answer, failed.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Posts to a server: adds its base URL and its credential, and gives up in time.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Posts a JSON body to a path (`/embeddings`) and reads at most `limit` bytes of the answer.
    ///
    /// # Errors
    /// [`FetchError`].
    async fn post(&self, path: &str, body: Bytes, limit: usize) -> Result<Bytes, FetchError>;
}

/// The embedder.
#[derive(Debug)]
pub struct OpenAiEmbedder<F> {
    fetch: F,
    model: String,
    dimensions: usize,
    shorten: bool,
}

impl<F: Fetch> OpenAiEmbedder<F> {
    /// An embedder that asks this model, whose vectors are of this length.
    #[must_use]
    pub fn new(fetch: F, model: impl Into<String>, dimensions: usize) -> Self {
        Self { fetch, model: model.into(), dimensions, shorten: false }
    }

    /// Asks the server for vectors of that length, where the model could give longer ones.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        self.shorten = true;
        self
    }

    async fn embed_batch(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let request = Request {
            model: &self.model,
            input: texts,
            encoding_format: "float",
            dimensions: self.shorten.then_some(self.dimensions),
        };
        let body = serde_json::to_vec(&request).map_err(|error| EmbedError::Answer(error.to_string()))?;
        let limit = texts.len() * (self.dimensions * BYTES_PER_NUMBER + BYTES_PER_VECTOR) + BYTES_PER_VECTOR;
        let answer = self.fetch.post("/embeddings", body.into(), limit).await?;
        if answer.len() > limit {
            return Err(FetchError::TooLarge(limit).into());
        }
        self.read(&answer, texts.len())
    }

    fn read(&self, answer: &[u8], count: usize) -> Result<Vec<Vec<f32>>, EmbedError> {
        let bad = |what: String| EmbedError::Answer(what);
        let answer: Answer = serde_json::from_slice(answer).map_err(|error| bad(error.to_string()))?;
        if answer.data.len() != count {
            return Err(bad(format!("{} vectors for {count} texts", answer.data.len())));
        }
        let mut vectors = vec![Vec::new(); count];
        for (place, item) in answer.data.into_iter().enumerate() {
            let at = item.index.unwrap_or(place);
            let mut vector = item.embedding;
            if vector.len() != self.dimensions {
                return Err(bad(format!("a vector of {} dimensions, not {}", vector.len(), self.dimensions)));
            }
            normalise(&mut vector);
            match vectors.get_mut(at) {
                Some(slot) if slot.is_empty() => *slot = vector,
                _ => return Err(bad(format!("the index {at} twice, or out of range"))),
            }
        }
        Ok(vectors)
    }
}

#[async_trait]
impl<F: Fetch> Embedder for OpenAiEmbedder<F> {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            vectors.extend(self.embed_batch(batch).await?);
        }
        Ok(vectors)
    }

    fn is_local(&self) -> bool {
        false
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    /// All finite: a number that does not fit is refused while it is read.
    embedding: Vec<f32>,
}
