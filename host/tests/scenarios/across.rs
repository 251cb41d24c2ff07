//! Providers and clients of two APIs before and behind one gateway: OpenAI's and Anthropic's.
//!
//! A provider whose name begins with `claude` speaks Anthropic's API, and so does a client that is one of it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod fallback;
mod hedging;
mod ledger;
mod midstream;
mod overloaded;

use crate::stage::{self, KEY, Provider, Stage, ms};
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The API that a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    OpenAi,
    Anthropic,
}

/// Each API, for a whole answer and for a stream.
const ALL: [(Api, bool); 4] =
    [(Api::OpenAi, false), (Api::OpenAi, true), (Api::Anthropic, false), (Api::Anthropic, true)];

impl Api {
    /// A request of it.
    fn request(self, text: &str, stream: bool) -> Value {
        match (self, stream) {
            (Self::OpenAi, false) => stage::ask(text),
            (Self::OpenAi, true) => stage::streamed(text),
            (Self::Anthropic, stream) => json!({ "model": "smart", "max_tokens": 100, "stream": stream,
                "messages": [{ "role": "user", "content": text }] }),
        }
    }

    /// Asks as its clients do, and waits for all of the answer; how long that took, in milliseconds.
    async fn ask(self, stage: &Stage, text: &str, stream: bool) -> (Answer, u64) {
        let from = Instant::now();
        let body = self.request(text, stream);
        let (path, header, key) = match self {
            Self::OpenAi => ("/v1/chat/completions", "authorization", format!("Bearer {KEY}")),
            Self::Anthropic => ("/v1/messages", "x-api-key", KEY.to_owned()),
        };
        let request = http::Request::post(path)
            .header("host", "gateway.test")
            .header("content-type", "application/json")
            .header(header, key);
        let open = stage.send(request, &body).await;
        let (status, headers) = (open.status, open.headers.clone());
        (Answer { status, headers, body: open.all().await }, ms(from.elapsed()))
    }

    /// The text of an answer, whole or streamed.
    fn text(self, answer: &Answer) -> String {
        if self == Self::OpenAi {
            return answer.text();
        }
        let whole = answer.json();
        let blocks = whole["content"].as_array().cloned().unwrap_or_default();
        let deltas = answer.events().into_iter().filter(|event| event["type"] == "content_block_delta");
        let texts = blocks.into_iter().chain(deltas.map(|event| event["delta"].clone()));
        texts.filter_map(|part| part["text"].as_str().map(str::to_owned)).collect()
    }

    /// Whether an answer came to its proper end.
    fn is_whole(self, answer: &Answer, stream: bool) -> bool {
        let (whole, events) = (answer.json(), answer.events());
        match (self, stream) {
            (Self::OpenAi, false) => whole["choices"][0]["finish_reason"] == "stop",
            (Self::OpenAi, true) => answer.is_done(),
            (Self::Anthropic, false) => whole["type"] == "message" && whole["stop_reason"] == "end_turn",
            (Self::Anthropic, true) => {
                let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
                let count = |kind: &str| kinds.iter().filter(|known| **known == kind).count();
                kinds.first() == Some(&"message_start")
                    && kinds.last() == Some(&"message_stop")
                    && (count("message_start"), count("message_stop")) == (1, 1)
                    && count("content_block_start") == count("content_block_stop")
            }
        }
    }

    /// The tokens that an answer tells: of the request and of itself.
    fn usage(self, answer: &Answer) -> (u64, u64) {
        let names = match self {
            Self::OpenAi => ["prompt_tokens", "completion_tokens"],
            Self::Anthropic => ["input_tokens", "output_tokens"],
        };
        let told = answer.events().iter().rev().find_map(|event| event.get("usage").cloned());
        let usage = told.unwrap_or_else(|| answer.json()["usage"].clone());
        let [input, output] = names.map(|name| usage[name].as_u64().unwrap_or_default());
        (input, output)
    }

    /// The kind of an error in its own words, of a whole answer or of a stream that broke off; empty where it is not in the
    /// API's shape.
    fn error(self, answer: &Answer) -> String {
        let enveloped = |body: &Value| match self {
            Self::OpenAi => body["error"].is_object(),
            Self::Anthropic => body["type"] == "error" && body["error"].is_object(),
        };
        let told = answer.events().into_iter().chain([answer.json()]).find(|body| enveloped(body));
        told.and_then(|body| body["error"]["type"].as_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// A gateway before providers of both APIs, with what a scenario makes of the configuration.
async fn before(providers: &[(&str, &Provider)], change: impl FnOnce(&mut Value)) -> Stage {
    Stage::configured(providers, |config| {
        for (name, _) in providers.iter().filter(|(name, _)| name.starts_with("claude")) {
            let provider = &mut config["providers"][*name];
            provider["adapter"] = json!("builtin:anthropic");
            provider["base_url"] = json!(format!("http://{name}.test"));
        }
        change(config);
    })
    .await
}

/// The same, with these settings of the route's resilience.
async fn resilient(providers: &[(&str, &Provider)], resilience: Value) -> Stage {
    before(providers, |config| config["routes"]["smart"]["resilience"] = resilience).await
}

/// Whether a provider was asked as its API has it: with the credential where that belongs.
#[track_caller]
fn asked_properly(provider: &Provider, api: Api) {
    for request in provider.requests() {
        let (path, name, credential) = match api {
            Api::OpenAi => ("/v1/chat/completions", "authorization", "Bearer sk-of-a-scenario"),
            Api::Anthropic => ("/v1/messages", "x-api-key", "sk-of-a-scenario"),
        };
        assert_eq!((request.path.as_str(), request.header(name)), (path, Some(credential)));
        let other = if api == Api::OpenAi { "x-api-key" } else { "authorization" };
        assert_eq!(request.header(other), None);
        assert_eq!(request.json()["model"], "m");
        assert_eq!(request.json()["max_tokens"].is_u64(), api == Api::Anthropic, "{}", request.text());
    }
}

/// A stream of Anthropic's API, event by event.
fn events(events: &[Value]) -> Reply {
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    Reply::raw(200, "text/event-stream", events.iter().map(frame).collect::<String>())
}

/// How every stream of Anthropic's API begins.
fn start(input: u64) -> Value {
    json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant",
        "model": "m", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": { "input_tokens": input, "output_tokens": 1 } } })
}

/// An error in a stream of Anthropic's API.
fn overloaded() -> Value {
    json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } })
}

/// The messages of a request, as pairs of role and text.
fn said(request: &Recorded) -> Vec<(String, String)> {
    let text = |content: &Value| match content {
        Value::String(text) => text.clone(),
        parts => parts[0]["text"].as_str().unwrap_or_default().to_owned(),
    };
    let messages = request.json()["messages"].as_array().cloned().unwrap_or_default();
    let pair = |message: &Value| {
        (message["role"].as_str().unwrap_or_default().to_owned(), text(&message["content"]))
    };
    messages.iter().map(pair).collect()
}
