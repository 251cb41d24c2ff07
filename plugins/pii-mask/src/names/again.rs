//! Names that were found once, wherever they stand again: in these letters, as whole words.
//!
//! The tagger needs a sentence around a name; its next occurrence may stand alone. Of a person, given name and family
//! name count, too. Words that everybody uses are left out: `Will` must not take every `Will` with him.

use super::Names;
use crate::detect::entity::{ADDRESS, PERSON, is_impersonal};
use crate::detect::{Detector, Found};
use std::collections::BTreeMap;
use text_kit::ascii;

/// How sure a name is that was found elsewhere.
const SCORE: u8 = 80;
/// The fewest letters of a part of a person's name.
const SHORTEST: usize = 3;

/// Names by their first words.
#[derive(Debug)]
pub struct Again {
    /// The bytes that they begin with: most words of a text begin otherwise.
    starts: [bool; 256],
    by_first: BTreeMap<String, Vec<(String, usize)>>,
}

impl Default for Again {
    fn default() -> Again {
        Again { starts: [false; 256], by_first: BTreeMap::new() }
    }
}

impl Again {
    /// Adds a find of a kind, if it is a name.
    pub fn add(&mut self, names: &Names, value: &str, kind: usize) {
        if !super::is_kind(kind) || is_impersonal(kind) {
            return;
        }
        // A street without its number may be any word.
        if kind == ADDRESS && !value.contains(|c: char| c.is_ascii_digit()) {
            return;
        }
        let single = !value.contains(char::is_whitespace);
        if !single || names.is_rare(value) {
            self.put(value, kind);
        }
        if kind == PERSON && !single {
            for part in value.split_whitespace() {
                let part = part.trim_matches(|c: char| !c.is_alphanumeric());
                let long = part.chars().count() >= SHORTEST && part.starts_with(char::is_uppercase);
                if long && names.is_rare(part) && !super::spans::is_title(part) {
                    self.put(part, kind);
                }
            }
        }
    }

    fn put(&mut self, value: &str, kind: usize) {
        let Some((_, first)) = runs(value).next().filter(|(at, _)| *at == 0) else { return };
        if let Some(start) = first.bytes().next().and_then(|b| self.starts.get_mut(usize::from(b))) {
            *start = true;
        }
        let known = self.by_first.entry(first.to_owned()).or_default();
        if !known.iter().any(|(known, _)| known == value) {
            known.push((value.to_owned(), kind));
            // The longest first, as it hides the others.
            known.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.by_first.is_empty()
    }
}

impl Detector for Again {
    fn detect(&self, text: &str, _lead: &str, out: &mut Vec<Found>) {
        let mut done = 0;
        let code = super::code::ranges(text);
        for (start, word) in runs(text) {
            let possible = word.bytes().next().and_then(|b| self.starts.get(usize::from(b)));
            if start < done || possible != Some(&true) {
                continue;
            }
            let rest = text.get(start..).unwrap_or_default();
            let whole = |value: &str| {
                let behind = rest.get(value.len()..).and_then(|r| r.chars().next());
                rest.starts_with(value) && behind.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            };
            let known = self.by_first.get(word).and_then(|of| of.iter().find(|(value, _)| whole(value)));
            let Some((value, kind)) = known else { continue };
            let end = start + value.len();
            let in_code = super::code::covers(&code, start) && !super::code::stands_out(text, start, end);
            if !in_code && super::code::may_be_name(text, start, end) {
                out.push(Found { start, end, kind: *kind, score: SCORE });
                done = end;
            }
        }
    }
}

/// The runs of letters and digits, with their places.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + next_word(rest)?;
        let run = text.get(start..)?;
        let mut length = ascii::alphanumerics(run.as_bytes());
        if run.as_bytes().get(length).is_some_and(|behind| !behind.is_ascii()) {
            length = run.find(|c: char| !c.is_alphanumeric()).unwrap_or(run.len());
        }
        at = start + length;
        Some((start, run.get(..length)?))
    })
}

/// Where the first letter or digit is.
fn next_word(text: &str) -> Option<usize> {
    let plain = text.bytes().position(|byte| !byte.is_ascii() || byte.is_ascii_alphanumeric())?;
    let rest = text.get(plain..)?;
    Some(plain + rest.find(char::is_alphanumeric)?)
}

#[cfg(test)]
mod tests {
    use super::runs;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_are_what_letters_and_digits_make(text in "([a-z0-9\u{e9}\u{4e00}]{0,9}[ _.\u{301}\u{2014}]{0,3}){0,9}") {
            let split = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
            prop_assert!(runs(&text).map(|(_, run)| run).eq(split), "{text:?}");
            prop_assert!(runs(&text).all(|(at, run)| text[at..].starts_with(run)));
        }
    }
}
