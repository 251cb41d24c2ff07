//! The strategies: each gives every candidate a score, and the lowest score goes first.
//!
//! Invariants: a ranking holds every index exactly once; the same exchange and signals give the same ranking;
//! equals keep the order of the configuration, except where a strategy spreads load on purpose; targets that
//! fail too often come after all others.
//! It never reads a clock or a random number: chance is a hash of the exchange's id.

use crate::candidate::{Candidate, Quantiles};
use serde::Deserialize;
use std::borrow::Cow;
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

impl Strategy {
    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fallback => "fallback",
            Self::Priority => "priority",
            Self::Weighted => "weighted",
            Self::RoundRobin => "round-robin",
            Self::Cost => "cost",
            Self::Quality => "quality",
            Self::Latency => "latency",
            Self::LeastInFlight => "least-in-flight",
        }
    }
}

/// Which part of the times counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Quantile {
    /// The median.
    #[default]
    P50,
    /// What 95 of 100 do not exceed.
    P95,
}

impl Quantile {
    fn of(self, times: Quantiles) -> Option<f64> {
        match self {
            Self::P50 => times.p50,
            Self::P95 => times.p95,
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
    quantile: Quantile,
    threshold: f64,
    thresholds: BTreeMap<String, f64>,
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
            threshold: 0.8,
            thresholds: BTreeMap::new(),
        }
    }
}

/// What a request asks of a target.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Tokens of the prompt, estimated.
    pub input_tokens: u64,
    /// The most it wants to hear, where it says so.
    pub output_tokens: Option<u64>,
    /// Whether it waits for the first token, not for the last.
    pub streaming: bool,
    /// The category of the task.
    pub task: Option<String>,
}

impl Strategy {
    /// Whether chance has a say.
    pub fn draws(self) -> bool {
        matches!(self, Self::Weighted | Self::Latency | Self::LeastInFlight)
    }
}

