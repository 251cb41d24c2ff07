//! Puts values back in place of placeholders, in whole answers and in streams alike.
//!
//! A placeholder's first byte, `<`, occurs in it once, and no placeholder is the beginning of another;
//! so a left-to-right reader decides each position from the text at and after it, and only a suffix that
//! is the beginning of a known placeholder waits for more. That is why every cut gives the same output.
//! In `tool-args` the text is part of a JSON document: there the reader steps over escapes as units,
//! knows the placeholder with `\u003c` and `\u003e` as well, and escapes what it puts in.

use crate::json::escape_into;

/// A replacement: bytes from `start` up to `end` become `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// What stands there instead.
    pub to: String,
}

/// Whether the text cannot concern us: nothing in it begins a placeholder.
pub fn is_irrelevant(text: &str, json: bool) -> bool {
    !text.bytes().any(|c| c == b'<' || (json && c == b'\\'))
}

/// How far the text may be released, and what is replaced below that.
pub fn restore(entries: &[(&str, &str)], text: &str, json: bool, last: bool) -> (usize, Vec<Change>) {
    let mut changes = Vec::new();
    let mut at = 0;
    while let Some(step) =
        text.get(at..).and_then(|rest| rest.bytes().position(|c| c == b'<' || (json && c == b'\\')))
    {
        at += step;
        let rest = text.get(at..).unwrap_or_default();
        match read(entries, rest, json) {
            Reading::Placeholder(len, value) => {
                let mut to = String::new();
                if json {
                    escape_into(&mut to, value);
                } else {
                    to.push_str(value);
                }
                changes.push(Change { start: at, end: at + len, to });
                at += len;
            }
            Reading::Open if !last => return (at, changes),
            // A backslash and what it escapes are one unit: the second must not be read as a beginning.
            _ if rest.starts_with('\\') => at += rest.chars().take(2).map(char::len_utf8).sum::<usize>(),
            _ => at += 1,
        }
    }
    (text.len(), changes)
}

/// What a text that starts with `<` or `\` is.
enum Reading<'a> {
    /// A placeholder of this length, standing for this value.
    Placeholder(usize, &'a str),
    /// The beginning of one, as far as the text goes.
    Open,
    /// Something else.
    Other,
}

fn read<'a>(entries: &[(&str, &'a str)], text: &str, json: bool) -> Reading<'a> {
    let mut open = false;
    for (name, value) in entries {
        match spelled(name, text, json) {
            Some(0) => open = true,
            Some(len) => return Reading::Placeholder(len, value),
            None => {}
        }
    }
    // An escape whose second half has not come yet.
    open |= json && text == "\\";
    if open { Reading::Open } else { Reading::Other }
}

/// How many bytes of `text` spell `name`; 0 when the text ends before the name does; `None` when they differ.
fn spelled(name: &str, text: &str, json: bool) -> Option<usize> {
    let mut rest = text;
    for c in name.chars() {
        let direct = rest.strip_prefix(c);
        let escape = if c == '<' { "\\u003c" } else { "\\u003e" };
        rest = match direct {
            Some(rest) => rest,
            None if rest.is_empty() => return Some(0),
            None if json && matches!(c, '<' | '>') => {
                let have = rest.len().min(escape.len());
                let same = rest.as_bytes().get(..have)?.eq_ignore_ascii_case(escape.as_bytes().get(..have)?);
                match same {
                    true if have < escape.len() => return Some(0),
                    true => rest.get(escape.len()..)?,
                    false => return None,
                }
            }
            None => return None,
        };
    }
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests;
