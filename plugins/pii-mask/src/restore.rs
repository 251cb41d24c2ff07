//! Puts values back in place of placeholders, in whole answers and in streams alike.
//!
//! Models copy placeholders loosely, so `<EMAIL_1>` is also read in any case, with `&lt;` and `&gt;`, with an
//! escaped or missing underscore (`<EMAIL\_1>`, `<Email 1>`), and without its brackets where `EMAIL_1` is a
//! whole word. Fakes are read as they were issued.
//!
//! The reader goes from left to right and decides each position from the text at and after it; what might
//! still become something longer waits, and whether the released text ended inside a word is handed from
//! window to window. That is why every cut gives the same output. In `tool-args` the text is part of a JSON
//! document: there the reader steps over escapes as units, knows `\u003c` and `\u003e` as well, and escapes
//! what it puts in.

use crate::json::escape_into;

/// What opens a placeholder: in any text, and in JSON besides.
const OPENINGS: [&str; 4] = ["<", "&lt;", "\\u003c", "\\u0026lt;"];
/// No placeholder that is written loosely has more bytes.
const LONGEST: usize = 128;

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

/// What becomes of a window.
#[derive(Debug)]
pub struct Restored {
    /// How far the text may be released.
    pub safe: usize,
    /// What is replaced below that.
    pub changes: Vec<Change>,
    /// Whether the released text ends inside a word.
    pub inside: bool,
}

/// Reads a window. `inside` says whether the text released before ended inside a word.
pub fn restore(entries: &[(&str, &str)], text: &str, json: bool, last: bool, inside: bool) -> Restored {
    let b = text.as_bytes();
    let begins = beginnings(entries);
    let entries: Vec<Entry<'_>> =
        entries.iter().map(|&(name, value)| Entry { core: core(name), name, value }).collect();
    let is_beginning = |c: u8| begins.get(usize::from(c)).copied().unwrap_or(false);
    let mut changes = Vec::new();
    let mut at = 0;
    // Where the last unit (a value, an escape) ended: a word may begin there whatever stands before.
    let mut fresh = if inside { usize::MAX } else { 0 };
    while let Some(step) = b.get(at..).and_then(|rest| rest.iter().position(|&c| is_beginning(c))) {
        at += step;
        let rest = text.get(at..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|k| b.get(k)).copied();
        let starts = at == fresh || before.map_or(!inside, |c| !is_word(c));
        match read(&entries, rest, json, last, starts) {
            Reading::Value(len, value) => {
                let mut to = String::new();
                if json {
                    escape_into(&mut to, value);
                } else {
                    to.push_str(value);
                }
                changes.push(Change { start: at, end: at + len, to });
                at += len;
                fresh = at;
            }
            Reading::Open => {
                let inside = before.map_or(inside, |c| is_word(c) && at != fresh);
                return Restored { safe: at, changes, inside };
            }
            Reading::Unit(len) => {
                at += len;
                fresh = at;
            }
            Reading::Other(len) => at += len,
        }
    }
    let ends_inside = match b.last() {
        Some(c) => is_word(*c) && fresh != b.len(),
        None => inside,
    };
    Restored { safe: text.len(), changes, inside: ends_inside }
}

/// The bytes at which something may begin.
fn beginnings(entries: &[(&str, &str)]) -> [bool; 256] {
    let mut begins = [false; 256];
    let mut set = |c: u8| {
        if let Some(slot) = begins.get_mut(usize::from(c)) {
            *slot = true;
        }
    };
    (0..=u8::MAX).filter(|c| is_word(*c)).for_each(&mut set);
    [b'<', b'&', b'\\'].into_iter().for_each(&mut set);
    entries.iter().filter_map(|(name, _)| name.bytes().next()).for_each(&mut set);
    begins
}

/// What stands at the beginning of a text.
enum Reading<'a> {
    /// A placeholder of this length, standing for this value.
    Value(usize, &'a str),
    /// Perhaps one, as far as the text goes.
    Open,
    /// An escape of this length.
    Unit(usize),
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

/// A placeholder or a fake.
struct Entry<'a> {
    /// What is between the brackets of a placeholder.
    core: Option<&'a str>,
    name: &'a str,
    value: &'a str,
}

