//! Hardware addresses: six pairs with colons or hyphens, or three groups of four with dots (as Cisco writes).
//!
//! Not taken: all zeros, all ones. Source: IEEE 802, EUI-48.

use super::cursor::{at, before};

/// The end of the address whose first pair starts at `i`.
pub fn find(b: &[u8], i: usize) -> Option<usize> {
    let prev = before(b, i, 1);
    if prev.is_ascii_alphanumeric() || matches!(prev, b':' | b'-' | b'_' | b'.') {
        return None;
    }
    let (size, count, sep) = match (at(b, i + 2), at(b, i + 4)) {
        (c @ (b':' | b'-'), _) => (2, 6, c),
        (_, b'.') => (4, 3, b'.'),
        _ => return None,
    };
    let mut j = i;
    for n in 0..count {
        if n > 0 {
            if at(b, j) != sep {
                return None;
            }
            j += 1;
        }
        if !b.get(j..j + size)?.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        j += size;
    }
    let next = at(b, j);
    let longer = next == sep && at(b, j + 1).is_ascii_alphanumeric();
    let value = b.get(i..j)?;
    let nobody = value.iter().all(|c| *c == b'0' || *c == sep)
        || value.iter().all(|c| c.eq_ignore_ascii_case(&b'f') || *c == sep);
    (!next.is_ascii_alphanumeric() && next != b'_' && !longer && !nobody).then_some(j)
}
