//! Where a name is none: pieces of identifiers, paths and URLs, and code between fences.
//!
//! Code that comes back with another identifier does not run, so names are left alone where in doubt. Never
//! parses: it looks at the signs around.

use std::ops::Range;
use text_kit::ascii;

/// The score that a name needs within code.
pub const LEAST: u8 = 85;
/// From so many lines on a text may be code as a whole.
const FEWEST: usize = 3;

/// What pairs of signs are made of that sentences do not have.
const SIGNS: [[u8; 2]; 7] = [*b"()", *b"./", *b"::", *b"=>", *b"[[", *b"__", *b"{}"];

/// What is code: what stands between lines of three backticks, lines that look like it, and all of a text most of whose
/// lines do.
pub fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = fences(text);
    let (mut at, mut lines, mut code) = (0, 0_usize, Vec::new());
    for line in text.split_inclusive('\n') {
        lines += usize::from(!line.trim().is_empty());
        if is_code(line.trim()) {
            code.push(at..at + line.len());
        }
        at += line.len();
    }
    if lines >= FEWEST && code.len() * 3 >= lines {
        return vec![Range { start: 0, end: text.len() }];
    }
    ranges.extend(code);
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        last.end = if touches { last.end.max(next.end) } else { last.end };
        touches
    });
    ranges
}

/// Whether a line is one of a programming language: how it ends, or two signs that sentences do not have.
fn is_code(line: &str) -> bool {
    if line.ends_with(['{', '}', ';']) || line.ends_with("):") || line.ends_with("(") {
        return true;
    }
    pairs(line).take(2).count() == 2
}

/// Where a pair of signs is that sentences do not have. Each pair has one of [`SIGNS`] of its own, so those are looked for.
fn pairs(line: &str) -> impl Iterator<Item = usize> {
    let bytes = line.as_bytes();
    let mut at = 0;
    // The word that was looked at last: where it ends, and whether its signs count.
    let (mut end, mut counts) = (0, false);
    std::iter::from_fn(move || {
        loop {
            let sign = at + ascii::find(bytes.get(at..)?, SIGNS)?;
            at = sign + 1;
            if !is_pair(bytes, sign) {
                continue;
            }
            if sign >= end {
                let (before, behind) = line.split_at_checked(sign)?;
                let start = before.rfind(char::is_whitespace).unwrap_or(0);
                end = sign + behind.find(char::is_whitespace).unwrap_or(behind.len());
                // A URL or an address of mail has such signs, too, and stands in any letter.
                counts =
                    line.get(start..end).is_some_and(|word| !word.contains('@') && !word.contains("://"));
            }
            if counts {
                return Some(sign);
            }
        }
    })
}

/// Whether the sign at `at` makes a pair with the one before it, or behind it.
fn is_pair(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or(b' ');
    let behind = bytes.get(at + 1).copied().unwrap_or(b' ');
    match bytes.get(at) {
        Some(b'.') => behind.is_ascii_lowercase(),
        Some(b'[') => behind == b']',
        Some(b':') => before == b':',
        Some(b'>') => matches!(before, b'-' | b'=' | b'/'),
        Some(b')') => before == b'(',
        Some(b'/') => matches!(before, b'<' | b'/'),
        Some(b'_' | b'(') => before.is_ascii_lowercase() || before.is_ascii_digit(),
        Some(b'{' | b'}' | b'=') => before != b'.',
        _ => false,
    }
}

/// Whether a name in code is one of two words with capitals, or all that stands between quotes.
pub fn stands_out(text: &str, start: usize, end: usize) -> bool {
    let value = text.get(start..end).unwrap_or_default();
    let quote = |c: Option<char>| c.is_some_and(|c| matches!(c, '"' | '\'' | '`'));
    let before = text.get(..start).and_then(|t| t.chars().next_back());
    let behind = text.get(end..).and_then(|t| t.chars().next());
    let capitals = value.split(' ').filter(|word| word.starts_with(char::is_uppercase)).count();
    capitals >= 2 || quote(before) && quote(behind) && capitals > 0
}

