//! What users say of answers, and how good it makes the targets seem that gave them.
//!
//! Invariants: an answer is spoken of once, by the key that got it; one tenant's opinion is no other's; what is kept is
//! bounded, and holds no text. What was known of a target before is not forgotten for a few opinions: they are weighed. With
//! a journal, what was said outlives the process, and so does which answers can still be spoken of.

mod given;
#[cfg(test)]
mod tests;

use super::Limits;
use super::bounded::{Bounded, key};
use super::journal::{Journal, Kind, Row};
use given::Given;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Targets and kinds of tasks that are spoken of, of all tenants.
const SCORES: Limits = Limits { entries: 20_000, bytes: 8 * 1024 * 1024 };
/// What was known before weighs as much as so many opinions.
const KNOWN_BEFORE: f64 = 20.0;
/// Where nothing was known, so many opinions are needed.
const ENOUGH: f64 = 5.0;
/// Opinions that count at most: older ones fade, so that a target that gets better or worse is seen to.
const MEMORY: f64 = 200.0;

/// What was said of a target.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    mean: f64,
    count: f64,
}

impl Score {
    fn written(self) -> Vec<u8> {
        [self.mean.to_le_bytes(), self.count.to_le_bytes()].concat()
    }

    /// What [`Score::written`] wrote, as far as it can be a score.
    fn read(written: &[u8]) -> Option<Self> {
        let (mean, count) = written.split_first_chunk::<8>()?;
        let (mean, count) = (f64::from_le_bytes(*mean), f64::from_le_bytes(count.try_into().ok()?));
        let sound = (0.0..=1.0).contains(&mean) && (0.0..=MEMORY).contains(&count);
        sound.then_some(Self { mean, count })
    }
}

/// What users said.
#[derive(Debug)]
pub struct Feedback {
    given: Given,
    scores: Bounded<Score>,
    any: AtomicBool,
    journal: Option<Arc<Journal>>,
}

impl Default for Feedback {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Feedback {
    /// What a journal has; without one, nothing, until the end of the process.
    #[must_use]
    pub fn new(journal: Option<Arc<Journal>>) -> Self {
        let rows = journal.as_ref().map(|journal| journal.take(Kind::Opinion, |_| true)).unwrap_or_default();
        let given = Given::new(journal.clone());
        let feedback = Self { given, scores: Bounded::new(SCORES), any: AtomicBool::new(false), journal };
        for row in rows {
            if let Some(score) = Score::read(&row.value)
                && feedback.scores.insert(&row.key, score, 0, None).is_ok()
            {
                feedback.any.store(true, Ordering::Relaxed);
            }
        }
        feedback
    }

    /// Notes who gave an answer, to which kind of task. Waits for nothing.
    pub fn answered(&self, tenant: &str, of: &str, id: &str, target: &str, task: Option<&str>) {
        self.given.note(key([tenant, of, id]), target, task.unwrap_or_default());
    }

    /// Hands the journal the answers that were noted since the last time. To be called every now and then: what was not
    /// handed over is not known after a kill.
    pub fn hand_over(&self) {
        self.given.hand_over();
    }

    /// Takes an opinion of an answer, from 0 to 1. Says whether there is such an answer, that nobody spoke of yet.
    pub fn give(&self, tenant: &str, of: &str, id: &str, score: f64) -> bool {
        let Some(answer) = self.given.take(&key([tenant, of, id])) else { return false };
        self.add(tenant, &answer.target, "", score);
        if !answer.task.is_empty() {
            self.add(tenant, &answer.target, &answer.task, score);
        }
        self.any.store(true, Ordering::Relaxed);
        true
    }

    /// Whether nobody has said anything yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Relaxed)
    }

    /// How good a target is at a kind of task (at all of them where it is empty), by what was known of it before and by what
    /// users said; none where that is too little.
    #[must_use]
    pub fn quality(&self, tenant: &str, target: &str, task: &str, before: Option<f64>) -> Option<f64> {
        let said = self.scores.get(&key([tenant, target, task]));
        match (before, said) {
            (before, None) => before,
            (Some(before), Some(said)) => {
                Some((before * KNOWN_BEFORE + said.mean * said.count) / (KNOWN_BEFORE + said.count))
            }
            (None, Some(said)) => (said.count >= ENOUGH).then_some(said.mean),
        }
    }

    fn add(&self, tenant: &str, target: &str, task: &str, score: f64) {
        let name = key([tenant, target, task]);
        let changed = self.scores.change(&name, 0, None, |known| {
            let known = known.copied().unwrap_or_default();
            let count = (known.count + 1.0).min(MEMORY);
            let mean = known.mean + (score - known.mean) / count;
            let score = Score { mean, count };
            // While nobody else changes it: what is written last is what is known.
            if let Some(journal) = &self.journal {
                journal.put(Kind::Opinion, Row { key: name.clone(), value: score.written(), expires: None });
            }
            Ok::<_, super::bounded::TooLarge>((score, ()))
        });
        debug_assert!(changed.is_ok(), "a score has no size");
    }
}
