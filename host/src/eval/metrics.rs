//! The figures: precision, recall, F, areas under curves, thresholds, latencies.
//!
//! Pure arithmetic. A figure that is not defined (the recall of nothing) is `None`, never 0 or 1. Knows nothing
//! of components, files or output.

use serde::Serialize;
use std::time::Duration;

/// A score, and whether the case is a positive.
pub type Scored = (f64, bool);

/// What was found and what was not.
///
/// Of what is there (`found`, `missed`) and of what was reported (`right`, `wrong`), counted apart: two
/// reported spans may lie in one that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Of what is there, found.
    pub found: u64,
    /// Of what is there, not found.
    pub missed: u64,
    /// Of what was reported, rightly.
    pub right: u64,
    /// Of what was reported, wrongly.
    pub wrong: u64,
    /// Cases without anything there, of which nothing was reported.
    pub passed: u64,
}

impl Counts {
    /// Counts one yes-or-no case.
    pub fn case(&mut self, positive: bool, reported: bool) {
        match (positive, reported) {
            (true, true) => {
                self.found += 1;
                self.right += 1;
            }
            (true, false) => self.missed += 1,
            (false, true) => self.wrong += 1,
            (false, false) => self.passed += 1,
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.found += other.found;
        self.missed += other.missed;
        self.right += other.right;
        self.wrong += other.wrong;
        self.passed += other.passed;
    }

    /// Of what was reported, the share that is right.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.right, self.right + self.wrong)
    }

    /// Of what is there, the share that was found.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.found, self.found + self.missed)
    }

    /// Of the cases without anything there, the share of which something was reported. Meaningful where whole
    /// cases are counted.
    #[must_use]
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.wrong, self.wrong + self.passed)
    }

    /// The weighted harmonic mean of precision and recall; `beta` 2 gives recall four times the weight.
    /// Nothing reported where something is there is 0.
    #[must_use]
    pub fn f(&self, beta: f64) -> Option<f64> {
        let recall = self.recall()?;
        let precision = self.precision().unwrap_or(0.0);
        let weight = beta * beta;
        let sum = weight * precision + recall;
        Some(if sum > 0.0 { (1.0 + weight) * precision * recall / sum } else { 0.0 })
    }
}

/// A part of a whole.
#[must_use]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The area under the ROC curve: how often a positive scores above a negative, ties counting half.
#[must_use]
pub fn roc_auc(scores: &[Scored]) -> Option<f64> {
    let (positives, negatives) = sides(scores);
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut above, mut won) = (0_u64, 0.0);
    for group in ties(scores) {
        won += group.positives as f64
            * ((negatives - above - group.negatives) as f64 + group.negatives as f64 / 2.0);
        above += group.negatives;
    }
    Some(won / (positives as f64 * negatives as f64))
}

/// The area under the precision-recall curve, as average precision: the sum over thresholds of the gain in
/// recall times the precision there. Ties are one threshold.
#[must_use]
pub fn pr_auc(scores: &[Scored]) -> Option<f64> {
    let (positives, negatives) = sides(scores);
    if positives == 0 || negatives == 0 {
        return None;
    }
    let (mut right, mut reported, mut area) = (0_u64, 0_u64, 0.0);
    for group in ties(scores) {
        right += group.positives;
        reported += group.positives + group.negatives;
        area += group.positives as f64 / positives as f64 * (right as f64 / reported as f64);
    }
    Some(area)
}

/// What a threshold would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtThreshold {
    /// A score from here on is reported.
    pub threshold: f64,
    /// What comes of it.
    pub counts: Counts,
    /// See [`Counts`].
    pub precision: Option<f64>,
    /// See [`Counts`].
    pub recall: Option<f64>,
    /// See [`Counts`].
    pub f1: Option<f64>,
    /// See [`Counts`].
    pub false_positive_rate: Option<f64>,
}

/// What each threshold would do.
#[must_use]
pub fn at_thresholds(scores: &[Scored], thresholds: &[f64]) -> Vec<AtThreshold> {
    let at = |threshold: f64| {
        let mut counts = Counts::default();
        for (score, positive) in scores {
            counts.case(*positive, *score >= threshold);
        }
        AtThreshold {
            threshold,
            counts,
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f(1.0),
            false_positive_rate: counts.false_positive_rate(),
        }
    };
    thresholds.iter().copied().map(at).collect()
}

/// Thresholds worth looking at: the scores that occur, or `most` of them at even distances.
#[must_use]
pub fn thresholds_of(scores: &[Scored], most: usize) -> Vec<f64> {
    let mut values: Vec<f64> = scores.iter().map(|(score, _)| *score).filter(|score| *score > 0.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    if values.len() <= most {
        return values;
    }
    let last = values.len() - 1;
    let mut picked: Vec<f64> =
        (0..most).filter_map(|n| values.get(n * last / most.saturating_sub(1).max(1)).copied()).collect();
    picked.dedup();
    picked
}

/// How long calls took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// How many calls.
    pub calls: usize,
    /// Half of them were faster, in microseconds.
    pub p50_us: f64,
    /// All but one in a hundred.
    pub p99_us: f64,
    /// The slowest.
    pub max_us: f64,
}

