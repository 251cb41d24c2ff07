//! The classifier: one head a category and one for "unwanted at all", trained offline (`training/`).
//!
//! It looks at a window: the newest unit and those before it that belong to the same hundred words. A unit is reduced
//! to a [`Sum`] once, so a stream costs each of its units one reading. The heads are linear; what their margins say
//! together, `verdict` knows. The model never decides: thresholds do.
//!
//! The file: `bits: u8`; per head the scales of both tables (`f32`, little endian); the weights of `verdict`; zeros up to
//! a multiple of eight bytes; then `2^bits` rows of words and as many of other features, a signed byte a head and a zero. A
//! margin is the units' sum divided by `(features + 16)^0.35`, and the window's own features besides.

use crate::features::{Feature, Reading, window};
use crate::lexicon::Lexicon;
use crate::sums::{CALM, HEADS, Sum, Whole};
use crate::verdict::Verdict;
use text_kit::lanes::{self, Aligned};

/// What ships with the plugin.
static BUILT_IN: &Aligned<[u8]> = &Aligned(*include_bytes!("../data/model.bin"));
/// Words of a window; the newest unit counts whole.
pub const WINDOW: u32 = 100;
/// Units of a window at most.
pub const UNITS: usize = 24;
/// How much of its length a text's sum is divided by: a long one that goes on and on is worse than a short one.
pub const POWER: f32 = 0.35;
/// A weight a head, and a byte that says nothing: eight are added at once.
pub type Row = [u8; HEADS + 1];
/// The sum of rows.
type Wide = [i32; HEADS + 1];
/// Rows that are noted before they are added.
const NOTED: usize = lanes::MOST;
/// What each head is about; the first is "unwanted at all".
pub const NAMES: [&str; HEADS] =
    ["any", "sexual", "hate", "violence", "harassment", "self-harm", "sexual-minors"];

/// The weights, where they lie in the component.
#[derive(Debug)]
pub struct Model {
    lexicon: Lexicon,
    heads: [Head; HEADS],
    verdict: Verdict,
    words: &'static [Row],
    others: &'static [Row],
    mask: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Head {
    word: f32,
    other: f32,
}

impl Model {
    /// Reads the built-in weights; `None` when the file is not what it should be.
    pub fn built_in() -> Option<Model> {
        let (bits, mut file) = BUILT_IN.0.split_first()?;
        let mut heads = [Head::default(); HEADS];
        for head in &mut heads {
            let mut next = || {
                let (bytes, rest) = file.split_first_chunk()?;
                file = rest;
                Some(f32::from_le_bytes(*bytes))
            };
            *head = Head { word: next()?, other: next()? };
        }
        let verdict = Verdict::read(&mut file)?;
        let rows = 1_usize.checked_shl(u32::from(*bits))?;
        let tables = (BUILT_IN.0.len() - file.len()).next_multiple_of(size_of::<Row>());
        let (tables, _) = BUILT_IN.0.get(tables..)?.as_chunks();
        let (words, others) = tables.split_at_checked(rows)?;
        let mask = u32::try_from(rows).ok()? - 1;
        (others.len() == words.len()).then_some(Model {
            lexicon: Lexicon::built_in(),
            heads,
            verdict,
            words,
            others,
            mask,
        })
    }

    /// Begins with a text of so many bytes, whose units [`Model::unit`] reads.
    pub fn reading(&self, bytes: usize) -> Reading<'_> {
        Reading::of(&self.lexicon, bytes)
    }

    /// Reads a unit.
    pub fn unit(&self, reading: &mut Reading<'_>, text: &str) -> Sum {
        let (mut words, mut others) = (Rows::of(self.words), Rows::of(self.others));
        let mut count = 0;
        let said = reading.features(text, |feature| {
            count += 1;
            match feature {
                Feature::Word(hash) => words.add(hash & self.mask),
                Feature::Other(hash) => others.add(hash & self.mask),
            }
        });
        let (words, others) = (words.sum(), others.sum());
        let mut sum = Sum { heads: [0.0; HEADS], features: count, words: said.words, classes: said.classes };
        for (((sum, head), words), others) in sum.heads.iter_mut().zip(&self.heads).zip(words).zip(others) {
            *sum = head.word * float(words) + head.other * float(others);
        }
        sum
    }

    /// How loud each category is in the window that these units make.
    pub fn margins(&self, units: &[Sum]) -> [f32; HEADS] {
        let classes = units.iter().fold(0, |all, unit| all | unit.classes);
        let features: u32 = units.iter().map(|unit| unit.features).sum();
        let mut own = Rows::of(self.others);
        window(classes, |hash| own.add(hash & self.mask));
        let own = own.sum();
        let length = (f32::from(u16::try_from(features).unwrap_or(u16::MAX)) + CALM).powf(POWER);
        let mut out = [0.0; HEADS];
        for (at, ((out, head), own)) in out.iter_mut().zip(&self.heads).zip(own).enumerate() {
            let sum: f32 = units.iter().filter_map(|unit| unit.heads.get(at)).sum();
            *out = sum / length + head.other * float(own);
        }
        out
    }

    /// How probable each category is in the window that these units make, as though it were all of the text.
    pub fn probabilities(&self, units: &[Sum]) -> [f32; HEADS] {
        self.verdict(&Whole::of(units, self.margins(units)))
    }

    /// How probable each category is in a text.
    pub fn verdict(&self, whole: &Whole) -> [f32; HEADS] {
        self.verdict.probabilities(whole)
    }
}

/// How many of the newest units, given the words of each, make a window.
pub fn window_of(words: impl DoubleEndedIterator<Item = u32>) -> usize {
    let mut sum = 0;
    let mut fits = |words: u32| {
        let first = sum == 0;
        sum += words.max(1);
        first || sum <= WINDOW
    };
    words.rev().take(UNITS).take_while(|words| fits(*words)).count()
}

/// The sum of rows of a table. Rows are noted first and added many at a time: a table is larger than the processor's nearest
/// cache, and one row need not be waited for before the next is asked for.
struct Rows {
    table: &'static [Row],
    noted: [u32; NOTED],
    count: usize,
    sum: Wide,
}

impl Rows {
    fn of(table: &'static [Row]) -> Self {
        Self { table, noted: [0; NOTED], count: 0, sum: Wide::default() }
    }

    fn add(&mut self, row: u32) {
        if let Some(place) = self.noted.get_mut(self.count) {
            *place = row;
        }
        self.count += 1;
        if self.count == NOTED {
            self.take_up();
        }
    }

    fn take_up(&mut self) {
        let noted = self.noted.get(..self.count).unwrap_or_default();
        let mut sum = lanes::Sum::default();
        let row = |row: &u32| self.table.get(*row as usize).map_or(0, |row| u64::from_le_bytes(*row));
        let (pairs, last) = noted.as_chunks();
        pairs.iter().for_each(|[one, two]| sum.add([row(one), row(two)]));
        last.iter().for_each(|one| sum.add([row(one), 0]));
        self.sum.iter_mut().zip(sum.totals()).for_each(|(sum, part)| *sum += part);
        self.count = 0;
    }

    fn sum(mut self) -> Wide {
        self.take_up();
        self.sum
    }
}

/// Sums of bytes over a unit are far below what a float holds exactly.
fn float(sum: i32) -> f32 {
    f32::from(i16::try_from(sum).unwrap_or(if sum < 0 { i16::MIN } else { i16::MAX }))
}

#[cfg(test)]
mod tests;
