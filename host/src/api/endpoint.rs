//! Which path leads where: the API that a client speaks, and what it asks for there.

use crate::chat::Operation;
use crate::format::{Format, InPath};
use http::Request;
use percent_encoding::percent_decode_str;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A completion. Gemini names the model, and whether the answer streams, in the path.
    Chat(Option<InPath>),
    /// Something else than a chat.
    Other(Operation),
    /// The tokens of a request for a completion.
    Tokens(Option<InPath>),
    /// The models that a key may use.
    Models,
    /// One of them.
    Model(String),
    /// That a kept answer was wrong.
    Reject(String),
    /// To be heard on an answer.
    Feedback,
    /// What a request would cost.
    Estimate(Box<Asked>),
    /// Nothing that is known.
    Unknown,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The API.
    pub format: Format,
    /// What is asked for.
    pub asked: Asked,
}

impl Endpoint {
    /// The endpoint of a request. All APIs share the path of the models: there a header tells them apart, which
    /// the clients of Anthropic, Google and Cohere send.
    pub fn of<B>(request: &Request<B>) -> Self {
        let path = request.uri().path();
        let Some(rest) = path.strip_prefix("/v1/estimate") else { return Self::at(path, request) };
        // What would be asked stands behind it, as a path of its own; a chat where nothing does.
        let rest = if rest.is_empty() { "/chat/completions" } else { rest };
        let Self { format, asked } = Self::at(rest, request);
        let asked = match asked {
            // A file is not looked at, and counted by what is in it.
            Asked::Other(operation) if operation.listens() => Asked::Unknown,
            Asked::Chat(_) | Asked::Other(_) => Asked::Estimate(Box::new(asked)),
            _ => Asked::Unknown,
        };
        Self { format, asked }
    }

    fn at<B>(path: &str, request: &Request<B>) -> Self {
        let events =
            request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
        if let Some(path) = path.strip_prefix("/v1beta") {
            return Self { format: Format::Gemini, asked: gemini(path, events).unwrap_or(Asked::Unknown) };
        }
        if let Some(asked @ (Asked::Chat(_) | Asked::Tokens(_))) =
            path.strip_prefix("/v1").and_then(|path| gemini(path, events))
        {
            return Self { format: Format::Gemini, asked };
        }
        if let Some(path) = path.strip_prefix("/v2/") {
            return Self { format: Format::Cohere, asked: cohere(path) };
        }
        // The version may be left out.
        let path = path.strip_prefix("/v1").unwrap_or(path);
        let (format, asked) = match path {
            "/chat/completions" => (Format::OpenAi, Asked::Chat(None)),
            "/completions" => (Format::OpenAi, Asked::Other(Operation::Completions)),
            "/embeddings" => (Format::OpenAi, Asked::Other(Operation::Embeddings)),
            "/moderations" => (Format::OpenAi, Asked::Other(Operation::Moderations)),
            "/images/generations" => (Format::OpenAi, Asked::Other(Operation::Images)),
            "/feedback" => (Format::OpenAi, Asked::Feedback),
            "/audio/speech" => (Format::OpenAi, Asked::Other(Operation::Speech)),
            "/audio/transcriptions" => (Format::OpenAi, Asked::Other(Operation::Transcription)),
            "/audio/translations" => (Format::OpenAi, Asked::Other(Operation::Translation)),
            "/rerank" => (Format::OpenAi, Asked::Other(Operation::Rerank)),
            "/responses" => (Format::Responses, Asked::Chat(None)),
            "/responses/input_tokens" => (Format::Responses, Asked::Tokens(None)),
            "/messages" => (Format::Anthropic, Asked::Chat(None)),
            "/messages/count_tokens" => (Format::Anthropic, Asked::Tokens(None)),
            _ => match path.strip_prefix("/models") {
                Some(rest) => (models_format(request), model(rest)),
                None if path.starts_with("/cache/") => (Format::OpenAi, reject(path)),
                None if path.starts_with("/messages/") => (Format::Anthropic, Asked::Unknown),
                None if path.starts_with("/responses/") => (Format::Responses, Asked::Unknown),
                None => (Format::OpenAi, Asked::Unknown),
            },
        };
        Self { format, asked }
    }
}

fn models_format<B>(request: &Request<B>) -> Format {
    let has = |name: &str| request.headers().contains_key(name);
    if has("anthropic-version") {
        Format::Anthropic
    } else if has("x-goog-api-client") || has("x-goog-api-key") {
        Format::Gemini
    } else if request.headers().get("x-fern-sdk-name").is_some_and(|name| name == "cohere") {
        Format::Cohere
    } else {
        Format::OpenAi
    }
}

fn model(rest: &str) -> Asked {
    match rest.strip_prefix('/') {
        None if rest.is_empty() => Asked::Models,
        Some(model) if !model.is_empty() => Asked::Model(decoded(model)),
        _ => Asked::Unknown,
    }
}

