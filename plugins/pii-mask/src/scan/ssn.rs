//! United States social security numbers: `AAA-GG-SSSS` in ranges that are given out; nine digits in a
//! row count only where the words before say so.
//!
//! Source: SSA, randomisation of 2011: area 000, 666 and 900–999, group 00 and serial 0000 are never used.

use super::cursor::{ends_clean, starts_clean, word_before};
use super::groups::{Groups, joined_by};

/// The end of the number at `i`.
pub fn find(b: &[u8], i: usize, groups: &Groups) -> Option<usize> {
    if !starts_clean(b, i) {
        return None;
    }
    let first = groups.first();
    let end = if first.len() == 9 {
        let named = word_before(b, i, 32, &["ssn", "ssns", "social"]);
        named.then_some(first.end)?
    } else {
        let runs = groups.shaped(&[3, 2, 4])?;
        [b'-', b' ', b'.'].into_iter().any(|kind| joined_by(runs, kind)).then_some(runs.last()?.end)?
    };
    let digits = b.get(i..end)?.iter().filter(|c| c.is_ascii_digit());
    let number = digits.fold(0_u32, |n, c| n * 10 + u32::from(c - b'0'));
    let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
    let given = area != 0 && area != 666 && area < 900 && group != 0 && serial != 0;
    (given && ends_clean(b, end)).then_some(end)
}
