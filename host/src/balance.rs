//! How each target has been doing, and the order in which targets are tried when no plugin ranks them.
//!
//! Invariants: only atomics, so that an exchange never waits for another's figures; what is not known yet is
//! absent, never zero; an attempt counts as in flight until its [`Observation`] is dropped, however it ends.
//! Never chooses for a router: it only measures.

mod breaker;
mod budget;
mod decay;
mod learnt;
mod observation;
#[cfg(test)]
mod tests;

pub use breaker::{Admission, BreakerSettings, Change};
pub use budget::BudgetSettings;
pub use observation::Observation;

use breaker::Breaker;
use budget::Budget;
pub use decay::{Median, Ratio};
use http::HeaderMap;
use learnt::Learnt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The figures lose half of their weight in this time.
const HALF_LIFE: Duration = Duration::from_secs(30);
/// How many times as often as another a target fails that is set aside for it.
const TIMES_WORSE: f64 = 4.0;

/// The live facts that routing sees.
pub const FIGURES: [&str; 11] = [
    "latency-ms.p50",
    "latency-ms.p95",
    "ttft-ms.p50",
    "ttft-ms.p95",
    "error-rate",
    "in-flight",
    "cool-down-ms",
    "requests-left",
    "tokens-left",
    "input-tokens-left",
    "output-tokens-left",
];

/// A live fact.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// It.
    pub value: f64,
    /// Places behind the point that mean something.
    pub places: usize,
}

