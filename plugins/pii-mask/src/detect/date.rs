//! Dates, as dates of birth: they score so low that a word such as "born" or "DOB" must stand by them.
//!
//! Forms: `1980-05-12`, `12/05/1980`, `12.5.80`, `12 May 1980`, `May 12, 1980`, and those months in some
//! other languages. Never takes a date for itself.

use super::check::is_date;
use super::cursor::{at, digits_end};
use super::groups::Groups;

/// What a date is worth by itself.
pub const SCORE: u8 = 14;

/// The first letters of month names; three tell them apart in most languages of Latin script.
const MONTHS: &[&str] = &[
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "ene", "fév", "fev",
    "mär", "mai", "maj", "mei", "mag", "abr", "avr", "juin", "juil", "giu", "lug", "ago", "aoû", "set",
    "okt", "ott", "dez", "déc", "dic", "gen",
];

/// The end of the date in digits at the groups' start.
pub fn numeric(b: &[u8], groups: &Groups) -> Option<usize> {
    let [first, second, third, ..] = groups.as_slice() else { return None };
    let alike = first.then == second.then && matches!(first.then, b'-' | b'/' | b'.');
    let value = |start: usize, end: usize| {
        b.get(start..end).unwrap_or_default().iter().take(4).fold(0_u32, |n, c| n * 10 + u32::from(c - b'0'))
    };
    let (a, m, c) =
        (value(first.start, first.end), value(second.start, second.end), value(third.start, third.end));
    let date = match (first.len(), second.len(), third.len()) {
        (4, 1 | 2, 1 | 2) => (1880..2100).contains(&a) && is_date(a, m, c),
        (1 | 2, 1 | 2, 4) => (1880..2100).contains(&c) && (is_date(c, m, a) || is_date(c, a, m)),
        (1 | 2, 1 | 2, 2) => is_date(c, m, a) || is_date(c, a, m),
        _ => false,
    };
    let longer = matches!(third.then, b'-' | b'/' | b'.');
    (alike && date && !longer && !at(b, third.end).is_ascii_alphanumeric()).then_some(third.end)
}

/// The end of `12 May 1980` or `12th of May, 1980`, whose day ends at `day_end`.
pub fn day_first(b: &[u8], i: usize, day_end: usize) -> Option<usize> {
    if day_end - i > 2 {
        return None;
    }
    let mut j = day_end;
    for skip in [&b"st"[..], b"nd", b"rd", b"th", b".", b" ", b"-", b"of ", b"de ", b"di "] {
        if b.get(j..j + skip.len()) == Some(skip) {
            j += skip.len();
        }
    }
    let month = word_end(b, j);
    is_month(b.get(j..month)?).then_some(())?;
    let mut year = month;
    for skip in [&b"."[..], b",", b" ", b"-", b"de ", b"del "] {
        if b.get(year..year + skip.len()) == Some(skip) {
            year += skip.len();
        }
    }
    year_end(b, year)
}

/// The end of `May 12, 1980`, whose month is the word `i..end`.
pub fn month_first(b: &[u8], i: usize, end: usize) -> Option<usize> {
    // Behind nearly no word stands a day, so that is asked first.
    let mut j = end + usize::from(at(b, end) == b'.');
    j += usize::from(at(b, j) == b' ');
    let day = digits_end(b, j);
    if !(1..=2).contains(&(day - j)) {
        return None;
    }
    let word = b.get(i..end)?;
    if word.len() < 3 || word.len() > 9 || !is_month(word) {
        return None;
    }
    let mut year = day;
    for skip in [&b"st"[..], b"nd", b"rd", b"th", b",", b" "] {
        if b.get(year..year + skip.len()) == Some(skip) {
            year += skip.len();
        }
    }
    year_end(b, year)
}

fn year_end(b: &[u8], i: usize) -> Option<usize> {
    let end = digits_end(b, i);
    (end - i == 4 && matches!(at(b, i), b'1' | b'2') && !at(b, end).is_ascii_alphanumeric()).then_some(end)
}

fn word_end(b: &[u8], i: usize) -> usize {
    i + b
        .get(i..)
        .unwrap_or_default()
        .iter()
        .take(12)
        .take_while(|c| c.is_ascii_alphabetic() || **c >= 0x80)
        .count()
}

/// Whether a word begins like a month.
pub fn is_month(word: &[u8]) -> bool {
    let begins = |m: &str| word.get(..m.len()).is_some_and(|w| w.eq_ignore_ascii_case(m.as_bytes()));
    word.len() >= 3 && MONTHS.iter().any(|m| begins(m))
}
