//! What the tolerant reader sees ahead of it: whether a text goes on like JSON.
//!
//! Invariants: how far one looks is bounded, so that reading stays linear. It never moves the reader.

use serde_json::Value;

/// How far a key is looked for.
const MAX_KEY_BYTES: usize = 256;

/// The quote that ends a string begun by this one.
pub fn closing_quote(open: char) -> Option<char> {
    match open {
        '"' | '\'' | '`' => Some(open),
        '\u{201c}' | '\u{201d}' => Some('\u{201d}'),
        '\u{2018}' | '\u{2019}' => Some('\u{2019}'),
        _ => None,
    }
}

/// A straight quote may end what a typographic one began, where the text goes on like JSON.
pub fn closes_too(open: char, c: char) -> bool {
    match open {
        '\u{201c}' | '\u{201d}' => matches!(c, '"' | '\u{201c}'),
        '\u{2018}' | '\u{2019}' => matches!(c, '\'' | '\u{2018}'),
        _ => false,
    }
}

/// Whether a key, quoted or not or only at one end, and its colon stand at the start.
pub fn starts_with_key(text: &str) -> bool {
    let unquoted = text.strip_prefix('"').unwrap_or(text);
    let bare =
        unquoted.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.'));
    let is_bare = bare.len() < unquoted.len() && bare.trim_start().starts_with([':', '=']);
    is_bare || starts_with_quoted_key(text)
}

/// Whether a quoted key and its colon stand at the start.
pub fn starts_with_quoted_key(text: &str) -> bool {
    let Some(open) = text.chars().next() else { return false };
    let Some(close) = closing_quote(open) else { return false };
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1).take_while(|(at, _)| *at < MAX_KEY_BYTES) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == close || closes_too(open, c) {
            let behind = text.get(at + c.len_utf8()..).unwrap_or_default().trim_start();
            match behind.chars().next() {
                Some(':' | '=') => return true,
                Some(',' | '}' | ']' | '#' | '/') | None => return false,
                // A quote within the key.
                Some(_) => {}
            }
        } else if c == '\n' {
            return false;
        }
    }
    false
}

/// Whether a number or a literal of JSON and the end of an item stand at the start.
pub fn starts_with_scalar(text: &str) -> bool {
    let end = text.bytes().take(40).position(|byte| matches!(byte, b',' | b']' | b'\n'));
    let item = end.and_then(|end| text.get(..end)).unwrap_or_default();
    !item.starts_with(['"', '{', '[']) && serde_json::from_str::<Value>(item).is_ok()
}

/// Whether a literal of JSON or Python stands at the start.
pub fn starts_with_literal(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let word = text.get(..end).unwrap_or_default().to_ascii_lowercase();
    matches!(word.as_str(), "true" | "false" | "null" | "none" | "nan" | "undefined")
}
