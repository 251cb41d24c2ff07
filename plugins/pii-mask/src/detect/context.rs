//! What the words around a value say about it.
//!
//! The words before and behind a find are looked up in one table, once for all entities that the
//! find may be; the nearest word says the most. Never allocates while scanning.

use super::entity::{AGAINST, PHONE, PHRASES, WORDS};

/// How far back and ahead words count, in bytes.
const BACK: usize = 72;
const AHEAD: usize = 40;
/// How many words count on either side.
const MOST: usize = 9;
/// What the nearest word before a value adds to its score, and what each word in between takes off.
const NEAREST: u8 = 42;
const STEP: u8 = 2;
/// What a word behind the value adds.
const BEHIND: u8 = 25;
/// What it adds when it stands right behind.
const RIGHT_BEHIND: u8 = 38;
/// Verbs that speak for what follows, not for what stands before; and what follows telephone numbers only.
const VERBS: &[&[u8]] = &[b"call", b"calling", b"dial", b"ring", b"sms", b"text"];
const DESKS: &[&[u8]] = &[b"desk", b"direct", b"home", b"office", b"private", b"work"];
/// What a word against takes off what is not sure.
const AGAINST_BY: u8 = 20;
pub const SURE: u8 = 70;
/// How close a word against must stand, in bytes.
const CLOSE: usize = 24;

/// Which entities a word speaks for, by bit, in an open hash table.
#[derive(Debug)]
pub struct Words(Vec<(&'static str, u128)>);

/// How many places the table has: a power of two, several times the number of words.
const PLACES: usize = 2048;

/// What stands around a value.
#[derive(Debug, Default)]
pub struct Near {
    before: [u128; MOST],
    behind: u128,
    right_behind: u128,
    against: bool,
}

impl Words {
    /// The table of all words.
    pub fn new() -> Words {
        let mut words = Words(vec![("", 0); PLACES]);
        for (kind, list) in WORDS.iter().enumerate() {
            for word in list.split_whitespace() {
                words.add(word, 1_u128 << kind);
            }
        }
        words
    }

    fn add(&mut self, word: &'static str, bit: u128) {
        for place in places(word.as_bytes()) {
            match self.0.get_mut(place) {
                Some((known, mask)) if *known == word => return *mask |= bit,
                Some(free) if free.0.is_empty() => return *free = (word, bit),
                _ => {}
            }
        }
    }

    /// The entities that a word speaks for, whatever its case.
    fn mask(&self, word: &[u8]) -> u128 {
        for place in places(word) {
            match self.0.get(place) {
                Some((known, mask)) if word.eq_ignore_ascii_case(known.as_bytes()) => return *mask,
                Some((known, _)) if !known.is_empty() => {}
                _ => return 0,
            }
        }
        0
    }

    /// What stands around the bytes `start..end`; `lead` is what comes before the text (a JSON key).
    pub fn near(&self, b: &[u8], lead: &str, start: usize, end: usize) -> Near {
        let mut near = Near::default();
        let from = start.saturating_sub(BACK);
        let window = b.get(from..start).unwrap_or_default();
        let count = self.collect(window, 0, &mut near);
        if from == 0 && !lead.is_empty() {
            self.collect(lead.as_bytes(), count, &mut near);
            phrases(lead.as_bytes(), &mut near.before);
        }
        phrases(window, &mut near.before);
        let ahead = b.get(end..b.len().min(end + AHEAD)).unwrap_or_default();
        let clause = ahead.split(|c| matches!(c, b'\n' | b',' | b';' | b'|')).next().unwrap_or_default();
        let words = clause.split(|c| !is_word(*c)).filter(|w| !w.is_empty());
        for (n, word) in words.take(MOST).enumerate() {
            let is = |known: &&[u8]| word.eq_ignore_ascii_case(known);
            let phone = 1_u128 << PHONE;
            let mask = if VERBS.iter().any(is) { 0 } else { self.mask(word) };
            near.behind |= mask;
            if n == 0 {
                near.right_behind = mask | if DESKS.iter().any(is) { phone } else { 0 };
            }
        }
        near
    }

    /// Takes in the words of `window`, the last first.
    fn collect(&self, window: &[u8], mut count: usize, near: &mut Near) -> usize {
        let mut rest = window;
        while count < MOST {
            let Some(end) = rest.iter().rposition(|c| is_word(*c)).map(|k| k + 1) else { break };
            let whole = rest.iter().take(end).rposition(|c| !is_word(*c)).map_or(0, |k| k + 1);
            let known = self.mask(rest.get(whole..end).unwrap_or_default());
            let start = if known != 0 { whole } else { word_start(rest, end) };
            let word = rest.get(start..end).unwrap_or_default();
            let mask = if known != 0 { known } else { self.mask(word) };
            if let Some(slot) = near.before.get_mut(count) {
                *slot |= mask;
            }
            let close = window.len() - start <= CLOSE;
            near.against |= count < 2 && close && mask == 0 && is_against(word);
            count += 1;
            rest = rest.get(..start).unwrap_or_default();
        }
        count
    }
}

impl Near {
    /// The score of an entity of this kind that starts out with `base`.
    pub fn score(&self, kind: usize, base: u8) -> u8 {
        let bit = 1_u128 << kind;
        let place = self.before.iter().zip(0_u8..).find(|(mask, _)| **mask & bit != 0);
        let boost = match place {
            Some((_, n)) => NEAREST - n * STEP,
            None if self.right_behind & bit != 0 => RIGHT_BEHIND,
            None if self.behind & bit != 0 => BEHIND,
            None => 0,
        };
        let against = if self.against && boost == 0 && base < SURE { AGAINST_BY } else { 0 };
        (base + boost).saturating_sub(against).min(100)
    }
}

/// Where a word may be in the table: from its hash on.
fn places(word: &[u8]) -> impl Iterator<Item = usize> {
    let hash = word.iter().fold(5381_usize, |h, c| h.wrapping_mul(33) ^ usize::from(c.to_ascii_lowercase()));
    (0..PLACES).map(move |n| (hash.wrapping_add(n)) % PLACES)
}

/// Where the word that ends at `end` starts; `taxFileNumber` is three words.
fn word_start(b: &[u8], end: usize) -> usize {
    let at = |k: usize| b.get(k).copied().unwrap_or(0);
    let mut start = end;
    while start > 0 && is_word(at(start - 1)) {
        start -= 1;
        if at(start).is_ascii_uppercase() && start + 1 < end && at(start + 1).is_ascii_lowercase() {
            break;
        }
        if start > 0 && at(start).is_ascii_uppercase() && at(start - 1).is_ascii_lowercase() {
            break;
        }
    }
    start
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphabetic() || c >= 0x80
}

fn is_against(word: &[u8]) -> bool {
    AGAINST.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Finds the phrases of scripts without spaces.
fn phrases(window: &[u8], before: &mut [u128; MOST]) {
    if window.iter().all(|c| *c < 0xE0) {
        return;
    }
    for (phrase, kind) in PHRASES {
        if window.windows(phrase.len()).any(|w| w == phrase.as_bytes())
            && let Some(slot) = before.first_mut()
        {
            *slot |= 1 << kind;
        }
    }
}
