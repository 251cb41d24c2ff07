//! Texts hidden inside a text: base64, hexadecimal, percent and entity escapes, rot13, reversed.
//!
//! Bounded: at most [`MOST_RUNS`] runs are decoded, each up to [`MOST_BYTES`], and what was decoded is not
//! decoded again. Never fails: what does not decode to readable text is not a layer.

use text_kit::ascii;

/// The most encoded runs looked at in one text.
const MOST_RUNS: usize = 8;
/// The most bytes of a run, and of a text that is turned as a whole.
const MOST_BYTES: usize = 16 * 1024;
/// Shorter runs cannot hold an instruction.
const SHORTEST: usize = 24;
/// Fewer escapes in a run are ordinary.
const FEWEST: usize = 6;

/// The readable texts that are encoded in runs of `text`.
pub fn encoded(text: &str) -> Vec<String> {
    runs(text)
        .take(MOST_RUNS)
        .filter_map(|run| {
            let run = run.get(..run.len().min(MOST_BYTES))?;
            readable(hex(run)).or_else(|| readable(base64(run)))
        })
        .collect()
}

/// The runs of letters of a code that are long enough. Nearly no word of a text is, so only one byte in as many is looked
/// at until one may be in a run.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    let is_code = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_' | b'=');
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let window = bytes.get(from..from + SHORTEST)?;
            if let Some(at) = window.iter().rposition(|c| !is_code(c)) {
                from += at + 1;
                continue;
            }
            let rest = bytes.get(from + SHORTEST..).unwrap_or_default();
            let end = from + SHORTEST + rest.iter().position(|c| !is_code(c)).unwrap_or(rest.len());
            let run = text.get(from..end);
            from = end;
            return run;
        }
    })
}

/// The readable texts that are spelled in escapes: `%69`, `&#105;`, `\u0069`, `\x69`.
pub fn escaped(text: &str) -> Vec<String> {
    let signs = |run: &str| ascii::count(run.as_bytes(), [*b"%%", *b"##", *b"\\\\"]);
    // Nearly no text has as many.
    let text = if signs(text) < FEWEST { "" } else { text };
    text.split_whitespace()
        .filter(|run| run.len() >= SHORTEST && signs(run) >= FEWEST)
        .take(MOST_RUNS)
        .filter_map(|run| readable(unescape(run.get(..run.floor_char_boundary(MOST_BYTES))?)))
        .collect()
}

/// The bytes of a run with its escapes undone; empty when there are too few.
fn unescape(run: &str) -> Vec<u8> {
    let (mut out, mut rest, mut undone) = (Vec::with_capacity(run.len()), run, 0);
    while let Some(c) = rest.chars().next() {
        let (code, len) = escape(rest).unwrap_or((u32::from(c), c.len_utf8()));
        undone += usize::from(len > c.len_utf8());
        match (char::from_u32(code), u8::try_from(code)) {
            // A percent escape is a byte; the other kinds are characters.
            (_, Ok(byte)) if c == '%' => out.push(byte),
            (Some(c), _) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => {}
        }
        rest = rest.get(len..).unwrap_or_default();
    }
    if undone >= FEWEST { out } else { Vec::new() }
}

/// The escape at the start of a text: its code, and its length.
fn escape(text: &str) -> Option<(u32, usize)> {
    let fixed = |sign: &str, digits: usize| {
        let code = text.strip_prefix(sign)?.get(..digits)?;
        Some((u32::from_str_radix(code, 16).ok()?, sign.len() + digits))
    };
    let entity = || {
        let rest = text.strip_prefix("&#")?;
        let (code, _) = rest.get(..rest.floor_char_boundary(7))?.split_once(';')?;
        let number = match code.strip_prefix(['x', 'X']) {
            Some(code) => u32::from_str_radix(code, 16),
            None => code.parse(),
        };
        Some((number.ok()?, code.len() + 3))
    };
    fixed("%", 2).or_else(|| fixed("\\u", 4)).or_else(|| fixed("\\x", 2)).or_else(entity)
}

/// The text with each letter moved by thirteen.
pub fn rot13(text: &str) -> String {
    let turn = |c: char| match c {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(c) + 13).unwrap_or(c),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(c) - 13).unwrap_or(c),
        c => c,
    };
    text.chars().take(MOST_BYTES).map(turn).collect()
}

/// The text from its end to its beginning.
pub fn reversed(text: &str) -> String {
    text.chars().rev().take(MOST_BYTES).collect()
}

/// A decoded run that is text, with words in it.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let odd = text.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
    (text.len() >= SHORTEST / 2 && odd == 0 && text.contains(char::is_whitespace)).then_some(text)
}

/// Decodes hexadecimal; empty when it is none.
fn hex(run: &str) -> Vec<u8> {
    let digit = |c: u8| char::from(c).to_digit(16);
    let pair = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    };
    run.as_bytes().chunks(2).map(pair).collect::<Option<Vec<u8>>>().unwrap_or_default()
}

/// Decodes base64 in either alphabet, with or without padding.
fn base64(run: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(run.len() / 4 * 3 + 3);
    let (mut bits, mut have) = (0_u32, 0);
    for c in run.bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            out.push(u8::try_from(bits >> have & 0xFF).unwrap_or(0));
        }
    }
    out
}

#[cfg(test)]
mod tests;
