//! Cuts a text into words, signs and line ends, with what the tagger's features ask of each.
//!
//! A word is a run of letters and digits; every other sign stands alone, white space is left out, line ends
//! count as signs. Never looks at more than the word and its line.

use super::lexicon::{Entry, Lexicon};
use crate::detect::Found;
use text_kit::ascii;
use text_kit::memo::Memo;

/// What kind of word it is, by its letters.
pub const LOWER: u8 = 0;
pub const TITLE: u8 = 1;
pub const UPPER: u8 = 2;
pub const INITIAL: u8 = 3;
pub const MIXED: u8 = 4;
pub const CASELESS: u8 = 5;
pub const LETTERS_AND_DIGITS: u8 = 6;
pub const SIGN: u8 = 7;
pub const LINE_END: u8 = 8;
/// Numbers: this and one more for each digit, up to six.
pub const NUMBER: u8 = 9;

/// How a line is written: as usual, or without any difference of case that could say something.
pub const USUAL: u8 = 0;
const ALL_LOWER: u8 = 1;
const ALL_UPPER: u8 = 2;
const HEADLINE: u8 = 3;

/// A word, a sign or a line end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Word {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The hash of the word in lower case.
    pub hash: u32,
    /// Hashes of its beginning and its ends; see [`Word::plain`].
    pub affixes: [u32; 4],
    /// Whether it is ASCII and its affixes are not hashed yet: [`spell`] does that where they are asked for.
    pub plain: bool,
    /// One of the constants above.
    pub shape: u8,
    /// How its line is written.
    pub line: u8,
    /// What is known about it.
    pub entry: Entry,
    /// Whether white space stands before it.
    pub spaced: bool,
}

/// Cuts `text`, appending to `out`. Affixes of plain words are left to [`spell`].
pub fn cut(lexicon: &Lexicon, text: &str, out: &mut Vec<Word>) {
    let bytes = text.as_bytes();
    let mut lower = Vec::new();
    let mut met = Memo::for_text(text.len());
    let first = out.len();
    let mut line = first;
    let (mut spaced, mut at) = (true, 0);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        if byte.is_ascii_alphanumeric()
            && let Some(word) = plain(&mut met, text, start, spaced)
        {
            at = word.end;
            out.push(word);
            spaced = false;
            continue;
        }
        let Some(c) = text.get(start..).and_then(|rest| rest.chars().next()) else { break };
        at += c.len_utf8();
        if c == '\n' {
            mark_line(out.get_mut(line..).unwrap_or_default());
            // Several line ends are one sign of another kind.
            match out.last_mut().filter(|last| last.shape == LINE_END) {
                Some(last) => (last.end, last.hash) = (start + 1, hash(b"\n\n")),
                None => out.push(Word {
                    start,
                    end: start + 1,
                    hash: hash(b"\n"),
                    shape: LINE_END,
                    ..Word::default()
                }),
            }
            line = out.len();
            spaced = true;
        } else if c.is_whitespace() {
            spaced = true;
        } else if c.is_alphanumeric() {
            let inner = |c: char| c.is_alphanumeric() || is_joined(c);
            let rest = text.get(at..).unwrap_or_default();
            at += rest.find(|c| !inner(c)).unwrap_or(rest.len());
            out.push(word(lexicon, text, start, at, spaced, &mut lower));
            spaced = false;
        } else {
            let sign = hash(bytes.get(start..at).unwrap_or_default());
            out.push(Word { start, end: at, hash: sign, shape: SIGN, spaced, ..Word::default() });
            spaced = false;
        }
    }
    mark_line(out.get_mut(line..).unwrap_or_default());
    let words = out.get_mut(first..).unwrap_or_default();
    lexicon.touch(words.iter().map(|word| word.hash));
    words.iter_mut().filter(|word| word.plain).for_each(|word| word.entry = lexicon.entry(word.hash));
}

/// What is the same of a word of ASCII wherever it stands.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    hash: u32,
    shape: u8,
}

/// The word at `start`, where all of it is ASCII: what nearly all words of most texts are. What is known about it is still
/// to be looked up.
fn plain(met: &mut Memo<Met>, text: &str, start: usize, spaced: bool) -> Option<Word> {
    let rest = text.get(start..)?;
    let length = ascii::alphanumerics(rest.as_bytes());
    if rest.as_bytes().get(length).is_some_and(|behind| !behind.is_ascii()) {
        return None;
    }
    let Met { hash, shape } = *met.of(rest.get(..length)?, |word| {
        let state = word.bytes().fold(FNV, |state, byte| step(state, byte.to_ascii_lowercase()));
        let hash = stirred(state);
        let small = ascii::small_letters(word.as_bytes()) == word.len();
        Met { hash, shape: if small { LOWER } else { shape(word) } }
    });
    let end = start + length;
    Some(Word { start, end, hash, plain: true, shape, line: USUAL, spaced, ..Word::default() })
}

