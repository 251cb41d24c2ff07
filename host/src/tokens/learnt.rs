//! What providers report, against what was estimated.

use super::{Family, Sizes};
use dashmap::DashMap;
use foldhash::quality::RandomState;
use parking_lot::Mutex;

/// Models of which is remembered what providers reported; clients may name many.
const MODELS: usize = 4_096;
/// How much what was reported before counts after each report.
const DECAY: f64 = 0.95;
/// Tokens that count as reported as they were estimated: a few short requests prove little.
const DOUBT: f64 = 200.0;

/// Estimates that what providers report corrects.
#[derive(Debug, Default)]
pub struct Estimates(DashMap<Box<str>, Mutex<Sums>, RandomState>);

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    estimated: f64,
    reported: f64,
}

impl Estimates {
    /// About how many tokens texts are for a model.
    #[must_use]
    pub fn tokens(&self, model: &str, sizes: &Sizes) -> u64 {
        self.corrected(model, sizes.tokens(Family::of(model)))
    }

    /// The same of so many bytes of an answer to them.
    #[must_use]
    pub fn answer(&self, model: &str, sizes: &Sizes, bytes: u64) -> u64 {
        self.corrected(model, sizes.answer(Family::of(model), bytes))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an estimate: not negative, and as exact as a float is"
    )]
    fn corrected(&self, model: &str, tokens: u64) -> u64 {
        match self.factor(model) {
            None => tokens,
            Some(factor) => (tokens as f64 * factor).ceil() as u64,
        }
    }

    /// What estimates for a model are multiplied by; none where nothing is known.
    #[must_use]
    pub fn factor(&self, model: &str) -> Option<f64> {
        let sums = *self.0.get(model)?.lock();
        Some(((sums.reported + DOUBT) / (sums.estimated + DOUBT)).clamp(0.25, 4.0))
    }

    /// A provider reported so many tokens of these texts.
    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more")]
    pub fn learn(&self, model: &str, sizes: &Sizes, reported: u64) {
        let estimated = sizes.tokens(Family::of(model));
        if estimated == 0 || reported == 0 {
            return;
        }
        if !self.0.contains_key(model) {
            if self.0.len() >= MODELS {
                return;
            }
            self.0.entry(model.into()).or_default();
        }
        let Some(sums) = self.0.get(model) else { return };
        let mut sums = sums.lock();
        // No report counts for more than four times what was estimated: one that is absurd moves little.
        let (estimated, reported) = (estimated as f64, (reported as f64).min(4.0 * estimated as f64));
        *sums = Sums {
            estimated: sums.estimated * DECAY + estimated,
            reported: sums.reported * DECAY + reported,
        };
    }
}