/// Sums up how long calls took.
#[must_use]
pub fn latency(calls: &[Duration]) -> Latency {
    let mut sorted = calls.to_vec();
    sorted.sort_unstable();
    // The nearest rank.
    let at = |percent: usize| {
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).map_or(0.0, |time| time.as_nanos() as f64 / 1_000.0)
    };
    Latency { calls: sorted.len(), p50_us: at(50), p99_us: at(99), max_us: at(100) }
}

fn sides(scores: &[Scored]) -> (u64, u64) {
    let positives = scores.iter().filter(|(_, positive)| *positive).count();
    (positives as u64, (scores.len() - positives) as u64)
}

/// Cases of one score.
struct Tie {
    positives: u64,
    negatives: u64,
}

/// The scores from the highest down, equal ones together.
fn ties(scores: &[Scored]) -> Vec<Tie> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let groups = sorted.chunk_by(|(a, _), (b, _)| a.total_cmp(b).is_eq());
    groups.map(sides).map(|(positives, negatives)| Tie { positives, negatives }).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn close(a: Option<f64>, b: f64) {
        assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} is not {b}");
    }

    #[test]
    fn f_weighs_recall_by_beta() {
        let counts = Counts { found: 6, missed: 2, right: 6, wrong: 6, passed: 86 };
        close(counts.precision(), 0.5);
        close(counts.recall(), 0.75);
        close(counts.f(1.0), 0.6);
        // 5 · 0.5 · 0.75 / (4 · 0.5 + 0.75)
        close(counts.f(2.0), 1.875 / 2.75);
        close(counts.false_positive_rate(), 6.0 / 92.0);
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let none = Counts::default();
        assert_eq!(
            (none.precision(), none.recall(), none.f(1.0), none.false_positive_rate()),
            (None, None, None, None)
        );
        let missed = Counts { missed: 3, ..none };
        assert_eq!((missed.precision(), missed.f(1.0)), (None, Some(0.0)));
        for one_sided in [vec![(0.5, true)], vec![(0.5, false)], vec![]] {
            assert_eq!((roc_auc(&one_sided), pr_auc(&one_sided)), (None, None));
        }
    }

    #[test]
    fn areas_agree_with_values_worked_out_by_hand() {
        // By hand: positives 0.8 and 0.35, negatives 0.4 and 0.1; three of four pairs are in order.
        let scores = [(0.1, false), (0.4, false), (0.35, true), (0.8, true)];
        close(roc_auc(&scores), 0.75);
        // 1/2 · 1/1 at 0.8, then 1/2 · 2/3 at 0.35.
        close(pr_auc(&scores), 0.5 + 1.0 / 3.0);
        // Perfect, reversed, and all the same.
        close(roc_auc(&[(1.0, true), (0.0, false)]), 1.0);
        close(roc_auc(&[(0.0, true), (1.0, false)]), 0.0);
        close(roc_auc(&[(0.5, true), (0.5, false), (0.5, false)]), 0.5);
        close(pr_auc(&[(0.5, true), (0.5, false), (0.5, false)]), 1.0 / 3.0);
    }

    #[test]
    fn ties_count_half() {
        // Pairs: (0.6 over 0.2), (0.6 = 0.6), (0.2 = 0.2), (0.2 under 0.6): 1 + 0.5 + 0.5 + 0 of 4.
        close(roc_auc(&[(0.6, true), (0.2, true), (0.6, false), (0.2, false)]), 0.5);
    }

    #[test]
    fn a_threshold_reports_from_its_score_on() {
        let scores = [(0.2, false), (0.5, true), (0.5, false), (0.9, true)];
        let rows = at_thresholds(&scores, &[0.5, 0.9]);
        assert_eq!(rows[0].counts, Counts { found: 2, missed: 0, right: 2, wrong: 1, passed: 1 });
        assert_eq!((rows[1].recall, rows[1].false_positive_rate), (Some(0.5), Some(0.0)));
    }

    #[test]
    fn thresholds_are_picked_at_even_distances() {
        let scores: Vec<Scored> = (0..=100).map(|n| (f64::from(n) / 100.0, n % 2 == 0)).collect();
        let picked = thresholds_of(&scores, 10);
        assert_eq!((picked.len(), picked[0], picked[9]), (10, 0.01, 1.0));
        assert_eq!(thresholds_of(&[(0.3, true), (0.3, false), (0.0, true)], 10), [0.3]);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let calls: Vec<Duration> = (1..=200).rev().map(Duration::from_micros).collect();
        assert_eq!(latency(&calls), Latency { calls: 200, p50_us: 100.0, p99_us: 198.0, max_us: 200.0 });
        assert_eq!(latency(&[]).calls, 0);
    }
}
