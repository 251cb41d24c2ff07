//! E-mail addresses around an `@`.
//!
//! Not the whole of RFC 5321: quoted local parts and address literals are left out, and the last label
//! must look like a top-level domain, which keeps `package@1.2.3` and `user@host` out.

use super::cursor::{at, before};

/// The address around the `@` at `i`, not starting before `floor`.
pub fn find(b: &[u8], i: usize, floor: usize) -> Option<(usize, usize)> {
    let start = local_start(b, i, floor)?;
    let end = domain_end(b, i + 1)?;
    Some((start, end))
}

/// Where the local part starts.
fn local_start(b: &[u8], i: usize, floor: usize) -> Option<usize> {
    let mut start = i;
    while start > floor && i - start < 64 {
        let c = before(b, start, 1);
        if c.is_ascii_alphanumeric()
            || matches!(c, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'' | b'&' | b'=' | b'~')
        {
            start -= 1;
        } else if (0x80..0xC0).contains(&c)
            && matches!(before(b, start, 2), 0xC3..=0xC9)
            && start >= floor + 2
        {
            start -= 2; // a Latin letter with a diacritic; other scripts run on without spaces
        } else {
            break;
        }
    }
    // `\nbob@…`: in escaped text the letter belongs to the escape.
    if before(b, start, 1) == b'\\' && matches!(at(b, start), b'n' | b'r' | b't' | b'b' | b'f') {
        start += 1;
    } else if before(b, start, 1) == b'\\' && at(b, start) == b'u' {
        start += 5;
    }
    // `key=bob@…` and `'bob@…'`: what joins or quotes is not part of the name.
    let name = b.get(start..i)?;
    let cut = name.iter().rposition(|c| matches!(c, b'=' | b'&')).map_or(0, |k| k + 1);
    start += cut;
    while start < i && matches!(at(b, start), b'.' | b'\'' | b'-' | b'~' | b'%' | b'+') {
        start += 1;
    }
    let valid = start < i && before(b, i, 1) != b'.' && !b.get(start..i)?.windows(2).any(|w| w == b"..");
    valid.then_some(start)
}

/// Where the domain that starts at `from` ends: at its last label that could be a top-level domain.
fn domain_end(b: &[u8], from: usize) -> Option<usize> {
    let mut best = None;
    let mut label = from;
    for n in 0..12 {
        let rest = b.get(label..)?;
        let len = rest
            .iter()
            .take(64)
            .take_while(|&&c| c.is_ascii_alphanumeric() || c == b'-' || is_latin(c))
            .count();
        let body = rest.get(..len)?;
        let body = body.strip_suffix(b"-").unwrap_or(body);
        if body.is_empty() || body.first() == Some(&b'-') {
            break;
        }
        let end = label + body.len();
        let top = body.iter().all(|c| c.is_ascii_alphabetic() || is_latin(*c))
            || body.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"xn--"));
        if n > 0 && top && body.len() >= 2 && at(b, end) != b'_' {
            best = Some(end);
        }
        // `bob@example.com415…`: a number glued to the address is not a reason to let the address through.
        let letters = body.iter().take_while(|c| c.is_ascii_alphabetic()).count();
        if n > 0 && letters >= 2 && best.is_none() && at(b, end) != b'.' {
            best = Some(label + letters);
        }
        if at(b, end) != b'.' {
            break;
        }
        label = end + 1;
    }
    best
}

/// A byte of a two-byte Latin letter.
fn is_latin(c: u8) -> bool {
    matches!(c, 0xC3..=0xC9 | 0x80..=0xBF)
}