impl Config {
    /// The signals that are looked at: no others are asked for.
    pub fn reads(&self, ask: &Ask) -> Vec<Cow<'static, str>> {
        let own: &[&'static str] = match (self.strategy, self.quantile) {
            (Strategy::Fallback | Strategy::Priority, _) => &[],
            (Strategy::Weighted, _) => &["weight"],
            (Strategy::RoundRobin, _) => &["turn", "weight"],
            (Strategy::LeastInFlight, _) => &["in-flight", "weight"],
            (Strategy::Cost | Strategy::Quality, _) => &["price.input", "price.output"],
            (Strategy::Latency, Quantile::P50) if ask.streaming => {
                &["in-flight", "latency-ms.p50", "ttft-ms.p50"]
            }
            (Strategy::Latency, Quantile::P50) => &["in-flight", "latency-ms.p50"],
            (Strategy::Latency, Quantile::P95) if ask.streaming => {
                &["in-flight", "latency-ms.p95", "ttft-ms.p95"]
            }
            (Strategy::Latency, Quantile::P95) => &["in-flight", "latency-ms.p95"],
        };
        // What is good at one thing may be bad at another: only without a category do all count together.
        let quality = (self.strategy == Strategy::Quality).then(|| match &ask.task {
            None => Cow::from("quality"),
            Some(task) => Cow::from(format!("quality.{task}")),
        });
        ["error-rate"].iter().chain(own).map(|name| Cow::from(*name)).chain(quality).collect()
    }

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

    /// Indexes into `candidates`, best first. `seed`: what chance goes by, where it has a say.
    pub fn rank(&self, candidates: &[Candidate<'_>], seed: &str, ask: &Ask) -> Vec<u32> {
        let turn = (self.strategy == Strategy::RoundRobin).then(|| self.turn(candidates)).flatten();
        let mut ranked: Vec<((bool, u8, f64, f64), u32)> = (0..)
            .zip(candidates)
            .map(|(index, candidate)| {
                let failing = candidate.error_rate.is_some_and(|rate| rate >= self.avoid_error_rate);
                let (class, score) = match turn {
                    // Whose turn it is, then those after it.
                    Some(turn) => {
                        let at = index as usize;
                        (0, float((at + candidates.len() - turn) % candidates.len()))
                    }
                    None => self.score(candidate, seed, ask),
                };
                // Chance parts those that load or latency does not: else the first of them gets everything.
                let spread = match self.strategy {
                    Strategy::Latency | Strategy::LeastInFlight => chance(seed, candidate.id),
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
    fn score(&self, candidate: &Candidate<'_>, seed: &str, ask: &Ask) -> (u8, f64) {
        match self.strategy {
            // Without a turn, the host has none to give: the order of the configuration.
            Strategy::Fallback | Strategy::RoundRobin => (0, 0.0),
            Strategy::Priority => {
                let place = (0_u32..).zip(&self.order).find(|(_, name)| names(name, candidate));
                place.map_or((1, 0.0), |(place, _)| (0, f64::from(place)))
            }
            // Weighted sampling without replacement: the order by -ln(u)/w has each target first in
            // proportion to its weight, and the rest likewise. Source: Efraimidis and Spirakis, 2006.
            Strategy::Weighted => match self.weight(candidate) {
                weight if weight > 0.0 => (0, -chance(seed, candidate.id).ln() / weight),
                _ => (1, 0.0),
            },
            Strategy::Cost => self.cost(candidate, ask).map_or((1, 0.0), |cost| (0, cost)),
            // Good enough and priced, good enough, then the best of the rest, then what nobody knows.
            Strategy::Quality => match (candidate.quality, self.cost(candidate, ask)) {
                (Some(quality), Some(cost)) if quality >= self.threshold(ask) => (0, cost),
                (Some(quality), None) if quality >= self.threshold(ask) => (1, -quality),
                (Some(quality), _) => (2, -quality),
                (None, _) => (3, 0.0),
            },
            Strategy::Latency => {
                let whole = self.quantile.of(candidate.latency_ms);
                let first = self.quantile.of(candidate.ttft_ms);
                match if ask.streaming { first.or(whole) } else { whole } {
                    Some(latency) => (1, latency),
                    // One request explores; while it is under way the others go where it is known to be fast.
                    None if candidate.in_flight.unwrap_or(0.0) < 1.0 => (0, 0.0),
                    None => (2, 0.0),
                }
            }
            Strategy::LeastInFlight => match self.weight(candidate) {
                weight if weight > 0.0 => (0, (candidate.in_flight.unwrap_or(0.0) + 1.0) / weight),
                _ => (1, 0.0),
            },
        }
    }

    /// What the request will cost, in USD, where the prices are known.
    fn cost(&self, candidate: &Candidate<'_>, ask: &Ask) -> Option<f64> {
        let (input, output) = (candidate.price_input?, candidate.price_output?);
        let answer = ask.output_tokens.map_or(self.output_tokens, |most| most.min(self.output_tokens));
        Some(tokens(ask.input_tokens) * input + tokens(answer) * output)
    }

    /// How good is good enough.
    fn threshold(&self, ask: &Ask) -> f64 {
        let own = ask.task.as_ref().and_then(|task| self.thresholds.get(task));
        own.copied().unwrap_or(self.threshold)
    }

    /// Whose turn it is. The turns of a round go through the weights in steps of the golden ratio, which spreads those of
    /// one target evenly; equal weights take turns one after the other.
    /// Source: Schretter et al., "Golden Ratio Sequences for Low-Discrepancy Sampling", 2012.
    fn turn(&self, candidates: &[Candidate<'_>]) -> Option<usize> {
        let turn = candidates.first()?.turn?;
        let weights: Vec<f64> = candidates.iter().map(|candidate| self.weight(candidate)).collect();
        let first = *weights.first()?;
        if weights.iter().all(|weight| (weight - first).abs() < f64::EPSILON) {
            return place(turn % float(candidates.len()));
        }
        let mut left = (turn * GOLDEN).fract() * weights.iter().sum::<f64>();
        weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        })
    }

    fn weight(&self, candidate: &Candidate<'_>) -> f64 {
        let configured = self.weights.get(candidate.id).or_else(|| self.weights.get(candidate.provider));
        configured.copied().or(candidate.weight).unwrap_or(1.0)
    }
}

/// The golden ratio's fraction.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

#[expect(clippy::cast_precision_loss, reason = "there are few targets")]
fn float(number: usize) -> f64 {
    number as f64
}

/// The place that a whole number is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number from 0")]
fn place(number: f64) -> Option<usize> {
    number.is_finite().then_some(number as usize)
}

/// Whether a name of the configuration, a target's or a provider's, means this candidate.
fn names(name: &str, candidate: &Candidate<'_>) -> bool {
    name == candidate.id || name == candidate.provider
}

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
fn tokens(count: u64) -> f64 {
    count as f64
}

/// A number in (0, 1), the same for the same exchange and target: FNV-1a, then the finaliser of splitmix64,
/// because ids that differ in their last characters differ in FNV's low bits only.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
fn chance(seed: &str, target: &str) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.bytes().chain([0]).chain(target.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    ((hash >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
