//! Replies, as a test writes them.
//!
//! A reply says what is answered, not how: in which provider's language, as one document or as a stream, is the
//! request's choice.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// What the provider answers.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) content: Content,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) delay: Option<Duration>,
    pub(crate) resets: bool,
    /// Before each piece of what is said.
    pub(crate) pace: Option<Duration>,
    /// Whether a piece is a byte.
    pub(crate) dribbles: bool,
}

/// A test's own pace: raw bytes, as it sends them.
pub(crate) type Paced = Arc<Mutex<mpsc::Receiver<Bytes>>>;

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Speech(Vec<Speech>),
    Error(u16, String),
    Echo,
    Embeddings(usize),
    Rerank(Vec<f64>),
    Status(u16, Value),
    Raw { status: u16, content_type: String, body: Bytes },
    Cut { deltas: Vec<String>, then: Then },
    Paced(Paced),
    Hang,
    Reset,
}

/// What follows the last piece of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// The end of the body.
    End,
    /// A reset of the connection.
    Reset,
    /// Nothing, and the connection stays open.
    Stall,
}

/// A part of what the model says.
#[derive(Debug, Clone)]
pub(crate) enum Speech {
    /// A text, in the pieces in which it streams.
    Text(Vec<String>),
    /// A call of a tool.
    ToolCall { name: String, arguments: String },
}

impl Reply {
    fn of(content: Content) -> Self {
        Self { content, headers: Vec::new(), delay: None, resets: false, pace: None, dribbles: false }
    }

    /// This text; it streams word by word.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self::of(Content::Speech(vec![Speech::Text(by_word(text.as_ref()))]))
    }

    /// A text that streams in exactly these pieces.
    #[must_use]
    pub fn chunks<T: Into<String>>(deltas: impl IntoIterator<Item = T>) -> Self {
        Self::of(Content::Speech(vec![Speech::Text(deltas.into_iter().map(Into::into).collect())]))
    }

    /// A call of a tool; where the language allows, its arguments stream in pieces.
    #[must_use]
    pub fn tool_call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::of(Content::Speech(vec![Speech::ToolCall { name: name.into(), arguments: arguments.into() }]))
    }

    /// The last message of the user, repeated.
    #[must_use]
    pub fn echo() -> Self {
        Self::of(Content::Echo)
    }

    /// One embedding of this many dimensions for each input; equal inputs have equal embeddings.
    #[must_use]
    pub fn embeddings(dimensions: usize) -> Self {
        Self::of(Content::Embeddings(dimensions))
    }

    /// An order of documents, made from the score of each, the first document's first.
    #[must_use]
    pub fn rerank(scores: impl IntoIterator<Item = f64>) -> Self {
        Self::of(Content::Rerank(scores.into_iter().collect()))
    }

    /// A status with a JSON body.
    #[must_use]
    pub fn status(status: u16, body: Value) -> Self {
        Self::of(Content::Status(status, body))
    }

    /// A status with an error in the provider's own form.
    #[must_use]
    pub fn error(status: u16, message: &str) -> Self {
        Self::of(Content::Error(status, message.to_owned()))
    }

    /// Any bytes: garbage, a page of a proxy, a stream cut by hand.
    #[must_use]
    pub fn raw(status: u16, content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self::of(Content::Raw { status, content_type: content_type.into(), body: body.into() })
    }

    /// A stream that ends properly as HTTP, but without a finish and without the mark of its end.
    #[must_use]
    pub fn truncated<T: Into<String>>(deltas: impl IntoIterator<Item = T>) -> Self {
        Self::cut(deltas, Then::End)
    }

    /// A stream whose connection is reset after these pieces.
    #[must_use]
    pub fn reset_after<T: Into<String>>(deltas: impl IntoIterator<Item = T>) -> Self {
        Self::cut(deltas, Then::Reset)
    }

    /// A stream that stops after these pieces and stays open.
    #[must_use]
    pub fn stalled_after<T: Into<String>>(deltas: impl IntoIterator<Item = T>) -> Self {
        Self::cut(deltas, Then::Stall)
    }

    fn cut<T: Into<String>>(deltas: impl IntoIterator<Item = T>, then: Then) -> Self {
        Self::of(Content::Cut { deltas: deltas.into_iter().map(Into::into).collect(), then })
    }

    /// A stream of raw bytes at the test's own pace; it ends when the sender is dropped.
    ///
    /// A clone shares the receiver: what one answer took, the next does not see.
    #[must_use]
    pub fn paced(bytes: mpsc::Receiver<Bytes>) -> Self {
        Self::of(Content::Paced(Arc::new(Mutex::new(bytes))))
    }

    /// The end of a stream at the test's own pace is a reset of its connection.
    #[must_use]
    pub fn then_reset(mut self) -> Self {
        self.resets = true;
        self
    }

    /// No answer at all; the connection stays open.
    #[must_use]
    pub fn hang() -> Self {
        Self::of(Content::Hang)
    }

    /// The connection is reset before anything is answered.
    #[must_use]
    pub fn reset() -> Self {
        Self::of(Content::Reset)
    }

    /// Adds a header to the answer; what is no valid header is left out.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (name.parse(), value.parse()) {
            self.headers.push((name, value));
        }
        self
    }

    /// Answers only after a while.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Pauses before each piece of what is said; a document is one piece.
    #[must_use]
    pub fn paced_by(mut self, pause: Duration) -> Self {
        self.pace = Some(pause);
        self
    }

    /// Says it byte by byte, and pauses before each: a slow loris.
    #[must_use]
    pub fn byte_by_byte(mut self, pause: Duration) -> Self {
        self.dribbles = true;
        self.paced_by(pause)
    }
}

/// A text as words, each with the space that follows it.
pub(crate) fn by_word(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}
