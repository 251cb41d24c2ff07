//! A whole answer, and what it means in the format of the OpenAI API.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The mark that a stream is complete.
const DONE: &str = "[DONE]";

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, `x-lockgate-*` among them.
    pub headers: HeaderMap,
    /// Its body; what is not UTF-8 is replaced.
    pub body: String,
}

impl Answer {
    /// A header; empty where it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The events of a stream, without the mark of its end.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.data().filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    /// Whether a stream ended with the mark of its end.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.data().last() == Some(DONE)
    }

    /// The pieces of text in which a stream's first choice came.
    #[must_use]
    pub fn deltas(&self) -> Vec<String> {
        let pieces = self.events();
        let pieces = pieces.iter().filter_map(|event| event.pointer("/choices/0/delta/content")?.as_str());
        pieces.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
    }

    /// The text of the first choice, whole or put together from a stream; empty where there is none.
    #[must_use]
    pub fn text(&self) -> String {
        match self.json().pointer("/choices/0/message/content") {
            Some(whole) => whole.as_str().unwrap_or_default().to_owned(),
            None => self.deltas().concat(),
        }
    }

    /// A field of the error, of a whole answer or of a stream that broke off; empty where there is none.
    #[must_use]
    pub fn error(&self, field: &str) -> String {
        let at = format!("/error/{field}");
        let whole = self.json();
        let streamed = self.events();
        let told = whole.pointer(&at).or_else(|| streamed.iter().find_map(|event| event.pointer(&at)));
        told.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn data(&self) -> impl Iterator<Item = &str> {
        self.body.lines().filter_map(|line| line.strip_prefix("data: "))
    }
}
