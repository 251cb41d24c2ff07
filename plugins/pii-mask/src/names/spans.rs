//! Makes spans of the probabilities of tags, and joins what belongs together. Never looks at more than the words
//! of a name and their neighbours.

use super::model::{Row, TYPES};
use super::words::{INITIAL, LINE_END, SIGN, Word};

/// The types of people, of places and of postal addresses.
const PERSON: usize = 0;
const LOCATION: usize = 1;
const ADDRESS: usize = 2;
/// A word is part of a name when what is private about it together is as probable as this.
const LEAST: f32 = 0.10;
/// So many words at most may stand in a line within an address.
const LONGEST_LINE: usize = 5;
/// The probability that is 50 per cent of a score, by type; chosen on texts of the training.
const EVEN: [f32; TYPES] = [0.45, 0.55, 0.45, 0.40, 1.0];

/// A name: words from `first` to `last`.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub first: usize,
    pub last: usize,
    /// Its type.
    pub kind: usize,
    /// The probability of it.
    pub sure: f32,
}

/// Appends the spans of a stretch that starts at the word `start`. Types that are switched off count for nothing.
pub fn collect(on: &[bool; TYPES], start: usize, rows: &[Row], spans: &mut Vec<Span>) {
    let mut open: Option<(Span, f32)> = None;
    for (n, row) in rows.iter().enumerate() {
        let (mut best, mut most, mut all) = (0, 0.0, 0.0);
        for (kind, (on, share)) in on.iter().zip(row.iter().skip(1)).enumerate() {
            if *on {
                all += share;
                if *share > most {
                    (best, most) = (kind, *share);
                }
            }
        }
        let named = all >= LEAST && all >= row.first().copied().unwrap_or(1.0) * 0.5;
        let goes_on = open.as_ref().is_some_and(|(span, _)| span.kind == best);
        if let Some((span, _)) = open.take_if(|_| !(named && goes_on)) {
            spans.push(span);
        }
        if named {
            let at = start + n;
            let (span, sum) =
                open.take().unwrap_or((Span { first: at, last: at, kind: best, sure: 0.0 }, 0.0));
            let sum = sum + all;
            let count = u16::try_from(at - span.first + 1).unwrap_or(u16::MAX);
            open = Some((Span { last: at, sure: sum / f32::from(count), ..span }, sum));
        }
    }
    spans.extend(open.map(|(span, _)| span));
}

/// The score of a probability.
pub fn per_cent(kind: usize, sure: f32) -> u8 {
    let even = EVEN.get(kind).copied().unwrap_or(1.0);
    let share =
        if sure < even { 0.5 * sure / even } else { 0.5 + 0.5 * (sure - even) / (1.0 - even).max(0.01) };
    (0..=100).rev().find(|n| f32::from(*n) <= share * 100.0).unwrap_or(0)
}

/// Joins neighbours of one type that a space, a hyphen or an apostrophe parts; of addresses also those that a comma or
/// a line end parts.
pub fn joined(text: &str, words: &[Word], spans: Vec<Span>) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    let place = |n: usize| words.get(n).map_or((0, 0), |w| (w.start, w.end));
    for span in spans {
        let near = out.last().filter(|last| last.kind == span.kind).is_some_and(|last| {
            let gap = text.get(place(last.last).1..place(span.first).0).unwrap_or("\n");
            let (from, to) = place(last.last);
            let initial = words.get(last.last).is_some_and(|w| w.shape == INITIAL);
            let title = span.kind == PERSON && is_title(text.get(from..to).unwrap_or_default());
            match gap {
                "" | " " | "-" | "'" | "’" => true,
                ". " | "." => initial || title,
                gap => {
                    span.kind == ADDRESS
                        && gap.len() <= 8
                        && gap
                            .chars()
                            .all(|c| c.is_whitespace() || matches!(c, ',' | '.' | '>' | '|' | '*' | '?'))
                        && gap.matches('\n').count() <= 1
                }
            }
        });
        match out.last_mut().filter(|_| near) {
            Some(last) => {
                last.last = span.last;
                last.sure = last.sure.max(span.sure);
            }
            None => out.push(span),
        }
    }
    out
}

/// What people are called by before their names.
const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "professor",
    "herr",
    "frau",
    "madame",
    "mme",
    "monsieur",
    "señor",
    "señora",
    "signor",
    "signora",
];

/// Takes a line between two of an address for a part of it, whatever it was taken for: towns in letter heads have no
/// sentence around them.
pub fn with_lines(words: &[Word], spans: Vec<Span>) -> Vec<Span> {
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let placed = |kind| kind == ADDRESS || kind == LOCATION;
        let before = out.iter().rposition(|last| last.kind == ADDRESS).filter(|_| placed(span.kind));
        let line = before.and_then(|n| {
            let last = out.get(n)?;
            let between = words.get(last.last + 1..span.first)?;
            let (first, end) = middle_line(between)?;
            let at = last.last + 1;
            Some((
                n,
                Span { first: at + first, last: at + end, kind: ADDRESS, sure: last.sure.min(span.sure) },
            ))
        });
        if let Some((n, line)) = line {
            out.truncate(n + 1);
            out.push(line);
        }
        out.push(span);
    }
    out
}

/// Where the words of the one whole line are, if there is but one, and it is short.
fn middle_line(between: &[Word]) -> Option<(usize, usize)> {
    let mut lines = between.split(|word| word.shape == LINE_END);
    let (before, line, behind) = (lines.next()?, lines.next()?, lines.next()?);
    let blank = |words: &[Word]| words.iter().all(|word| word.shape == SIGN);
    let first = line.iter().position(|word| word.shape != SIGN)?;
    let last = line.iter().rposition(|word| word.shape != SIGN)?;
    let alone = lines.next().is_none() && blank(before) && blank(behind) && last - first < LONGEST_LINE;
    let from = before.len() + 1;
    alone.then_some((from + first, from + last))
}

/// Whether a word is a title.
pub fn is_title(word: &str) -> bool {
    TITLES.contains(&word.to_lowercase().as_str())
}

/// Takes the titles before a person's name into it; they tell as much as an initial does.
pub fn with_title(text: &str, start: usize) -> usize {
    let mut start = start;
    loop {
        let before = text.get(..start).unwrap_or_default().trim_end_matches([' ', '.']);
        let gap = start - before.len();
        let from = before
            .rfind(|c: char| !c.is_alphanumeric())
            .map_or(0, |at| at + before.get(at..).and_then(|r| r.chars().next()).map_or(1, char::len_utf8));
        let word = before.get(from..).unwrap_or_default();
        if !(1..=2).contains(&gap) || word.is_empty() || !is_title(word) {
            return start;
        }
        start = from;
    }
}
