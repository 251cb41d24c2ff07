//! What is asked and what is answered: texts that say of themselves what they must be.
//!
//! A prompt names the exchange and how many words it wants, so that every provider gives the same answer, goes on where
//! another one stopped, and a client knows what it must get. A token is a word.

use lockgate_upstream::Recorded;
use serde_json::Value;

/// What a prompt asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The exchange.
    pub(crate) id: String,
    /// Words of the answer.
    pub(crate) words: usize,
    /// After how many of them the provider stops and waits, for a client that means to go away then.
    pub(crate) pause: Option<usize>,
}

impl Asked {
    /// The prompt.
    pub(crate) fn prompt(&self) -> String {
        let pause = self.pause.map(|pause| format!(" and pause after {pause}")).unwrap_or_default();
        format!("Say {} words for {}{pause}", self.words, self.id)
    }

    /// What a request asks for; none where it is none of ours.
    pub(crate) fn read(request: &Recorded) -> Option<Self> {
        let text = request.last_user_text();
        let mut words = text.split(' ');
        let count = words.nth(1)?.parse().ok()?;
        let id = words.nth(2)?.to_owned();
        let pause = words.nth(3).and_then(|pause| pause.parse().ok());
        Some(Self { id, words: count, pause })
    }

    /// One word of the answer, with the space behind it.
    pub(crate) fn word(&self, place: usize) -> String {
        format!("{}.{place} ", self.id)
    }

    /// The whole answer.
    pub(crate) fn answer(&self) -> String {
        (0..self.words).map(|place| self.word(place)).collect()
    }
}

/// Words that an answer has already, where a request ends with the beginning of one.
pub(crate) fn said(request: &Recorded) -> usize {
    let body = request.json();
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    match last {
        Some(last) if last["role"] == "assistant" => count(&last["content"]),
        _ => 0,
    }
}

/// Words of everything a request says: what is billed as its prompt.
pub(crate) fn prompt_words(request: &Recorded) -> u64 {
    let body = request.json();
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    messages.iter().map(|message| count(&message["content"]) as u64).sum()
}

fn count(content: &Value) -> usize {
    match content {
        Value::String(text) => text.split_whitespace().count(),
        Value::Array(parts) => parts.iter().map(|part| count(&part["text"])).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(messages: &Value) -> Recorded {
        Recorded {
            method: Default::default(),
            path: "/v1/chat/completions".into(),
            headers: Default::default(),
            body: json!({ "messages": messages }).to_string().into(),
        }
    }

    #[test]
    fn a_prompt_is_read_as_it_was_meant() {
        for pause in [None, Some(2)] {
            let asked = Asked { id: "r7".into(), words: 3, pause };
            let sent = request(&json!([{ "role": "user", "content": asked.prompt() }]));
            assert_eq!(Asked::read(&sent), Some(asked.clone()));
            assert_eq!(said(&sent), 0);
            assert_eq!(asked.answer(), "r7.0 r7.1 r7.2 ");
        }
    }

    #[test]
    fn the_beginning_of_an_answer_is_seen() {
        let sent = request(&json!([
            { "role": "user", "content": "Say 3 words for r7" },
            { "role": "assistant", "content": "r7.0 r7.1 " },
        ]));
        assert_eq!((said(&sent), prompt_words(&sent)), (2, 7));
    }
}
