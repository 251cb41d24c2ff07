//! Regular expressions whose matches are bounded, so that a stream can be judged as it comes.
//!
//! A match at position `s` is what the expression matches there in the text up to about `max` bytes
//! further on; one longer than `max` bytes is no match, in a whole body as little as in a stream. So
//! whether and what matches at `s` depends only on the character before `s` and on [`Pattern::reach`]
//! bytes from it: a position is decided once they are there, and never changes. The text is searched in
//! blocks, which bounds the work an expression like `\d+` makes on a long run of digits.

use regex::{Regex, RegexBuilder};

/// Room for the character after a match, which `\b` and `$` look at.
const MARGIN: usize = 4;

/// Positions searched at a time.
const BLOCK: usize = 512;

/// An expression with its bound.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    max: usize,
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// The reason, in words for the operator.
    pub fn new(expression: &str, max: usize) -> Result<Pattern, String> {
        let regex =
            RegexBuilder::new(expression).size_limit(1 << 20).build().map_err(|error| error.to_string())?;
        if regex.is_match("") {
            return Err("the pattern matches the empty text; require a character".to_owned());
        }
        Ok(Pattern { regex, max })
    }

    /// How many bytes from a position decide it.
    pub fn reach(max: usize) -> usize {
        max + MARGIN
    }

    /// The first match that starts in `from..until`. The caller knows that those positions are decided.
    pub fn find(&self, text: &str, from: usize, until: usize) -> Option<(usize, usize)> {
        let mut pos = from;
        while pos < until {
            let stop = ceil(text, pos.saturating_add(BLOCK).min(until));
            let block = text.get(..ceil(text, stop.saturating_add(Self::reach(self.max))))?;
            while pos < stop {
                // Wherever a bounded match starts, some match starts in the longer text, so nothing is skipped.
                let Some(start) =
                    self.regex.find_at(block, pos).map(|m| m.start()).filter(|&start| start < stop)
                else {
                    break;
                };
                if let Some(end) = self.bounded(text, start) {
                    return Some((start, end));
                }
                pos = ceil(text, start + 1);
            }
            pos = stop.max(pos);
        }
        None
    }

    /// The end of the bounded match at `start`.
    fn bounded(&self, text: &str, start: usize) -> Option<usize> {
        let near = text.get(..floor(text, start.saturating_add(Self::reach(self.max))))?;
        let m = self.regex.find_at(near, start)?;
        (m.start() == start && !m.is_empty() && m.len() <= self.max).then_some(m.end())
    }
}

/// The first character boundary at or after `at`; the end of the text past it.
fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len())
}

/// The last character boundary at or before `at`.
pub fn floor(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