fn fences(text: &str) -> Vec<Range<usize>> {
    let mut fences = Vec::new();
    if !text.as_bytes().contains(&b'`') {
        return fences;
    }
    let mut open = None;
    for (at, _) in text.match_indices("```") {
        let line = text.get(..at).unwrap_or_default();
        if !line.rsplit('\n').next().unwrap_or_default().trim().is_empty() {
            continue;
        }
        match open.take() {
            Some(start) => fences.push(start..at),
            None => open = Some(at),
        }
    }
    fences.extend(open.map(|start| start..text.len()));
    fences
}

/// Whether a place is in one of the ranges, which are in order and apart.
pub fn covers(ranges: &[Range<usize>], at: usize) -> bool {
    let next = ranges.partition_point(|range| range.end <= at);
    ranges.get(next).is_some_and(|range| range.start <= at)
}

/// Whether what stands around lets the bytes `start..end` be a name: not a piece of an identifier, a path, a URL or a
/// tag.
pub fn may_be_name(text: &str, start: usize, end: usize) -> bool {
    let b = text.as_bytes();
    let at = |n: usize| b.get(n).copied().unwrap_or(b' ');
    let back = |n: usize| start.checked_sub(n).map_or(b' ', at);
    let value = text.get(start..end).unwrap_or_default();
    let one = !value.contains(' ');
    let before = match back(1) {
        b'_' | b'\\' | b'$' | b'~' => true,
        b'.' | b'=' => one && !back(2).is_ascii_whitespace() && !back(2).is_ascii_digit(),
        b'/' => is_path(b, start),
        b':' => back(2) == b':',
        b'-' => back(2) == b'-' || back(2).is_ascii_alphanumeric() && is_path(b, start),
        b'<' => matches!(at(end), b'>' | b'<'),
        _ => false,
    };
    let behind = match at(end) {
        b'_' | b'\\' | b'=' | b'$' | b'{' => true,
        b'(' | b'[' => one,
        b'/' => is_path(b, end),
        b':' => at(end + 1) == b':',
        b'.' => one && at(end + 1).is_ascii_lowercase(),
        _ => false,
    };
    !before && !behind && !value.contains('_')
}

/// Whether the run of signs without white space around `i` is a path or a URL.
fn is_path(b: &[u8], i: usize) -> bool {
    let sign = |c: &&u8| !c.is_ascii_whitespace();
    let back = b.get(..i).unwrap_or_default().iter().rev().take(200).take_while(sign).count();
    let ahead = b.get(i..).unwrap_or_default().iter().take(200).take_while(sign).count();
    let run = b.get(i - back..i + ahead).unwrap_or_default();
    let slashes = run.iter().filter(|c| **c == b'/').count();
    slashes > 1 || slashes > 0 && run.iter().any(|c| matches!(c, b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::pairs;
    use proptest::prelude::*;

    /// What [`pairs`] counts, told by every two signs.
    fn two_by_two(line: &str) -> usize {
        let words = line.split_whitespace().filter(|word| !word.contains("://") && !word.contains('@'));
        let pairs = words.flat_map(|word| {
            let first = word.bytes().next().map(|first| [b' ', first]);
            first.into_iter().chain(word.as_bytes().array_windows().copied())
        });
        let marks = pairs.filter(|pair| match pair {
            b"::" | b"->" | b"=>" | b"()" | b"==" | b"!=" | b"</" | b"/>" | b"//" | b"[]" | b"{}" => true,
            [before, b'_' | b'('] => before.is_ascii_lowercase() || before.is_ascii_digit(),
            [b'.', after] => after.is_ascii_lowercase(),
            [_, b'{' | b'}' | b'='] => true,
            _ => false,
        });
        marks.count()
    }

    proptest! {
        #[test]
        fn every_pair_is_found_once(line in "([a-c0:<>=!/.(){}\\[\\]_@|A-]{0,6}[ \t\u{a0}]{0,2}){0,6}") {
            prop_assert_eq!(pairs(&line).count(), two_by_two(&line), "{:?}", line);
        }
    }
}
