//! Texts hidden inside a text: base64, hexadecimal, rot13, reversed.
//!
//! Bounded: at most [`MOST_RUNS`] runs are decoded, each up to [`MOST_BYTES`], and what was decoded is not
//! decoded again. Never fails: what does not decode to readable text is not a layer.

/// The most encoded runs looked at in one text.
const MOST_RUNS: usize = 8;
/// The most bytes of a run, and of a text that is turned as a whole.
const MOST_BYTES: usize = 16 * 1024;
/// Shorter runs cannot hold an instruction.
const SHORTEST: usize = 24;

/// The readable texts that are encoded in runs of `text`.
pub fn encoded(text: &str) -> Vec<String> {
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    text.split(|c| !is_code(c))
        .filter(|run| run.len() >= SHORTEST)
        .take(MOST_RUNS)
        .filter_map(|run| {
            let run = run.get(..run.len().min(MOST_BYTES))?;
            readable(hex(run)).or_else(|| readable(base64(run)))
        })
        .collect()
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
