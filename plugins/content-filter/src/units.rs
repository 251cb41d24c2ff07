//! Cuts a text into units, about a sentence each, as it comes.
//!
//! A unit ends behind the white space after a full stop, question or exclamation mark, behind a line's end, behind an
//! ideographic full stop, and where it grows too long. Invariant: where a unit ends depends only on the text from its
//! start to one character past its end, so however a stream is cut, its units are the same.

use text_kit::ascii;

/// Words after which a unit ends at the next gap.
const MOST_WORDS: usize = 40;
/// Bytes after which a unit ends at the next gap, and those at which it ends whatever stands there.
const MOST_BYTES: usize = 320;
const LONGEST: usize = 480;

/// The byte after the end of the first unit of a text; `None` while more text could still lengthen it.
pub fn end(text: &str, last: bool) -> Option<usize> {
    let (mut words, mut in_word, mut full, mut after) = (0, false, false, 0);
    let bytes = text.as_bytes();
    // Nearly all of most texts is words with a space behind each.
    let near = bytes.get(..bytes.len().min(LONGEST - 1)).unwrap_or_default();
    while after < bytes.len() {
        let run = ascii::alphanumerics(near.get(after..).unwrap_or_default());
        if run > 0 {
            words += usize::from(!in_word);
            (in_word, full) = (true, false);
            after += run;
        }
        if near.get(after) == Some(&b' ') {
            after += 1;
            in_word = false;
            if full || words >= MOST_WORDS || after >= MOST_BYTES {
                return Some(after);
            }
            continue;
        }
        let Some(c) = text.get(after..).and_then(|rest| rest.chars().next()) else { break };
        after += c.len_utf8();
        let word = c.is_alphanumeric();
        words += usize::from(word && !in_word);
        in_word = word;
        let long = words >= MOST_WORDS || after >= MOST_BYTES;
        if c == '\n'
            || matches!(c, '。' | '！' | '？')
            || c.is_whitespace() && (full || long)
            || after >= LONGEST
        {
            return Some(after);
        }
        // Closing quotes and brackets belong to the sentence.
        full = matches!(c, '.' | '!' | '?' | '…')
            || full && matches!(c, '"' | '\'' | '”' | '’' | ')' | ']' | '*');
    }
    (last && !text.is_empty()).then_some(text.len())
}

/// The complete units of a text, as byte ranges; the rest behind them is not complete.
pub fn units(text: &str, last: bool) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from;
        from = start + end(text.get(start..)?, last)?;
        Some((start, from))
    })
}

#[cfg(test)]
mod tests;
