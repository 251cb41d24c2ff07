//! Just enough JSON to look inside strings without disturbing the document around them.
//!
//! Invariant: pieces are cut and replaced by position in the raw text, so whatever is not replaced
//! stays byte for byte. Never builds a document.

/// A stretch of a JSON text.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it starts in the raw text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Whether it is the inside of a string (or key); otherwise numbers and punctuation.
    pub string: bool,
}

/// Whether a text is a JSON object or array, or several of them, one after the other (JSON lines).
pub fn is_document(text: &str) -> bool {
    let values = || serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    text.trim_start().starts_with(['{', '[']) && values().all(|value| value.is_ok())
}

/// Cuts a valid JSON text into the insides of its strings and what lies between.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut start, mut string, mut escaped) = (0, false, false);
    for (i, c) in text.bytes().enumerate() {
        if escaped {
            escaped = false;
        } else if string && c == b'\\' {
            escaped = true;
        } else if c == b'"' {
            if i > start {
                pieces.push(Piece { start, end: i, string });
            }
            string = !string;
            start = i + 1;
        }
    }
    if text.len() > start {
        pieces.push(Piece { start, end: text.len(), string });
    }
    pieces
}

/// The inside of a string without its escapes, and where each decoded byte came from: the raw positions,
/// one for each byte and one for the end. `None` when an escape is malformed.
pub fn unescape(raw: &str) -> Option<(String, Vec<usize>)> {
    let mut out = String::with_capacity(raw.len());
    let mut from = Vec::with_capacity(raw.len() + 1);
    let mut chars = raw.char_indices();
    while let Some((i, c)) = chars.next() {
        let c = if c == '\\' { escape_at(raw, i, &mut chars)? } else { c };
        out.push(c);
        from.extend(std::iter::repeat_n(i, c.len_utf8()));
    }
    from.push(raw.len());
    Some((out, from))
}

/// Decodes the escape whose backslash is at `i`, and moves `chars` past it.
fn escape_at(raw: &str, i: usize, chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let unit = |at: usize| raw.get(at..at + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    Some(match chars.next()?.1 {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => {
            let high = unit(i + 2)?;
            let pair = raw.get(i + 6..i + 8) == Some("\\u");
            let low = if pair { unit(i + 8) } else { None };
            let both = low
                .and_then(|low| char::decode_utf16([high, low]).next()?.ok().filter(|c| c.len_utf16() == 2));
            let (c, skip) = match both {
                Some(c) => (c, 10),
                None => (char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER), 4),
            };
            chars.nth(skip - 1)?;
            c
        }
        other => other,
    })
}

/// Appends `value` as it must stand inside a JSON string.
pub fn escape_into(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                out.push_str("\\u00");
                for shift in [4, 0] {
                    out.push(char::from_digit(u32::from(c) >> shift & 0xF, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests;
