//! Telephone numbers: international (`+44 20 7946 0958`, `0033 …`), North American (`415-555-0132`),
//! national with a trunk zero (`06 12 34 56 78`) or an area code in brackets, and looser shapes where a
//! word such as "phone" stands before them.
//!
//! A bare run of digits is never a phone without such a word: order numbers and timestamps look the same.
//! Source: ITU-T E.164 (at most 15 digits), NANP.

mod countries;

use super::cursor::{at, before, digits_end, ends_clean, separator, starts_clean};
use super::groups::{Group, Groups};

/// What the forms are worth by themselves.
const RIGHT: u8 = 80;
const PLAUSIBLE: u8 = 58;
const PRINTED: u8 = 51;
const BARE: u8 = 38;
const LOOSE: u8 = 12;

/// The end and score of the number whose `+` is at `i`.
pub fn international(b: &[u8], i: usize) -> Option<(usize, u8)> {
    let prev = before(b, i, 1);
    if prev.is_ascii_alphanumeric() || matches!(prev, b'+' | b'_') || at(b, i + 1) == b'0' {
        return None;
    }
    let north_american = at(b, i + 1) == b'1';
    let most = if north_american { 11 } else { 15 };
    let (end, count) = dialled(b, i + 1, most)?;
    let enough = if north_american { count == 11 } else { count >= 9 };
    // More digits may follow in the same row: the longest beginning that is some country's number.
    let group_end = |k: &usize| at(b, k - 1).is_ascii_digit() && !at(b, *k).is_ascii_digit() && ended(b, *k);
    let is_number = |k: &usize| countries::is_number(significant(b, i + 1, *k));
    if let Some(end) = (i + 2..=end).rev().filter(group_end).find(is_number) {
        return Some((extension(b, end), RIGHT));
    }
    (enough && ended(b, end)).then(|| (extension(b, end), PLAUSIBLE))
}

/// The digits of a number, without a trunk zero in brackets.
fn significant(b: &[u8], from: usize, end: usize) -> impl Iterator<Item = u8> + Clone + '_ {
    let trunk = move |k: usize| at(b, k) == b'0' && before(b, k, 1) == b'(' && at(b, k + 1) == b')';
    (from..end).filter(move |k| at(b, *k).is_ascii_digit() && !trunk(*k)).map(move |k| at(b, k))
}

/// The end and score of the number whose `(` is at `i`: an area code in brackets.
pub fn bracketed(b: &[u8], i: usize) -> Option<(usize, u8)> {
    let prev = before(b, i, 1);
    let close = digits_end(b, i + 1);
    let area = close - i - 1;
    let plausible = matches!(area, 2 | 3) || (at(b, i + 1) == b'0' && matches!(area, 4 | 5));
    if prev.is_ascii_alphanumeric() || !plausible || at(b, close) != b')' {
        return None;
    }
    let rest = close + 1 + separator(b, close + 1).filter(|s| matches!(s.0, b' ' | b'-')).map_or(0, |s| s.1);
    if !at(b, rest).is_ascii_digit() {
        return None;
    }
    let groups = Groups::parse(b, rest);
    let runs = groups.as_slice();
    let mut count = area;
    let mut best = None;
    for (n, run) in runs.iter().enumerate() {
        count += run.len();
        let country = || countries::is_number(significant(b, i, run.end));
        let whole = n == 0 && run.len() >= 5 && (at(b, i + 1) == b'0' || country());
        if run.len() < 2 || count > 12 || !ended(b, run.end) {
            continue;
        }
        if (8..=if whole { 12 } else { 11 }).contains(&count) && (n > 0 || whole) {
            best = Some(run.end);
        }
    }
    best.map(|end| (extension(b, end), if area == 3 { RIGHT } else { PLAUSIBLE }))
}

/// The end and score of the number whose first digit is at `i`.
pub fn national(b: &[u8], i: usize, groups: &Groups) -> Option<(usize, u8)> {
    if !starts_clean(b, i) {
        return None;
    }
    let (end, score) = north_american(b, groups)
        .or_else(|| prefixed(b, i, groups))
        .or_else(|| trunk(b, i, groups))
        .or_else(|| named(b, groups))?;
    Some((extension(b, end), score))
}

/// `NXX-NXX-XXXX`, with an optional `1` before it.
fn north_american(b: &[u8], groups: &Groups) -> Option<(usize, u8)> {
    let runs = match groups.shaped(&[3, 3, 4]) {
        Some(runs) => runs,
        None => groups
            .shaped(&[1, 3, 3, 4])
            .filter(|r| r.first().is_some_and(|g| at(b, g.start) == b'1'))?
            .get(1..)?,
    };
    let [area, exchange, line] = runs else { return None };
    // Dashes and dots make the shape by themselves; three numbers between spaces need valid codes as well.
    let strong = area.then == exchange.then && matches!(area.then, b'-' | b'.');
    let codes = at(b, area.start) >= b'2' && at(b, exchange.start) >= b'2' && area.then != b'/';
    let score = if strong && codes { 72 } else { PLAUSIBLE };
    ((strong || codes) && ended(b, line.end)).then_some((line.end, score))
}

