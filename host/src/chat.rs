//! The canonical exchange: what a request and an answer are, whatever API they came by.
//!
//! The canonical request is an OpenAI chat completions (or embeddings) body, kept as JSON so that unknown
//! fields travel; [`Prompt`] knows where its texts are. The canonical answer is a sequence of [`Event`]s.
//! Pure data: nothing here does I/O, waits, or knows a provider.

mod answer;
mod event;
mod operation;
mod prompt;
#[cfg(test)]
mod prompt_tests;
mod text;

pub use answer::{Answer, Choice, Thought, ToolCall};
pub use event::{Event, Media, ProviderError, Service, Usage};
pub use operation::Operation;
pub use prompt::{Attachment, Modality, Prompt, PromptError};
pub use text::{TextAt, TextPart, channel};
