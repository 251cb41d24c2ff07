//! Makes spans of the probabilities of tags, joins what belongs together, and says what cannot be a name.

use super::model::{Row, TYPES};
use super::words::{INITIAL, Word};

/// The type of postal addresses.
const ADDRESS: usize = 2;
/// A word is part of a name when what is private about it together is as probable as this.
const LEAST: f32 = 0.10;
/// The probability that is 50 per cent of a score, by type; chosen on texts of the training.
const EVEN: [f32; TYPES] = [0.40, 0.40, 0.30, 0.40, 1.0];

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
        let (mut best, mut most, mut all, mut begins) = (0, 0.0, 0.0, false);
        let mut tags = row.iter().skip(1);
        for (kind, on) in on.iter().enumerate() {
            let (first, inside) = (tags.next().copied().unwrap_or(0.0), tags.next().copied().unwrap_or(0.0));
            if *on {
                all += first + inside;
                if first + inside > most {
                    (best, most, begins) = (kind, first + inside, first > inside);
                }
            }
        }
        let named = all >= LEAST && all >= row.first().copied().unwrap_or(1.0) * 0.5;
        let goes_on = open.as_ref().is_some_and(|(span, _)| span.kind == best && !begins);
        if let Some((span, _)) = open.take_if(|_| !(named && goes_on)) {
            spans.push(span);
        }
        if named {
            let at = start + n;
            let (span, sum) = open.take().unwrap_or((Span { first: at, last: at, kind: best, sure: 0.0 }, 0.0));
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
    let share = if sure < even { 0.5 * sure / even } else { 0.5 + 0.5 * (sure - even) / (1.0 - even).max(0.01) };
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
            let initial = words.get(last.last).is_some_and(|w| w.shape == INITIAL);
            match gap {
                "" | " " | "-" | "'" | "’" => true,
                ". " | "." => initial,
                gap => {
                    span.kind == ADDRESS
                        && gap.len() <= 8
                        && gap.chars().all(|c| c.is_whitespace() || matches!(c, ',' | '.'))
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

/// Whether what stands around lets the bytes `start..end` be a name: not the piece of an identifier, a path, a URL or
/// a tag.
pub fn may_be_name(text: &str, start: usize, end: usize) -> bool {
    let b = text.as_bytes();
    let at = |n: usize| b.get(n).copied().unwrap_or(b' ');
    let back = |n: usize| start.checked_sub(n).map_or(b' ', at);
    let joins = |c: u8| matches!(c, b'_' | b'/' | b'\\' | b'=' | b'$' | b'~' | b'{' | b'%' | b'^');
    let word = |c: u8| c.is_ascii_alphanumeric() || c >= 0x80;
    let glued_before = matches!(back(1), b'_' | b'\\' | b'$' | b'.' | b'~')
        || back(1) == b'/' && !back(2).is_ascii_whitespace() && !text.get(..start).is_some_and(|t| t.ends_with("//")) && is_path(b, start)
        || back(1) == b':' && back(2) == b':'
        || back(1) == b'-' && back(2) == b'-'
        || back(1) == b'<' && word(at(end.saturating_sub(1))) && matches!(at(end), b'>' | b'<');
    let glued_behind = joins(at(end)) && (at(end) != b'/' || is_path(b, end))
        || at(end) == b'(' && !text.get(start..end).unwrap_or_default().contains(' ')
        || at(end) == b':' && at(end + 1) == b':'
        || at(end) == b'.' && word(at(end + 1)) && at(end + 1).is_ascii_lowercase()
        || at(end) == b'[' ;
    !glued_before && !glued_behind
}

/// Whether the run of signs without white space around `i` has two slashes or a scheme: a path or a URL.
fn is_path(b: &[u8], i: usize) -> bool {
    let back = b.get(..i).unwrap_or_default().iter().rev().take_while(|c| !c.is_ascii_whitespace()).count();
    let ahead = b.get(i..).unwrap_or_default().iter().take_while(|c| !c.is_ascii_whitespace()).count();
    let run = b.get(i - back..i + ahead).unwrap_or_default();
    run.iter().filter(|c| **c == b'/').count() > 1 || run.contains(&b'.') && run.contains(&b'/')
}
