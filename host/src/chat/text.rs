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

    const SIGNATURE: &str = "reasoning-signature/";
    const ENCRYPTED: &str = "reasoning-encrypted/";

    /// What only the provider that wrote it can read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Opaque<'a> {
        /// The signature of the reasoning of the same part, in a provider's format.
        Signature(&'a str),
        /// Reasoning that is not told in words, in a provider's format.
        Encrypted(&'a str),
    }

    /// What of this kind a channel holds; none where it holds words. No filter is shown it: it could only break it.
    #[must_use]
    pub fn opaque(channel: &str) -> Option<Opaque<'_>> {
        let signature = channel.strip_prefix(SIGNATURE).map(Opaque::Signature);
        signature.or_else(|| channel.strip_prefix(ENCRYPTED).map(Opaque::Encrypted))
    }

    /// The channel of it.
    #[must_use]
    pub fn of_opaque(opaque: Opaque<'_>) -> String {
        match opaque {
            Opaque::Signature(format) => format!("{SIGNATURE}{format}"),
            Opaque::Encrypted(format) => format!("{ENCRYPTED}{format}"),
        }
    }
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
