//! The Messages API's answer as it stands on the wire.
//!
//! Source: Anthropic's API reference, "Create a Message" and "Streaming Messages", version 2023-06-01.
//! Invariants: only what is used is read; whatever is not known becomes `Other`; every figure may be missing, and
//! is read leniently.

use adapter_kit::number::{count, known};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A frame of a stream, or a whole body.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Wire {
    /// A whole body.
    Message(Message),
    /// The first frame.
    MessageStart {
        /// The message, empty yet.
        message: Message,
    },
    /// A block begins.
    ContentBlockStart {
        /// Which.
        index: u64,
        /// Its kind.
        content_block: Block,
    },
    /// A block goes on.
    ContentBlockDelta {
        /// Which.
        index: u64,
        /// What is added.
        delta: BlockDelta,
    },
    /// A block ends.
    ContentBlockStop {
        /// Which.
        index: u64,
    },
    /// The message is about to end.
    MessageDelta {
        /// Why.
        delta: Ending,
        /// Tokens, cumulative.
        #[serde(default)]
        usage: Tokens,
    },
    /// The provider gave up.
    Error {
        /// Its words.
        error: ErrorBody,
    },
    /// `ping`, `message_stop`, and what is yet to be invented.
    #[serde(other)]
    Other,
}

/// A message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// The model that wrote it.
    pub model: String,
    /// What it says.
    pub content: Vec<Block>,
    /// Why it ended.
    pub stop_reason: Option<String>,
    /// More about why.
    pub stop_details: Option<StopDetails>,
    /// Tokens.
    pub usage: Tokens,
}

/// A content block.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// Text.
    Text {
        /// It.
        #[serde(default)]
        text: String,
    },
    /// Thinking.
    Thinking {
        /// It.
        #[serde(default)]
        thinking: String,
        /// What proves it the model's own; streams tell it later.
        #[serde(default)]
        signature: String,
    },
    /// Thinking that only the provider can read.
    RedactedThinking {
        /// It.
        #[serde(default)]
        data: String,
    },
    /// A call of one of the client's tools.
    ToolUse {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// The arguments.
        #[serde(default)]
        input: Value,
    },
    /// Another model took over.
    Fallback {
        /// Which.
        to: ModelName,
    },
    /// Server-side tools, compaction, and what is yet to be invented.
    #[serde(other)]
    Other,
}

/// A model's name in an object.
#[derive(Debug, Deserialize)]
pub struct ModelName {
    /// It.
    pub model: String,
}

/// More of a block.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub enum BlockDelta {
    /// Text.
    #[serde(rename = "text_delta")]
    Text {
        /// It.
        text: String,
    },
    /// Thinking.
    #[serde(rename = "thinking_delta")]
    Thinking {
        /// It.
        thinking: String,
    },
    /// The signature of the thinking.
    #[serde(rename = "signature_delta")]
    Signature {
        /// It.
        signature: String,
    },
    /// A fragment of a tool's arguments.
    #[serde(rename = "input_json_delta")]
    InputJson {
        /// It.
        partial_json: String,
    },
    /// Citations, and what is yet to be invented.
    #[serde(other)]
    Other,
}

/// Why a message ended.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ending {
    /// `end_turn`, `max_tokens`, ….
    pub stop_reason: Option<String>,
    /// More about a refusal.
    pub stop_details: Option<StopDetails>,
}

/// More about a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StopDetails {
    /// In words for the client.
    pub explanation: Option<String>,
}

/// An error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    /// `overloaded_error`, ….
    #[serde(rename = "type")]
    pub kind: String,
    /// In words.
    pub message: String,
}

/// Token counts; a missing one leaves what was known before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// Input that no cache served.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub input_tokens: Option<u64>,
    /// Output, thinking included.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub output_tokens: Option<u64>,
    /// Input read from the cache.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub cache_read_input_tokens: Option<u64>,
    /// Input written to the cache.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub cache_creation_input_tokens: Option<u64>,
    /// The latter by lifetime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_creation: Option<CacheCreation>,
    /// Output by kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens_details: Option<OutputDetails>,
    /// Calls of server-side tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_tool_use: Option<ServerTools>,
}

/// Cache writes by lifetime.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheCreation {
    /// Kept for an hour, at a higher price.
    #[serde(deserialize_with = "count")]
    pub ephemeral_1h_input_tokens: u64,
}

/// Output by kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputDetails {
    /// Spent on thinking.
    #[serde(deserialize_with = "count")]
    pub thinking_tokens: u64,
}

/// Calls of server-side tools.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerTools {
    /// Billed per search.
    #[serde(deserialize_with = "count")]
    pub web_search_requests: u64,
}

impl Tokens {
    /// Takes each figure of a later report.
    pub fn update(&mut self, later: Self) {
        fn take<T>(mine: &mut Option<T>, theirs: Option<T>) {
            if theirs.is_some() {
                *mine = theirs;
            }
        }
        take(&mut self.input_tokens, later.input_tokens);
        take(&mut self.output_tokens, later.output_tokens);
        take(&mut self.cache_read_input_tokens, later.cache_read_input_tokens);
        take(&mut self.cache_creation_input_tokens, later.cache_creation_input_tokens);
        take(&mut self.cache_creation, later.cache_creation);
        take(&mut self.output_tokens_details, later.output_tokens_details);
        take(&mut self.server_tool_use, later.server_tool_use);
    }
}
