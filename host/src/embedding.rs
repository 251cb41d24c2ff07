//! Embeddings: texts to unit vectors, by a backend that the operator chose.
//!
//! Invariants: one vector per text, in order, each of [`Embedder::dimensions`] numbers and of length one (or
//! all zero, for a text without any word). Opens no connection itself: a remote backend is given a [`Fetch`].

mod hashed;
mod minilm;
mod openai;
mod table;
#[cfg(test)]
mod tests;
mod wordpiece;

pub use hashed::HashedEmbedder;
pub use minilm::{MiniLmEmbedder, ModelError};
pub use openai::{Fetch, FetchError, OpenAiEmbedder};
pub use table::StaticEmbedder;

use async_trait::async_trait;

/// Why texts could not be embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The backend could not be asked, or said no.
    #[error("the embeddings backend could not be asked")]
    Fetch(#[from] FetchError),
    /// The backend's answer is not what was asked for.
    #[error("the embeddings backend gave an answer that cannot be used: {0}")]
    Answer(String),
    /// More texts wait for the model than it takes.
    #[error("the embeddings' model is busy")]
    Busy,
}

/// Turns texts into vectors.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// One vector per text, in order.
    ///
    /// # Errors
    /// [`EmbedError`]; never part of the vectors.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// Whether texts stay in this process.
    fn is_local(&self) -> bool;

    /// Whether whoever asks may have to wait, for somebody else or for a turn.
    fn may_wait(&self) -> bool;

    /// The length of every vector.
    fn dimensions(&self) -> usize;
}

/// Scales to length one; what has no direction stays zero.
fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length > 0.0 && length.is_finite() {
        #[expect(clippy::cast_possible_truncation, reason = "a component of a unit vector")]
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
}
