//! The languages of providers, told apart by the path of a request.
//!
//! A reply says what the model says; this says how its provider would write that down.

use crate::recorded::words;
use crate::reply::Speech;
use crate::{Recorded, anthropic, bedrock, cohere, gemini, mistral, openai};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

/// A provider's language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    OpenAi,
    Anthropic,
    Gemini,
    Mistral,
    Bedrock,
    Cohere,
}

impl Wire {
    /// The language of a request; where nothing else is meant, OpenAI's. Mistral's has the same paths: a test asks
    /// for it by a base URL that holds `/mistral/`.
    pub(crate) fn of(request: &Recorded) -> Self {
        let path = request.path.split('?').next().unwrap_or_default();
        if path.ends_with("/messages") || path.ends_with("awPredict") {
            Self::Anthropic
        } else if path.ends_with("enerateContent") {
            Self::Gemini
        } else if ["/v2/chat", "/v2/embed", "/v2/rerank"].iter().any(|end| path.ends_with(end)) {
            Self::Cohere
        } else if path.contains("/mistral/") {
            Self::Mistral
        } else if path.ends_with("/converse") || path.ends_with("/converse-stream") {
            Self::Bedrock
        } else {
            Self::OpenAi
        }
    }

    /// Whether the answer is to be a stream.
    pub(crate) fn streams(self, request: &Recorded) -> bool {
        match self {
            Self::Gemini => request.path.contains(":streamGenerateContent"),
            Self::Bedrock => request.path.ends_with("-stream"),
            Self::OpenAi | Self::Anthropic | Self::Mistral | Self::Cohere => request.json()["stream"] == true,
        }
    }

    /// An answer as one document.
    pub(crate) fn document(self, request: &Recorded, speech: &[Speech]) -> Value {
        match self {
            Self::OpenAi => openai::completion(request, speech),
            Self::Anthropic => anthropic::message(request, speech),
            Self::Gemini => gemini::answer(request, speech),
            Self::Mistral => mistral::completion(request, speech),
            Self::Bedrock => bedrock::answer(request, speech),
            Self::Cohere => cohere::message(request, speech),
        }
    }

    /// An answer as the frames of a stream.
    pub(crate) fn stream(self, request: &Recorded, speech: &[Speech]) -> Vec<Bytes> {
        match self {
            Self::OpenAi => openai::stream(request, speech),
            Self::Anthropic => anthropic::stream(request, speech),
            Self::Gemini => gemini::stream(request, speech),
            Self::Mistral => mistral::stream(request, speech),
            Self::Bedrock => bedrock::stream(request, speech),
            Self::Cohere => cohere::stream(request, speech),
        }
    }

    /// The beginning of a stream that says these pieces: no finish, and no end.
    pub(crate) fn opening(self, request: &Recorded, deltas: &[String]) -> Vec<Bytes> {
        match self {
            Self::OpenAi => openai::opening(request, deltas),
            Self::Anthropic => anthropic::opening(request, deltas),
            Self::Gemini => gemini::opening(request, deltas),
            Self::Mistral => mistral::opening(request, deltas),
            Self::Bedrock => bedrock::opening(deltas),
            Self::Cohere => cohere::opening(request, deltas),
        }
    }

    /// One embedding for each input.
    pub(crate) fn embeddings(self, request: &Recorded, dimensions: usize) -> Value {
        match self {
            Self::Cohere => {
                let inputs = openai::inputs(&request.json()["texts"]);
                let vectors: Vec<Vec<f64>> =
                    inputs.iter().map(|input| openai::embedding(input, dimensions)).collect();
                cohere::embeddings(request, &vectors, inputs.iter().map(|input| words(input)).sum())
            }
            _ => openai::embeddings(request, dimensions),
        }
    }

    /// The body of an error.
    pub(crate) fn error(self, status: u16, message: &str) -> Value {
        match self {
            Self::OpenAi => openai::error(status, message),
            Self::Anthropic => anthropic::error(status, message),
            Self::Gemini => gemini::error(status, message),
            Self::Mistral => mistral::error(status, message),
            Self::Bedrock => bedrock::error(message),
            Self::Cohere => cohere::error(status, message),
        }
    }

    /// The header that says what an error is, where the body does not.
    pub(crate) fn error_header(self, status: u16) -> Option<(HeaderName, HeaderValue)> {
        let name = HeaderName::from_static("x-amzn-errortype");
        (self == Self::Bedrock).then(|| (name, HeaderValue::from_static(bedrock::error_type(status))))
    }

    /// The media type of a stream.
    pub(crate) fn stream_type(self) -> &'static str {
        if self == Self::Bedrock { bedrock::STREAM } else { "text/event-stream" }
    }
}
