//! Whole words and phrases, in any case.
//!
//! A word matches where its first and last character do not continue a word, so "ass" is not in "class".
//! Whether a word is at a position depends on the text from the character before it to the one after it;
//! [`Words::held_from`] names the first position for which that text has not all come.
//! Invariant: hits are sorted by start, the longest first.

use aho_corasick::{AhoCorasick, BuildError};

/// Where a word is, and which rule it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The rule's index.
    pub rule: usize,
}

/// All words of all rules.
#[derive(Debug)]
pub struct Words {
    finder: Option<AhoCorasick>,
    /// The rule of each pattern.
    rules: Vec<usize>,
    /// The patterns in lower case (ASCII), sorted, to ask what a suffix could become.
    sorted: Vec<String>,
    longest: usize,
}

impl Words {
    /// Takes words with the index of their rule.
    ///
    /// # Errors
    /// When there are too many for the automaton.
    pub fn new(words: &[(String, usize)]) -> Result<Words, BuildError> {
        let mut patterns: Vec<(String, usize)> =
            words.iter().flat_map(|(word, rule)| spellings(word).map(|w| (w, *rule))).collect();
        patterns.sort();
        patterns.dedup();
        let build =
            || AhoCorasick::builder().ascii_case_insensitive(true).build(patterns.iter().map(|(w, _)| w));
        let finder = if patterns.is_empty() { None } else { Some(build()?) };
        let longest = patterns.iter().map(|(w, _)| w.len()).max().unwrap_or(0);
        let (mut sorted, rules): (Vec<String>, Vec<usize>) = patterns.into_iter().unzip();
        sorted.dedup();
        Ok(Words { finder, rules, sorted, longest })
    }

    /// The words that start in `from..until`, given that nothing comes after the text.
    pub fn hits(&self, text: &str, from: usize, until: usize) -> Vec<Hit> {
        let Some(finder) = &self.finder else { return Vec::new() };
        let mut hits: Vec<Hit> = finder
            .find_overlapping_iter(text)
            .filter(|m| (from..until).contains(&m.start()) && stands_alone(text, m.start(), m.end()))
            .filter_map(|m| {
                Some(Hit { start: m.start(), end: m.end(), rule: *self.rules.get(m.pattern().as_usize())? })
            })
            .collect();
        hits.sort_by_key(|h| (h.start, std::cmp::Reverse(h.end), h.rule));
        hits
    }

    /// The first position, not before `from`, where more text could still make a word or unmake one.
    pub fn held_from(&self, text: &str, from: usize) -> usize {
        let earliest = text.len().saturating_sub(self.longest).max(from);
        let could_become = |s: &usize| {
            text.get(*s..).is_some_and(|tail| {
                let tail = tail.to_ascii_lowercase();
                let next = self.sorted.partition_point(|w| w.as_str() < tail.as_str());
                self.sorted.get(next).is_some_and(|w| w.starts_with(&tail)) && starts_alone(text, *s)
            })
        };
        (earliest..text.len()).find(could_become).unwrap_or(text.len())
    }
}

/// A word as it may be written. ASCII letters match in any case by themselves; for the others the usual
/// forms are listed.
fn spellings(word: &str) -> impl Iterator<Item = String> {
    let lower = word.to_lowercase();
    let mut chars = lower.chars();
    let title: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    [word.to_lowercase(), title, word.to_uppercase(), word.to_owned()]
        .into_iter()
        .map(|w| w.to_ascii_lowercase())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether no word runs on across the position `s`.
fn starts_alone(text: &str, s: usize) -> bool {
    let (before, after) = text.split_at_checked(s).unwrap_or_default();
    !(before.chars().next_back().is_some_and(is_word) && after.chars().next().is_some_and(is_word))
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    starts_alone(text, start) && starts_alone(text, end)
}

#[cfg(test)]
mod tests;
