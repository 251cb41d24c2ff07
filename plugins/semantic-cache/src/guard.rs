//! Whether two questions ask for the same, where their vectors are alike: the details that vectors overlook.
//!
//! A question is kept as its [`Details`]: a digest of twenty-one bits for each word that says something, with the
//! word's kind, and what the whole asks for. Near neighbours such as "in 2023" and "in 2024", "can I" and "can't I",
//! "enable" and "disable", "to Paris" and "to Rome" do not agree. When in doubt details differ: a miss costs a
//! call, a wrong hit costs trust.
//! It never computes similarity (the vectors do), and keeps no text.

mod agree;
mod ask;
mod coding;
mod costs;
mod flat;
mod frame;
mod known;
mod language;
mod sign;
mod stem;
mod tokens;
mod words;

use ask::{Ask, ask, begins_question, stance};
use frame::Frame;
use known::Role;
use std::collections::HashMap;
use tokens::{Token, Words};
use words::{Kind, digest};

/// Words that are kept one by one; what follows must be the same, word by word.
const MAX_WORDS: usize = 300;

/// Small words that are kept at most; what follows is not compared.
const MAX_SMALL: usize = 128;

/// What of a question must agree with another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// What is asked for: an [`Ask`] as a letter.
    ask: Ask,
    /// Whether it is a question or an order, rather than a statement.
    question: bool,
    /// Whether anything is negated.
    negated: bool,
    /// Six bits: who is spoken of, and in which mood and time.
    stance: u8,
    /// A letter for the script or the language, `?` where neither is known.
    language: u8,
    /// How it begins, by number; 0 where that is not known.
    frame: u8,
    /// The words that say something, in order, behind what it begins with.
    words: Vec<Word>,
    /// Small words that say how the others belong together, sorted.
    small: Vec<u32>,
}

/// A word that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// Which of the kinds that say something.
    kind: WordKind,
    /// Twenty-one bits that synonyms share.
    class: u32,
}

/// Kinds of words that are kept, as they are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum WordKind {
    /// May be said in another word.
    Soft = 0,
    /// Any other.
    Hard = 1,
    /// One of many of its sort.
    Name = 2,
    /// A number that is said in a word.
    Number = 3,
    /// Stands behind "to", "into" or "than": repeats a word.
    Goal = 4,
    /// A number in digits, or a word with a digit in it.
    Figure = 5,
}

/// Makes the tables, which are kept in what is snapshotted.
pub fn prepare() {
    words::prepare();
    known::prepare();
    frame::prepare();
    costs::prepare();
}

impl Details {
    /// The details of a text.
    pub fn of(text: &str) -> Self {
        let all = Words::of(text);
        let tokens = all.tokens();
        let mark = text.trim_end().ends_with(['?', '？']);
        // What does not end as a statement does is a search, or an order.
        let question =
            mark || begins_question(&tokens) || !text.trim_end().ends_with(['.', '!', '"', ')', '。']);
        let frame = if question { frame::frame(&tokens) } else { Frame { name: 0, ask: None, tokens: 0 } };
        let mut seen = Reader {
            words: Vec::with_capacity(tokens.len()),
            small: Vec::new(),
            negated: false,
            goal: false,
            joined: false,
            takes_particle: false,
        };
        let rest = tokens.get(frame.tokens..).unwrap_or_default();
        for token in rest {
            seen.take(token);
        }
        let mut words = seen.words;
        if words.len() > MAX_WORDS {
            let rest: String = words.drain(MAX_WORDS..).map(|word| format!("{:x}.", word.class)).collect();
            words.push(Word { kind: WordKind::Number, class: digest(&rest) });
        }
        let mut small = seen.small;
        small.truncate(MAX_SMALL);
        small.sort_unstable();
        let ask = match frame.ask {
            Some(ask) => ask,
            None if question => ask(&tokens, mark),
            None => Ask::What,
        };
        Self {
            ask,
            question,
            negated: seen.negated,
            stance: stance(rest),
            language: language::of(text, &tokens),
            frame: frame.name,
            words,
            small,
        }
    }
}

