//! Trains `verdict`: a logistic regression over few terms, by Newton's method.
//!
//! It learns from margins of texts that the tables' learner had not seen, and is itself judged on folds that it had not:
//! what is measured went through both as a new text does.

use super::data::{Case, FOLDS};
use super::learner::Learner;
use crate::sums::{HEADS, Whole};
use crate::verdict::{Measure, TERMS, terms};

/// How strongly each head's weights are drawn to nothing (the inverse of scikit-learn's `C`): violence is told by what
/// stands beside it, self-harm and sexual-minors hardly.
const DRAW: [f64; HEADS] = [1.0, 1.0, 3.0, 1.0, 3.0, 10.0, 10.0];
/// Steps of Newton's method: far more than it needs.
const STEPS: usize = 12;

/// What the tables say of a case: of all of it, and of each window by itself.
pub struct Heard {
    pub text: Whole,
    pub windows: Vec<Whole>,
}

impl Heard {
    pub fn new(learner: &Learner, case: &Case) -> Heard {
        let sums: Vec<_> = case.units.iter().map(|unit| learner.sum(unit)).collect();
        let mut text = Whole::default();
        sums.iter().for_each(|sum| text.add(sum));
        let windows = case.windows.iter().zip(learner.margins(case)).map(|(window, margins)| {
            text.hear(margins);
            Whole::of(&sums[window.from..window.to], margins)
        });
        let windows = windows.collect();
        Heard { text, windows }
    }
}

/// Measures and weights, before slope and offset are chosen.
pub struct Second {
    pub measures: [Measure; HEADS],
    pub weights: [[f64; TERMS]; HEADS],
}

impl Second {
    /// Learns from labelled texts.
    pub fn learn(known: &[(&Case, &Heard)]) -> Second {
        let mut measures = [Measure::default(); HEADS];
        for (head, measure) in measures.iter_mut().enumerate() {
            let loudest = spread(known.iter().map(|(_, heard)| heard.text.loudest[head]));
            // Texts' own means are told from nothing, which is what a text without a known feature has.
            let mean = spread(
                known.iter().map(|(_, heard)| heard.text.heads[head] / crate::verdict::length(&heard.text)),
            );
            *measure = Measure { middle: loudest.0, spread: loudest.1, mean: mean.1 };
        }
        let rows: Vec<[f32; TERMS]> = known.iter().map(|(_, heard)| terms(&measures, &heard.text)).collect();
        let weights = std::array::from_fn(|head| {
            let labels: Vec<bool> = known.iter().map(|(case, _)| case.labels[head] == Some(true)).collect();
            regress(&rows, &labels, DRAW[head])
        });
        Second { measures, weights }
    }

    /// What is looked for, before it becomes a probability.
    pub fn margins(&self, whole: &Whole) -> [f32; HEADS] {
        let terms = terms(&self.measures, whole);
        self.weights.map(|weights| {
            weights.iter().zip(terms).map(|(weight, term)| weight * f64::from(term)).sum::<f64>() as f32
        })
    }

    /// The loudest of the windows.
    pub fn loudest(&self, heard: &Heard) -> [f32; HEADS] {
        let mut most = [f32::NEG_INFINITY; HEADS];
        for window in &heard.windows {
            most.iter_mut().zip(self.margins(window)).for_each(|(most, margin)| *most = most.max(margin));
        }
        most
    }
}

/// For each case the margins of its text, and the loudest of its windows, by a `Second` that saw nothing of its fold.
pub fn judged(cases: &[Case], heard: &[Heard]) -> (Vec<[f32; HEADS]>, Vec<[f32; HEADS]>) {
    let seconds: Vec<Second> =
        (0..FOLDS).map(|fold| Second::learn(&labelled(cases, heard, Some(fold)))).collect();
    let of = |case: &Case| &seconds[case.fold as usize];
    let both = || cases.iter().zip(heard);
    (
        both().map(|(case, heard)| of(case).margins(&heard.text)).collect(),
        both().map(|(case, heard)| of(case).loudest(heard)).collect(),
    )
}

/// The labelled texts, but those of one fold.
pub fn labelled<'c>(cases: &'c [Case], heard: &'c [Heard], but: Option<u32>) -> Vec<(&'c Case, &'c Heard)> {
    let all = cases.iter().zip(heard).filter(|(case, _)| case.source == "openai");
    all.filter(|(case, _)| Some(case.fold) != but).collect()
}

/// Mean and standard deviation.
fn spread(numbers: impl Iterator<Item = f32> + Clone) -> (f32, f32) {
    let count = numbers.clone().count() as f32;
    let mean = numbers.clone().sum::<f32>() / count;
    (mean, (numbers.map(|n| (n - mean) * (n - mean)).sum::<f32>() / count).sqrt().max(1e-6))
}

/// Logistic regression; the first term is the offset, which nothing draws.
fn regress(rows: &[[f32; TERMS]], labels: &[bool], draw: f64) -> [f64; TERMS] {
    let mut weights = [0.0; TERMS];
    for _ in 0..STEPS {
        let mut slope = weights.map(|weight| draw * weight);
        slope[0] = 0.0;
        let mut bend = vec![[0.0; TERMS]; TERMS];
        bend.iter_mut().enumerate().for_each(|(at, row)| row[at] = if at == 0 { 1e-9 } else { draw });
        for (row, label) in rows.iter().zip(labels) {
            let row = row.map(f64::from);
            let margin: f64 = row.iter().zip(weights).map(|(term, weight)| term * weight).sum();
            let chance = 1.0 / (1.0 + (-margin).exp());
            let error = chance - f64::from(u8::from(*label));
            let weight = chance * (1.0 - chance);
            for (at, term) in row.iter().enumerate() {
                slope[at] += error * term;
                bend[at].iter_mut().zip(row).for_each(|(bend, other)| *bend += weight * term * other);
            }
        }
        let step = solve(bend, slope);
        weights.iter_mut().zip(step).for_each(|(weight, step)| *weight -= step);
    }
    weights
}

/// Gauss's elimination; the matrix is positive definite, so no rows need be swapped.
fn solve(mut matrix: Vec<[f64; TERMS]>, mut of: [f64; TERMS]) -> [f64; TERMS] {
    for at in 0..TERMS {
        let pivot = matrix[at];
        for below in at + 1..TERMS {
            let share = matrix[below][at] / pivot[at];
            matrix[below].iter_mut().zip(pivot).for_each(|(v, p)| *v -= share * p);
            of[below] -= share * of[at];
        }
    }
    for at in (0..TERMS).rev() {
        let known: f64 = (at + 1..TERMS).map(|right| matrix[at][right] * of[right]).sum();
        of[at] = (of[at] - known) / matrix[at][at];
    }
    of
}
