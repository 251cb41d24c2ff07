//! The tagger: a linear-chain conditional random field over hashed features, trained offline (`training/`), read
//! from `data/tagger.bin`.
//!
//! The file: `bits: u8`, `scale: f32`, `TAGS * TAGS` transition weights (f32, from row to column), `TAGS` weights
//! for the first word (f32), all little endian, zeros up to a multiple of 32 bytes, then `2^bits` places of eight bytes: a signed weight for each of six
//! tags, and a mark (u16, 0 where the place is free). A feature is a hash: its upper bits name four places, its lower
//! 16 the mark of the one. What is not there says nothing. A tag is outside (0) or a type; the two
//! where the mark stands are for nothing, so that eight bytes are added at once. Never decides: it gives
//! probabilities.

use super::features::{COUNT, features};
use super::words::Word;
use text_kit::lanes::{Aligned, Sum};

static BUILT_IN: &Aligned<[u8]> = &Aligned(*include_bytes!("../../data/tagger.bin"));

/// Types of names: person, location, address, organisation, other.
pub const TYPES: usize = 5;
/// Tags: outside, the types, and two for nothing.
pub const TAGS: usize = 8;

/// So many places a feature may stand at.
pub const BUCKET: usize = 4;

/// Bytes of all of them.
pub const BUCKET_BYTES: usize = BUCKET * TAGS;

/// So many words are looked at together.
const MANY: usize = 64;

/// One number for each tag.
pub type Row = [f32; TAGS];

/// Weights of rows and transitions.
#[derive(Debug)]
pub struct Model {
    buckets: &'static [[[u8; TAGS]; BUCKET]],
    bits: u32,
    scale: f32,
    chain: Chain,
}

/// The transitions as factors.
#[derive(Debug, Clone)]
pub struct Chain {
    /// From row to column.
    pub moves: [Row; TAGS],
    /// For the first word.
    pub first: Row,
}

/// What tells a feature from others of the same place.
pub fn mark(feature: u32) -> u16 {
    let [low, high, ..] = feature.to_le_bytes();
    u16::from_le_bytes([low, high]).max(1)
}

impl Model {
    /// Reads the built-in weights; `None` when the file is not what it should be.
    pub fn built_in() -> Option<Model> {
        Model::read(&BUILT_IN.0)
    }

    /// Reads weights; `None` when they are not what they should be.
    pub fn read(all: &'static [u8]) -> Option<Model> {
        let (bits, file) = all.split_first()?;
        let (scale, mut file) = file.split_first_chunk()?;
        let mut chain = Chain { moves: [[0.0; TAGS]; TAGS], first: [0.0; TAGS] };
        for slot in chain.moves.iter_mut().flatten().chain(&mut chain.first) {
            let (number, rest) = file.split_first_chunk()?;
            (*slot, file) = (f32::from_le_bytes(*number).exp(), rest);
        }
        let buckets = (all.len() - file.len()).next_multiple_of(BUCKET_BYTES);
        let (places, rest) = all.get(buckets..)?.as_chunks::<TAGS>();
        let (buckets, over) = places.as_chunks::<BUCKET>();
        let right =
            places.len() == 1_usize.checked_shl(u32::from(*bits))? && rest.is_empty() && over.is_empty();
        let scale = f32::from_le_bytes(*scale);
        right.then_some(Model { buckets, bits: u32::from(*bits), scale, chain })
    }

    /// The score of each tag for each of these words.
    ///
    /// First the features of many words, then what stands at their places of memory: the processor waits for many
    /// places at once, and for one after another it would wait most of the time.
    pub fn scores(&self, words: &[Word], of: impl Iterator<Item = usize>) -> Vec<Row> {
        let (mut all, mut of) = (Vec::new(), of.peekable());
        let mut seen: Vec<[u32; COUNT]> = Vec::with_capacity(MANY);
        while of.peek().is_some() {
            seen.clear();
            seen.extend(of.by_ref().take(MANY).map(|at| features(words, at)));
            all.extend(seen.iter().map(|features| self.sum(features)));
        }
        all
    }

    fn sum(&self, features: &[u32; COUNT]) -> Row {
        let mut sum = Sum::default();
        features.iter().for_each(|feature| sum.add(self.row(*feature)));
        let mut scores = sum.totals().map(|sum| f32::from(i16::try_from(sum).unwrap_or(0)) * self.scale);
        scores.iter_mut().skip(1 + TYPES).for_each(|score| *score = 0.0);
        scores
    }

    /// The weights of a feature in the one or the other, zero where there are none. Without branches, which would be
    /// guessed wrong, and two places at a time, which is as wide as a vector is.
    #[inline]
    fn row(&self, feature: u32) -> [u64; 2] {
        let mark = u64::from(mark(feature));
        let bucket = (feature >> (32 - self.bits)) as usize / BUCKET;
        let Some([a, b, c, d]) = self.buckets.get(bucket) else { return [0; 2] };
        let of_mark = |place: &[u8; TAGS]| {
            let place = u64::from_le_bytes(*place);
            place & u64::from(place >> 48 == mark).wrapping_neg()
        };
        [of_mark(a) | of_mark(c), of_mark(b) | of_mark(d)]
    }

    /// The transitions.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }
}

impl Chain {
    /// Turns scores into the probability of each tag at each word, in place.
    pub fn marginals(&self, scores: &mut [Row], forward: &mut Vec<Row>) {
        forward.clear();
        for row in scores.iter_mut() {
            let most = row.iter().copied().fold(f32::MIN, f32::max);
            row.iter_mut().for_each(|score| *score = (*score - most).exp());
        }
        let mut before = self.first;
        for (n, factors) in scores.iter().enumerate() {
            let mut next = if n == 0 { before } else { self.ahead(&before) };
            next.iter_mut().zip(factors).for_each(|(next, factor)| *next *= factor);
            normalise(&mut next);
            forward.push(next);
            before = next;
        }
        let mut behind = [1.0; TAGS];
        for (row, forward) in scores.iter_mut().zip(forward.iter()).rev() {
            let mut both = *forward;
            both.iter_mut().zip(&behind).for_each(|(both, behind)| *both *= behind);
            normalise(&mut both);
            let mut seen = *row;
            seen.iter_mut().zip(&behind).for_each(|(seen, behind)| *seen *= behind);
            behind = self.back(&seen);
            normalise(&mut behind);
            *row = both;
        }
    }

    fn ahead(&self, from: &Row) -> Row {
        let mut to = [0.0; TAGS];
        for (from, moves) in from.iter().zip(&self.moves) {
            to.iter_mut().zip(moves).for_each(|(to, weight)| *to += from * weight);
        }
        to
    }

    fn back(&self, to: &Row) -> Row {
        self.moves.map(|moves| moves.iter().zip(to).map(|(weight, to)| weight * to).sum())
    }
}

fn normalise(row: &mut Row) {
    let sum: f32 = row.iter().sum();
    let by = if sum > 0.0 { 1.0 / sum } else { 1.0 };
    row.iter_mut().for_each(|value| *value *= by);
}
