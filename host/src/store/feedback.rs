//! What users say of answers, and how good it makes the targets seem that gave them.
//!
//! Invariants: an answer is spoken of once, by the key that got it; one tenant's opinion is no other's; what is kept is
//! bounded, and holds no text. What was known of a target before is not forgotten for a few opinions: they are weighed. With
//! a journal, what was said outlives the process; which answers can be spoken of does not.

use super::Limits;
use super::bounded::Bounded;
use super::journal::{Journal, Kind, Row};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Answers that can still be spoken of.
const ANSWERS: Limits = Limits { entries: 100_000, bytes: 32 * 1024 * 1024 };
/// For so long.
const SPEAKABLE: Duration = Duration::from_secs(24 * 3_600);
/// Targets and kinds of tasks that are spoken of, of all tenants.
const SCORES: Limits = Limits { entries: 20_000, bytes: 8 * 1024 * 1024 };
/// What was known before weighs as much as so many opinions.
const KNOWN_BEFORE: f64 = 20.0;
/// Where nothing was known, so many opinions are needed.
const ENOUGH: f64 = 5.0;
/// Opinions that count at most: older ones fade, so that a target that gets better or worse is seen to.
const MEMORY: f64 = 200.0;

/// An answer that can be spoken of.
#[derive(Debug, Clone)]
struct Answer {
    target: Arc<str>,
    task: Option<Arc<str>>,
}

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
    answers: Bounded<Answer>,
    scores: Bounded<Score>,
    any: AtomicBool,
    journal: Option<Arc<Journal>>,
}

impl Default for Feedback {
    fn default() -> Self {
        let (answers, scores) = (Bounded::new(ANSWERS), Bounded::new(SCORES));
        Self { answers, scores, any: AtomicBool::new(false), journal: None }
    }
}

impl Feedback {
    /// What a journal has; without one, nothing, until the end of the process.
    #[must_use]
    pub fn new(journal: Option<Arc<Journal>>) -> Self {
        let rows = journal.as_ref().map(|journal| journal.take(Kind::Opinion, |_| true)).unwrap_or_default();
        let feedback = Self { journal, ..Self::default() };
        for row in rows {
            if let Some(score) = Score::read(&row.value)
                && feedback.scores.insert(&row.key, score, 0, None).is_ok()
            {
                feedback.any.store(true, Ordering::Relaxed);
            }
        }
        feedback
    }

    /// Notes who gave an answer, to which kind of task.
    pub fn answered(&self, tenant: &str, key: &str, id: &str, target: &str, task: Option<&str>) {
        let answer = Answer { target: target.into(), task: task.map(Arc::from) };
        let bytes = target.len() + task.map_or(0, str::len);
        // What does not fit cannot be spoken of.
        let _ = self.answers.insert(&joined(&[tenant, key, id]), answer, bytes, Some(SPEAKABLE));
    }

