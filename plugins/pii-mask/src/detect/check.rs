//! Check digits and calendar rules that identifiers share.
//!
//! Everything works on ASCII digits and capital letters. Sources: ISO/IEC 7812-1 (Luhn), ISO/IEC 7064,
//! J. Verhoeff 1969; the rules of single identifiers are named where they are.

/// How well a value passes its own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It breaks them.
    No,
    /// The shape is right; there is no check digit, or a series without one exists.
    Shape,
    /// The check digits are right.
    Valid,
}

impl From<bool> for Check {
    fn from(valid: bool) -> Check {
        if valid { Check::Valid } else { Check::No }
    }
}

/// A digit's value, a letter's place from 10 on.
pub fn value(c: u8) -> u32 {
    char::from(c).to_digit(36).unwrap_or(0)
}

/// The character at `i`, or 0.
pub fn char_at(s: &[u8], i: usize) -> u8 {
    s.get(i).copied().unwrap_or(0)
}

/// The number in `len` digits from `from`.
pub fn num(s: &[u8], from: usize, len: usize) -> u32 {
    s.iter().skip(from).take(len).fold(0, |n, c| n * 10 + value(*c))
}

/// The number in all digits.
pub fn big(s: &[u8]) -> u64 {
    s.iter().fold(0, |n, c| n * 10 + u64::from(value(*c)))
}

/// The sum of the digits times their weights.
pub fn weighted(s: &[u8], weights: &[u32]) -> u32 {
    s.iter().zip(weights).map(|(c, w)| value(*c) * w).sum()
}

/// Luhn, with the check digit last.
pub fn luhn(s: &[u8]) -> bool {
    let sum: u32 = s
        .iter()
        .rev()
        .enumerate()
        .map(|(i, c)| {
            let twice = value(*c) * 2;
            if i % 2 == 0 { value(*c) } else { twice / 10 + twice % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 7064 mod 11,10, with the check digit last.
pub fn mod_11_10(s: &[u8]) -> bool {
    let Some((last, body)) = s.split_last() else { return false };
    let product = body.iter().fold(10, |p, c| {
        let sum = (value(*c) + p) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == value(*last)
}

/// Verhoeff, with the check digit last.
pub fn verhoeff(s: &[u8]) -> bool {
    const P: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    // The dihedral group of order ten.
    let mul = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let digit = |c: &u8| usize::try_from(value(*c)).unwrap_or(0);
    let sum = s.iter().rev().enumerate().fold(0, |sum, (i, c)| {
        mul(sum, P.get(i % 8).and_then(|row| row.get(digit(c))).copied().unwrap_or(0))
    });
    sum == 0
}

/// Whether there is such a day; `year` may have two digits (then the 29th of February is let pass).
pub fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap =
        year < 100 || (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Whether the first six digits are a date, year first.
pub fn yymmdd(s: &[u8]) -> bool {
    is_date(num(s, 0, 2), num(s, 2, 2), num(s, 4, 2))
}

/// Whether the first six digits are a date, day first.
pub fn ddmmyy(s: &[u8]) -> bool {
    is_date(num(s, 4, 2), num(s, 2, 2), num(s, 0, 2))
}

/// Whether all characters are the same: nobody has such a number.
pub fn is_flat(s: &[u8]) -> bool {
    s.first().is_some_and(|first| s.iter().all(|c| c == first))
}
