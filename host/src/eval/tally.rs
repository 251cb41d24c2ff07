//! What a run has found so far: counts by class, scores, the worst mistakes, facts of a kind.
//!
//! Holds figures for every case, but texts of the worst mistakes only. Never judges.

use super::metrics::{Counts, Scored};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Mistakes that are told.
const WORST: usize = 10;

/// A class of cases, such as a category.
#[derive(Debug, Default)]
pub struct Class {
    /// What was found of it.
    pub counts: Counts,
    /// Its scores, where there are any.
    pub scores: Vec<Scored>,
    /// Whether whole cases are counted, so that there is a false-positive rate.
    pub whole_cases: bool,
}

/// A case that the component got wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mistake {
    /// Its line in the file.
    pub line: u64,
    /// How bad it is; the higher the worse.
    #[serde(skip)]
    pub weight: f64,
    /// What went wrong.
    pub what: String,
    /// The case's text.
    pub text: String,
}

/// Everything that a run found.
#[derive(Debug, Default)]
pub struct Tally {
    /// Over all classes.
    pub all: Class,
    /// By name.
    pub classes: BTreeMap<String, Class>,
    /// Figures of one kind alone.
    pub facts: Map<String, Value>,
    worst: Vec<Mistake>,
}

impl Tally {
    /// Counts a yes-or-no case, overall and in its classes.
    pub fn case(&mut self, classes: &[String], positive: bool, reported: bool) {
        self.all.whole_cases = true;
        self.all.counts.case(positive, reported);
        for name in classes {
            self.class_case(name, positive, reported);
        }
    }

    /// Counts a yes-or-no case of one class alone.
    pub fn class_case(&mut self, name: &str, positive: bool, reported: bool) {
        let class = self.class(name);
        class.whole_cases = true;
        class.counts.case(positive, reported);
    }

    /// A class, made when it is first named.
    pub fn class(&mut self, name: &str) -> &mut Class {
        self.classes.entry(name.to_owned()).or_default()
    }

    /// Remembers a mistake, if it is among the worst. Of equal ones the first stay.
    pub fn mistake(&mut self, line: u64, weight: f64, what: impl Into<String>, text: &str) {
        let place = self.worst.partition_point(|known| known.weight >= weight);
        if place >= WORST {
            return;
        }
        self.worst.insert(place, Mistake { line, weight, what: what.into(), text: text.to_owned() });
        self.worst.truncate(WORST);
    }

    /// The worst mistakes, worst first.
    #[must_use]
    pub fn worst(&self) -> &[Mistake] {
        &self.worst
    }

    /// Adds to a fact that is a number.
    pub fn count(&mut self, fact: &str, by: u64) {
        let sum = self.facts.get(fact).and_then(Value::as_u64).unwrap_or(0) + by;
        self.facts.insert(fact.to_owned(), sum.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_ten_are_kept_worst_first() {
        let mut tally = Tally::default();
        for line in 1..=40 {
            let weight = if line % 4 == 0 { 0.9 } else { 0.1 };
            tally.mistake(line, weight, "missed", "text");
        }
        let lines: Vec<u64> = tally.worst().iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [4, 8, 12, 16, 20, 24, 28, 32, 36, 40]);
    }

    #[test]
    fn a_case_counts_overall_and_in_its_classes() {
        let mut tally = Tally::default();
        tally.case(&["a".into(), "b".into()], true, true);
        tally.case(&["a".into()], false, true);
        assert_eq!((tally.all.counts.found, tally.all.counts.wrong), (1, 1));
        assert_eq!((tally.class("a").counts.wrong, tally.class("b").counts.wrong), (1, 0));
        tally.count("hits", 2);
        tally.count("hits", 3);
        assert_eq!(tally.facts.get("hits"), Some(&5.into()));
    }
}
