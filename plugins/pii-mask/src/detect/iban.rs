//! International bank account numbers: a country's length and the mod-97 check.
//!
//! Source: ISO 13616-1; lengths from the SWIFT IBAN registry, release 99.

use super::cursor::{at, before, separator};

/// Country and length.
pub(super) const LENGTHS: [(&[u8; 2], usize); 89] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
    (b"YE", 30),
];

/// The number whose first check digit is at `i` (two letters stand before it).
pub fn find(b: &[u8], i: usize) -> Option<(usize, usize)> {
    let start = i.checked_sub(2)?;
    let prev = before(b, start, 1);
    if prev.is_ascii_alphanumeric() || prev == b'_' || !at(b, i + 1).is_ascii_digit() {
        return None;
    }
    let country = [at(b, start).to_ascii_uppercase(), at(b, start + 1).to_ascii_uppercase()];
    let index = LENGTHS.binary_search_by(|(code, _)| (**code).cmp(&country)).ok()?;
    let length = LENGTHS.get(index)?.1;

    // Rearranged as country + check digits last, read as one number modulo 97.
    let (mut rest, mut head) = (0_u32, 0_u32);
    let (mut j, mut seen) = (start, 0);
    let (mut upper, mut lower) = (false, false);
    while seen < length {
        let mut c = at(b, j);
        if seen >= 4 && !c.is_ascii_alphanumeric() {
            j += separator(b, j).filter(|s| matches!(s.0, b' ' | b'-')).map(|s| s.1)?;
            c = at(b, j);
        }
        if !c.is_ascii_alphanumeric() {
            return None;
        }
        upper |= c.is_ascii_uppercase();
        lower |= c.is_ascii_lowercase();
        let sum = if seen < 4 { &mut head } else { &mut rest };
        *sum = fold(*sum, c);
        seen += 1;
        j += 1;
    }
    let next = at(b, j);
    if next.is_ascii_alphanumeric() || next == b'_' || (upper && lower) {
        return None;
    }
    // The four characters of the head shift what stands before them by six digits (two letters, two digits).
    let shifted = (0..6).fold(rest, |n, _| n * 10 % 97);
    ((shifted + head) % 97 == 1).then_some((start, j))
}

/// Appends a character to a number modulo 97: a digit as itself, a letter as 10 to 35.
fn fold(n: u32, c: u8) -> u32 {
    match c {
        b'0'..=b'9' => (n * 10 + u32::from(c - b'0')) % 97,
        _ => (n * 100 + u32::from(c.to_ascii_uppercase() - b'A') + 10) % 97,
    }
}
