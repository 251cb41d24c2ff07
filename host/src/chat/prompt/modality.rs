//! What of a request is not text.

use super::Prompt;
use crate::chat::Operation;
use serde_json::Value;

/// A kind of input that is not text, and that text guards therefore cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Modality {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A document or other file.
    File,
    /// Token numbers instead of text.
    Tokens,
    /// A content part of a type that the host does not know.
    Other,
}

impl Modality {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Image, Self::Audio, Self::File, Self::Tokens, Self::Other];

    /// The name used in configurations and errors.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::File => "file",
            Self::Tokens => "tokens",
            Self::Other => "other",
        }
    }

    /// The kind of a content part; none of a text.
    fn of(part: &Value) -> Option<Self> {
        match part.get("type").and_then(Value::as_str) {
            Some("text" | "refusal") => None,
            Some("image_url") => Some(Self::Image),
            Some("input_audio") => Some(Self::Audio),
            Some("file") => Some(Self::File),
            _ => Some(Self::Other),
        }
    }
}

impl Prompt {
    /// The parts that are not text, by their kind, in a fixed order: each kind that there is, and how many.
    #[must_use]
    pub fn media(&self) -> Vec<(Modality, usize)> {
        let mut found: Vec<Modality> = Vec::new();
        let messages = self.body.get("messages").and_then(Value::as_array);
        match self.operation {
            Operation::Chat => {
                let parts = messages.into_iter().flatten();
                let parts = parts.filter_map(|message| message.get("content")?.as_array()).flatten();
                found.extend(parts.filter_map(Modality::of));
            }
            Operation::Transcription | Operation::Translation => {
                found.extend(self.attachment.as_ref().map(|_| Modality::Audio));
            }
            operation => {
                for field in operation.fields() {
                    let Some(Value::Array(items)) = self.body.get(*field) else { continue };
                    found.extend(items.iter().filter_map(|item| match item {
                        Value::String(_) => None,
                        Value::Number(_) | Value::Array(_) => Some(Modality::Tokens),
                        part if part.get("text").is_some_and(Value::is_string) => None,
                        part => Some(Modality::of(part).unwrap_or(Modality::Other)),
                    }));
                }
            }
        }
        found.sort_unstable();
        let groups = found.chunk_by(|one, other| one == other);
        groups.filter_map(|group| Some((*group.first()?, group.len()))).collect()
    }

    /// The kinds of input that are not text, each once, in a fixed order.
    #[must_use]
    pub fn modalities(&self) -> Vec<Modality> {
        self.media().into_iter().map(|(kind, _)| kind).collect()
    }
}
