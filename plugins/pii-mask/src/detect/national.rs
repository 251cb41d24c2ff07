//! Identifiers that states give to people, firms and vehicles, as one table: how they are written, and their check.
//!
//! A pattern is read from the start of a run of letters and digits: `9` is a digit, `A` a letter, `X` either,
//! anything else itself (a space and a hyphen stand for their typographic kin, too). Scores are per cent:
//! a check digit alone leaves one number in ten or eleven, so bare digits stay under the default threshold
//! until a word nearby, or standing alone, says more. Never looks further than the longest pattern.

mod america;
mod asia;
mod business;
mod europe;
mod nordic;
mod plate;

use super::check::Check;
use super::cursor::{at, before, separator};

/// The longest value without its separators.
const LONGEST: usize = 24;
/// What is taken off when only the shape is right.
const UNCHECKED: u8 = 20;
/// What is taken off when the letters are small ones.
const SMALL: u8 = 10;
/// What is taken off when digits stand before or behind it in the same row.
const ROW: u8 = 14;

/// One way to write one identifier.
#[derive(Debug)]
pub struct Spec {
    /// Which entity.
    pub kind: usize,
    /// How it is written.
    pub pattern: &'static str,
    /// The score of a valid one without any context.
    pub score: u8,
    /// Its rules, over capital letters and digits.
    pub check: fn(&[u8]) -> Check,
}

/// Short for the tables.
const fn spec(kind: usize, pattern: &'static str, score: u8, check: fn(&[u8]) -> Check) -> Spec {
    Spec { kind, pattern, score, check }
}

/// The table, by the length of a pattern's first run of letters and digits.
#[derive(Debug)]
pub struct Table(Vec<Vec<(First, &'static Spec)>>);

impl Table {
    /// The identifiers whose kinds are looked for.
    pub fn new(looked_for: impl Fn(usize) -> bool) -> Table {
        let mut table: Vec<Vec<(First, &'static Spec)>> = Vec::new();
        table.resize_with(LONGEST, Vec::new);
        let all = [america::SPECS, europe::SPECS, nordic::SPECS, asia::SPECS, business::SPECS, plate::SPECS];
        for spec in all.into_iter().flatten().filter(|spec| looked_for(spec.kind)) {
            let (first, length) = First::of(spec.pattern);
            if let Some(slot) = table.get_mut(length) {
                slot.push((first, spec));
            }
        }
        Table(table)
    }

    /// Those that may stand at `i`, where a run of so many letters and digits begins.
    pub fn at(&self, b: &[u8], i: usize, length: usize) -> impl Iterator<Item = &'static Spec> {
        let specs = self.0.get(length).map(Vec::as_slice).unwrap_or_default();
        let run = (!specs.is_empty()).then(|| Run::of(b, i, length));
        specs.iter().filter(move |(first, _)| run.is_some_and(|run| run.may_be(first))).map(|(_, spec)| *spec)
    }
}

/// What a pattern asks of the first run of letters and digits: a bit for each place, the lowest for the first.
#[derive(Clone, Copy, Debug)]
struct First {
    digits: u32,
    letters: u32,
    /// The sign behind it; `None` where nothing may follow.
    then: Option<u8>,
}

impl First {
    /// What a pattern asks for, and how long the run is.
    fn of(pattern: &str) -> (First, usize) {
        let length = pattern.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let first = pattern.as_bytes().get(..length).unwrap_or_default();
        let places = |is: fn(u8) -> bool| bits(first.iter().map(|p| is(*p)));
        let digits = places(|p| p.is_ascii_digit());
        let letters = places(|p| p.is_ascii_alphabetic() && p != b'X');
        (First { digits, letters, then: pattern.as_bytes().get(length).copied() }, length)
    }
}

/// A run of letters and digits of a text: nearly all numbers fit no pattern, and this says so of many patterns at once.
#[derive(Clone, Copy, Debug)]
struct Run {
    digits: u32,
    then: u8,
    separator: u8,
    goes_on: bool,
}

impl Run {
    fn of(b: &[u8], i: usize, length: usize) -> Run {
        let (end, run) = (i + length, b.get(i..i + length).unwrap_or_default());
        let digits = bits(run.iter().map(u8::is_ascii_digit));
        let separator = separator(b, end).map_or(0, |(kind, _)| kind);
        Run { digits, then: at(b, end), separator, goes_on: goes_on(b, end) }
    }

    fn may_be(&self, first: &First) -> bool {
        let behind = first.then.map_or(!self.goes_on, |sign| sign == self.then || sign == self.separator);
        behind && first.digits & !self.digits == 0 && first.letters & self.digits == 0
    }
}

fn bits(of: impl Iterator<Item = bool>) -> u32 {
    of.enumerate().fold(0, |bits, (n, is)| bits | u32::from(is) << n)
}

/// Whether something stands at `j` that an identifier does not end before.
fn goes_on(b: &[u8], j: usize) -> bool {
    let (c, next) = (at(b, j), at(b, j + 1));
    let dashed = matches!(c, b'-' | b'/') && next.is_ascii_alphanumeric();
    let dotted = c == b'.' && next.is_ascii_digit();
    c.is_ascii_alphanumeric() || c == b'_' || dashed || dotted
}

impl Spec {
    /// The end and the score of the identifier that starts at `i`.
    pub fn find(&self, b: &[u8], i: usize) -> Option<(usize, u8)> {
        let mut value = [0_u8; LONGEST];
        let (mut j, mut len) = (i, 0);
        let (mut small, mut capital) = (false, false);
        for p in self.pattern.bytes() {
            let c = at(b, j);
            let fits = match p {
                b'9' => c.is_ascii_digit(),
                b'A' => c.is_ascii_alphabetic(),
                b'X' => c.is_ascii_alphanumeric(),
                _ => {
                    let plain = usize::from(c == p);
                    let len = separator(b, j).filter(|s| s.0 == p).map_or(plain, |s| s.1);
                    if len == 0 {
                        return None;
                    }
                    j += len;
                    continue;
                }
            };
            if !fits {
                return None;
            }
            small |= c.is_ascii_lowercase();
            capital |= c.is_ascii_uppercase();
            *value.get_mut(len)? = c.to_ascii_uppercase();
            len += 1;
            j += 1;
        }
        if goes_on(b, j) || (small && capital) {
            return None;
        }
        // More digits in the same row: perhaps part of something longer.
        let spaced = self.pattern.contains(' ');
        let row = spaced
            && ((at(b, j) == b' ' && at(b, j + 1).is_ascii_digit())
                || (before(b, i, 1) == b' ' && before(b, i, 2).is_ascii_digit()));
        // An IPv6 address is written like this, too.
        if self.pattern.contains(':') && (at(b, j) == b':' || before(b, i, 1) == b':') {
            return None;
        }
        let off = match (self.check)(value.get(..len)?) {
            Check::No => return None,
            Check::Shape => UNCHECKED,
            Check::Valid => 0,
        };
        let off = off + if small { SMALL } else { 0 } + if row { ROW } else { 0 };
        Some((j, self.score.saturating_sub(off)))
    }
}

/// Whether an identifier may start at `i`: not in the middle of a word, a path or a hyphenated row.
pub fn may_start(b: &[u8], i: usize) -> bool {
    let prev = before(b, i, 1);
    !(prev.is_ascii_alphanumeric()
        || prev == b'_'
        || (matches!(prev, b'-' | b'.' | b'/') && before(b, i, 2).is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests;
