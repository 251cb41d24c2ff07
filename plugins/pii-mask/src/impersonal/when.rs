//! Dates and times of day, as people and machines write them, and the days of the week.
//!
//! A number by itself is never one: `2024` and `3.5` stay, and `5/21` without a word. The calendar must have the date.

use crate::detect::cursor::{at, before, digits_end, word_before};
use crate::detect::date;
use crate::detect::groups::Groups;

/// Months as they are written with a capital, at least by their first three letters.
const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
/// Words that say of a day and a month that they are one.
const SAYING: &[&str] = &["today", "date", "dated", "due", "until", "since", "tomorrow", "yesterday", "on"];
/// The days, without the `day` that they end in.
const DAYS: &[&str] = &["mon", "tues", "wednes", "thurs", "fri", "satur", "sun"];

/// The day of the week whose last letter is at `i`.
pub fn weekday(b: &[u8], i: usize) -> Option<(usize, usize)> {
    let end = i + 1;
    if at(b, end).is_ascii_alphanumeric()
        || !b.get(i.checked_sub(5)?..end)?.to_ascii_lowercase().ends_with(b"day")
    {
        return None;
    }
    let word = b.get(..i - 2)?;
    let letters = word.iter().rev().take(8).take_while(|c| c.is_ascii_alphabetic()).count();
    let name = word.get(word.len() - letters..)?;
    let known = DAYS.iter().any(|day| name.eq_ignore_ascii_case(day.as_bytes()));
    (known && is_free(b, i - 2 - letters)).then_some((i - 2 - letters, end))
}

/// The date or time of day that the digits at `i` are part of, with its month before and its time behind.
pub fn number(b: &[u8], i: usize) -> Option<(usize, usize)> {
    let digits = digits_end(b, i);
    if digits - i > 4 || before(b, i, 1).is_ascii_alphanumeric() {
        return None;
    }
    let month = || month_before(b, i).and_then(|from| Some((from, month_date(b, from, i)?)));
    if !is_free(b, i) {
        return month();
    }
    if at(b, digits) == b':' {
        return clock(b, i).map(|end| (i, end));
    }
    let month = || month_before(b, i).and_then(|from| Some((from, month_date(b, from, i)?)));
    let date =
        date::numeric(b, &Groups::parse(b, i)).or_else(|| date::day_first(b, i, digits)).map(|end| (i, end));
    let short = || month_and_year(b, i, digits).or_else(|| month_and_day(b, i, digits));
    let other = || stamp(b, i).or_else(|| day_of_month(b, i, digits)).or_else(short).map(|end| (i, end));
    let (start, end) = date.or_else(month).or_else(other)?;
    Some((start, with_time(b, end)))
}

/// The date of a time stamp, where a `T` glues the time to it and the general rule sees a word.
fn stamp(b: &[u8], i: usize) -> Option<usize> {
    let end = i + 10;
    let date = b.get(i..end)?;
    let shape =
        date.iter().zip(b"9999-99-99").all(|(c, p)| if *p == b'9' { c.is_ascii_digit() } else { c == p });
    (shape && at(b, end) == b'T' && clock(b, end + 1).is_some()).then_some(end)
}

/// The end of the time of day behind a date, or of the date.
fn with_time(b: &[u8], end: usize) -> usize {
    let gap = match (at(b, end), at(b, end + 1)) {
        (b'T' | b' ', b'0'..=b'9') => 1,
        (b',', b' ') => 2,
        _ => return end,
    };
    clock(b, end + gap).unwrap_or(end)
}

/// The end of `9:05`, `14:56:41.5`, `7:30 pm`, `09:15:30Z`, `14:30+02:00` at `i`.
fn clock(b: &[u8], i: usize) -> Option<usize> {
    let two = |from: usize, most: u32| {
        let end = digits_end(b, from);
        let value = b.get(from..end)?.iter().take(3).fold(0, |n, c| n * 10 + u32::from(c - b'0'));
        ((1..=2).contains(&(end - from)) && value < most).then_some(end)
    };
    let mut end = two(i, 24)?;
    if at(b, end) != b':' {
        return None;
    }
    end = two(end + 1, 60).filter(|stop| stop - end == 3)?;
    if at(b, end) == b':' {
        end = two(end + 1, 61).filter(|stop| stop - end == 3)?;
    }
    if at(b, end) == b'.' && at(b, end + 1).is_ascii_digit() {
        end = digits_end(b, end + 1).min(end + 10);
    }
    let mut zone = end;
    if at(b, zone) == b'Z' {
        zone += 1;
    } else if matches!(at(b, zone), b'+' | b'-') {
        zone = two(zone + 1, 15).map_or(zone, |hours| {
            if at(b, hours) == b':' { two(hours + 1, 60).unwrap_or(hours) } else { hours }
        });
    } else {
        let letter = zone + usize::from(at(b, zone) == b' ');
        let half = matches!(at(b, letter).to_ascii_lowercase(), b'a' | b'p');
        if half && at(b, letter + 1).eq_ignore_ascii_case(&b'm') {
            zone = letter + 2;
        }
    }
    let clean = |end: usize| !at(b, end).is_ascii_alphanumeric() && at(b, end) != b':' && at(b, end) != b'_';
    [zone, end].into_iter().find(|end| clean(*end))
}

