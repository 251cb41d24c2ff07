//! Byte-level look-ups shared by the detectors: reading past an edge, boundaries, separators.
//!
//! Invariant: reading outside the text gives 0, which is in no class, so an edge is a boundary.
//! Never allocates.

/// The byte at `i`, or 0 outside the text.
pub fn at(b: &[u8], i: usize) -> u8 {
    b.get(i).copied().unwrap_or(0)
}

/// The byte `n` before `i`, or 0 outside the text.
pub fn before(b: &[u8], i: usize, n: usize) -> u8 {
    i.checked_sub(n).map_or(0, |k| at(b, k))
}

/// Whether a number may start at `i`: not glued to a word, and not the tail of `12.` or `ab-`
/// (versions, decimals and UUIDs are full of digits that are nobody's).
pub fn starts_clean(b: &[u8], i: usize) -> bool {
    let prev = before(b, i, 1);
    if prev.is_ascii_alphanumeric() || prev == b'_' {
        return false;
    }
    !(matches!(prev, b'-' | b'.') && before(b, i, 2).is_ascii_alphanumeric())
}

/// Whether a number may end at `i`: not glued to a word, nor to `-1` or `.1`.
pub fn ends_clean(b: &[u8], i: usize) -> bool {
    let next = at(b, i);
    if next.is_ascii_alphanumeric() || next == b'_' {
        return false;
    }
    !(matches!(next, b'-' | b'.') && at(b, i + 1).is_ascii_digit())
}

/// The end of the run of digits that starts at `i`.
pub fn digits_end(b: &[u8], i: usize) -> usize {
    let run = b.get(i..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
    i + run
}

/// The separator at `i`: what it amounts to (space, `-`, `.`, `/`) and its length in bytes. Typographic
/// spaces and dashes count as plain ones.
pub fn separator(b: &[u8], i: usize) -> Option<(u8, usize)> {
    match at(b, i) {
        c @ (b' ' | b'-' | b'.' | b'/') => Some((c, 1)),
        0xC2 if at(b, i + 1) == 0xA0 => Some((b' ', 2)),
        0xE2 if at(b, i + 1) == 0x80 => match at(b, i + 2) {
            0x87 | 0x89 | 0xAF => Some((b' ', 3)),
            0x90..=0x95 => Some((b'-', 3)),
            _ => None,
        },
        _ => None,
    }
}

/// Whether one of `words` (lower case) stands as a whole word within `reach` bytes before `i`.
pub fn word_before(b: &[u8], i: usize, reach: usize, words: &[&str]) -> bool {
    let near = b.get(i.saturating_sub(reach)..i).unwrap_or_default();
    near.split(|c| !c.is_ascii_alphabetic())
        .any(|word| words.iter().any(|w| word.eq_ignore_ascii_case(w.as_bytes())))
}
