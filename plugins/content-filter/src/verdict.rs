//! The second look: what the sums of a text say together, by category.
//!
//! The tables say how loud each category is in a window; this says what that means beside the other categories, what
//! the rest of the text is like, and how long it is. A word for killing means one thing in a long report and another
//! in a line of insults. Invariant: a pure function of the sums, the same in training and in use, and of few terms: what
//! is loud is squashed before it is multiplied, so no text is far outside what was learnt from.
//!
//! In the file, per head: `middle`, `spread` of the loudest margins and `mean` of the text's own (`f32`, little endian);
//! then [`TERMS`] weights. A probability is `1 / (1 + e^-(weights · terms))`.

use crate::sums::{CALM, HEADS, Whole};

/// How much of its length a whole text's sum is divided by: more than a window's, nearly a mean.
const POWER: f32 = 0.7;
/// Words at which a text's length counts for a half.
const HALF: f32 = 100.0;
/// What is squashed: every head, and the length.
const SQUASHED: usize = HEADS + 1;
/// One, the squashed, the margins, the text's means, and the squashed multiplied with one another.
pub const TERMS: usize = 1 + SQUASHED + 2 * HEADS + SQUASHED * (SQUASHED + 1) / 2;

/// Heads, filled up to whole vectors of the machine.
const LANES: usize = HEADS.next_multiple_of(4);

/// Where the sums of texts lie, to bring all heads to one measure.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measure {
    pub middle: f32,
    pub spread: f32,
    pub mean: f32,
}

/// What a text's sums are divided by.
pub fn length(whole: &Whole) -> f32 {
    (whole.features + CALM).powf(POWER)
}

/// The terms that the weights are multiplied with.
pub fn terms(measures: &[Measure; HEADS], whole: &Whole) -> [f32; TERMS] {
    let mut out = [0.0; TERMS];
    let mut places = out.iter_mut();
    let mut put = |term: f32| {
        if let Some(place) = places.next() {
            *place = term;
        }
    };
    put(1.0);
    let length = length(whole);
    for ((measure, loudest), sum) in measures.iter().zip(whole.loudest).zip(whole.heads) {
        put((loudest - measure.middle) / measure.spread);
        put(sum / length / measure.mean);
    }
    let mut squashed = [0.0; SQUASHED];
    let (heads, long) = squashed.split_at_mut(HEADS);
    for ((place, measure), loudest) in heads.iter_mut().zip(measures).zip(whole.loudest) {
        let margin = (loudest - measure.middle) / measure.spread;
        *place = margin / (1.0 + margin.abs());
    }
    long.fill(whole.words / (whole.words + HALF) - 0.5);
    for (at, one) in squashed.iter().enumerate() {
        put(*one);
        squashed.iter().skip(at).for_each(|other| put(one * other));
    }
    out
}

/// The weights.
#[derive(Debug)]
pub struct Verdict {
    measures: [Measure; HEADS],
    /// By term, so that all heads are added up at once.
    weights: [[f32; LANES]; TERMS],
}

impl Verdict {
    /// Reads the weights from the beginning of `file` and takes them away.
    pub fn read(file: &mut &[u8]) -> Option<Verdict> {
        let mut next = || {
            let (bytes, rest) = file.split_first_chunk()?;
            *file = rest;
            Some(f32::from_le_bytes(*bytes))
        };
        let mut verdict = Verdict { measures: Default::default(), weights: [[0.0; LANES]; TERMS] };
        for (head, measure) in verdict.measures.iter_mut().enumerate() {
            *measure = Measure { middle: next()?, spread: next()?, mean: next()? };
            for weight in verdict.weights.iter_mut().filter_map(|term| term.get_mut(head)) {
                *weight = next()?;
            }
        }
        Some(verdict)
    }

    /// How probable each category is.
    pub fn probabilities(&self, whole: &Whole) -> [f32; HEADS] {
        let mut sums = [0.0; LANES];
        for (weights, term) in self.weights.iter().zip(terms(&self.measures, whole)) {
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * term);
        }
        let mut probabilities = [0.0; HEADS];
        let known = probabilities.iter_mut().zip(sums);
        known.for_each(|(probability, sum): (&mut f32, f32)| *probability = 1.0 / (1.0 + (-sum).exp()));
        probabilities
    }
}

#[cfg(test)]
mod tests;
