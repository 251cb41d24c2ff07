//! The strategies: each gives every target a score, and the lowest score goes first.
//!
//! Invariants: a ranking holds every index exactly once; the same facts give the same ranking; equals keep the order of
//! the configuration, except where a strategy spreads load on purpose; targets that fail too often come after all others;
//! a missing, unreadable or negative signal is unknown, never zero.
//! It never reads a clock or a random number: chance is a hash of the exchange's id. It never asks for a fact that does
//! not matter: each is a call out of the sandbox, which costs more than a ranking.

use crate::config::{Config, Quantile, Strategy};
use std::cmp::Ordering;

/// What may be asked of an exchange and its targets.
pub trait Facts {
    /// What a signal is of each target, in their order.
    fn numbers(&self, name: &str) -> Vec<Option<f64>>;
    /// What chance goes by: the same for the same exchange.
    fn seed(&self) -> String;
    /// Whether the caller waits for the first token, not for the last.
    fn streaming(&self) -> bool;
    /// Tokens of the prompt, estimated.
    fn input_tokens(&self) -> u64;
    /// The most tokens that the caller wants to hear, where it says so.
    fn output_limit(&self) -> Option<u64>;
    /// The category of the task, where it is known.
    fn task(&self) -> Option<&str>;
}

/// A target's names.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// `provider/model`.
    pub id: &'a str,
    /// The provider's name.
    pub provider: &'a str,
}

impl Target<'_> {
    /// Whether a name of the configuration, a target's or a provider's, means this one.
    fn is(&self, name: &str) -> bool {
        name == self.id || name == self.provider
    }
}

/// A class and a score within it; the lowest goes first.
type Score = (u8, f64);
/// Whether a target fails too often, and its score.
type Standing = (bool, u8, f64);

/// The class of what is ordered by its measured time.
const MEASURED: u8 = 1;

/// An order of targets.
#[derive(Debug, PartialEq, Eq)]
pub struct Ranked {
    /// Indexes into the targets, best first.
    pub order: Vec<u32>,
    /// Whether nothing but the targets decided it: the next exchange of the same moment would be told the same.
    pub lasts: bool,
}

impl Config {
    /// Orders targets.
    pub fn rank(&self, targets: &[Target<'_>], facts: &impl Facts) -> Ranked {
        let ranking = Ranking { config: self, targets, facts };
        let scores = ranking.scores();
        let failing = |rate: Option<f64>| rate.is_some_and(|rate| rate >= self.avoid_error_rate);
        let standings = ranking.signal("error-rate").into_iter().zip(scores);
        let standings = standings.map(|(rate, (class, score))| (failing(rate), class, score));
        let mut order: Vec<(Standing, usize)> = standings.zip(0..).collect();
        order.sort_by(|(a, _), (b, _)| compare(a, b));
        let lasts = match self.strategy {
            Strategy::Fallback | Strategy::Priority => true,
            // Of what was never measured one request explores, and the next must not.
            Strategy::Latency => {
                let chose = ranking.part_equals(&mut order);
                !chose && order.iter().all(|((_, class, _), _)| *class == MEASURED)
            }
            Strategy::LeastInFlight => {
                ranking.part_equals(&mut order);
                false
            }
            Strategy::Weighted | Strategy::RoundRobin | Strategy::Cost | Strategy::Quality => false,
        };
        let order = order.into_iter().filter_map(|(_, index)| u32::try_from(index).ok()).collect();
        Ranked { order, lasts }
    }
}

fn compare(a: &Standing, b: &Standing) -> Ordering {
    (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
}

/// One ranking under way.
struct Ranking<'a, F> {
    config: &'a Config,
    targets: &'a [Target<'a>],
    facts: &'a F,
}

