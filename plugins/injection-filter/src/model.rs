//! The classifier: a linear one per scope, trained offline (`training/`), read from `data/model.bin`.
//!
//! In users' texts it looks at blocks of pieces, in tools' texts at each piece and each two neighbours, because
//! an instruction smuggled into a document is one sentence among many. The largest counts. It never decides:
//! its probability is one voice among the rules (see `score`).
//!
//! The file: per scope `bits: u8`, `scale: f32`, `slope: f32`, `offset: f32` (little endian), then `2^bits`
//! weights of one signed byte. A margin is `scale * sum / sqrt(features + 16)`; the probability
//! `1 / (1 + e^-(slope * margin + offset))`.

use crate::features::{features, pieces};
use crate::tokens::Tokens;

/// What ships with the plugin.
const BUILT_IN: &[u8] = include_bytes!("../data/model.bin");
/// So many words are a block of a user's text.
const BLOCK: usize = 300;
/// Fewer words say too little.
const FEWEST: usize = 3;
/// Keeps a few words from weighing as much as many.
pub const CALM: f32 = 16.0;

/// A linear classifier.
#[derive(Debug)]
pub struct Head {
    weights: &'static [u8],
    mask: u32,
    scale: f32,
    slope: f32,
    offset: f32,
}

/// Both classifiers.
#[derive(Debug)]
pub struct Model {
    user: Head,
    tool: Head,
}

/// How a text is cut for a classifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Into blocks: who speaks wants something as a whole.
    Blocks,
    /// Into pieces and pairs of them: one sentence among many may be meant for the model.
    Pieces,
}

impl Model {
    /// Reads the built-in weights; `None` when the file is not what it should be.
    pub fn built_in() -> Option<Model> {
        let (user, rest) = Head::read(BUILT_IN)?;
        let (tool, rest) = Head::read(rest)?;
        rest.is_empty().then_some(Model { user, tool })
    }

    /// How probable an attack is in a text of a scope, 0 to 1.
    pub fn probability(&self, scope: &str, text: &Tokens) -> f64 {
        let (head, cut) = if scope == "tool" { (&self.tool, Cut::Pieces) } else { (&self.user, Cut::Blocks) };
        if text.all.len() < FEWEST {
            return 0.0;
        }
        let margin = head.margin(cut, text);
        1.0 / (1.0 + f64::exp(-f64::from(head.slope * margin + head.offset)))
    }
}

impl Head {
    fn read(file: &'static [u8]) -> Option<(Head, &'static [u8])> {
        let (bits, file) = file.split_first()?;
        let (scale, file) = file.split_first_chunk()?;
        let (slope, file) = file.split_first_chunk()?;
        let (offset, file) = file.split_first_chunk()?;
        let size = 1_usize.checked_shl(u32::from(*bits))?;
        let (weights, rest) = file.split_at_checked(size)?;
        let mask = u32::try_from(size).ok()? - 1;
        let [scale, slope, offset] = [scale, slope, offset].map(|bytes| f32::from_le_bytes(*bytes));
        Some((Head { weights, mask, scale, slope, offset }, rest))
    }

    /// The largest margin of a text's parts.
    fn margin(&self, cut: Cut, text: &Tokens) -> f32 {
        let mut most = f32::NEG_INFINITY;
        parts(
            cut,
            text,
            |feature| self.weight(feature),
            |sum, count| {
                most = most.max(sum * self.scale / (count + CALM).sqrt());
            },
        );
        most
    }

    fn weight(&self, feature: u32) -> f32 {
        let weight = self.weights.get((feature & self.mask) as usize).copied().unwrap_or(0);
        f32::from(weight.cast_signed())
    }
}

/// Sums what `weigh` says of the features of each part of a text, and calls `each` with every sum and the
/// number of features in it.
pub fn parts(cut: Cut, text: &Tokens, weigh: impl Fn(u32) -> f32, mut each: impl FnMut(f32, f32)) {
    let (mut before, mut words) = ((0.0, 0.0), 0);
    for piece in pieces(&text.all, text.end) {
        let (mut sum, mut count) = (0.0, 0.0);
        features(&piece, |feature| {
            sum += weigh(feature);
            count += 1.0;
        });
        let both = (before.0 + sum, before.1 + count);
        match cut {
            Cut::Pieces => {
                each(sum, count);
                if before.1 > 0.0 {
                    each(both.0, both.1);
                }
                before = (sum, count);
            }
            Cut::Blocks => {
                before = both;
                words += piece.len();
                if words >= BLOCK {
                    each(both.0, both.1);
                    (before, words) = ((0.0, 0.0), 0);
                }
            }
        }
    }
    if cut == Cut::Blocks && words > 0 {
        each(before.0, before.1);
    }
}

#[cfg(test)]
mod tests;
