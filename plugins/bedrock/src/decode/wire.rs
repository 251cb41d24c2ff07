//! The Converse API's answer as it stands on the wire.
//!
//! Source: Amazon Bedrock API Reference, "Converse" and `ConverseStreamOutput`.
//! Invariants: only what is used is read; every field may be missing; figures are read leniently.

use adapter_kit::number::count;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// A whole body, or what an event of a stream carries.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Answer {
    /// Of a whole body.
    pub output: Option<Output>,
    /// Which block an event is about.
    #[serde(deserialize_with = "count")]
    pub content_block_index: u64,
    /// The block that begins.
    pub start: Option<Block>,
    /// More of a block.
    pub delta: Option<Block>,
    /// Why the answer ended.
    pub stop_reason: Option<String>,
    /// Tokens.
    pub usage: Option<Tokens>,
}

/// What a whole body gives.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Output {
    /// What is said.
    pub message: Option<Message>,
}

/// What is said.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Its blocks.
    pub content: Vec<Block>,
}

/// A block, its start, or more of it: one of these.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Block {
    /// Text.
    pub text: Option<String>,
    /// A call.
    pub tool_use: Option<ToolUse>,
    /// Thinking.
    pub reasoning_content: Option<Reasoning>,
    /// Text with its sources.
    pub citations_content: Option<Message>,
    /// A picture.
    pub image: Option<IgnoredAny>,
    /// Sound.
    pub audio: Option<IgnoredAny>,
}

/// A call.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ToolUse {
    /// Its id.
    pub tool_use_id: String,
    /// The tool.
    pub name: String,
    /// The arguments: an object, or in a stream a piece of one as text.
    pub input: Value,
    /// `server_tool_use` where the provider calls a tool of its own.
    #[serde(rename = "type")]
    pub kind: Option<String>,
}

/// Thinking: whole, or the fields of a piece.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Reasoning {
    /// Whole.
    pub reasoning_text: Option<Thought>,
    /// More of its words.
    pub text: Option<String>,
    /// More of its signature.
    pub signature: Option<String>,
    /// What only the provider can read, as base64.
    pub redacted_content: Option<String>,
}

/// A whole thought.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Thought {
    /// Its words.
    pub text: Option<String>,
    /// Its signature.
    pub signature: Option<String>,
}

/// Tokens.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tokens {
    /// Input that no cache served.
    #[serde(deserialize_with = "count")]
    pub input_tokens: u64,
    /// Output.
    #[serde(deserialize_with = "count")]
    pub output_tokens: u64,
    /// Input read from the cache.
    #[serde(deserialize_with = "count")]
    pub cache_read_input_tokens: u64,
    /// Input written to the cache.
    #[serde(deserialize_with = "count")]
    pub cache_write_input_tokens: u64,
    /// The latter by lifetime.
    pub cache_details: Option<Vec<CacheDetail>>,
}

/// What was written to the cache for some time.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CacheDetail {
    /// `5m`, `1h`.
    pub ttl: String,
    /// How much.
    #[serde(deserialize_with = "count")]
    pub input_tokens: u64,
}
