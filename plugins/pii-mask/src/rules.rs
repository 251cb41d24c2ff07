//! The operator's own entities: patterns, and lists of values.
//!
//! Both are detectors like any other; what they find scores higher than most built-in finds, as the operator
//! knows best. Never reports the empty text.

use crate::detect::{Detector, Found};
use regex::Regex;
use std::collections::BTreeMap;

/// How sure the operator's own rules are.
const SCORE: u8 = 93;

/// Regular expressions, each with its kind.
#[derive(Debug)]
pub struct Patterns(pub Vec<(usize, Regex)>);

impl Detector for Patterns {
    fn detect(&self, text: &str, _lead: &str, out: &mut Vec<Found>) {
        for (kind, regex) in &self.0 {
            let finds = regex.find_iter(text).filter(|m| !m.is_empty());
            out.extend(finds.map(|m| Found { start: m.start(), end: m.end(), kind: *kind, score: SCORE }));
        }
    }
}

/// Values that are found as whole words, whatever their case and the white space in them.
#[derive(Debug, Default)]
pub struct Lists {
    /// By the first word, lower case: the words that follow, and the kind.
    by_first: BTreeMap<String, Vec<(Vec<String>, usize)>>,
}

impl Lists {
    /// Adds a value; one without letters and digits is never found.
    pub fn add(&mut self, value: &str, kind: usize) {
        let mut words =
            words(value).map(|(start, end)| value.get(start..end).unwrap_or_default().to_lowercase());
        if let Some(first) = words.next() {
            self.by_first.entry(first).or_default().push((words.collect(), kind));
        }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.by_first.is_empty()
    }
}

impl Detector for Lists {
    fn detect(&self, text: &str, _lead: &str, out: &mut Vec<Found>) {
        let all: Vec<(usize, usize)> = words(text).collect();
        let lower = |&(start, end): &(usize, usize)| text.get(start..end).unwrap_or_default().to_lowercase();
        for (n, first) in all.iter().enumerate() {
            let Some(values) = self.by_first.get(&lower(first)) else { continue };
            let following = all.get(n + 1..).unwrap_or_default();
            let fits = |rest: &Vec<String>| {
                following.len() >= rest.len() && following.iter().zip(rest).all(|(w, r)| lower(w) == *r)
            };
            for (rest, kind) in values.iter().filter(|(rest, _)| fits(rest)) {
                let last = rest.len().checked_sub(1).and_then(|k| following.get(k)).unwrap_or(first);
                out.push(Found { start: first.0, end: last.1, kind: *kind, score: SCORE });
            }
        }
    }
}

/// The runs of letters and digits.
fn words(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = chars.find(|(_, c)| c.is_alphanumeric())?;
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = chars.next_if(|(_, c)| c.is_alphanumeric()) {
            end = at + c.len_utf8();
        }
        Some((start, end))
    })
}

#[cfg(test)]
mod tests;