/// `00` and a country code, instead of `+`.
fn prefixed(b: &[u8], i: usize, groups: &Groups) -> Option<(usize, u8)> {
    if groups.continued || at(b, i) != b'0' || at(b, i + 1) != b'0' || !(b'1'..=b'9').contains(&at(b, i + 2))
    {
        return None;
    }
    let most = if at(b, i + 2) == b'1' { 13 } else { 17 };
    let (end, count) = dialled(b, i, most)?;
    let plain = groups.first().len() == count;
    let score = if countries::is_number(significant(b, i + 2, end)) { RIGHT - 8 } else { PLAUSIBLE };
    ((if plain { 12 } else { 11 }..=17).contains(&count) && ended(b, end)).then_some((end, score))
}

/// A national number with its trunk zero, in groups; or a British mobile number in one run.
fn trunk(b: &[u8], i: usize, groups: &Groups) -> Option<(usize, u8)> {
    if groups.continued || at(b, i) != b'0' {
        return None;
    }
    let first = groups.first();
    if first.len() == 1 && first.then == b' ' && groups.as_slice().get(1).is_some_and(|g| g.len() == 3) {
        let end = longest_from(b, groups.as_slice(), 1, 10..=11)?;
        return Some((end, PLAUSIBLE));
    }
    if !(b'1'..=b'9').contains(&at(b, i + 1)) {
        return None;
    }
    if first.len() == 11 && at(b, i + 1) == b'7' {
        return ended(b, first.end).then_some((first.end, PLAUSIBLE));
    }
    if (10..=11).contains(&first.len()) {
        let score = if first.len() == 11 { PRINTED } else { BARE };
        return ended(b, first.end).then_some((first.end, score));
    }
    if !(2..=5).contains(&first.len()) {
        return None;
    }
    longest(b, groups.as_slice(), 9..=11).map(|end| (end, PLAUSIBLE))
}

/// Seven to twelve digits in any groups: worth something only by a word that says what they are.
fn named(b: &[u8], groups: &Groups) -> Option<(usize, u8)> {
    let runs = groups.as_slice();
    // `1996 10 23 …` is a date with something behind it.
    let date = matches!(runs, [year, month, ..] if year.len() == 4 && month.len() == 2 && {
        matches!((at(b, year.start), at(b, year.start + 1)), (b'1', b'9') | (b'2', b'0'))
    });
    let plausible = !date && runs.iter().map(Group::len).sum::<usize>() >= 7;
    let end = plausible.then(|| longest(b, groups.as_slice(), 7..=12)).flatten()?;
    let lens = (
        runs.first().map_or(0, Group::len),
        runs.get(1).map_or(0, Group::len),
        runs.get(2).map_or(0, Group::len),
    );
    let brazilian = matches!(lens, (2, 4 | 5, 4)) && matches!(runs, [_, second, ..] if second.then == b'-');
    let printed = lens == (3, 3, 3) && runs.first().is_some_and(|g| at(b, g.start) >= b'2');
    Some((
        end,
        if brazilian {
            PRINTED
        } else if printed {
            BARE
        } else {
            LOOSE
        },
    ))
}

/// The longest row of groups, alike in their separators after the first, with so many digits.
fn longest(b: &[u8], runs: &[Group], digits: std::ops::RangeInclusive<usize>) -> Option<usize> {
    longest_from(b, runs, 0, digits)
}

/// As [`longest`], where the first `free` runs may be of one digit.
fn longest_from(
    b: &[u8],
    runs: &[Group],
    free: usize,
    digits: std::ops::RangeInclusive<usize>,
) -> Option<usize> {
    let mut count = 0;
    let mut best = None;
    let inner = runs.get(1).map_or(0, |g| g.then);
    for (n, run) in runs.iter().enumerate() {
        count += run.len();
        if (run.len() < 2 && n >= free) || count > *digits.end() {
            break;
        }
        if digits.contains(&count) && ended(b, run.end) {
            best = Some(run.end);
        }
        if n > 0 && (run.then != inner || run.then == b'/') {
            break;
        }
    }
    best
}

/// Reads digits with separators and brackets between them, up to `most` digits: the end and the count.
fn dialled(b: &[u8], from: usize, most: usize) -> Option<(usize, usize)> {
    let (mut j, mut end, mut count) = (from, None, 0);
    loop {
        let stop = digits_end(b, j);
        if count + (stop - j) > most {
            break;
        }
        if stop > j {
            count += stop - j;
            end = Some(stop);
        }
        if count == most {
            break;
        }
        let mut gap = stop;
        for _ in 0..3 {
            match at(b, gap) {
                b'(' | b')' => gap += 1,
                _ => gap += separator(b, gap).map_or(0, |s| s.1),
            }
        }
        if gap == stop || !at(b, gap).is_ascii_digit() {
            break;
        }
        j = gap;
    }
    end.map(|end| (end, count))
}

/// Whether a phone may end here: as a number may, or before an extension.
fn ended(b: &[u8], end: usize) -> bool {
    ends_clean(b, end) || extension(b, end) > end
}

/// The end with an extension (`x123`, `ext. 123`) included.
fn extension(b: &[u8], end: usize) -> usize {
    let mut j = if at(b, end) == b' ' { end + 1 } else { end };
    let rest = b.get(j..).unwrap_or_default();
    let marks: [&[u8]; 4] = [b"ext.", b"ext", b"x", b"#"];
    let Some(mark) = marks.iter().find(|m| rest.get(..m.len()).is_some_and(|r| r.eq_ignore_ascii_case(m)))
    else {
        return end;
    };
    j += mark.len();
    if at(b, j) == b' ' {
        j += 1;
    }
    let stop = digits_end(b, j);
    if (1..=6).contains(&(stop - j)) && !at(b, stop).is_ascii_alphanumeric() { stop } else { end }
}
