//! Internet addresses, version 4 and 6.
//!
//! Not taken: versions (`1.2.3`, `version 1.2.3.4`, five parts and more), times, `std::vec`, `a[::2]`.
//! Source: RFC 4291 §2.2; parsing is the standard library's.

use super::cursor::{at, before, digits_end, word_before};
use std::net::Ipv6Addr;

/// The end of the IPv4 address whose first digit is at `i`.
pub fn v4(b: &[u8], i: usize) -> Option<usize> {
    let prev = before(b, i, 1);
    if prev.is_ascii_alphanumeric() || matches!(prev, b'.' | b'_' | b'-') {
        return None;
    }
    let mut j = i;
    for part in 0..4 {
        if part > 0 {
            if at(b, j) != b'.' {
                return None;
            }
            j += 1;
        }
        let end = digits_end(b, j);
        let digits = b.get(j..end)?;
        let value = digits.iter().take(4).fold(0_u32, |n, c| n * 10 + u32::from(c - b'0'));
        if !(1..=3).contains(&digits.len()) || value > 255 || (digits.len() > 1 && at(b, j) == b'0') {
            return None;
        }
        j = end;
    }
    let next = at(b, j);
    let longer = next == b'.' && at(b, j + 1).is_ascii_digit();
    if longer
        || next.is_ascii_alphanumeric()
        || next == b'_'
        || word_before(b, i, 12, &["version", "ver", "v", "release"])
    {
        return None;
    }
    Some(j)
}

/// The IPv6 address around the colon at `i`, not starting before `floor`.
pub fn v6(text: &str, i: usize, floor: usize) -> Option<(usize, usize, u8)> {
    let b = text.as_bytes();
    let hex = |c: u8| c.is_ascii_hexdigit() || c == b':';
    let mut start = i;
    while start > floor && i - start < 40 && hex(before(b, start, 1)) {
        start -= 1;
    }
    let run = b.get(i..)?.iter().take(48).take_while(|&&c| hex(c) || c == b'.').count();
    let mut end = i + run;
    while end > i && (at(b, end - 1) == b'.' || (at(b, end - 1) == b':' && before(b, end, 2) != b':')) {
        end -= 1;
    }
    let (prev, next) = (before(b, start, 1), at(b, end));
    if prev.is_ascii_alphanumeric() || prev == b'_' || next.is_ascii_alphanumeric() || next == b'_' {
        return None;
    }
    let token = text.get(start..end)?;
    if token.bytes().filter(|&c| c == b':').count() < 2 || !token.bytes().any(|c| c.is_ascii_digit()) {
        return None;
    }
    // `::2` is a slice's step far more often than an address; the loopback is the one that occurs.
    let lone = token != "::1" && token.strip_prefix("::").is_some_and(|rest| !rest.contains([':', '.']));
    let slice = prev == b'['
        && matches!(before(b, start, 2), c if c.is_ascii_alphanumeric() || c == b']' || c == b')');
    if lone || slice {
        return None;
    }
    token.parse::<Ipv6Addr>().ok().map(|_| (start, end, 84))
}
