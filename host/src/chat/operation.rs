//! What clients ask for, and where its texts are.

/// What the client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A chat completion.
    Chat,
    /// A completion of a bare text, as before there was chat.
    Completions,
    /// Embeddings of texts.
    Embeddings,
    /// What of texts and images is harmful.
    Moderations,
    /// Images from a description.
    Images,
    /// A text, spoken.
    Speech,
    /// What was said, written down.
    Transcription,
    /// What was said, written down in English.
    Translation,
    /// Documents in the order in which they answer a question.
    Rerank,
}

/// A field with texts: a text, or a list of texts and of objects with a `text`.
pub(super) type Field = &'static str;

impl Operation {
    /// The name that plugins and metrics see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Moderations => "moderations",
            Self::Images => "images",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::Translation => "translation",
            Self::Rerank => "rerank",
        }
    }

    /// Whether the answer is a model's own words: choices that end, in canonical events. Every other answer is a document
    /// in the client's format, or bytes.
    #[must_use]
    pub const fn speaks(self) -> bool {
        matches!(self, Self::Chat | Self::Completions)
    }

    /// Whether the request carries a file.
    #[must_use]
    pub const fn listens(self) -> bool {
        matches!(self, Self::Transcription | Self::Translation)
    }

    /// The fields of the body with texts, in order; a chat's are in its messages.
    pub(super) const fn fields(self) -> &'static [Field] {
        match self {
            Self::Chat => &[],
            Self::Completions => &["prompt", "suffix"],
            Self::Embeddings | Self::Moderations => &["input"],
            Self::Images | Self::Transcription | Self::Translation => &["prompt"],
            Self::Speech => &["input", "instructions"],
            Self::Rerank => &["query", "documents"],
        }
    }
}
