//! The tagger: a linear-chain conditional random field over hashed features, trained offline (`training/`), read
//! from `data/tagger.bin`.
//!
//! The file: `bits: u8`, `scale: f32`, `TAGS * TAGS` transition weights (f32, from row to column), `TAGS` weights
//! for the first word (f32), all little endian, then `2^bits` marks (u16, 0 where a place is free), then as many
//! rows of `TAGS` signed bytes. A feature is a hash: its upper bits name a place, its lower 16 the mark that stands
//! there, or behind. What is not there says nothing. A tag is outside (0), or for type `t` the beginning (`1 + 2t`)
//! or the inside (`2 + 2t`) of a name. Never decides: it gives probabilities.

const BUILT_IN: &[u8] = include_bytes!("../../data/tagger.bin");
/// Types of names: person, location, address, organisation, other.
pub const TYPES: usize = 5;
/// Tags: outside, and two for each type.
pub const TAGS: usize = 2 * TYPES + 1;

/// So many places from its own on a row may stand.
pub const REACH: usize = 8;

/// One number for each tag.
pub type Row = [f32; TAGS];

/// Weights of rows and transitions.
#[derive(Debug)]
pub struct Model {
    marks: Vec<u16>,
    rows: &'static [u8],
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
        Model::read(BUILT_IN)
    }

    /// Reads weights; `None` when they are not what they should be.
    pub fn read(file: &'static [u8]) -> Option<Model> {
        let (bits, file) = file.split_first()?;
        let (scale, mut file) = file.split_first_chunk()?;
        let mut chain = Chain { moves: [[0.0; TAGS]; TAGS], first: [0.0; TAGS] };
        for slot in chain.moves.iter_mut().flatten().chain(&mut chain.first) {
            let (number, rest) = file.split_first_chunk()?;
            (*slot, file) = (f32::from_le_bytes(*number).exp(), rest);
        }
        let places = 1_usize.checked_shl(u32::from(*bits))?;
        let (marks, rows) = file.split_at_checked(places.checked_mul(2)?)?;
        let marks = marks.chunks_exact(2).filter_map(|pair| pair.first_chunk().map(|two| u16::from_le_bytes(*two)));
        let scale = f32::from_le_bytes(*scale);
        let model = Model { marks: marks.collect(), rows, bits: u32::from(*bits), scale, chain };
        (rows.len() == places.checked_mul(TAGS)?).then_some(model)
    }

    /// The sum of the rows of features, to which `each` hands its argument every feature.
    pub fn sum(&self, each: impl FnOnce(&mut dyn FnMut(u32))) -> Row {
        let mut sum = [0_i32; TAGS];
        each(&mut |feature| {
            if let Some(place) = self.place(feature)
                && let Some(row) = self.rows.get(place * TAGS..).and_then(|rest| rest.first_chunk::<TAGS>())
            {
                for (sum, weight) in sum.iter_mut().zip(row) {
                    *sum += i32::from(weight.cast_signed());
                }
            }
        });
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        sum.map(|sum| sum as f32 * self.scale)
    }

    /// Where the row of a feature is.
    fn place(&self, feature: u32) -> Option<usize> {
        let mark = mark(feature);
        let first = (feature >> (32 - self.bits)) as usize;
        let behind = self.marks.get(first..)?.iter().take(REACH);
        let step = behind.take_while(|known| **known != 0).position(|known| *known == mark)?;
        Some(first + step)
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
