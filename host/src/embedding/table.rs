//! Embeddings from a table that ships with the gateway: a vector for each piece of a word, and their mean.
//!
//! The table was distilled from all-MiniLM-L6-v2 (`host/data/README.md`); rarer pieces weigh more. It sees
//! meaning that words share without sharing letters, and neither order nor negation: whoever decides by it
//! looks at those for itself. It is English first; of other scripts it knows little.
//!
//! Invariants: the same text gives the same vector on every machine and in every run. The table is read where it
//! lies in the executable: nothing is parsed, and only the pages that texts touch are in memory. Never reads more
//! than the first 32 KiB of a text.

use super::wordpiece::{self, Counted, Vocabulary};
use super::{EmbedError, Embedder, normalise};
use async_trait::async_trait;

/// Numbers in a row.
const DIMENSIONS: usize = 128;
/// Bytes of a text that are looked at.
const MAX_BYTES: usize = 32 * 1024;
/// Places in the hash table of pieces; a power of two.
const SLOTS: usize = 1 << 16;

/// What ships. A file of another form does not compile.
static SHIPPED: Table = Table::of(include_bytes!("../../data/minilm.bin"));

/// The embedder that knows English and needs no service.
#[derive(Debug, Clone, Copy, Default)]
pub struct StaticEmbedder;

#[async_trait]
impl Embedder for StaticEmbedder {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|text| Self::vector(text)).collect())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }
}

impl StaticEmbedder {
    /// The vector of one text; all zero where the table knows no word of it.
    #[must_use]
    pub fn vector(text: &str) -> Vec<f32> {
        let text = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
        let mut sum = [0.0; DIMENSIONS];
        let rows = wordpiece::counted_rows(text, &SHIPPED);
        SHIPPED.touch(&rows);
        rows.into_iter().for_each(|row| SHIPPED.add(row, &mut sum));
        let mut vector = sum.to_vec();
        normalise(&mut vector);
        vector
    }
}

/// The file's parts: little-endian, each an array of one entry a row but the first and the last.
struct Table {
    /// By hash, one more than the row of a piece; 0 where there is none. The next slot is tried on a collision.
    slots: &'static [u8],
    /// Where each piece ends in `texts`.
    ends: &'static [u8],
    /// What a row's numbers are multiplied by.
    scales: &'static [u8],
    /// The numbers, a byte each.
    numbers: &'static [u8],
    /// The pieces, `##` before those that continue a word.
    texts: &'static [u8],
}

impl Table {
    /// The parts of a file, written by `host/data/training/distil.py`.
    const fn of(file: &'static [u8]) -> Self {
        let (head, file) = file.split_at(16);
        let [b'L', b'G', b'T', b'T', 1, 0, 0, 0, r0, r1, r2, r3, d0, d1, d2, d3] = *head else {
            unreachable!();
        };
        let rows = u32::from_le_bytes([r0, r1, r2, r3]) as usize;
        assert!(u32::from_le_bytes([d0, d1, d2, d3]) as usize == DIMENSIONS);
        let (slots, file) = file.split_at(SLOTS * 2);
        let (ends, file) = file.split_at(rows * 4);
        let (scales, file) = file.split_at(rows * 4);
        let (numbers, texts) = file.split_at(rows * DIMENSIONS);
        Self { slots, ends, scales, numbers, texts }
    }

    /// Asks for the memory of all rows at once: one after another each would be waited for.
    fn touch(&self, rows: &[Counted]) {
        const LINE: usize = 64;
        let at = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or(0);
        let touched = rows.iter().fold(0, |touched, (row, _)| {
            let lines = (0..=DIMENSIONS).step_by(LINE).map(|line| at(self.numbers, row * DIMENSIONS + line));
            lines.fold(touched ^ at(self.scales, row * 4), |touched, byte| touched ^ byte)
        });
        std::hint::black_box(touched);
    }

    /// Adds a row to a sum, as often as it is there.
    fn add(&self, (row, count): Counted, sum: &mut [f32; DIMENSIONS]) {
        let Some(scale) = word(self.scales, row).map(f32::from_le_bytes) else { return };
        let scale = scale * often(count);
        let numbers = self.numbers.get(row * DIMENSIONS..(row + 1) * DIMENSIONS).unwrap_or_default();
        for (sum, number) in sum.iter_mut().zip(numbers) {
            *sum += scale * f32::from(number.cast_signed());
        }
    }

    fn text(&self, row: usize) -> Option<&[u8]> {
        let from = match row.checked_sub(1) {
            Some(before) => self.end(before)?,
            None => 0,
        };
        self.texts.get(from..self.end(row)?)
    }

    /// Where the text of a row ends.
    fn end(&self, row: usize) -> Option<usize> {
        word(self.ends, row).map(|end| u32::from_le_bytes(end) as usize)
    }

    /// The row in a slot.
    fn slot(&self, at: usize) -> Option<usize> {
        let slot = self.slots.get(2 * at..2 * at + 2)?.try_into().ok()?;
        usize::from(u16::from_le_bytes(slot)).checked_sub(1)
    }
}

impl Vocabulary for Table {
    fn touch(&self, hashes: impl Iterator<Item = u32>) {
        // Each of these is told by the one before it, so all slots come first, then all ends, then all texts.
        let rows: Vec<usize> = hashes.filter_map(|hash| self.slot(hash as usize % SLOTS)).collect();
        let ends: Vec<usize> = rows.iter().filter_map(|row| self.end(*row)).collect();
        let text = |end: &usize| self.texts.get(end.checked_sub(1)?).copied();
        std::hint::black_box(ends.iter().filter_map(text).fold(0, |touched, byte| touched ^ byte));
    }

    fn row(&self, hash: u32, continues: bool, piece: &[u8]) -> Option<usize> {
        let first = hash as usize % SLOTS;
        for at in (first..SLOTS).chain(0..first) {
            let row = self.slot(at)?;
            let text = self.text(row)?;
            let same = if continues { text.strip_prefix(b"##") == Some(piece) } else { text == piece };
            if same {
                return Some(row);
            }
        }
        None
    }
}

/// A count as a factor; no text that is looked at has as many words as sixteen bits can count.
fn often(count: u32) -> f32 {
    f32::from(u16::try_from(count).unwrap_or(u16::MAX))
}

/// Entry `at` of an array of four bytes each.
fn word(array: &[u8], at: usize) -> Option<[u8; 4]> {
    array.get(4 * at..4 * at + 4)?.try_into().ok()
}
