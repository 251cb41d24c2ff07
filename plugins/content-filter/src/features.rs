//! What the classifier sees of a unit: its words, and hashed features of them and of their classes.
//!
//! Words have a table of their own, because meaning is baked into it (`training/`); beside them stand beginnings of
//! words, parts of words, pairs, and pairs of classes near one another and in one unit. What is said twice in a unit
//! counts once. Invariants: a pure function of the unit, the same in training and in use. Changing anything here makes
//! the shipped weights worthless: train again.

use crate::lexicon::{HEAD, Lexicon, Looked, STEM, hash};
use crate::reader;
use text_kit::memo::Memo;

/// Letters of a part of a word.
const PART: usize = 4;
/// Classes this many words apart are near.
const NEAR: usize = 4;

/// Bits that remember what was in a unit: so many that few features are taken for others.
const SEEN: usize = 1 << 14;

/// Where a feature's weight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// In the table of words.
    Word(u32),
    /// In the table of everything else.
    Other(u32),
}

/// What a unit says beside its features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// How many words.
    pub words: u32,
    /// The classes of all of them.
    pub classes: u64,
}

/// Reads the units of one text, and remembers the words that it has met: most are said again.
#[derive(Debug)]
pub struct Reading<'l> {
    lexicon: &'l Lexicon,
    words: Memo<Word>,
    /// Units so far.
    units: u32,
}

/// What is remembered of a word.
#[derive(Clone, Copy, Debug, Default)]
struct Word {
    looked: Looked,
    /// Whether it is digits alone.
    number: bool,
    /// The last unit that had it.
    unit: u32,
}

impl<'l> Reading<'l> {
    /// Of a text of so many bytes.
    pub fn of(lexicon: &'l Lexicon, bytes: usize) -> Self {
        Self { lexicon, words: Memo::for_text(bytes), units: 0 }
    }

    /// Calls `each` with every feature of the next unit, once.
    pub fn features(&mut self, unit: &str, mut each: impl FnMut(Feature)) -> Said {
        let Self { lexicon, words, units } = self;
        *units += 1;
        let mut said = Said::default();
        let mut seen = [0_u64; SEEN / 64];
        let mut each = |feature: Feature| {
            let (Feature::Word(hash) | Feature::Other(hash)) = feature;
            let at = (hash >> 16) as usize % SEEN;
            let bit = 1 << (at % 64);
            if let Some(word) = seen.get_mut(at / 64).filter(|word| **word & bit == 0) {
                *word |= bit;
                each(feature);
            }
        };
        let (mut before, mut recent) = (1, [0_u64; NEAR]);
        reader::words(unit, |word| {
            said.words += 1;
            let known = words.of(word, |word| Word::new(lexicon, word));
            let again = std::mem::replace(&mut known.unit, *units) == *units;
            let Word { looked, number, .. } = *known;
            let Looked { hash, classes, .. } = looked;
            // What is said again in a unit has told of itself.
            if !again {
                each(Feature::Word(hash));
            }
            each(Feature::Other(mix(1, hash, before)));
            if !again && !number {
                parts(word.as_bytes(), &looked, &mut each);
            }
            for (back, earlier) in recent.iter().enumerate().filter(|_| classes != 0) {
                pairs(*earlier, classes, |a, b| each(Feature::Other(mix(3 + u32::from(back > 0), a, b))));
            }
            recent.rotate_right(1);
            if let Some(newest) = recent.first_mut() {
                *newest = classes;
            }
            said.classes |= classes;
            before = hash;
        });
        bits(said.classes).for_each(|class| each(Feature::Other(mix(5, class, 0))));
        pairs(said.classes, said.classes, |a, b| {
            if a < b {
                each(Feature::Other(mix(6, a, b)));
            }
        });
        said
    }
}

impl Word {
    fn new(lexicon: &Lexicon, word: &str) -> Self {
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        let mut looked = lexicon.look_up(word);
        if number && word.len() > 2 {
            looked.hash = 0;
        }
        Word { looked, number, unit: 0 }
    }
}

/// Calls `each` with the features of the classes of a whole window.
pub fn window(classes: u64, mut each: impl FnMut(u32)) {
    bits(classes).for_each(|class| each(mix(7, class, 0)));
    pairs(classes, classes, |a, b| {
        if a < b {
            each(mix(8, a, b));
        }
    });
}

/// The beginning of a word, and its parts.
fn parts(word: &[u8], looked: &Looked, each: &mut impl FnMut(Feature)) {
    if word.len() > STEM {
        each(Feature::Other(mix(9, looked.stem, 0)));
    }
    if word.len() > PART {
        word.windows(PART).for_each(|part| each(Feature::Other(mix(10, hash(part), 0))));
    }
    if word.len() >= HEAD {
        each(Feature::Other(mix(11, looked.head, 0)));
    }
    if let Some(end) = word.last_chunk::<HEAD>() {
        each(Feature::Other(mix(12, hash(end), 0)));
    }
}

fn pairs(a: u64, b: u64, mut each: impl FnMut(u32, u32)) {
    if b != 0 {
        bits(a).for_each(|a| bits(b).for_each(|b| each(a, b)));
    }
}

fn bits(mut set: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (set != 0).then(|| set.trailing_zeros())?;
        set &= set - 1;
        Some(bit)
    })
}

/// Mixes two hashes into one of a kind.
fn mix(kind: u32, a: u32, b: u32) -> u32 {
    let x = (a ^ kind.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA6B) ^ b.wrapping_mul(0xC2B2_AE35);
    let x = (x ^ x >> 15).wrapping_mul(0x2C1B_3C6D);
    x ^ x >> 13
}