    /// Takes an opinion of an answer, from 0 to 1. Says whether there is such an answer, that nobody spoke of yet.
    pub fn give(&self, tenant: &str, key: &str, id: &str, score: f64) -> bool {
        let name = joined(&[tenant, key, id]);
        let Some(answer) = self.answers.get(&name) else { return false };
        // Of two that speak at the same time, one takes it away.
        if !self.answers.remove(&name) {
            return false;
        }
        self.add(tenant, &answer.target, "", score);
        if let Some(task) = &answer.task {
            self.add(tenant, &answer.target, task, score);
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
        let said = self.scores.get(&joined(&[tenant, target, task]));
        match (before, said) {
            (before, None) => before,
            (Some(before), Some(said)) => {
                Some((before * KNOWN_BEFORE + said.mean * said.count) / (KNOWN_BEFORE + said.count))
            }
            (None, Some(said)) => (said.count >= ENOUGH).then_some(said.mean),
        }
    }

    fn add(&self, tenant: &str, target: &str, task: &str, score: f64) {
        let name = joined(&[tenant, target, task]);
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

/// Parts as one key: no two lists of parts give the same.
fn joined(parts: &[&str]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        key.extend(part.len().to_le_bytes());
        key.extend(part.as_bytes());
    }
    key
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn said(feedback: &Feedback, n: usize, score: f64) {
        for n in 0..n {
            let id = format!("r{n}");
            feedback.answered("acme", "web", &id, "a/1", Some("code"));
            assert!(feedback.give("acme", "web", &id, score));
        }
    }

    #[test]
    fn an_answer_is_spoken_of_once_and_by_who_got_it() {
        let feedback = Feedback::default();
        feedback.answered("acme", "web", "r1", "a/1", None);
        for (tenant, key, id) in [("globex", "web", "r1"), ("acme", "app", "r1"), ("acme", "web", "r2")] {
            assert!(!feedback.give(tenant, key, id, 1.0));
        }
        assert!(feedback.is_empty());
        assert!(feedback.give("acme", "web", "r1", 1.0) && !feedback.give("acme", "web", "r1", 0.0));
        assert!(!feedback.is_empty());
    }

    #[test]
    fn what_was_known_is_shifted_and_not_forgotten() {
        let feedback = Feedback::default();
        assert_eq!(feedback.quality("acme", "a/1", "code", Some(0.9)), Some(0.9));
        said(&feedback, 4, 0.0);
        assert_eq!(feedback.quality("acme", "a/1", "code", None), None, "four say too little");
        let shifted = feedback.quality("acme", "a/1", "code", Some(0.9)).unwrap();
        assert!((shifted - 0.75).abs() < 1e-9, "{shifted}");
        assert_eq!(feedback.quality("globex", "a/1", "code", Some(0.9)), Some(0.9), "of another tenant");
        assert_eq!(feedback.quality("acme", "a/1", "chat", Some(0.9)), Some(0.9), "of another task");
        said(&feedback, 1_000, 1.0);
        assert!(feedback.quality("acme", "a/1", "code", None).unwrap() > 0.95, "what is old fades");
        assert!(feedback.quality("acme", "a/1", "", None).is_some());
    }

    #[tokio::test]
    async fn what_was_said_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { entries: 1, bytes: 1 };
        let open = || Arc::new(Journal::open(&folder.path().join("state.db"), limits, 0).unwrap());
        let journal = open();
        let feedback = Feedback::new(Some(journal.clone()));
        assert!(feedback.is_empty());
        said(&feedback, 7, 0.5);
        said(&feedback, 2, 1.0);
        journal
            .put(Kind::Opinion, Row { key: vec![7], value: f64::NAN.to_le_bytes().repeat(2), expires: None });
        journal.put(Kind::Opinion, Row { key: vec![8], value: vec![1], expires: None });
        journal.close().await;
        let after = Feedback::new(Some(open()));
        assert!(!after.is_empty());
        for task in ["code", "", "chat"] {
            let quality = |feedback: &Feedback| feedback.quality("acme", "a/1", task, Some(0.9));
            assert_eq!(quality(&after), quality(&feedback));
        }
        assert!((after.quality("acme", "a/1", "code", None).unwrap() - 5.5 / 9.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn quality_stays_between_what_was_known_and_what_was_said(
            before in 0.0_f64..=1.0, scores in proptest::collection::vec(0.0_f64..=1.0, 1..50)
        ) {
            let feedback = Feedback::default();
            for (n, score) in scores.iter().enumerate() {
                feedback.answered("t", "k", &n.to_string(), "a/1", None);
                prop_assert!(feedback.give("t", "k", &n.to_string(), *score));
            }
            let quality = feedback.quality("t", "a/1", "", Some(before)).unwrap();
            let all = || scores.iter().copied().chain([before]);
            prop_assert!(quality >= all().fold(1.0, f64::min) - 1e-9 && quality <= all().fold(0.0, f64::max) + 1e-9);
        }
    }
}
