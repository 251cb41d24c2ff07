//! What goes into a call of a plugin and what comes out of it, in the host's own types.

use crate::chat::TextPart;
use std::fmt;
use std::time::Duration;

/// A plugin decided no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The status it asked for; checked where it is answered.
    pub status: u16,
    /// A stable code.
    pub code: String,
    /// What the client reads.
    pub message: String,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
}

/// What `pre-request` decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Next,
    /// Refuse the request.
    Reject(Rejection),
    /// Answer with this text.
    Answer(String),
    /// Answer with this kept answer.
    Replay(String),
    /// Start over on this route.
    Reroute(String),
    /// Keep the request for review.
    Quarantine(Rejection),
}

/// Replaces the bytes `start..end` of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// What stands there instead.
    pub to: String,
}

/// What `text-filter` decided about a window. Checked: edits are in order, do not overlap, lie below `safe`,
/// and every offset is a character boundary of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Release what lies below `safe`.
    Pass {
        /// The watermark.
        safe: usize,
        /// The replacements.
        edits: Vec<Edit>,
    },
    /// End the answer.
    Stop(Rejection),
}

/// What `post-response` decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The answer may go out.
    Accept,
    /// Ask again with this note.
    Retry(String),
    /// Replace these texts.
    Replace(Vec<TextPart>),
    /// Refuse the answer.
    Reject(Rejection),
}

/// The value of a header of a provider's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// As it stands.
    Text(String),
    /// A credential that the host puts in place.
    Secret {
        /// Which of the provider's secrets.
        name: String,
        /// What stands before it.
        prefix: String,
    },
}

/// The body of a provider's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallBody {
    /// The canonical request.
    Prompt,
    /// These bytes.
    Bytes(Vec<u8>),
}

/// A provider's request, as an adapter made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Appended to the provider's base URL.
    pub path: String,
    /// Header names and values.
    pub headers: Vec<(String, HeaderValue)>,
    /// The body.
    pub body: CallBody,
    /// A signer of the host's.
    pub signer: Option<String>,
    /// The format the answer comes in, where the host reads it itself.
    pub native: Option<String>,
    /// Whether it is the same for whoever asks for the same target, as the adapter said; never where its body is this
    /// exchange's alone, or the adapter is to decode the answer.
    pub holds: bool,
}

impl Call {
    /// Whether the host reads the answer itself: in the format of OpenAI.
    #[must_use]
    pub fn is_native(&self) -> bool {
        self.native.as_deref() == Some("openai")
    }
}

/// A server-sent event, or a whole body with an empty name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its name.
    pub event: String,
    /// Its data.
    pub data: Vec<u8>,
}

/// Something that an observer is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedEvent {
    /// The exchange's id.
    pub exchange: String,
    /// `exchange`, ….
    pub kind: String,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What is known.
    pub fields: Vec<(String, String)>,
}

/// What is wrong with a plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// A JSON pointer into the configuration.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The component trapped (a panic, an out-of-bounds access, …).
    Trap,
    /// It computed, or waited, longer than it may.
    Deadline,
    /// It asked for more memory than it may have.
    Memory,
    /// It ran out of stack.
    StackOverflow,
    /// What it answered breaks the contract.
    BadOutput,
    /// It said that it cannot do its work.
    Fault {
        /// Its code.
        code: String,
    },
    /// Too many calls are waiting already, or none came free in time.
    Overloaded,
    /// It kept failing and is not called for a while.
    Breaker,
    /// The host could not make the call.
    Internal,
}

impl CallErrorKind {
    /// The name used in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::StackOverflow => "stack_overflow",
            Self::BadOutput => "bad_output",
            Self::Fault { .. } => "fault",
            Self::Overloaded => "overloaded",
            Self::Breaker => "breaker",
            Self::Internal => "internal",
        }
    }

    /// Whether the component itself misbehaved: what the breaker counts.
    #[must_use]
    pub const fn is_misbehaviour(&self) -> bool {
        matches!(self, Self::Trap | Self::Deadline | Self::Memory | Self::StackOverflow | Self::BadOutput)
    }
}

/// A call that failed. The message is the operator's; the client never reads it, but for the fault
/// `invalid` of an adapter, which says what a provider cannot express.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// Which binding.
    pub binding: String,
    /// How.
    pub kind: CallErrorKind,
    /// What is known about it.
    pub message: String,
}

impl CallError {
    /// The code and message of a fault that the plugin itself reported.
    #[must_use]
    pub fn fault(&self) -> Option<(&str, &str)> {
        match &self.kind {
            CallErrorKind::Fault { code } => Some((code, &self.message)),
            _ => None,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plugin `{}`: {}: {}", self.binding, self.kind.name(), self.message)
    }
}

impl std::error::Error for CallError {}