struct Reader {
    words: Vec<Word>,
    small: Vec<u32>,
    negated: bool,
    /// Whether the next word is a goal.
    goal: bool,
    /// Whether "and" or its like stands between the last word and the next.
    joined: bool,
    /// Whether a particle behind the word before tells what that means.
    takes_particle: bool,
}

impl Reader {
    fn take(&mut self, token: &Token) {
        let Token { lower, seen, known } = *token;
        let takes_particle = std::mem::replace(&mut self.takes_particle, known.takes_particle);
        if known.negates {
            // "No, …" answers, and turns nothing around.
            self.negated |= !(seen.starts_sentence && seen.pauses && lower == "no");
            return;
        }
        self.negated |= known.negated;
        self.small.extend(known.small);
        match known.form.role {
            Role::Particle if takes_particle => {
                return self.push(WordKind::Name, digest(particle(lower)));
            }
            Role::Particle if matches!(lower, "in" | "on") => return,
            Role::Particle => return self.push(WordKind::Soft, digest(lower)),
            Role::Joins => {
                self.joined = true;
                return;
            }
            Role::Leads => {
                self.goal = true;
                return;
            }
            Role::None => {}
        }
        // "Vitamin C", "plan A". Small letters may be what is left of "I'd" or "e.g.".
        let letter = match lower {
            "a" => seen.capital && !seen.starts_sentence,
            "i" => false,
            "d" | "e" | "g" | "m" | "r" | "s" | "t" | "u" => seen.capital,
            _ => lower.len() == 1,
        };
        let symbol =
            letter || !seen.plain && (sign::is_sign(lower) || lower.contains(['+', '#', '%', '$', '€', '£']));
        if !seen.plain && lower.chars().any(char::is_numeric) {
            let number = number(lower);
            // Numbers that may be said in a word as well are kept as those are.
            let word = matches!(number.as_str(), "100" | "1000" | "1000000")
                || (number.len() < 3 && number.bytes().all(|byte| byte.is_ascii_digit()));
            let kind = if word { WordKind::Number } else { WordKind::Figure };
            self.push(kind, digest(&number));
        } else if symbol {
            self.push(WordKind::Name, digest(lower));
        } else {
            let class = known.class;
            match known.kind {
                Kind::Filler | Kind::Negation => {}
                Kind::Number => self.push(WordKind::Number, class),
                Kind::Name => self.push(WordKind::Name, class),
                _ if seen.capital && !seen.starts_sentence => self.push(WordKind::Name, class),
                _ if lower.contains('_') => self.push(WordKind::Name, class),
                Kind::Soft => self.push(WordKind::Soft, class),
                Kind::Hard => self.push(WordKind::Hard, class),
            }
        }
        self.joined |= known.possessive || seen.pauses;
    }

    fn push(&mut self, kind: WordKind, class: u32) {
        let joined = std::mem::take(&mut self.joined);
        match self.words.last_mut().filter(|last| joined && last.kind == WordKind::Name && kind == last.kind)
        {
            // "Rome and Paris" are "Paris and Rome".
            Some(last) if last.class > class => {
                let last = std::mem::replace(last, Word { kind, class });
                self.words.push(last);
            }
            _ => self.words.push(Word { kind, class }),
        }
        if std::mem::take(&mut self.goal) && kind != WordKind::Soft {
            self.words.push(Word { kind: WordKind::Goal, class });
        }
    }
}

/// A particle, in the sense that it has behind a word that takes one.
fn particle(word: &str) -> &str {
    match word {
        "in" | "on" => "(in)",
        "out" | "off" => "(out)",
        _ => word,
    }
}

/// A number without what is written for the eye.
fn number(lower: &str) -> String {
    let plain = lower.trim_start_matches(['#', '+']);
    let plain = plain.strip_suffix("'s").unwrap_or(plain);
    // "v2.10" is version 2.10.
    let version = plain.strip_prefix('v').filter(|rest| rest.contains('.'));
    version.unwrap_or(plain).replace(',', "")
}

/// How often each class stands in a list of words of these kinds.
fn counts(words: &[Word], kinds: &[WordKind]) -> HashMap<u32, u32, foldhash::fast::FixedState> {
    let mut counts = HashMap::default();
    for word in words.iter().filter(|word| kinds.contains(&word.kind)) {
        *counts.entry(word.class).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests;