/// How one target has been doing.
#[derive(Debug)]
pub struct Health {
    born: Instant,
    in_flight: AtomicU32,
    in_a_row: AtomicU32,
    /// Microseconds after `born`.
    cool_until: AtomicU64,
    /// The same, where the provider itself asked for the pause.
    asked_until: AtomicU64,
    /// When the last pause was decided: what began before it cannot lift it.
    cooled_at: AtomicU64,
    failures: Ratio,
    latency: Median,
    first_byte: Median,
    breaker: Breaker,
    budget: Budget,
    learnt: Learnt,
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

impl Health {
    /// A target of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self {
            born: Instant::now(),
            in_flight: AtomicU32::new(0),
            in_a_row: AtomicU32::new(0),
            cool_until: AtomicU64::new(0),
            asked_until: AtomicU64::new(0),
            cooled_at: AtomicU64::new(0),
            failures: Ratio::new(HALF_LIFE),
            latency: Median::new(HALF_LIFE),
            first_byte: Median::new(HALF_LIFE),
            breaker: Breaker::new(),
            budget: Budget::new(),
            learnt: Learnt::default(),
        }
    }

    /// An attempt begins.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Observation {
        self.watch(&BreakerSettings::default(), false)
    }

    /// An attempt begins that the breaker let through, as a probe or not.
    #[must_use]
    pub fn watch(self: &Arc<Self>, settings: &BreakerSettings, probe: bool) -> Observation {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Observation::new(self.clone(), settings, probe)
    }

    /// Whether the breaker lets an attempt through. A probe is to be watched as one: its place is given back then.
    /// `last_resort`: there is no other target left.
    #[must_use]
    pub fn admit(&self, settings: &BreakerSettings, last_resort: bool) -> Admission {
        self.breaker.admit(settings, last_resort, self.age())
    }

    /// How long it is to be left alone: its breaker is open, or it is cooling down.
    #[must_use]
    pub fn pause_left(&self) -> Option<Duration> {
        let age = self.age();
        self.breaker.left(age).max(self.cool_down_at(age))
    }

    /// Whether its breaker has opened, and nothing has closed it since.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        !self.breaker.is_closed()
    }

    /// Sets it aside when it does much worse than another target that is well.
    pub fn eject_beside(&self, other: &Self, settings: &BreakerSettings) -> Option<Change> {
        let age = self.age();
        let least = settings.outlier_rate?;
        let mine = self.breaker.error_rate(settings, age).filter(|rate| *rate >= least)?;
        let theirs = other.breaker.error_rate(settings, other.age())?;
        let worse = !other.is_broken() && !other.cooling_down() && mine >= TIMES_WORSE * theirs;
        worse.then(|| self.breaker.eject(settings, age)).flatten()
    }

    /// An exchange asks in its turn, which lets others be asked again.
    pub fn asked(&self, settings: &BudgetSettings) {
        self.budget.put(settings, self.age());
    }

    /// Takes one from the budget of what is asked beside its turn, where there is one.
    #[must_use]
    pub fn may_ask_again(&self, settings: &BudgetSettings) -> bool {
        self.budget.take(settings, self.age())
    }

    /// Attempts that have not ended.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Failures since the last success.
    #[must_use]
    pub fn failures_in_a_row(&self) -> u32 {
        self.in_a_row.load(Ordering::Relaxed)
    }

    /// The share of recent attempts that failed, from 0 to 1.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        self.failures.get(self.age())
    }

    /// The median time of recent attempts that succeeded.
    #[must_use]
    pub fn latency(&self) -> Option<Duration> {
        self.latency.get(self.age())
    }

    /// The median time to the first byte of recent attempts.
    #[must_use]
    pub fn first_byte(&self) -> Option<Duration> {
        self.first_byte.get(self.age())
    }

    /// The time that this many of a hundred recent attempts that succeeded did not exceed.
    #[must_use]
    pub fn latency_share(&self, hundredths: u32) -> Option<Duration> {
        self.latency.share(hundredths, self.age())
    }

    /// The time to the first byte that this many of a hundred recent attempts did not exceed.
    #[must_use]
    pub fn first_byte_share(&self, hundredths: u32) -> Option<Duration> {
        self.first_byte.share(hundredths, self.age())
    }

    /// How long it is better left alone.
    #[must_use]
    pub fn cool_down(&self) -> Option<Duration> {
        self.cool_down_at(self.age())
    }

    fn cool_down_at(&self, age: Duration) -> Option<Duration> {
        let until = Duration::from_micros(self.cool_until.load(Ordering::Relaxed));
        let paused = until.checked_sub(age).filter(|left| !left.is_zero());
        paused.max(self.learnt.exhausted(age))
    }

    /// How long the provider asked to be left alone.
    #[must_use]
    pub fn asked_pause(&self) -> Option<Duration> {
        let until = Duration::from_micros(self.asked_until.load(Ordering::Relaxed));
        until.checked_sub(self.age()).filter(|left| !left.is_zero())
    }

    /// Whether it is better left alone for now.
    #[must_use]
    pub fn cooling_down(&self) -> bool {
        self.cool_down().is_some()
    }

    /// Reads what an answer says of the provider's limits. `alone`: whether that is so for every request to the target,
    /// and not for one of several keys.
    pub fn learn(&self, headers: &HeaderMap, alone: bool) {
        self.learnt.read(headers, alone, self.age(), crate::clock::now());
    }

    /// One of [`FIGURES`] as it is now; none where it is not known yet.
    #[must_use]
    pub fn figure(&self, name: &str, now: Instant) -> Option<Figure> {
        let age = self.age_at(now);
        let ms = |time: Duration| Figure { value: time.as_secs_f64() * 1e3, places: 1 };
        match name {
            "latency-ms.p50" => self.latency.get(age).map(ms),
            "latency-ms.p95" => self.latency.share(95, age).map(ms),
            "ttft-ms.p50" => self.first_byte.get(age).map(ms),
            "ttft-ms.p95" => self.first_byte.share(95, age).map(ms),
            "error-rate" => self.failures.get(age).map(|rate| Figure { value: rate, places: 4 }),
            "in-flight" => Some(Figure { value: f64::from(self.in_flight()), places: 0 }),
            "cool-down-ms" => self.cool_down_at(age).map(|left| Figure { places: 0, ..ms(left) }),
            _ => self.learnt.left(name, age).map(|left| Figure { value: left, places: 0 }),
        }
    }

    fn age(&self) -> Duration {
        self.age_at(Instant::now())
    }

    fn age_at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.born)
    }

    fn pause(&self, pause: Duration) {
        let now = self.age();
        self.cooled_at.fetch_max(micros(now), Ordering::Relaxed);
        self.cool_until.fetch_max(micros(now.saturating_add(pause)), Ordering::Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The order to try targets in when nothing ranks them: as configured, those that are cooling down last, and
/// of these the one first that will be done first.
pub fn in_order<'a>(targets: impl IntoIterator<Item = &'a Health>) -> Vec<usize> {
    let mut order: Vec<(Duration, usize)> = targets
        .into_iter()
        .enumerate()
        .map(|(place, health)| (health.cool_down().unwrap_or_default(), place))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, place)| place).collect()
}
