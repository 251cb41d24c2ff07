//! The Cohere API's answer as it stands on the wire.
//!
//! Source: Cohere API reference, "Chat" and "Chat with Streaming", v2.
//! Invariants: only what is used is read; every field may be missing; figures are read leniently.

use adapter_kit::number::count;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A whole body, or the data of a frame.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// Of a frame: what it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The answer's id.
    pub id: String,
    /// Of a frame: the number of the part or call.
    pub index: Option<u64>,
    /// Of a frame: what it adds.
    pub delta: Option<Delta>,
    /// Of a whole body: what is said. Of an error: its words.
    pub message: Option<Said>,
    /// Of a whole body: why it ended.
    pub finish_reason: Option<String>,
    /// Of a whole body: tokens.
    pub usage: Option<Figures>,
    /// Of an error: the HTTP status.
    #[serde(deserialize_with = "count")]
    pub status_code: u64,
}

/// A message, or an error's words.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// An error's words.
    Text(String),
    /// A message.
    Message(Box<Message>),
}

/// What a frame adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Delta {
    /// To the message.
    pub message: Option<Message>,
    /// At the end: why it ended.
    pub finish_reason: Option<String>,
    /// At the end: what went wrong.
    pub error: Option<String>,
    /// At the end: tokens.
    pub usage: Option<Figures>,
}

/// What is said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// The number of its frame.
    #[serde(skip)]
    pub index: Option<u64>,
    /// Text and thinking.
    pub content: Option<Content>,
    /// What the model means to do with the tools.
    pub tool_plan: Option<String>,
    /// Calls.
    pub tool_calls: Option<Several<Call>>,
    /// What it quotes: [`Citation`]s, which never spoil an answer.
    pub citations: Value,
}

/// One of them in a frame, a list in a whole body.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Several<T> {
    /// A list.
    Many(Vec<T>),
    /// One.
    One(T),
}

impl<T> From<Several<T>> for Vec<T> {
    fn from(several: Several<T>) -> Self {
        match several {
            Several::Many(all) => all,
            Several::One(one) => vec![one],
        }
    }
}

/// Content.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Text.
    Text(String),
    /// Parts, in a whole body.
    Parts(Vec<Part>),
    /// A part or a piece of one, in a frame.
    Part(Part),
}

/// A part of content.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Part {
    /// Text.
    pub text: Option<String>,
    /// Thinking.
    pub thinking: Option<String>,
}

/// A call, or a piece of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Call {
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

/// What is quoted, and from where.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Citation {
    /// Where it starts in the text.
    #[serde(deserialize_with = "count")]
    pub start: u64,
    /// Where it ends.
    #[serde(deserialize_with = "count")]
    pub end: u64,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Which text: `TEXT_CONTENT`, `THINKING_CONTENT`, `PLAN`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The number of the part of content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_index: Option<u64>,
    /// Where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<Origin>>,
}

/// Where a quote comes from; the document itself the client has sent.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// `document` or `tool`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of the document or the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What was used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// What is billed.
    pub billed_units: Option<Units>,
    /// What was read and written.
    pub tokens: Option<Units>,
    /// Of the prompt, those from the cache.
    #[serde(deserialize_with = "count")]
    pub cached_tokens: u64,
}

/// Figures of one kind.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub struct Units {
    /// Read.
    #[serde(deserialize_with = "count")]
    pub input_tokens: u64,
    /// Written.
    #[serde(deserialize_with = "count")]
    pub output_tokens: u64,
    /// Both, where they are not told apart.
    #[serde(deserialize_with = "count")]
    pub total_tokens: u64,
    /// Searches, of reranking.
    #[serde(deserialize_with = "count")]
    pub search_units: u64,
    /// Pictures, of embeddings.
    #[serde(deserialize_with = "count")]
    pub images: u64,
}
