//! Streams, in whatever format the client asked.

use super::{EVENTS, Format, Head, anthropic, cohere, gemini, openai, responses};
use crate::chat::{Event, Operation, Usage};
use crate::error::Error;
use crate::sse;
use bytes::BytesMut;
use serde_json::{Map, Value};

/// Writes the frames of one stream.
#[derive(Debug)]
pub enum Writer {
    /// Chunks of a chat completion.
    OpenAi(openai::ChunkWriter),
    /// Events of a message.
    Anthropic(anthropic::EventWriter),
    /// Partial answers.
    Gemini(gemini::ChunkWriter),
    /// Events of a response.
    Responses(Box<responses::EventWriter>),
    /// Events of a message of Cohere's.
    Cohere(cohere::EventWriter),
}

impl Writer {
    /// A writer for the answer to a request. `asked` is the canonical body as the client sent it.
    #[must_use]
    pub fn new(format: Format, operation: Operation, head: Head<'_>, asked: &Map<String, Value>) -> Self {
        match format {
            Format::OpenAi => Self::OpenAi(openai::ChunkWriter::new(operation, head, asked)),
            Format::Anthropic => Self::Anthropic(anthropic::EventWriter::new(head)),
            Format::Gemini => Self::Gemini(gemini::ChunkWriter::new(head, asked)),
            Format::Responses => Self::Responses(Box::new(responses::EventWriter::new(head, asked))),
            Format::Cohere => Self::Cohere(cohere::EventWriter::new(head)),
        }
    }

    /// Whether a relayed chunk that tells nothing but the usage is for the client.
    #[must_use]
    pub const fn tells_usage(&self) -> bool {
        match self {
            Self::OpenAi(writer) => writer.tells_usage(),
            Self::Anthropic(_) | Self::Gemini(_) | Self::Responses(_) | Self::Cohere(_) => true,
        }
    }

    /// The stream's media type.
    #[must_use]
    pub const fn media(&self) -> &'static str {
        match self {
            Self::Gemini(writer) => writer.media(),
            Self::OpenAi(_) | Self::Anthropic(_) | Self::Responses(_) | Self::Cohere(_) => EVENTS,
        }
    }

    /// Writes what an event says.
    pub fn write(&mut self, event: &Event, out: &mut BytesMut) {
        match self {
            Self::OpenAi(writer) => writer.write(event, out),
            Self::Anthropic(writer) => writer.write(event, out),
            Self::Gemini(writer) => writer.write(event, out),
            Self::Responses(writer) => writer.write(event, out),
            Self::Cohere(writer) => writer.write(event, out),
        }
    }

    /// Writes the end of a complete answer. `usage` is none where it was told already; `epilogue` is a comment.
    pub fn end(&mut self, usage: Option<&Usage>, epilogue: &str, out: &mut BytesMut) {
        match self {
            Self::OpenAi(writer) => {
                if let Some(usage) = usage {
                    writer.usage(usage, out);
                }
                sse::encode_comment(epilogue, out);
                sse::encode("", openai::DONE, out);
            }
            Self::Anthropic(writer) => {
                sse::encode_comment(epilogue, out);
                writer.end(usage, out);
            }
            Self::Responses(writer) => {
                sse::encode_comment(epilogue, out);
                writer.end(usage, out);
            }
            // Clients of this API read lines of data and nothing else.
            Self::Gemini(writer) => writer.end(usage, out),
            Self::Cohere(writer) => {
                sse::encode_comment(epilogue, out);
                writer.end(usage, out);
                sse::encode("", openai::DONE, out);
            }
        }
    }

    /// Writes the end of an answer that cannot go on: the error, and no mark of an end.
    pub fn break_off(&mut self, error: &Error, exchange: &str, epilogue: &str, out: &mut BytesMut) {
        let (name, data) = match self {
            Self::Responses(writer) => {
                sse::encode_comment(epilogue, out);
                return writer.break_off(error, out);
            }
            Self::OpenAi(_) => ("", openai::render_error(error)),
            Self::Anthropic(_) => ("error", anthropic::render_error(error, exchange)),
            Self::Gemini(writer) => return writer.broken(&gemini::render_error(error), out),
            Self::Cohere(writer) => ("message-end", writer.broken(error)),
        };
        sse::encode(name, &serde_json::to_vec(&data).unwrap_or_default(), out);
        sse::encode_comment(epilogue, out);
    }
}
