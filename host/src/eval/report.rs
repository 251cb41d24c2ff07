//! What an evaluation found, for programs (one JSON document) and for people (`table`).
//!
//! Texts of cases are shortened unless they were asked for: they may be private.

mod table;

use super::metrics::{self, AtThreshold, Counts, Latency};
use super::tally::{Class, Mistake, Tally};
use super::{Component, Drive, Kind, Options, UnusedLines};
use serde::Serialize;
use serde_json::{Map, Value};

/// Thresholds shown where none were asked for.
const AUTOMATIC: usize = 20;
/// Characters of a text that is shortened.
const SHORT: usize = 120;

/// What an evaluation found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was evaluated.
    pub kind: Kind,
    /// The component, with its version.
    pub component: String,
    /// Its configuration.
    pub config: Value,
    /// The file.
    pub data: String,
    /// Cases that gave a figure.
    pub cases: u64,
    /// Lines that are no case.
    pub malformed: UnusedLines,
    /// Cases for which a call failed.
    pub failed: UnusedLines,
    /// Over all classes.
    pub all: Row,
    /// By class.
    pub classes: Vec<Row>,
    /// Thresholds and what they would do.
    pub thresholds: Vec<AtThreshold>,
    /// Figures of this kind alone.
    pub facts: Map<String, Value>,
    /// How long calls took.
    pub latency: Latency,
    /// The worst mistakes.
    pub mistakes: Vec<Mistake>,
}

/// The figures of a class.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What they are reckoned from.
    pub counts: Counts,
    /// Of what was reported, the share that is right.
    pub precision: Option<f64>,
    /// Of what is there, the share that was found.
    pub recall: Option<f64>,
    /// Precision and recall alike.
    pub f1: Option<f64>,
    /// Recall before precision.
    pub f2: Option<f64>,
    /// Of cases without anything there, the share that was reported.
    pub false_positive_rate: Option<f64>,
    /// The area under the ROC curve.
    pub roc_auc: Option<f64>,
    /// The area under the precision-recall curve.
    pub pr_auc: Option<f64>,
}

impl Row {
    fn new(name: &str, class: &Class) -> Self {
        let counts = class.counts;
        Self {
            name: name.to_owned(),
            counts,
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f(1.0),
            f2: counts.f(2.0),
            false_positive_rate: counts.false_positive_rate().filter(|_| class.whole_cases),
            roc_auc: metrics::roc_auc(&class.scores),
            pr_auc: metrics::pr_auc(&class.scores),
        }
    }
}

impl Report {
    pub(super) fn new(options: &Options, component: &Component, drive: Drive, tally: Tally) -> Self {
        let scores = &tally.all.scores;
        let thresholds = match &options.sweep {
            Some(own) if !own.is_empty() => own.clone(),
            _ => metrics::thresholds_of(scores, AUTOMATIC),
        };
        let thresholds =
            if scores.is_empty() { Vec::new() } else { metrics::at_thresholds(scores, &thresholds) };
        Self {
            kind: options.kind,
            component: component.label().to_owned(),
            config: component.configured().clone(),
            data: options.data.display().to_string(),
            cases: drive.cases,
            malformed: drive.malformed,
            failed: drive.failed,
            all: Row::new("all", &tally.all),
            classes: tally.classes.iter().map(|(name, class)| Row::new(name, class)).collect(),
            thresholds,
            latency: metrics::latency(component.calls()),
            mistakes: tally.worst().to_vec(),
            facts: tally.facts,
        }
    }

    /// Whether every line gave a figure, and there is one.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.cases > 0 && self.malformed.count == 0 && self.failed.count == 0
    }

    /// Shortens the texts of cases.
    pub fn shorten(&mut self) {
        for mistake in &mut self.mistakes {
            mistake.text = short(&mistake.text);
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        table::render(self)
    }
}

/// One line of a text, or its beginning.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shortened_to_a_line() {
        assert_eq!(short("a\n  b"), "a b");
        let long = short(&"ü".repeat(500));
        assert_eq!(long.chars().count(), SHORT + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn spans_have_no_false_positive_rate() {
        let counts = Counts { found: 1, right: 1, wrong: 1, ..Counts::default() };
        let mut class = Class { counts, ..Class::default() };
        assert_eq!(Row::new("x", &class).false_positive_rate, None);
        class.whole_cases = true;
        assert_eq!(Row::new("x", &class).false_positive_rate, Some(1.0));
    }
}
