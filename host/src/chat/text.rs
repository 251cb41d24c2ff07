//! Where a piece of text lives, and what it is.

use std::borrow::Cow;

/// The channels the host itself names. The set is open: plugins may see others.
pub mod channel {
    /// What the model says, or what a user or assistant message says.
    pub const CONTENT: &str = "content";
    /// What the model thinks aloud.
    pub const REASONING: &str = "reasoning";
    /// The model's words of refusal.
    pub const REFUSAL: &str = "refusal";
    /// The JSON arguments of a tool call.
    pub const TOOL_ARGS: &str = "tool-args";
    /// A system or developer message.
    pub const SYSTEM: &str = "system";
    /// What a tool returned.
    pub const TOOL_RESULT: &str = "tool-result";
    /// The description of a tool.
    pub const TOOL_DESCRIPTION: &str = "tool-description";
    /// A text to be embedded.
    pub const INPUT: &str = "input";
}

/// Where a piece of text lives: the message of a request or the choice of an answer, the part within it,
/// and the channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextAt {
    /// Message or choice, from 0.
    pub item: u32,
    /// Content part or tool call, from 0.
    pub part: u32,
    /// What the text is.
    pub channel: Cow<'static, str>,
}

impl TextAt {
    /// A place in one of the host's own channels.
    #[must_use]
    pub const fn new(item: u32, part: u32, channel: &'static str) -> Self {
        Self { item, part, channel: Cow::Borrowed(channel) }
    }
}

/// A piece of text, where it lives, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPart {
    /// Where it lives.
    pub at: TextAt,
    /// `system`, `developer`, `user`, `assistant`, `tool`.
    pub role: String,
    /// The text.
    pub text: String,
}
