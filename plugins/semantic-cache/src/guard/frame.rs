//! How a question begins: "how do I", "what is the best way to" (`data/frames.txt`), so that what stands behind can be
//! compared word by word.
//!
//! Invariants: by English words alone; the longest beginning counts, behind one that is only polite. Never cuts off
//! the whole of a question.

use super::ask::Ask;
use super::tokens::Token;
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Words of the longest beginning at most.
const LONGEST: usize = 12;
/// The name of what is only polite.
const POLITE: &str = "polite";
/// What an order asks for that only says "tell me".
const PLAIN: &str = "what_is";

/// A beginning that was cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// The number of its name, from 1; 0 where there is no beginning that is known.
    pub name: u8,
    /// What it asks for, where its words alone do not tell.
    pub ask: Option<Ask>,
    /// How many tokens it has.
    pub tokens: usize,
}

struct Frames {
    polite: HashMap<String, (), FixedState>,
    named: HashMap<String, (u8, Option<Ask>), FixedState>,
    plain: u8,
}

static FRAMES: LazyLock<Frames> = LazyLock::new(|| Frames::read(include_str!("../../data/frames.txt")));

/// Makes the tables.
pub(super) fn prepare() {
    LazyLock::force(&FRAMES);
}

/// The beginning of a text.
pub(super) fn frame(tokens: &[Token]) -> Frame {
    let polite = longest(tokens, |start| FRAMES.polite.contains_key(start).then_some(()));
    let cut = polite.map_or(0, |(length, ())| length);
    let rest = tokens.get(cut..).unwrap_or_default();
    match longest(rest, |start| FRAMES.named.get(start).copied()) {
        Some((length, (name, ask))) => Frame { name, ask, tokens: cut + length },
        None if cut > 0 => Frame { name: FRAMES.plain, ask: None, tokens: cut },
        None => Frame { name: 0, ask: None, tokens: 0 },
    }
}

/// The longest beginning that is known, and how many tokens it has; at least one token is left.
fn longest<T>(tokens: &[Token], known: impl Fn(&str) -> Option<T>) -> Option<(usize, T)> {
    let mut start = String::with_capacity(48);
    let mut found = None;
    let most = LONGEST.min(tokens.len().saturating_sub(1));
    for (length, token) in (1..).zip(tokens.iter().take(most)) {
        if length > 1 {
            start.push(' ');
        }
        start.push_str(token.lower);
        if let Some(it) = known(&start) {
            found = Some((length, it));
        }
    }
    found
}

impl Frames {
    fn read(file: &str) -> Self {
        let mut frames = Self { polite: HashMap::default(), named: HashMap::default(), plain: 0 };
        let mut names: Vec<&str> = Vec::new();
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            let Some((head, starts)) = line.split_once(": ") else { continue };
            let (name, letter) = head.split_once(' ').unwrap_or((head, ""));
            let starts = starts.split(" | ").map(str::to_owned);
            if name == POLITE {
                frames.polite.extend(starts.map(|start| (start, ())));
                continue;
            }
            let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            let number = u8::try_from(at + 1).unwrap_or(u8::MAX);
            if name == PLAIN {
                frames.plain = number;
            }
            let ask = letter.bytes().next().and_then(Ask::of);
            frames.named.extend(starts.map(|start| (start, (number, ask))));
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Words;
    use super::{Ask, frame};

    #[test]
    fn beginnings_of_one_name_ask_for_the_same() {
        let of = |text: &str| frame(&Words::of(text).tokens());
        let (a, b) = (of("How do I learn Rust?"), of("Can you tell me what is the best way to learn Rust?"));
        assert_eq!((a.name, a.ask, a.tokens), (b.name, Some(Ask::How), 3));
        assert_eq!(b.tokens, 10);
        assert_eq!(of("Tell me the capital of France").name, of("What is the capital of France").name);
        assert_ne!(a.name, of("How does Rust work?").name);
        assert_eq!(of("lock gates"), of(""));
        assert_eq!(of("What is").tokens, 0, "something is left");
    }
}