/// Hashes the affixes of a word of `text`, where they are not yet.
pub fn spell(text: &str, word: &mut Word) {
    if !std::mem::take(&mut word.plain) {
        return;
    }
    let mut tail = [0; 4];
    let raw = text.as_bytes().get(word.start..word.end).unwrap_or_default();
    let (from, room) = (raw.len().saturating_sub(tail.len()), tail.len().saturating_sub(raw.len()));
    for (slot, byte) in tail.iter_mut().skip(room).zip(raw.get(from..).unwrap_or_default()) {
        *slot = byte.to_ascii_lowercase();
    }
    let tail = tail.get(room..).unwrap_or_default();
    let of = |n: usize| hash(tail.get(tail.len().saturating_sub(n)..).unwrap_or_default());
    let head = raw.iter().take(3).fold(FNV, |state, byte| step(state, byte.to_ascii_lowercase()));
    word.affixes = [of(2), of(3), of(4), stirred(head)];
}

/// Makes signs of the words that structured finds cover, so that their digits are not taken for house numbers. `finds`
/// are in order.
pub fn settle(words: &mut [Word], finds: &[Found]) {
    let mut finds = finds.iter().peekable();
    for word in words {
        while finds.next_if(|find| find.end <= word.start).is_some() {}
        if finds.peek().is_some_and(|find| find.start < word.end) {
            *word = Word {
                start: word.start,
                end: word.end,
                hash: hash(b"@value"),
                shape: SIGN,
                ..Word::default()
            };
        }
    }
}

/// Marks that belong to the letter before: combining accents, and vowel signs of Indian scripts.
fn is_joined(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{93C}'..='\u{94D}' | '\u{5B0}'..='\u{5C7}' | '\u{64B}'..='\u{65F}')
}

fn word(lexicon: &Lexicon, text: &str, start: usize, end: usize, spaced: bool, lower: &mut Vec<u8>) -> Word {
    let raw = text.get(start..end).unwrap_or_default();
    lower.clear();
    if raw.is_ascii() {
        lower.extend(raw.bytes().map(|b| b.to_ascii_lowercase()));
    } else {
        let mut buffer = [0; 4];
        for c in raw.chars().flat_map(char::to_lowercase) {
            lower.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
    }
    let tail = |n: usize| hash(lower.get(lower.len().saturating_sub(n)..).unwrap_or_default());
    let hash = hash(lower);
    Word {
        start,
        end,
        hash,
        affixes: [tail(2), tail(3), tail(4), self::hash(lower.get(..3.min(lower.len())).unwrap_or_default())],
        plain: false,
        shape: shape(raw),
        line: USUAL,
        entry: lexicon.entry(hash),
        spaced,
    }
}

/// Scripts that put no space between words, where a run of letters may be a sentence, and Hangul, whose words end in
/// particles: names in them are not looked for.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{E00}'..='\u{EFF}' | '\u{1100}'..='\u{11FF}' | '\u{2E80}'..='\u{D7FF}' | '\u{F900}'..='\u{FAFF}')
}

fn shape(raw: &str) -> u8 {
    let (mut upper, mut lower, mut digits, mut other, mut count) = (0_u8, 0_u8, 0_u8, 0_u8, 0_u8);
    for c in raw.chars().take(40) {
        count += 1;
        if c.is_ascii_lowercase() || c.is_lowercase() {
            lower += 1;
        } else if c.is_ascii_uppercase() || c.is_uppercase() {
            upper += 1;
        } else if c.is_ascii_digit() {
            digits += 1;
        } else {
            other += 1;
        }
    }
    let first = raw.starts_with(char::is_uppercase);
    if other > 0 && raw.chars().any(is_unspaced) {
        return SIGN;
    }
    match () {
        () if digits == count => NUMBER + digits.min(6) - 1,
        () if digits > 0 => LETTERS_AND_DIGITS,
        () if other > lower + upper => CASELESS,
        () if upper == 0 => LOWER,
        () if upper == 1 && count == 1 => INITIAL,
        () if lower == 0 => UPPER,
        () if upper == 1 && first => TITLE,
        () => MIXED,
    }
}

/// Says of the words of a line how it is written.
fn mark_line(words: &mut [Word]) {
    let (mut lower, mut title, mut upper) = (0, 0, 0);
    for word in words.iter() {
        match word.shape {
            LOWER => lower += 1,
            TITLE | MIXED => title += 1,
            UPPER if word.end - word.start > 1 => upper += 1,
            _ => {}
        }
    }
    let line = match () {
        () if lower > 0 && title + upper == 0 => ALL_LOWER,
        () if upper > 1 && lower + title == 0 => ALL_UPPER,
        () if title + upper > 3 && lower <= (title + upper) / 3 => HEADLINE,
        () => USUAL,
    };
    words.iter_mut().for_each(|word| word.line = line);
}

/// FNV-1a, 32 bits, with its high bits stirred.
pub fn hash(bytes: &[u8]) -> u32 {
    stirred(bytes.iter().fold(FNV, |state, byte| step(state, *byte)))
}

const FNV: u32 = 0x811C_9DC5;

fn step(state: u32, byte: u8) -> u32 {
    (state ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

fn stirred(state: u32) -> u32 {
    (state ^ state >> 15).wrapping_mul(0x2C1B_3C6D)
}

#[cfg(test)]
mod tests;
