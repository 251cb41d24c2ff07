//! Finds names in running text: people, places, postal addresses, organisations.
//!
//! A small sequence tagger (`model`) reads words (`words`), what is known about them (`lexicon`) and what stands
//! around (`features`), and gives each word the probability of each type; this file makes finds of them. Never
//! finds anything where a structured find stands already, nor inside of identifiers, paths and URLs.

pub mod again;
mod code;
pub mod features;
pub mod lexicon;
pub mod model;
mod public;
pub mod spans;
pub mod words;

use crate::detect::entity::{ADDRESS, LOCATION, ORGANIZATION, PERSON, PUBLIC_PLACE};
use crate::detect::{Detector, Found};
use lexicon::Lexicon;
use model::{Model, Row, TYPES};
use public::Places;
use words::{LINE_END, LOWER, SIGN, USUAL, Word};

/// The entities of the tagger's types; the last type is of names that are nobody's (works, products, languages).
const KINDS: [Option<usize>; TYPES] = [Some(PERSON), Some(LOCATION), Some(ADDRESS), Some(ORGANIZATION), None];

/// A word whose score as no name is so much higher is none.
const BEYOND_DOUBT: f32 = 8.0;
/// The score that a lone word needs which does not look like a name.
const DOUBTFUL: u8 = 75;
/// So few letters and digits are no name.
const SHORTEST: usize = 2;

/// The tagger.
#[derive(Debug)]
pub struct Names {
    lexicon: Lexicon,
    model: Model,
    /// Which types are looked for.
    on: [bool; TYPES],
    /// Places that everybody knows, where they are told from others.
    places: Option<Places>,
    threshold: u8,
}

impl Names {
    /// A tagger for the entities whose bit is set; `None` when there are none, or its data cannot be read.
    pub fn new(on: u128, threshold: u8) -> Option<Names> {
        let types = KINDS.map(|kind| kind.is_some_and(|kind| on >> kind & 1 == 1));
        if types == [false; TYPES] {
            return None;
        }
        let names = Names::with(Model::built_in()?, types, threshold)?;
        let places = (on >> PUBLIC_PLACE & 1 == 1).then(Places::built_in);
        Some(Names { places, ..names })
    }

    /// A tagger with these weights.
    pub fn with(model: Model, on: [bool; TYPES], threshold: u8) -> Option<Names> {
        Some(Names { lexicon: Lexicon::built_in()?, model, on, places: None, threshold })
    }

    /// The words of a text and its lead, and how many of them are the lead's.
    fn words(&self, text: &str, lead: &str) -> (Vec<Word>, usize) {
        let mut words = Vec::with_capacity(text.len() / 4);
        if !lead.is_empty() {
            words::cut(&self.lexicon, lead, &mut words);
            words.push(Word { hash: words::hash(b":"), shape: SIGN, ..Word::default() });
        }
        let first = words.len();
        words::cut(&self.lexicon, text, &mut words);
        (words, first)
    }

    /// Whether a word is none that everybody uses in lower case.
    pub fn is_rare(&self, word: &str) -> bool {
        self.lexicon.entry(words::hash(word.to_lowercase().as_bytes())).lists & lexicon::PLAIN == 0
            && word.chars().any(char::is_alphabetic)
    }

    /// Calls `each` with every stretch of words that is worth a look (`active`), as a range and the tags' probabilities.
    fn stretches(&self, words: &[Word], active: &[bool], mut each: impl FnMut(usize, &[Row])) {
        let on = active.iter().enumerate().filter(|(_, on)| **on).map(|(at, _)| at);
        let (mut scores, mut forward) = (self.model.scores(words, on), Vec::new());
        let mut scores = scores.as_mut_slice();
        let mut at = 0;
        while let Some(start) = active.get(at..).and_then(|rest| rest.iter().position(|on| *on)) {
            let start = at + start;
            let length = active.get(start..).unwrap_or_default().iter().take_while(|on| **on).count();
            let Some((rows, rest)) = scores.split_at_mut_checked(length) else { return };
            scores = rest;
            // Most stretches are no names beyond doubt: what stands beside cannot change that.
            let plain = |row: &Row| {
                let (outside, others) = row.split_first().unwrap_or((&0.0, &[]));
                others.iter().all(|score| outside - score > BEYOND_DOUBT)
            };
            if !rows.iter().all(plain) {
                self.model.chain().marginals(rows, &mut forward);
                each(start, rows);
            }
            at = start + length;
        }
    }
}

