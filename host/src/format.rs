//! The client APIs: one folder each. Parsing, rendering, errors and streams of one API; nothing here does
//! I/O, knows a route, or looks at a provider's name.
//!
//! [`Format`] is what the rest of the host sees of them.

pub mod anthropic;
pub mod cohere;
pub mod gemini;
pub mod openai;
pub mod responses;
mod translate;
mod writer;

pub use writer::Writer;

use crate::chat::{Answer, Operation};
use crate::error::Error;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The media type of a stream of events.
pub const EVENTS: &str = "text/event-stream; charset=utf-8";

/// A client API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// OpenAI: chat completions, embeddings, models. What is canonical in the host is in this format.
    OpenAi,
    /// Anthropic: messages.
    Anthropic,
    /// Gemini: content.
    Gemini,
    /// OpenAI: responses.
    Responses,
    /// Cohere: chat, embeddings, orders of documents.
    Cohere,
}

/// What a path says of a request, where its body does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPath {
    /// The model.
    pub model: String,
    /// Whether the answer is to be a stream.
    pub stream: bool,
    /// Whether that stream is to be a list instead of events.
    pub list: bool,
}

/// What an answer says of itself where its provider does not.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The exchange's id.
    pub exchange: &'a str,
    /// Seconds since the Unix epoch.
    pub created: u64,
    /// The model that was asked for.
    pub model: &'a str,
}

impl Format {
    /// The name that plugins and logs see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Responses => "responses",
            Self::Cohere => "cohere",
        }
    }

    /// Where clients of the API look for the request's id, beside `x-request-id`.
    #[must_use]
    pub const fn own_id_header(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Gemini | Self::Responses | Self::Cohere => None,
            Self::Anthropic => Some("request-id"),
        }
    }

    /// Whether a provider's answer in the host's native format is one in this format.
    #[must_use]
    pub const fn is_native(self) -> bool {
        matches!(self, Self::OpenAi)
    }

    /// Reads a request into a canonical body.
    ///
    /// # Errors
    /// 400, naming what is wrong and where.
    pub fn parse(
        self,
        operation: Operation,
        body: &[u8],
        path: Option<&InPath>,
    ) -> Result<Map<String, Value>, Error> {
        match (self, operation) {
            (Self::OpenAi, Operation::Chat) => openai::parse_chat(body),
            (_, Operation::Completions) => openai::parse_completions(body),
            (Self::Anthropic, Operation::Chat) => anthropic::parse_messages(body),
            (Self::Gemini, Operation::Chat) => {
                let (model, stream) = path.map_or(("", false), |path| (path.model.as_str(), path.stream));
                let mut read = gemini::parse_content(body, model, stream)?;
                if path.is_some_and(|path| path.list) {
                    gemini::ask_for_list(&mut read);
                }
                Ok(read)
            }
            (Self::Responses, Operation::Chat) => responses::parse_response(body),
            (Self::Cohere, Operation::Chat) => cohere::parse_chat(body),
            (Self::Cohere, Operation::Embeddings) => cohere::parse_embed(body),
            (_, operation) => openai::parse_document(operation, body),
        }
    }

    /// A canonical body as a provider of the native format takes it: without what only this format knows.
    #[must_use]
    pub fn native(self, body: &Map<String, Value>) -> Cow<'_, Map<String, Value>> {
        match self {
            Self::OpenAi => Cow::Borrowed(body),
            Self::Anthropic => Cow::Owned(anthropic::without_own_fields(body.clone())),
            Self::Gemini => Cow::Owned(gemini::without_own_fields(body.clone())),
            Self::Responses => Cow::Owned(responses::without_own_fields(body.clone())),
            Self::Cohere => Cow::Owned(cohere::without_own_fields(body.clone())),
        }
    }

    /// A whole answer in words. `asked` is the canonical body as the client sent it.
    #[must_use]
    pub fn answer(
        self,
        operation: Operation,
        answer: &Answer,
        head: Head<'_>,
        asked: &Map<String, Value>,
    ) -> Value {
        match self {
            Self::OpenAi if operation == Operation::Completions => openai::render_completion(answer, head),
            Self::OpenAi => openai::render_answer(answer, head, asked),
            Self::Anthropic => anthropic::render_answer(answer, head),
            Self::Gemini => gemini::render_answer(answer, head),
            Self::Responses => responses::render_answer(answer, head, asked),
            Self::Cohere => cohere::render_answer(answer, head),
        }
    }

    /// An answer that is not in words, from the canonical one; none where that is in this format. `request` is what the
    /// client asked.
    ///
    /// # Errors
    /// It is no answer to the request.
    pub fn document(
        self,
        operation: Operation,
        request: &Map<String, Value>,
        body: &[u8],
        exchange: &str,
    ) -> serde_json::Result<Option<Vec<u8>>> {
        match self {
            Self::OpenAi | Self::Anthropic | Self::Gemini | Self::Responses => Ok(None),
            Self::Cohere => cohere::render_document(operation, request, body, exchange),
        }
    }

    /// A count of tokens.
    #[must_use]
    pub fn tokens(self, tokens: u64) -> Value {
        match self {
            Self::OpenAi | Self::Anthropic | Self::Cohere => json!({ "input_tokens": tokens }),
            Self::Gemini => json!({ "totalTokens": tokens }),
            Self::Responses => responses::render_tokens(tokens),
        }
    }

    /// The list of models that a key may use, each with who owns it.
    #[must_use]
    pub fn models<'a>(self, models: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
        match self {
            Self::OpenAi | Self::Responses => openai::render_models(models),
            Self::Anthropic => anthropic::render_models(models.map(|(id, _)| id)),
            Self::Gemini => gemini::render_models(models.map(|(id, _)| id)),
            Self::Cohere => cohere::render_models(models.map(|(id, _)| id)),
        }
    }

    /// One model.
    #[must_use]
    pub fn model(self, id: &str, owner: &str) -> Value {
        match self {
            Self::OpenAi | Self::Responses => openai::render_model(id, owner),
            Self::Anthropic => anthropic::render_model(id),
            Self::Gemini => gemini::render_model(id),
            Self::Cohere => cohere::render_model(id),
        }
    }

    /// An error as the body of an answer.
    #[must_use]
    pub fn error(self, error: &Error, exchange: &str) -> Value {
        match self {
            Self::OpenAi | Self::Responses => openai::render_error(error),
            Self::Anthropic => anthropic::render_error(error, exchange),
            Self::Gemini => gemini::render_error(error),
            Self::Cohere => cohere::render_error(error, exchange),
        }
    }
}
