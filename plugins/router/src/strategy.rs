//! The strategies: each gives every candidate a score, and the lowest score goes first.
//!
//! Invariants: a ranking holds every index exactly once; the same exchange and signals give the same ranking;
//! equals keep the order of the configuration, except where a strategy spreads load on purpose; targets that
//! fail too often come after all others.
//! It never reads a clock or a random number: chance is a hash of the exchange's id.

use crate::candidate::Candidate;
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
    /// The cheapest for this request first.
    Cost,
    /// The fastest first, the unmeasured before it.
    Latency,
    /// The least busy for its weight first.
    LeastInFlight,
}

impl Strategy {
    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fallback => "fallback",
            Self::Priority => "priority",
            Self::Weighted => "weighted",
            Self::Cost => "cost",
            Self::Latency => "latency",
            Self::LeastInFlight => "least-in-flight",
        }
    }
}

/// What the operator writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    strategy: Strategy,
    weights: BTreeMap<String, f64>,
    order: Vec<String>,
    avoid_error_rate: f64,
    output_tokens: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: Strategy::Fallback,
            weights: BTreeMap::new(),
            order: Vec::new(),
            avoid_error_rate: 0.5,
            output_tokens: 500,
        }
    }
}

/// What a request asks of a target.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask {
    /// Tokens of the prompt, estimated.
    pub input_tokens: u64,
    /// The most it wants to hear, where it says so.
    pub output_tokens: Option<u64>,
}

impl Config {
    /// How targets are ordered.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

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
        if self.strategy == Strategy::Priority && self.order.is_empty() {
            let message =
                "the strategy `priority` needs the targets in order; use `fallback` for the route's order";
            issues.push(("/order".to_owned(), message.to_owned()));
        }
        issues
    }

    /// Indexes into `candidates`, best first.
    pub fn rank(&self, candidates: &[Candidate], exchange: &str, ask: Ask) -> Vec<u32> {
        let mut ranked: Vec<((bool, u8, f64, f64), u32)> = (0..)
            .zip(candidates)
            .map(|(index, candidate)| {
                let failing = candidate.error_rate.is_some_and(|rate| rate >= self.avoid_error_rate);
                let (class, score) = self.score(candidate, exchange, ask);
                // Chance parts those that load or latency does not: else the first of them gets everything.
                let spread = match self.strategy {
                    Strategy::Latency | Strategy::LeastInFlight => chance(exchange, &candidate.id),
                    _ => 0.0,
                };
                ((failing, class, score, spread), index)
            })
            .collect();
        ranked.sort_by(|(a, _), (b, _)| {
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)).then(a.3.total_cmp(&b.3))
        });
        ranked.into_iter().map(|(_, index)| index).collect()
    }

    /// A class and a score within it; the lowest goes first.
    fn score(&self, candidate: &Candidate, exchange: &str, ask: Ask) -> (u8, f64) {
        match self.strategy {
            Strategy::Fallback => (0, 0.0),
            Strategy::Priority => {
                let place = (0_u32..).zip(&self.order).find(|(_, name)| names(name, candidate));
                place.map_or((1, 0.0), |(place, _)| (0, f64::from(place)))
            }
            // Weighted sampling without replacement: the order by -ln(u)/w has each target first in
            // proportion to its weight, and the rest likewise. Source: Efraimidis and Spirakis, 2006.
            Strategy::Weighted => match self.weight(candidate) {
                weight if weight > 0.0 => (0, -chance(exchange, &candidate.id).ln() / weight),
                _ => (1, 0.0),
            },
            Strategy::Cost => match (candidate.price_input, candidate.price_output) {
                (Some(input), Some(output)) => {
                    let answer =
                        ask.output_tokens.map_or(self.output_tokens, |most| most.min(self.output_tokens));
                    (0, tokens(ask.input_tokens) * input + tokens(answer) * output)
                }
                _ => (1, 0.0),
            },
            Strategy::Latency => match candidate.latency_ms {
                Some(latency) => (1, latency),
                // One request explores; while it is under way the others go where it is known to be fast.
                None if candidate.in_flight.unwrap_or(0.0) < 1.0 => (0, 0.0),
                None => (2, 0.0),
            },
            Strategy::LeastInFlight => match self.weight(candidate) {
                weight if weight > 0.0 => (0, (candidate.in_flight.unwrap_or(0.0) + 1.0) / weight),
                _ => (1, 0.0),
            },
        }
    }

    fn weight(&self, candidate: &Candidate) -> f64 {
        let configured = self.weights.get(&candidate.id).or_else(|| self.weights.get(&candidate.provider));
        configured.copied().or(candidate.weight).unwrap_or(1.0)
    }
}

/// Whether a name of the configuration, a target's or a provider's, means this candidate.
fn names(name: &str, candidate: &Candidate) -> bool {
    name == candidate.id || name == candidate.provider
}

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
fn tokens(count: u64) -> f64 {
    count as f64
}

/// A number in (0, 1), the same for the same exchange and target: FNV-1a, then the finaliser of splitmix64,
/// because ids that differ in their last characters differ in FNV's low bits only.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
fn chance(exchange: &str, target: &str) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in exchange.bytes().chain([0]).chain(target.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
