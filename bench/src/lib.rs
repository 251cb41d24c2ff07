//! What the load generator and its upstream have in common: the prompts, and how many frames a stream has.
//!
//! It does no I/O.

use bytes::Bytes;
use std::sync::Arc;

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

/// A source of prompts that are all different, each as long as the others: of few words and with one e-mail address, or
/// of texts.
///
/// Different, because a cache must not answer what the benchmark means to send; the same in every run, because
/// its figures are compared.
#[derive(Debug)]
pub struct Prompts {
    random: fastrand::Rng,
    bytes: usize,
    texts: Texts,
}

/// Texts of which prompts are made. What JSON would escape is written otherwise.
#[derive(Debug, Clone, Default)]
pub struct Texts(Arc<[String]>);

impl FromIterator<String> for Texts {
    fn from_iter<I: IntoIterator<Item = String>>(texts: I) -> Self {
        let bare = |c: char| match c {
            '"' => '\'',
            '\\' => '/',
            c if c.is_control() => ' ',
            c => c,
        };
        let bare = |text: String| text.chars().map(bare).collect();
        let texts = texts.into_iter().filter(|text| !text.trim().is_empty());
        Self(texts.map(bare).collect())
    }
}

impl Texts {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As many of them as the bytes take, from any on.
    fn fill(&self, prompt: &mut String, bytes: usize, random: &mut fastrand::Rng) {
        let first = random.usize(..self.0.len());
        let mut texts = self.0.iter().cycle().skip(first);
        while prompt.len() < bytes
            && let Some(text) = texts.next()
        {
            prompt.push(' ');
            prompt.push_str(text);
        }
        // No character is cut; blanks make up for it.
        prompt.truncate(prompt.floor_char_boundary(bytes));
        prompt.extend(std::iter::repeat_n(' ', bytes.saturating_sub(prompt.len())));
    }
}

impl Prompts {
    /// The prompts of one connection, each of [`PROMPT_BYTES`] bytes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), bytes: PROMPT_BYTES, texts: Texts::default() }
    }

    /// The same of another length, in bytes.
    #[must_use]
    pub fn of(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// The same of these texts, where there are any.
    #[must_use]
    pub fn among(self, texts: Texts) -> Self {
        Self { texts, ..self }
    }

    /// The next prompt.
    pub fn next_prompt(&mut self) -> String {
        if !self.texts.is_empty() {
            let mut text = format!("Case {:08x}:", self.random.u32(..));
            self.texts.fill(&mut text, self.bytes, &mut self.random);
            return text;
        }
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
    fn prompts_of_texts_are_as_long_and_need_no_escapes() {
        let texts: Texts =
            ["He said \"no\"\n\\o/", "\u{540d}\u{524d}", " "].map(String::from).into_iter().collect();
        let mut prompts = Prompts::new(1).of(101).among(texts);
        for _ in 0..50 {
            let prompt = prompts.next_prompt();
            assert_eq!(prompt.len(), 101);
            let body: serde_json::Value =
                serde_json::from_slice(&request("m", &prompt, false, None)).unwrap();
            assert_eq!(body.pointer("/messages/1/content").unwrap(), prompt.as_str());
        }
        assert!(Texts::from_iter([" ".to_owned()]).is_empty());
    }

    #[test]
    fn a_request_is_json() {
        let body: serde_json::Value = serde_json::from_slice(&Prompts::new(3).request("m", true)).unwrap();
        assert_eq!(body.pointer("/model").unwrap(), "m");
        assert_eq!(body.pointer("/stream").unwrap(), true);
        assert_eq!(body.pointer("/messages/1/content").unwrap().as_str().unwrap().len(), PROMPT_BYTES);
    }
}
