//! What the load generator and its upstream have in common: the prompts, and how many frames a stream has.
//!
//! It does no I/O.

use bytes::Bytes;

/// Frames of text in each stream.
pub const FRAMES: usize = 64;
/// Frames of text in a short stream, whose time to its end is measured. It is asked for by as many `max_tokens`, which
/// every provider's API calls alike.
pub const SHORT_FRAMES: usize = 20;
/// Bytes of each prompt, where nobody says otherwise.
pub const PROMPT_BYTES: usize = 1024;
/// The model whose streams stay open after their first frame.
pub const HELD_MODEL: &str = "held";
/// The model that answers at once.
pub const MODEL: &str = "answer";

/// Words of the prompts: ordinary ones, so that guards read them as they would read a user's.
const WORDS: [&str; 48] = [
    "account", "answer", "article", "because", "before", "between", "board", "building", "budget", "change",
    "chapter", "city", "company", "compare", "country", "customer", "delivery", "detail", "during", "engine",
    "evening", "example", "explain", "figure", "garden", "history", "invoice", "journey", "kitchen",
    "letter", "library", "market", "meeting", "mountain", "number", "office", "paper", "question", "report",
    "river", "schedule", "season", "station", "summary", "teacher", "village", "weather", "window",
];

/// A source of prompts that are all different, each as long as the others and with one e-mail address.
///
/// Different, because a cache must not answer what the benchmark means to send; the same in every run, because
/// its figures are compared.
#[derive(Debug)]
pub struct Prompts {
    random: fastrand::Rng,
    bytes: usize,
}

impl Prompts {
    /// The prompts of one connection, each of [`PROMPT_BYTES`] bytes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), bytes: PROMPT_BYTES }
    }

    /// The same of another length, in bytes.
    #[must_use]
    pub const fn of(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// The next prompt.
    pub fn next_prompt(&mut self) -> String {
        let mut text = format!("Case {:08x}, for someone@example.org:", self.random.u32(..));
        while text.len() < self.bytes {
            text.push(' ');
            text.push_str(self.random.choice(WORDS).unwrap_or("word"));
        }
        text.truncate(self.bytes);
        text
    }

    /// A chat request with the next prompt.
    pub fn request(&mut self, model: &str, stream: bool) -> Bytes {
        request(model, &self.next_prompt(), stream, None)
    }
}

/// A chat request. Neither argument may need escapes: this is in the measured loop's shadow, and kept cheap.
#[must_use]
pub fn request(model: &str, prompt: &str, stream: bool, max_tokens: Option<usize>) -> Bytes {
    let limit = max_tokens.map(|most| format!("\"max_tokens\":{most},")).unwrap_or_default();
    Bytes::from(format!(
        "{{\"model\":\"{model}\",\"stream\":{stream},{limit}\"messages\":[\
         {{\"role\":\"system\",\"content\":\"You are brief.\"}},{{\"role\":\"user\",\"content\":\"{prompt}\"}}]}}"
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::collections::HashSet;

    #[test]
    fn prompts_differ_within_a_run_and_not_between_runs() {
        let (mut one, mut again, mut other) = (Prompts::new(1), Prompts::new(1), Prompts::new(2));
        let first: Vec<String> = (0..100).map(|_| one.next_prompt()).collect();
        assert_eq!(first, (0..100).map(|_| again.next_prompt()).collect::<Vec<_>>());
        let all: HashSet<String> = first.into_iter().chain((0..100).map(|_| other.next_prompt())).collect();
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|prompt| prompt.len() == PROMPT_BYTES));
    }

    #[test]
    fn a_request_is_json() {
        let body: serde_json::Value = serde_json::from_slice(&Prompts::new(3).request("m", true)).unwrap();
        assert_eq!(body.pointer("/model").unwrap(), "m");
        assert_eq!(body.pointer("/stream").unwrap(), true);
        assert_eq!(body.pointer("/messages/1/content").unwrap().as_str().unwrap().len(), PROMPT_BYTES);
    }
}