fn read<'a>(entries: &[Entry<'a>], text: &str, json: bool, last: bool, starts: bool) -> Reading<'a> {
    let first = text.bytes().next().unwrap_or(0);
    let word = text.bytes().take_while(|c| is_word(*c)).count();
    // A fake may stand inside a word; a placeholder without its brackets may not.
    let mut step = word;
    let mut best: Option<(usize, &str)> = None;
    let mut open = false;
    for Entry { core, name, value } in entries {
        let eat = match core {
            Some(core) if matches!(first, b'<' | b'&' | b'\\') => bracketed(core, text, json),
            Some(core) if starts && core.as_bytes().first() == Some(&first) => bare(core, text, word, last),
            Some(_) => Eat::No,
            None => {
                step = 1;
                exact(name, text)
            }
        };
        match eat {
            Eat::Took(len) if best.is_none_or(|(most, _)| len > most) => best = Some((len, value)),
            Eat::Partly => open = true,
            Eat::Took(_) | Eat::No => {}
        }
    }
    if open && !last {
        return Reading::Open;
    }
    match best {
        Some((len, value)) => Reading::Value(len, value),
        None if json && first == b'\\' => escape(text, last),
        None => Reading::Other(step.max(text.chars().next().map_or(1, char::len_utf8))),
    }
}

/// A placeholder without its brackets: all of the word of `word` bytes that `text` begins with.
fn bare(core: &str, text: &str, word: usize, last: bool) -> Eat {
    let found = text.get(..word).unwrap_or_default();
    if word == text.len() && !last {
        return if core.starts_with(found) { Eat::Partly } else { Eat::No };
    }
    if found == core { Eat::Took(word) } else { Eat::No }
}

/// An escape of JSON, which is one unit.
fn escape<'a>(text: &str, last: bool) -> Reading<'a> {
    let long = text.as_bytes().get(1) == Some(&b'u');
    let len = if long { 6 } else { 1 + text.chars().nth(1).map_or(1, char::len_utf8) };
    match text.len() < len {
        true if !last => Reading::Open,
        true => Reading::Other(text.len()),
        false if text.is_char_boundary(len) => Reading::Unit(len),
        false => Reading::Unit(2),
    }
}

/// What is inside the brackets of a placeholder; `None` for a fake.
fn core(name: &str) -> Option<&str> {
    let core = name.strip_prefix('<')?.strip_suffix('>')?;
    core.bytes().all(is_word).then_some(core)
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
        (&OPENINGS, &[">", "&gt;", "\\u003e", "\\u0026gt;"])
    } else {
        (OPENINGS.split_at(2).0, &[">", "&gt;"])
    };
    let gap: &[&str] = if json { &["_", "\\\\_", " ", "-"] } else { &["_", "\\_", " ", "-"] };
    let mut at = 0;
    let mut eat = |ways: &[&str]| -> Option<Eat> {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        for way in ways {
            let have = rest.len().min(way.len());
            let same = way
                .as_bytes()
                .get(..have)
                .is_some_and(|w| rest.get(..have).is_some_and(|r| r.eq_ignore_ascii_case(w)));
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

/// What a text has that would be read as a placeholder, if there were one of that name: the names, in capitals.
pub fn lookalikes(text: &str) -> impl Iterator<Item = String> {
    text.match_indices(['<', '&', '\\']).filter_map(|(at, _)| {
        let rest = text.as_bytes().get(at..)?;
        let opens =
            |way: &&&str| rest.get(..way.len()).is_some_and(|r| r.eq_ignore_ascii_case(way.as_bytes()));
        let inside = rest.get(OPENINGS.iter().find(opens)?.len()..)?;
        let mut core = String::new();
        for (n, c) in inside.iter().take(LONGEST).enumerate() {
            match c {
                b'\\' if matches!(inside.get(n + 1), Some(b'\\' | b'_')) => {}
                b' ' | b'-' | b'_' => core.push('_'),
                c if c.is_ascii_alphanumeric() => core.push(char::from(c.to_ascii_uppercase())),
                _ => break,
            }
        }
        core.ends_with(|c: char| c.is_ascii_digit()).then_some(core)
    })
}

/// The characters of words.
fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

#[cfg(test)]
mod tests;
