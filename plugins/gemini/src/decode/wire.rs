//! The Gemini API's answer as it stands on the wire.
//!
//! Source: Gemini API reference, `GenerateContentResponse`, `v1beta`.
//! Invariants: only what is used is read; every field may be missing; figures are read leniently.

use adapter_kit::number::count;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The data of a frame, or a whole body.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Chunk {
    /// An answer or a piece of one.
    One(Box<Answer>),
    /// Several.
    List(Vec<Answer>),
}

/// An answer, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Answer {
    /// The choices.
    pub candidates: Vec<Candidate>,
    /// Whether the prompt was refused.
    pub prompt_feedback: Option<Feedback>,
    /// Tokens so far.
    pub usage_metadata: Option<Tokens>,
    /// The model that wrote it.
    pub model_version: String,
    /// Its id.
    pub response_id: String,
    /// The provider gave up.
    pub error: Option<ErrorBody>,
}

/// A choice.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Candidate {
    /// Its number.
    pub index: u32,
    /// What it says.
    pub content: Option<Content>,
    /// Why it ended.
    pub finish_reason: Option<String>,
    /// The same in words.
    pub finish_message: Option<String>,
    /// What a search found.
    pub grounding_metadata: Option<Value>,
    /// What it quotes.
    pub citation_metadata: Option<Value>,
}

/// What a choice says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Piece by piece.
    pub parts: Vec<Part>,
}

/// A piece; those of server-side tools have none of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Part {
    /// Text.
    pub text: Option<String>,
    /// Whether it is thinking.
    pub thought: bool,
    /// What must come back with it.
    pub thought_signature: Option<String>,
    /// A call of one of the client's tools.
    pub function_call: Option<FunctionCall>,
    /// Media.
    pub inline_data: Option<Media>,
}

/// A call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct FunctionCall {
    /// Its id; older models give none.
    pub id: String,
    /// The function.
    pub name: String,
    /// The arguments.
    pub args: Map<String, Value>,
}

/// Media.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Media {
    /// Its media type.
    pub mime_type: String,
}

/// What became of the prompt.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Feedback {
    /// Why it was refused.
    pub block_reason: Option<String>,
    /// The same in words.
    pub block_reason_message: Option<String>,
}

/// Tokens so far.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tokens {
    /// Of the prompt, those from the cache included.
    #[serde(deserialize_with = "count")]
    pub prompt_token_count: u64,
    /// Of what server-side tools brought.
    #[serde(deserialize_with = "count")]
    pub tool_use_prompt_token_count: u64,
    /// Of the prompt, those from the cache.
    #[serde(deserialize_with = "count")]
    pub cached_content_token_count: u64,
    /// Of the answer, without thinking.
    #[serde(deserialize_with = "count")]
    pub candidates_token_count: u64,
    /// Of thinking.
    #[serde(deserialize_with = "count")]
    pub thoughts_token_count: u64,
}

/// An error, as Google's APIs tell it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// The HTTP status.
    #[serde(deserialize_with = "count")]
    pub code: u64,
    /// In words.
    pub message: String,
    /// `RESOURCE_EXHAUSTED`, ….
    pub status: String,
    /// More, by type.
    pub details: Vec<Value>,
}