/// `/cache/ID/reject`.
fn reject(path: &str) -> Asked {
    let id = path.strip_prefix("/cache/").and_then(|rest| rest.strip_suffix("/reject"));
    id.filter(|id| !id.is_empty()).map_or(Asked::Unknown, |id| Asked::Reject(decoded(id)))
}

fn cohere(path: &str) -> Asked {
    match path {
        "chat" => Asked::Chat(None),
        "embed" => Asked::Other(Operation::Embeddings),
        "rerank" => Asked::Other(Operation::Rerank),
        _ => Asked::Unknown,
    }
}

/// `/models`, `/models/NAME`, `/models/NAME:METHOD`; a name may hold slashes and colons.
///
/// `events`: whether a stream is to be one of events; it is a list otherwise.
fn gemini(path: &str, events: bool) -> Option<Asked> {
    let rest = path.strip_prefix("/models")?;
    let Some((name, method)) = rest.rsplit_once(':') else { return Some(model(rest)) };
    let name = name.strip_prefix('/').filter(|name| !name.is_empty())?;
    let asked = |stream| Some(InPath { model: decoded(name), stream, list: stream && !events });
    Some(match method {
        "generateContent" => Asked::Chat(asked(false)),
        "streamGenerateContent" => Asked::Chat(asked(true)),
        "countTokens" => Asked::Tokens(asked(false)),
        _ => model(rest),
    })
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[track_caller]
    fn check(path: &str, format: Format, asked: Asked) {
        let request = Request::get(path).body(()).unwrap();
        assert_eq!(Endpoint::of(&request), Endpoint { format, asked }, "{path}");
    }

    #[test]
    fn paths_lead_to_their_api() {
        let asked = |model: &str, stream| Some(InPath { model: model.into(), stream, list: false });
        check("/v1/chat/completions", Format::OpenAi, Asked::Chat(None));
        check("/chat/completions?x=1", Format::OpenAi, Asked::Chat(None));
        check("/v1/messages", Format::Anthropic, Asked::Chat(None));
        check("/v1/messages/batches", Format::Anthropic, Asked::Unknown);
        check("/cache/a%2Fb/reject", Format::OpenAi, Asked::Reject("a/b".into()));
        check("/v1/feedback", Format::OpenAi, Asked::Feedback);
        check("/v1/cache//reject", Format::OpenAi, Asked::Unknown);
        check("/v1/responses", Format::Responses, Asked::Chat(None));
        check("/responses/input_tokens", Format::Responses, Asked::Tokens(None));
        check("/v1/responses/resp_1", Format::Responses, Asked::Unknown);
        let estimate = |asked| Asked::Estimate(Box::new(asked));
        check("/v1/estimate", Format::OpenAi, estimate(Asked::Chat(None)));
        check("/v1/estimate/v1/messages", Format::Anthropic, estimate(Asked::Chat(None)));
        check("/v1/estimate/embeddings", Format::OpenAi, estimate(Asked::Other(Operation::Embeddings)));
        check("/v1/estimate/audio/transcriptions", Format::OpenAi, Asked::Unknown);
        check("/v1/estimate/models", Format::OpenAi, Asked::Unknown);
        check("/v1/estimate/v1/estimate", Format::OpenAi, Asked::Unknown);
        check("/v1/models", Format::OpenAi, Asked::Models);
        check("/v1/models/a%2Fb", Format::OpenAi, Asked::Model("a/b".into()));
        check("/v1/modelsx", Format::OpenAi, Asked::Unknown);
        check("/v1/", Format::OpenAi, Asked::Unknown);
        check("/v2/chat", Format::Cohere, Asked::Chat(None));
        check("/v2/embed", Format::Cohere, Asked::Other(Operation::Embeddings));
        check("/v2/rerank", Format::Cohere, Asked::Other(Operation::Rerank));
        check("/v2/datasets", Format::Cohere, Asked::Unknown);
        check("/v1/rerank", Format::OpenAi, Asked::Other(Operation::Rerank));
        check("/v1beta/models", Format::Gemini, Asked::Models);
        check("/v1beta/models/smart", Format::Gemini, Asked::Model("smart".into()));
        check("/v1beta/models/a/b:1:generateContent", Format::Gemini, Asked::Chat(asked("a/b:1", false)));
        check(
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            Format::Gemini,
            Asked::Chat(asked("m", true)),
        );
        let list = InPath { model: "m".into(), stream: true, list: true };
        check("/v1beta/models/m:streamGenerateContent", Format::Gemini, Asked::Chat(Some(list)));
        check("/v1beta/models/m:countTokens", Format::Gemini, Asked::Tokens(asked("m", false)));
        check("/v1beta/models/:generateContent", Format::Gemini, Asked::Unknown);
        check("/v1beta/files", Format::Gemini, Asked::Unknown);
        check("/v1/models/m:generateContent", Format::Gemini, Asked::Chat(asked("m", false)));
        check("/v1/models/llama3:8b", Format::OpenAi, Asked::Model("llama3:8b".into()));
    }
}
