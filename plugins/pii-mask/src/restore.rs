//! Puts values back in place of placeholders, in whole answers and in streams alike.
//!
//! Models copy placeholders loosely, so `<EMAIL_1>` is also read in any case, with `&lt;` and `&gt;`, with an
//! escaped or missing underscore (`<EMAIL\_1>`, `<Email 1>`), and without its brackets where `EMAIL_1` is a
//! whole run of capitals, digits and underscores. Fakes are read as they were issued.
//!
//! The reader goes from left to right and decides each position from the text at and after it; what might
//! still become something longer waits, and the run of capitals at the end of a window waits as a whole, so
//! a window never begins inside of one. That is why every cut gives the same output. In `tool-args` the
//! text is part of a JSON document: there the reader steps over escapes as units, knows `\u003c` and `\u003e`
//! as well, and escapes what it puts in.

use crate::json::escape_into;

/// A run of capitals that is longer than this is no placeholder; only so much of it is held.
const LONGEST_RUN: usize = 64;

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

/// Whether the text cannot concern us when all placeholders have brackets: nothing in it is part of one.
pub fn is_irrelevant(text: &str) -> bool {
    let sign = |c: u8| matches!(c, b'<' | b'&' | b'_' | b'\\');
    !text.bytes().any(sign) && !text.bytes().next_back().is_some_and(is_run)
}

/// How far the text may be released, and what is replaced below that.
pub fn restore(entries: &[(&str, &str)], text: &str, json: bool, last: bool) -> (usize, Vec<Change>) {
    let b = text.as_bytes();
    let begins = beginnings(entries);
    let is_beginning = |c: u8| begins.get(usize::from(c)).copied().unwrap_or(false);
    let mut changes = Vec::new();
    let mut at = 0;
    while let Some(step) = b.get(at..).and_then(|rest| rest.iter().position(|&c| is_beginning(c))) {
        at += step;
        let rest = text.get(at..).unwrap_or_default();
        match read(entries, rest, json, last) {
            Reading::Value(len, value) => {
                let mut to = String::new();
                if json {
                    escape_into(&mut to, value);
                } else {
                    to.push_str(value);
                }
                changes.push(Change { start: at, end: at + len, to });
                at += len;
            }
            Reading::Open(keep) => return (at + keep, changes),
            Reading::Other(len) => at += len,
        }
    }
    (text.len(), changes)
}

/// The bytes at which something may begin.
fn beginnings(entries: &[(&str, &str)]) -> [bool; 256] {
    let mut begins = [false; 256];
    let mut set = |c: u8| {
        if let Some(slot) = begins.get_mut(usize::from(c)) {
            *slot = true;
        }
    };
    (0..=u8::MAX).filter(|c| is_run(*c)).for_each(&mut set);
    [b'<', b'&', b'\\'].into_iter().for_each(&mut set);
    entries.iter().filter_map(|(name, _)| name.bytes().next()).for_each(&mut set);
    begins
}

/// What stands at the beginning of a text.
enum Reading<'a> {
    /// A placeholder of this length, standing for this value.
    Value(usize, &'a str),
    /// Perhaps one, as far as the text goes: what follows these bytes waits.
    Open(usize),
    /// Something else, of this length.
    Other(usize),
}

/// What one way of reading says.
enum Eat {
    /// It fits, and is so long.
    Took(usize),
    /// It fits as far as the text goes.
    Partly,
    No,
}

fn read<'a>(entries: &[(&str, &'a str)], text: &str, json: bool, last: bool) -> Reading<'a> {
    let first = text.bytes().next().unwrap_or(0);
    let mut best: Option<(usize, &str)> = None;
    let mut open = false;
    for (name, value) in entries {
        let eat = match core(name) {
            Some(core) if matches!(first, b'<' | b'&' | b'\\') => bracketed(core, text, json),
            Some(_) => Eat::No,
            None => exact(name, text),
        };
        match eat {
            Eat::Took(len) if best.is_none_or(|(most, _)| len > most) => best = Some((len, value)),
            Eat::Partly => open = true,
            Eat::Took(_) | Eat::No => {}
        }
    }
    if open && !last {
        return Reading::Open(0);
    }
    if let Some((len, value)) = best {
        return Reading::Value(len, value);
    }
    if json && first == b'\\' {
        return escape(text, last);
    }
    if is_run(first) { run(entries, text, last) } else { Reading::Other(1) }
}

