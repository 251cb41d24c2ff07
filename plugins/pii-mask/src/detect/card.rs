//! Payment card numbers: 12 to 19 digits, plain or in the groups printed on cards, with an issuer's
//! prefix of the right length and a Luhn check digit.
//!
//! Source: ISO/IEC 7812-1 (Luhn, annex B); prefixes as the networks publish them.

use super::cursor::{ends_clean, starts_clean};
use super::groups::{Groups, joined_by};

/// The shapes that are printed, longest first.
const SHAPES: [&[usize]; 4] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

/// The end of the card number at `i`.
pub fn find(b: &[u8], i: usize, groups: &Groups) -> Option<usize> {
    if !starts_clean(b, i) {
        return None;
    }
    let first = groups.first();
    if (12..=19).contains(&first.len()) {
        return (ends_clean(b, first.end) && valid(b, i, first.end)).then_some(first.end);
    }
    SHAPES.iter().find_map(|lens| {
        let runs = groups.shaped(lens)?;
        let end = runs.last()?.end;
        let same = joined_by(runs, b' ') || joined_by(runs, b'-');
        (same && ends_clean(b, end) && valid(b, i, end)).then_some(end)
    })
}

/// Whether the digits in the range are a card number.
fn valid(b: &[u8], start: usize, end: usize) -> bool {
    let digits = || {
        b.get(start..end)
            .unwrap_or_default()
            .iter()
            .filter(|c| c.is_ascii_digit())
            .map(|c| u32::from(c - b'0'))
    };
    let count = digits().count();
    let prefix = digits().take(6).fold(0, |n, d| n * 10 + d);
    issued(prefix, count) && luhn(digits().filter_map(|d| usize::try_from(d).ok()), count)
}

/// Whether a network issues numbers with this six-digit prefix at this length.
fn issued(prefix: u32, count: usize) -> bool {
    match prefix {
        400_000..=499_999 => matches!(count, 13 | 16 | 19),
        510_000..=559_999 | 222_100..=272_099 => count == 16,
        340_000..=349_999 | 370_000..=379_999 => count == 15,
        300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999 => {
            (14..=19).contains(&count)
        }
        220_000..=220_499 | 350_000..=359_999 => (16..=19).contains(&count),
        213_100..=213_199 => count == 15,
        500_000..=509_999 | 560_000..=699_999 => (12..=19).contains(&count),
        100_000..=199_999 => count == 15,
        _ => false,
    }
}

/// The Luhn sum over `count` digits.
fn luhn(digits: impl Iterator<Item = usize>, count: usize) -> bool {
    const DOUBLED: [usize; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
    let sum: usize = digits
        .enumerate()
        .map(|(i, d)| if (count - i).is_multiple_of(2) { DOUBLED.get(d).copied().unwrap_or(0) } else { d })
        .sum();
    sum.is_multiple_of(10)
}
