//! Whole words and phrases, whatever their case, spacing or disguise.
//!
//! A word matches where its first and last character do not continue a word, so "ass" is not in "class"; `walk` says
//! what counts as the word. Whether a word is at a position depends on the text from the character before it to the one
//! after it; [`Words::held_from`] names the first position for which that text has not all come.
//! Invariant: hits are sorted by start, the longest first.

use crate::openings::Openings;
use crate::trie::{Letter, Trie, Word, is_unspaced, letter};
use crate::walk::{continues, reach, walk};
use text_kit::ascii;

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
    trie: Trie,
    openings: Openings,
    reach: usize,
}

impl Words {
    /// Takes words.
    pub fn new(words: &[Word]) -> Words {
        let trie = Trie::new(words);
        let reach = if words.is_empty() { 0 } else { reach(trie.longest) };
        Words { openings: Openings::of(&trie), trie, reach }
    }

    /// The words that start in `from..until`, given that nothing comes after the text.
    pub fn hits(&self, text: &str, from: usize, until: usize) -> Vec<Hit> {
        let (mut hits, mut todo): (Vec<Hit>, _) = (Vec::new(), Vec::new());
        for start in self.starts(text, from).take_while(|start| *start < until) {
            let found = walk(&self.trie, text, start, true, &mut todo).found;
            hits.extend(found.into_iter().map(|found| Hit { start, end: found.end, rule: found.rule }));
        }
        hits.sort_by_key(|h| (h.start, std::cmp::Reverse(h.end), h.rule));
        hits
    }

    /// The first position, not before `from`, where more text could still make a word or unmake one.
    pub fn held_from(&self, text: &str, from: usize) -> usize {
        let mut todo = Vec::new();
        let earliest = text.len().saturating_sub(self.reach).max(from);
        self.starts(text, earliest)
            .find(|start| walk(&self.trie, text, *start, false, &mut todo).open)
            .unwrap_or(text.len())
    }

    /// The positions, not before `from`, where a word may start.
    fn starts<'t>(&'t self, text: &'t str, from: usize) -> impl Iterator<Item = usize> + 't {
        let mut at = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        let mut before = text.get(..at).and_then(|before| before.chars().next_back());
        let bytes = text.as_bytes();
        std::iter::from_fn(move || {
            if self.reach == 0 {
                return None;
            }
            loop {
                let (start, first) = (at, *bytes.get(at)?);
                if first == b' ' {
                    (at, before) = (at + 1, Some(' '));
                    continue;
                }
                let (c, free) = if first.is_ascii() {
                    let c = char::from(first);
                    let free = before.is_none_or(|before| !continues(before, c));
                    at += if is_word(first) { run(bytes, at) } else { 1 };
                    before = bytes.get(at - 1).map(|last| char::from(*last));
                    (c, free)
                } else {
                    let c = text.get(at..)?.chars().next()?;
                    let free = before
                        .is_none_or(|before| !continues(before, c) || is_unspaced(before) && is_unspaced(c));
                    at += c.len_utf8();
                    before = Some(c);
                    (c, free)
                };
                if free && begins(c) && self.openings.may_lead_on(bytes, start) {
                    return Some(start);
                }
            }
        })
    }
}

/// Whether a word may begin with a character.
fn begins(c: char) -> bool {
    !c.is_whitespace() && (c.is_ascii() || letter(c) != Letter::Gone)
}

/// Whether an ASCII character continues a word.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many ASCII characters of a word stand from `at` on: none of them but the first can begin one.
fn run(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    while let Some(rest) = bytes.get(end..) {
        end += ascii::alphanumerics(rest);
        if bytes.get(end) != Some(&b'_') {
            break;
        }
        end += 1;
    }
    end - at
}

#[cfg(test)]
mod tests;