/// A run of capitals, digits and underscores: a placeholder without its brackets, or not.
fn run<'a>(entries: &[(&str, &'a str)], text: &str, last: bool) -> Reading<'a> {
    let len = text.bytes().take_while(|c| is_run(*c)).count();
    if len == text.len() && !last {
        // A fake is only looked for where a run begins, so that place must stay known.
        let fakes = entries.iter().any(|(name, _)| core(name).is_none());
        return Reading::Open(if fakes { 0 } else { len.saturating_sub(LONGEST_RUN) });
    }
    let word = text.get(..len).unwrap_or_default();
    let known = entries.iter().find(|(name, _)| core(name) == Some(word));
    match known {
        Some((_, value)) => Reading::Value(len, value),
        None => Reading::Other(len),
    }
}

/// An escape of JSON, which is one unit.
fn escape<'a>(text: &str, last: bool) -> Reading<'a> {
    let long = text.as_bytes().get(1) == Some(&b'u');
    let len = if long { 6 } else { 1 + text.chars().nth(1).map_or(1, char::len_utf8) };
    match text.len() < len {
        true if !last => Reading::Open(0),
        true => Reading::Other(text.len()),
        false if text.is_char_boundary(len) => Reading::Other(len),
        false => Reading::Other(2),
    }
}

/// What is inside the brackets of a placeholder; `None` for a fake.
fn core<'n>(name: &'n str) -> Option<&'n str> {
    let core = name.strip_prefix('<')?.strip_suffix('>')?;
    core.bytes().all(is_run).then_some(core)
}

/// A fake, as it was issued.
fn exact(name: &str, text: &str) -> Eat {
    match (text.starts_with(name), name.starts_with(text)) {
        (true, _) => Eat::Took(name.len()),
        (false, true) => Eat::Partly,
        (false, false) => Eat::No,
    }
}

/// A placeholder with its brackets, in any of the ways that it may be written.
fn bracketed(core: &str, text: &str, json: bool) -> Eat {
    let (open, close): (&[&str], &[&str]) = if json {
        (&["<", "&lt;", "\\u003c", "\\u0026lt;"], &[">", "&gt;", "\\u003e", "\\u0026gt;"])
    } else {
        (&["<", "&lt;", "\\<"], &[">", "&gt;", "\\>"])
    };
    let gap: &[&str] = if json { &["_", "\\\\_", " ", "-"] } else { &["_", "\\_", " ", "-"] };
    let mut at = 0;
    let mut eat = |ways: &[&str]| -> Option<Eat> {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        for way in ways {
            let have = rest.len().min(way.len());
            let same = way.as_bytes().get(..have).is_some_and(|w| {
                rest.get(..have).is_some_and(|r| r.eq_ignore_ascii_case(w))
            });
            if same && have < way.len() {
                return Some(Eat::Partly);
            }
            if same {
                at += way.len();
                return None;
            }
        }
        Some(Eat::No)
    };
    if let Some(end) = eat(open) {
        return end;
    }
    let mut buffer = [0_u8; 4];
    for c in core.chars() {
        let one: &str = c.encode_utf8(&mut buffer);
        if let Some(end) = if c == '_' { eat(gap) } else { eat(&[one]) } {
            return end;
        }
    }
    eat(close).unwrap_or(Eat::Took(at))
}

/// The characters of placeholders between their brackets.
fn is_run(c: u8) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_'
}

#[cfg(test)]
mod tests;
