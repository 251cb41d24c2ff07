//! The details that embeddings overlook: numbers, negations, names, opposites, kinds of question.
//!
//! Two questions of the same meaning have the same signature; near neighbours such as "in 2023" and "in 2024",
//! "can I" and "can't I", "enable" and "disable" do not. When in doubt signatures differ: a miss costs a call,
//! a wrong hit costs trust.
//! It never judges similarity (the vectors do) and keeps no text: the signature is stored as a digest.

mod words;

use std::borrow::Cow;
use std::collections::BTreeSet;
use words::{Kind, kind};

/// What must agree between two questions, as one line.
pub fn signature(text: &str) -> String {
    let mut details = Details::default();
    let mut lower = String::new();
    let mut starts_sentence = true;
    for raw in text.split_whitespace() {
        if raw.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            // Nearly every word: it has nothing to be split or trimmed at.
            details.bare_word(raw, starts_sentence, &mut lower);
            starts_sentence = false;
            continue;
        }
        let ends_sentence = raw.ends_with(['.', '!', '?', ':']);
        for piece in raw.split(['/', ',', ';', '(', ')', '"', '\u{201c}', '\u{201d}', '\u{2014}']) {
            details.word(piece, starts_sentence, &mut lower);
            starts_sentence &= piece.is_empty();
        }
        // "1,000" is one number, though its pieces were looked at apart: the digits stand in order either way.
        starts_sentence = ends_sentence;
    }
    details.line()
}

/// Makes the tables, which are kept in what is snapshotted.
pub fn prepare() {
    words::prepare();
}

#[derive(Default)]
struct Details {
    negations: u32,
    /// In their order: "from 2 to 3" is not "from 3 to 2".
    numbers: Vec<Cow<'static, str>>,
    names: BTreeSet<String>,
    telling: BTreeSet<&'static str>,
}

impl Details {
    /// Takes a word in; `lower` is room to write it in lower case.
    fn word(&mut self, piece: &str, starts_sentence: bool, lower: &mut String) {
        // Signs that are part of a name or a number stay: C++, C#, -5, 50%, $5.
        let ends = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '#' | '-' | '%' | '$' | '€');
        let word = piece.trim_matches(ends).trim_end_matches('-');
        if !word.is_empty() {
            self.bare_word(word, starts_sentence, lower);
        }
    }

    /// Takes in a word without what surrounds it.
    fn bare_word(&mut self, word: &str, starts_sentence: bool, lower: &mut String) {
        lower.clear();
        if word.is_ascii() {
            lower.push_str(word);
            lower.make_ascii_lowercase();
        } else {
            word.chars().flat_map(char::to_lowercase).for_each(|c| {
                lower.push(if c == '\u{2019}' { '\'' } else { c });
            });
        }
        let known = kind(lower);
        if lower.ends_with("n't") || known == Some(Kind::Negation) {
            self.negations += 1;
            return;
        }
        if word.chars().any(char::is_numeric) {
            self.numbers.push(lower.clone().into());
            return;
        }
        if let Some(Kind::Number(digits)) = known {
            self.numbers.push(digits.into());
            return;
        }
        let bare = lower.strip_suffix("'s").unwrap_or(lower);
        let known = if bare.len() == lower.len() { known } else { kind(bare) };
        if let Some(Kind::Telling(word)) = known {
            self.telling.insert(word);
            return;
        }
        let capital = word.chars().any(char::is_uppercase);
        let symbol = word.contains(['+', '#', '%', '$', '€']);
        let only_grammar = starts_sentence || lower == "i" || lower.starts_with("i'");
        if symbol || (capital && !(only_grammar && words::starts_sentences(lower))) {
            self.names.insert(bare.to_owned());
        }
    }

    fn line(self) -> String {
        let Self { negations, numbers, names, telling } = self;
        let names: Vec<String> = names.into_iter().collect();
        let telling: Vec<&str> = telling.into_iter().collect();
        format!("{}|{}|{}|{}", negations % 2, numbers.join(" "), names.join(" "), telling.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::signature;

    #[track_caller]
    fn same(a: &str, b: &str) {
        assert_eq!(signature(a), signature(b), "{a} / {b}");
    }

    #[track_caller]
    fn differ(a: &str, b: &str) {
        assert_ne!(signature(a), signature(b), "{a} / {b}");
    }

    #[test]
    fn other_words_agree() {
        same("What is the capital of France?", "Tell me the capital of France");
        same("How do I reset my password?", "how can i reset the password please");
        same("What's a lock gate?", "Please explain what a lock gate is.");
        same("Give me three ideas", "Give me 3 ideas!");
        same("I don't know how it works", "I do not know how this works");
        same("What is Germany's population?", "What is the population of Germany?");
        same("Hi. What is rust", "What is rust");
    }

    #[test]
    fn numbers_must_agree() {
        differ("Who won in 2023?", "Who won in 2024?");
        differ("convert 5 km to miles", "convert 50 km to miles");
        differ("from 2 to 3", "from 3 to 2");
        differ("is 1.5 enough", "is 15 enough");
        differ("give me two", "give me three");
        differ("is -5 ok", "is 5 ok");
    }

    #[test]
    fn negations_must_agree() {
        differ("Is it safe?", "Is it not safe?");
        differ("Why can I log in?", "Why can't I log in?");
        differ("cooking with salt", "cooking without salt");
        same("Why can\u{2019}t I log in?", "Why can't I log in?");
    }

    #[test]
    fn names_must_agree() {
        differ("What is the capital of France?", "What is the capital of Germany?");
        differ("France population?", "Germany population?");
        differ("Write it in C", "Write it in C++");
        differ("What does NASA do?", "What does ESA do?");
        differ("Is Anna older than her brother?", "Is Hanna older than her brother?");
    }

    #[test]
    fn opposites_and_kinds_of_question_must_agree() {
        differ("how do I enable dark mode", "how do I disable dark mode");
        differ("sort the list ascending", "sort the list descending");
        differ("when was he born", "where was he born");
        differ("pros of remote work", "cons of remote work");
        differ("what happens before lunch", "what happens after lunch");
    }

    #[test]
    fn any_text_has_a_signature() {
        same("", "   ");
        same("...", "");
        differ("日本語で２", "日本語で３");
    }
}
