//! How good targets are at what kinds of tasks, as `lockgate bench-models` found out: the file between the two.
//!
//! Invariants: what was not measured is missing, never zero; a file that is not understood is refused as a whole.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of such a file at most.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Figures of targets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// By target (`provider/model`) and category of tasks.
    pub targets: BTreeMap<String, BTreeMap<String, Figures>>,
}

/// How a target does at a category of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// The mean score of its answers, from 0 to 1; missing where it gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
    /// Tasks that were answered and judged.
    pub judged: u64,
    /// Tasks that were not: the target did not answer, or another one did, or the judge did not judge.
    pub failed: u64,
    /// What an answer cost in the mean, in USD; missing where the price is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// The median time of an answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

impl Measured {
    /// Reads a file.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("it is longer than {MAX_BYTES} bytes"));
        }
        let read: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for (target, tasks) in &read.targets {
            for (task, figures) in tasks {
                if figures.quality.is_some_and(|quality| !(0.0..=1.0).contains(&quality)) {
                    return Err(format!("the quality of `{target}` at `{task}` is not from 0 to 1"));
                }
            }
        }
        Ok(read)
    }

    /// The facts of a target that routing sees: `quality.<task>` of each category, and `quality` of all that was judged.
    #[must_use]
    pub fn facts(&self, target: &str) -> Vec<(String, String)> {
        let Some(tasks) = self.targets.get(target) else { return Vec::new() };
        let known = || tasks.iter().filter_map(|(task, figures)| Some((task, figures, figures.quality?)));
        let mut facts: Vec<_> =
            known().map(|(task, _, quality)| (format!("quality.{task}"), format!("{quality:.4}"))).collect();
        let judged: u64 = known().map(|(_, figures, _)| figures.judged).sum();
        let sum: f64 = known().map(|(_, figures, quality)| quality * float(figures.judged)).sum();
        if judged > 0 {
            facts.push(("quality".to_owned(), format!("{:.4}", sum / float(judged))));
        }
        facts
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of tasks are far below 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::Measured;

    #[test]
    fn figures_are_facts_and_what_was_not_measured_is_none() {
        let text = r#"{"targets": {"a/1": {
            "code": {"quality": 0.9, "judged": 30, "failed": 0, "cost_usd": 0.01, "latency_ms": 800.0},
            "chat": {"quality": 0.5, "judged": 10, "failed": 1},
            "translate": {"judged": 0, "failed": 5}
        }}}"#;
        let measured = Measured::parse(text).unwrap();
        let facts = measured.facts("a/1");
        let expected = [("quality.chat", "0.5000"), ("quality.code", "0.9000"), ("quality", "0.8000")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(facts, expected);
        assert!(measured.facts("a/2").is_empty());
        let written = serde_json::to_string(&measured).unwrap();
        assert_eq!(Measured::parse(&written).unwrap(), measured);
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        let wrong = r#"{"targets": {"a/1": {"code": {"quality": 7, "judged": 1, "failed": 0}}}}"#;
        for text in ["", "[]", "{}", r#"{"targets": {}, "more": 1}"#, wrong] {
            assert!(Measured::parse(text).is_err(), "{text}");
        }
    }
}