/// Where the word right before `i` starts.
fn month_before(b: &[u8], i: usize) -> Option<usize> {
    let mut end = i;
    for sign in [b' ', b'.', b'-'] {
        end -= usize::from(before(b, end, 1) == sign);
    }
    let letters = b.get(..end)?.iter().rev().take(10).take_while(|c| c.is_ascii_alphabetic()).count();
    ((3..=9).contains(&letters) && end < i && is_free(b, end - letters)).then_some(end - letters)
}

/// The end of `May 12, 1980`, `May 12th` or `May 2021`, whose month starts at `from` and whose digits at `i`.
fn month_date(b: &[u8], from: usize, i: usize) -> Option<usize> {
    let month = b.get(from..)?.iter().take_while(|c| c.is_ascii_alphabetic()).count();
    if let Some(end) = date::month_first(b, from, from + month) {
        return Some(end);
    }
    if !is_month(b.get(from..from + month)?) {
        return None;
    }
    let mut end = digits_end(b, i);
    let year = end - i == 4 && matches!(at(b, i), b'1' | b'2');
    if end - i <= 2 {
        let ordinal = |s: &[u8]| b.get(end..end + 2).is_some_and(|tail| tail.eq_ignore_ascii_case(s));
        end += if [&b"st"[..], b"nd", b"rd", b"th"].iter().any(|s| ordinal(s)) { 2 } else { 0 };
    }
    let day = end - i <= 4 && !year && at(b, i) != b'0' || at(b, i) == b'0' && end - i == 2;
    ((year || day)
        && !at(b, end).is_ascii_alphanumeric()
        && !matches!(at(b, end), b'.' | b'%' if at(b, end + 1).is_ascii_digit()))
    .then_some(end)
}

/// The end of `12 May` or `05-May`, whose day ends at `digits`.
fn day_of_month(b: &[u8], i: usize, digits: usize) -> Option<usize> {
    let from = digits + usize::from(matches!(at(b, digits), b' ' | b'-'));
    let end = from + b.get(from..)?.iter().take(10).take_while(|c| c.is_ascii_alphabetic()).count();
    let right = digits - i <= 2 && from > digits && is_month(b.get(from..end)?);
    (right && !at(b, end).is_ascii_alphanumeric()).then_some(end)
}

/// The end of `05/2021`.
fn month_and_year(b: &[u8], i: usize, digits: usize) -> Option<usize> {
    let end = digits_end(b, digits + 1);
    let right = at(b, digits) == b'/' && end - digits == 5 && matches!(at(b, digits + 1), b'1' | b'2');
    (right && matches!(number_of(b, i, digits), 1..=12) && is_end(b, end)).then_some(end)
}

/// The end of `5/21`, which a word such as "today" must call a date: it may be a part of something.
fn month_and_day(b: &[u8], i: usize, digits: usize) -> Option<usize> {
    let end = digits_end(b, digits + 1);
    let right = at(b, digits) == b'/' && matches!(end - digits, 2 | 3);
    let (first, second) = (number_of(b, i, digits), number_of(b, digits + 1, end));
    let day = matches!((first, second), (1..=12, 1..=31) | (1..=31, 1..=12));
    (right && day && is_end(b, end) && word_before(b, i, 10, SAYING)).then_some(end)
}

/// The number that the digits `from..to` write.
fn number_of(b: &[u8], from: usize, to: usize) -> u32 {
    b.get(from..to).unwrap_or_default().iter().take(4).fold(0, |n, c| n * 10 + u32::from(c - b'0'))
}

/// Whether nothing goes on at `end`.
fn is_end(b: &[u8], end: usize) -> bool {
    let on = matches!(at(b, end), b'/' | b'-' | b'.') && at(b, end + 1).is_ascii_alphanumeric();
    !on && !at(b, end).is_ascii_alphanumeric() && at(b, end) != b'_'
}

/// Whether a word with a capital is a month's name, or the beginning of one.
fn is_month(word: &[u8]) -> bool {
    let named = |m: &str| {
        let m = m.as_bytes();
        word.eq_ignore_ascii_case(m)
            || matches!(word.len(), 3 | 4)
                && m.get(..word.len()).is_some_and(|m| word.eq_ignore_ascii_case(m))
    };
    word.first().is_some_and(u8::is_ascii_uppercase) && MONTHS.iter().any(|m| named(m))
}

/// Whether something may begin at `i`: not in the middle of a word, a version, a path or a longer number.
fn is_free(b: &[u8], i: usize) -> bool {
    let prev = before(b, i, 1);
    !(prev.is_ascii_alphanumeric()
        || prev == b'_'
        || prev >= 0x80
        || matches!(prev, b'-' | b'.' | b'/' | b':' | b'+' | b'$') && before(b, i, 2).is_ascii_alphanumeric())
}
