//! A request as the provider saw it.
//!
//! Nothing is normalised: the body is the bytes that arrived.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

/// A request as the provider saw it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its method.
    pub method: Method,
    /// Its path, with the query.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Recorded {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, when it is there and readable.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The text of the last message from the user, in whatever language.
    #[must_use]
    pub fn last_user_text(&self) -> String {
        let body = self.json();
        let last = messages(&body).iter().rev().find(|message| message["role"] == "user");
        last.map(message_text).unwrap_or_default()
    }

    /// Words in everything the request says: what the provider bills as its prompt.
    pub(crate) fn words(&self) -> usize {
        let body = self.json();
        let said = messages(&body).iter().map(|message| words(&message_text(message))).sum::<usize>();
        let instructions =
            words(&content_text(&body["system"])) + words(&message_text(&body["systemInstruction"]));
        said + instructions + words(&content_text(&body["input"]))
    }
}

/// The messages of a conversation; Gemini calls them contents.
fn messages(body: &Value) -> &[Value] {
    let messages = body["messages"].as_array().or_else(|| body["contents"].as_array());
    messages.map(Vec::as_slice).unwrap_or_default()
}

/// The text of a message; Gemini calls its content parts.
fn message_text(message: &Value) -> String {
    let content = if message["parts"].is_array() { &message["parts"] } else { &message["content"] };
    content_text(content)
}

/// The text of a message's content: a string, or parts of which some are text.
pub(crate) fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part.as_str().or_else(|| part["text"].as_str()))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => String::new(),
    }
}

/// Words in a text.
pub(crate) fn words(text: &str) -> usize {
    text.split_whitespace().count()
}