impl Detector for Names {
    fn detect(&self, text: &str, lead: &str, out: &mut Vec<Found>) {
        if text.len() < SHORTEST {
            return;
        }
        let (mut words, first) = self.words(text, lead);
        words::settle(words.get_mut(first..).unwrap_or_default(), out);
        let mut active = Vec::with_capacity(words.len());
        features::active(&words, &mut active);
        for (n, (word, _)) in words.iter_mut().zip(&active).enumerate().filter(|(_, (_, active))| **active) {
            words::spell(if n < first { lead } else { text }, word);
        }
        let mut spans = Vec::new();
        self.stretches(&words, &active, |start, rows| spans::collect(&self.on, start, rows, &mut spans));
        spans.retain(|span| span.first >= first);
        if spans.is_empty() {
            return;
        }
        let code = code::ranges(text);
        let known = out.len();
        for mut span in spans::joined(text, &words, spans::with_lines(&words, spans)) {
            while span.first < span.last
                && words.get(span.first).is_some_and(|w| w.shape == SIGN || w.shape == LINE_END)
            {
                span.first += 1;
            }
            let (Some(from), Some(to)) = (words.get(span.first), words.get(span.last)) else { continue };
            let Some(kind) = KINDS.get(span.kind).copied().flatten() else { continue };
            let score = spans::per_cent(span.kind, span.sure);
            let in_code = code::covers(&code, from.start);
            let doubtful = span.first == span.last && (is_plainly_written(from) || kind == ADDRESS);
            let least = match () {
                () if in_code => code::LEAST,
                () if doubtful => DOUBTFUL,
                () => 0,
            };
            if score < self.threshold.max(least)
                || !code::may_be_name(text, from.start, to.end)
                || in_code && !code::stands_out(text, from.start, to.end)
            {
                continue;
            }
            let floor = out.get(known..).and_then(|ours| ours.last()).map_or(0, |last| last.end);
            let start = if kind == PERSON { spans::with_title(text, from.start) } else { from.start };
            let start = start.max(floor);
            beside(text, Found { start, end: to.end, kind, score }, known, out);
        }
        if let Some(places) = &self.places {
            out.sort_unstable_by_key(|found| found.start);
            places.settle(text, lead, out);
        }
    }
}

/// Whether a word is in lower case where names are not.
fn is_plainly_written(word: &Word) -> bool {
    word.shape == LOWER && word.line == USUAL
}

/// Whether a kind is one of the tagger's.
pub fn is_kind(kind: usize) -> bool {
    kind == PUBLIC_PLACE || KINDS.contains(&Some(kind))
}

/// Reports of a find what no structured find covers; those are the first `known` of `out`, in order.
fn beside(text: &str, whole: Found, known: usize, out: &mut Vec<Found>) {
    let ours = out.get(..known).unwrap_or_default();
    let mut at = ours.partition_point(|f| f.end <= whole.start);
    let mut start = whole.start;
    while start < whole.end {
        let other = out.get(at).filter(|f| at < known && f.start < whole.end).map(|f| (f.start, f.end));
        let end = other.map_or(whole.end, |(from, _)| from.max(start));
        let value = text.get(start..end).unwrap_or_default();
        let edge = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '>' | '|' | '*' | '"');
        let cut = value.trim_start_matches(edge);
        let from = end - cut.len();
        if cut.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST {
            out.push(Found { start: from, end: from + cut.trim_end_matches(edge).len(), ..whole });
        }
        start = other.map_or(whole.end, |(_, to)| to);
        at += 1;
    }
}

#[cfg(test)]
mod tests;