impl<F: Facts> Ranking<'_, F> {
    fn scores(&self) -> Vec<Score> {
        match self.config.strategy {
            Strategy::Fallback => vec![(0, 0.0); self.targets.len()],
            Strategy::Priority => self.targets.iter().map(|target| self.place(target)).collect(),
            Strategy::Weighted => {
                let seed = self.facts.seed();
                let weighed = self.targets.iter().zip(self.weights());
                weighed.map(|(target, weight)| drawn(chance(&seed, target.id), weight)).collect()
            }
            Strategy::RoundRobin => self.turns(),
            Strategy::Cost => self.costs().map(|cost| cost.map_or((1, 0.0), |cost| (0, cost))).collect(),
            Strategy::Quality => self.qualities(),
            Strategy::Latency => self.latencies(),
            Strategy::LeastInFlight => {
                let busy = self.signal("in-flight").into_iter().zip(self.weights());
                busy.map(|(busy, weight)| loaded(busy.unwrap_or(0.0), weight)).collect()
            }
        }
    }

    /// A signal of each target: a number from 0, or unknown.
    fn signal(&self, name: &str) -> Vec<Option<f64>> {
        let mut told = self.facts.numbers(name);
        told.resize(self.targets.len(), None);
        for number in &mut told {
            *number = number.filter(|number| number.is_finite() && *number >= 0.0);
        }
        told
    }

    /// The weights as configured here, or on the route.
    fn weights(&self) -> Vec<f64> {
        let config = &self.config.weights;
        let own =
            |target: &Target<'_>| config.get(target.id).or_else(|| config.get(target.provider)).copied();
        let own: Vec<Option<f64>> = self.targets.iter().map(own).collect();
        if own.iter().all(Option::is_some) {
            return own.into_iter().flatten().collect();
        }
        own.into_iter().zip(self.signal("weight")).map(|(own, route)| own.or(route).unwrap_or(1.0)).collect()
    }

    /// The place in the operator's order; what is not in it comes after.
    fn place(&self, target: &Target<'_>) -> Score {
        let place = (0_u32..).zip(&self.config.order).find(|(_, name)| target.is(name));
        place.map_or((1, 0.0), |(place, _)| (0, f64::from(place)))
    }

    /// Whose turn it is, then those after it. Without a turn, the host has none to give: the order of the configuration.
    fn turns(&self) -> Vec<Score> {
        let count = self.targets.len();
        let turn = self.signal("turn").into_iter().next().flatten();
        let turn = turn.and_then(|turn| whose(turn, &self.weights())).unwrap_or(0);
        (0..count).map(|at| (0, float((at + count - turn) % count))).collect()
    }

    /// What the request will cost at each, in USD, where the prices are known.
    fn costs(&self) -> impl Iterator<Item = Option<f64>> {
        let most = self.config.output_tokens;
        let output = tokens(self.facts.output_limit().map_or(most, |limit| limit.min(most)));
        let input = tokens(self.facts.input_tokens());
        let prices = self.signal("price.input").into_iter().zip(self.signal("price.output"));
        prices.map(move |(each_input, each_output)| Some(input * each_input? + output * each_output?))
    }

    /// Good enough and priced, good enough, then the best of the rest, then what nobody knows.
    fn qualities(&self) -> Vec<Score> {
        let own = self.facts.task().and_then(|task| self.config.thresholds.get(task));
        let threshold = own.copied().unwrap_or(self.config.threshold);
        // What is good at one thing may be bad at another: only without a category do all count together.
        let qualities = match self.facts.task() {
            None => self.signal("quality"),
            Some(task) => self.signal(&format!("quality.{task}")),
        };
        let score = |(quality, cost): (Option<f64>, Option<f64>)| match (quality, cost) {
            (Some(quality), Some(cost)) if quality >= threshold => (0, cost),
            (Some(quality), None) if quality >= threshold => (1, -quality),
            (Some(quality), _) => (2, -quality),
            (None, _) => (3, 0.0),
        };
        qualities.into_iter().zip(self.costs()).map(score).collect()
    }

    /// The fastest first. Of what was never measured one request explores; while it is under way the others go where it is
    /// known to be fast.
    fn latencies(&self) -> Vec<Score> {
        let (whole, first) = match self.config.quantile {
            Quantile::P50 => ("latency-ms.p50", "ttft-ms.p50"),
            Quantile::P95 => ("latency-ms.p95", "ttft-ms.p95"),
        };
        let mut times = self.signal(whole);
        if self.facts.streaming() {
            let firsts = self.signal(first);
            times = times.into_iter().zip(firsts).map(|(whole, first)| first.or(whole)).collect();
        }
        if times.iter().all(Option::is_some) {
            return times.into_iter().flatten().map(|time| (MEASURED, time)).collect();
        }
        let score = |(time, busy): (Option<f64>, Option<f64>)| match time {
            Some(time) => (MEASURED, time),
            None if busy.unwrap_or(0.0) < 1.0 => (0, 0.0),
            None => (2, 0.0),
        };
        times.into_iter().zip(self.signal("in-flight")).map(score).collect()
    }

    /// Chance parts those that load or latency does not: else the first of them gets everything. Says whether it had to.
    fn part_equals(&self, order: &mut [(Standing, usize)]) -> bool {
        let equal = |(a, _): &(Standing, usize), (b, _): &(Standing, usize)| compare(a, b).is_eq();
        if order.is_sorted_by(|a, b| !equal(a, b)) {
            return false;
        }
        let seed = self.facts.seed();
        let drawn = |index: usize| self.targets.get(index).map(|target| draw(&seed, target.id));
        for equals in order.chunk_by_mut(equal) {
            equals.sort_by_cached_key(|(_, index)| drawn(*index));
        }
        true
    }
}

/// Weighted sampling without replacement: the order by -ln(u)/w has each target first in proportion to its weight, and the
/// rest likewise. Source: Efraimidis and Spirakis, 2006.
fn drawn(chance: f64, weight: f64) -> Score {
    if weight > 0.0 { (0, -chance.ln() / weight) } else { (1, 0.0) }
}

fn loaded(busy: f64, weight: f64) -> Score {
    if weight > 0.0 { (0, (busy + 1.0) / weight) } else { (1, 0.0) }
}

/// Whose turn it is. The turns of a round go through the weights in steps of the golden ratio, which spreads those of
/// one target evenly; equal weights take turns one after the other.
/// Source: Schretter et al., "Golden Ratio Sequences for Low-Discrepancy Sampling", 2012.
fn whose(turn: f64, weights: &[f64]) -> Option<usize> {
    let first = *weights.first()?;
    if weights.iter().all(|weight| (weight - first).abs() < f64::EPSILON) {
        return whole(turn % float(weights.len()));
    }
    let mut left = (turn * GOLDEN).fract() * weights.iter().sum::<f64>();
    weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    })
}

/// The golden ratio's fraction.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

#[expect(clippy::cast_precision_loss, reason = "there are few targets")]
fn float(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
fn tokens(tokens: u64) -> f64 {
    tokens as f64
}

/// The place that a whole number is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number from 0")]
fn whole(number: f64) -> Option<usize> {
    number.is_finite().then_some(number as usize)
}

/// A number in (0, 1), the same for the same exchange and target.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double")]
fn chance(seed: &str, target: &str) -> f64 {
    ((draw(seed, target) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// FNV-1a, then the finaliser of splitmix64, because ids that differ in their last characters differ in FNV's low bits only.
fn draw(seed: &str, target: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.bytes().chain([0]).chain(target.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests;
