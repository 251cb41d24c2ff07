//! What the operator writes: a strategy and its settings, and what is wrong with them.

use serde::Deserialize;
use std::collections::BTreeMap;

/// How targets are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// The order of the configuration; a failing target goes to the end.
    #[default]
    Fallback,
    /// The order of `order`, then that of the configuration.
    Priority,
    /// By chance, in proportion to the weights.
    Weighted,
    /// Each in its turn, in proportion to the weights.
    RoundRobin,
    /// The cheapest for this request first.
    Cost,
    /// The cheapest first that is good enough for the task.
    Quality,
    /// The fastest first, the unmeasured before it.
    Latency,
    /// The least busy for its weight first.
    LeastInFlight,
}

/// Which part of the times counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantile {
    /// The median.
    #[default]
    P50,
    /// What 95 of 100 do not exceed.
    P95,
}

/// What the operator writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How targets are ordered.
    pub strategy: Strategy,
    /// By target or provider.
    pub weights: BTreeMap<String, f64>,
    /// For `Priority`: targets and providers, best first.
    pub order: Vec<String>,
    /// The share of failures from which on a target comes last.
    pub avoid_error_rate: f64,
    /// The expected length of an answer.
    pub output_tokens: u64,
    /// For `Latency`.
    pub quantile: Quantile,
    /// How long an order holds that the next request would be given, too; 0 to order the targets for each anew.
    pub hold_ms: u32,
    /// For `Quality`: how good is good enough.
    pub threshold: f64,
    /// The same by task.
    pub thresholds: BTreeMap<String, f64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: Strategy::Fallback,
            weights: BTreeMap::new(),
            order: Vec::new(),
            avoid_error_rate: 0.5,
            output_tokens: 500,
            quantile: Quantile::P50,
            hold_ms: 10,
            threshold: 0.8,
            thresholds: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What is wrong: a JSON pointer and a message each.
    pub fn issues(&self) -> Vec<(String, String)> {
        let mut issues = Vec::new();
        for (target, weight) in &self.weights {
            if !weight.is_finite() || *weight < 0.0 {
                let pointer = format!("/weights/{}", target.replace('~', "~0").replace('/', "~1"));
                issues.push((pointer, "a weight is a number from 0".to_owned()));
            }
        }
        if !self.weights.is_empty() && self.weights.values().all(|weight| *weight == 0.0) {
            issues.push(("/weights".to_owned(), "at least one weight must be above 0".to_owned()));
        }
        if self.avoid_error_rate.is_nan() || self.avoid_error_rate <= 0.0 {
            let message = "is a share above 0; above 1 switches avoidance off";
            issues.push(("/avoid_error_rate".to_owned(), message.to_owned()));
        }
        let thresholds = self.thresholds.iter().map(|(task, threshold)| {
            (format!("/thresholds/{}", task.replace('~', "~0").replace('/', "~1")), threshold)
        });
        for (pointer, threshold) in thresholds.chain([("/threshold".to_owned(), &self.threshold)]) {
            if !(0.0..=1.0).contains(threshold) {
                issues.push((pointer, "a threshold is a number from 0 to 1".to_owned()));
            }
        }
        if self.strategy == Strategy::Priority && self.order.is_empty() {
            let message =
                "the strategy `priority` needs the targets in order; use `fallback` for the route's order";
            issues.push(("/order".to_owned(), message.to_owned()));
        }
        issues
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Config;
    use serde_json::{Value, json};

    fn config(value: Value) -> Config {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let wrong = json!({"strategy": "priority", "weights": {"a/b": -1.0}, "avoid_error_rate": 0});
        let issues = config(wrong).issues();
        let places: Vec<&str> = issues.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(places, ["/weights/a~1b", "/avoid_error_rate", "/order"]);
        assert!(config(json!({})).issues().is_empty());
        assert_eq!(config(json!({"weights": {"a": 0}})).issues().len(), 1);
        assert!(serde_json::from_value::<Config>(json!({"strategie": "cost"})).is_err());
    }

    #[test]
    fn thresholds_are_shares() {
        let issues = config(json!({"threshold": 1.5, "thresholds": {"a/b": -1.0}})).issues();
        let places: Vec<&str> = issues.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(places, ["/thresholds/a~1b", "/threshold"]);
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let schema: Value = serde_json::from_str(include_str!("../config.schema.json")).unwrap();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap();
        let told: serde_json::Map<_, _> = properties
            .iter()
            .map(|(name, property)| (name.clone(), property.get("default").unwrap().clone()))
            .collect();
        assert_eq!(format!("{:?}", config(told.into())), format!("{:?}", Config::default()));
    }
}
