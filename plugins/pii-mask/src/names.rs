//! Finds names in running text: people, places, postal addresses, organisations.
//!
//! A small sequence tagger (`model`) reads words (`words`), what is known about them (`lexicon`) and what stands
//! around (`features`), and gives each word the probability of each type; this file makes finds of them. Never
//! finds anything where a structured find stands already, nor inside of identifiers, paths and URLs.

pub mod features;
pub mod lexicon;
pub mod model;
pub mod spans;
pub mod words;

use crate::detect::entity::{ADDRESS, LOCATION, ORGANIZATION, PERSON};
use crate::detect::{Detector, Found};
use lexicon::Lexicon;
use model::{Model, Row, TYPES};
use words::{SIGN, Word};

/// The entities of the tagger's types; the last type is of names that are nobody's (works, products, languages).
const KINDS: [Option<usize>; TYPES] =
    [Some(PERSON), Some(LOCATION), Some(ADDRESS), Some(ORGANIZATION), None];

/// The tagger.
#[derive(Debug)]
pub struct Names {
    lexicon: Lexicon,
    model: Model,
    /// Which types are looked for.
    on: [bool; TYPES],
    threshold: u8,
}

impl Names {
    /// A tagger for the entities whose bit is set; `None` when there are none, or its data cannot be read.
    pub fn new(on: u128, threshold: u8) -> Option<Names> {
        let on = KINDS.map(|kind| kind.is_some_and(|kind| on >> kind & 1 == 1));
        if on == [false; TYPES] {
            return None;
        }
        Names::with(Model::built_in()?, on, threshold)
    }

    /// A tagger with these weights.
    pub fn with(model: Model, on: [bool; TYPES], threshold: u8) -> Option<Names> {
        Some(Names { lexicon: Lexicon::built_in()?, model, on, threshold })
    }

    /// The words of a text and its lead, and how many of them are the lead's.
    pub fn words(&self, text: &str, lead: &str) -> (Vec<Word>, usize) {
        let mut words = Vec::with_capacity(text.len() / 4);
        if !lead.is_empty() {
            words::cut(&self.lexicon, lead, &mut words);
            words.push(Word { hash: words::hash(b":"), shape: SIGN, ..Word::default() });
        }
        let first = words.len();
        words::cut(&self.lexicon, text, &mut words);
        (words, first)
    }

    /// Calls `each` with every stretch of words that is worth a look, as a range and the tags' probabilities.
    fn stretches(&self, words: &[Word], mut each: impl FnMut(usize, &[Row])) {
        let mut active = Vec::new();
        features::active(words, &mut active);
        let (mut rows, mut forward) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(start) = active.get(at..).and_then(|rest| rest.iter().position(|on| *on)) {
            let start = at + start;
            let length = active.get(start..).unwrap_or_default().iter().take_while(|on| **on).count();
            rows.clear();
            rows.extend((start..start + length).map(|n| {
                self.model.sum(|add| features::features(words, n, add))
            }));
            self.model.chain().marginals(&mut rows, &mut forward);
            each(start, &rows);
            at = start + length;
        }
    }
}

impl Detector for Names {
    fn detect(&self, text: &str, lead: &str, out: &mut Vec<Found>) {
        let (words, first) = self.words(text, lead);
        let mut spans = Vec::new();
        self.stretches(&words, |start, rows| spans::collect(&self.on, start, rows, &mut spans));
        spans.retain(|span| span.first >= first);
        let spans = spans::joined(text, &words, spans);
        let known = out.clone();
        for span in spans {
            let (Some(from), Some(to)) = (words.get(span.first), words.get(span.last)) else { continue };
            let Some(kind) = KINDS.get(span.kind).copied().flatten() else { continue };
            let score = spans::per_cent(span.kind, span.sure);
            if score < self.threshold || !spans::may_be_name(text, from.start, to.end) {
                continue;
            }
            // What a structured find covers is its own.
            let mut start = from.start;
            let mut push = |start: usize, end: usize| {
                let value = text.get(start..end).unwrap_or_default();
                let trimmed = value.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-'));
                let skipped = value.len() - value.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-')).len();
                if trimmed.contains(char::is_alphanumeric) {
                    let start = start + skipped;
                    out.push(Found { start, end: start + trimmed.len(), kind, score });
                }
            };
            for other in known.iter().filter(|f| f.start < to.end && f.end > from.start) {
                if other.start > start {
                    push(start, other.start);
                }
                start = start.max(other.end);
            }
            if start < to.end {
                push(start, to.end);
            }
        }
    }
}

#[cfg(test)]
mod tests;
