//! The Mistral API's answer as it stands on the wire.
//!
//! Source: Mistral API reference, "Chat Completion".
//! Invariants: only what is used is read; every field may be missing; figures are read leniently.

use adapter_kit::number::count;
use serde::Deserialize;
use serde_json::Value;

/// A whole body, or the data of a frame.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Its id.
    pub id: String,
    /// The model that wrote it.
    pub model: String,
    /// When, in seconds.
    #[serde(deserialize_with = "count")]
    pub created: u64,
    /// `error` where the provider gave up.
    pub object: String,
    /// The choices.
    pub choices: Vec<Choice>,
    /// Tokens.
    pub usage: Option<Tokens>,
    /// The provider gave up.
    pub error: Option<Value>,
}

/// A choice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Choice {
    /// Its number.
    pub index: u32,
    /// Of a chunk.
    pub delta: Option<Message>,
    /// Of a whole answer.
    pub message: Option<Message>,
    /// Why it ended.
    pub finish_reason: Option<String>,
}

/// What is said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Text, or chunks of several kinds.
    pub content: Option<Content>,
    /// Calls.
    pub tool_calls: Option<Vec<Call>>,
}

/// Content.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Text.
    Text(String),
    /// Chunks.
    Chunks(Vec<Chunk>),
}

/// A chunk; references and what is yet to be invented have neither field.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Chunk {
    /// Text.
    pub text: Option<String>,
    /// Thinking.
    pub thinking: Option<Vec<Thought>>,
}

/// A chunk of a thought.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thought {
    /// Text.
    pub text: Option<String>,
}

/// A call, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Call {
    /// Its number.
    pub index: Option<u64>,
    /// Its id.
    pub id: Option<String>,
    /// What is called.
    pub function: Function,
}

/// What is called.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Function {
    /// The function.
    pub name: Option<String>,
    /// The arguments: JSON as text, or the object itself.
    pub arguments: Value,
}

/// Tokens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Of the prompt.
    #[serde(deserialize_with = "count")]
    pub prompt_tokens: u64,
    /// Of the answer.
    #[serde(deserialize_with = "count")]
    pub completion_tokens: u64,
    /// Of the prompt, those from the cache, as older answers tell it.
    #[serde(deserialize_with = "count")]
    pub num_cached_tokens: u64,
    /// The prompt's, by kind.
    pub prompt_tokens_details: Option<PromptTokens>,
    /// The answer's, by kind.
    pub completion_tokens_details: Option<CompletionTokens>,
    /// Sound, billed by the second.
    #[serde(deserialize_with = "count")]
    pub prompt_audio_seconds: u64,
}

/// The prompt's tokens by kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PromptTokens {
    /// From the cache.
    #[serde(deserialize_with = "count")]
    pub cached_tokens: u64,
}

/// The answer's tokens by kind.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CompletionTokens {
    /// Spent on thinking.
    #[serde(deserialize_with = "count")]
    pub reasoning_tokens: u64,
}
