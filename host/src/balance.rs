//! How each target has been doing, and the order in which targets are tried when no plugin ranks them.
//!
//! Invariants: only atomics, so that an exchange never waits for another's figures; what is not known yet is
//! absent, never zero; an attempt counts as in flight until its [`Observation`] is dropped, however it ends.
//! Never chooses for a router: it only measures.

mod decay;
mod learnt;
#[cfg(test)]
mod tests;

use decay::{Median, Ratio};
use http::HeaderMap;
use learnt::Learnt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The figures lose half of their weight in this time.
const HALF_LIFE: Duration = Duration::from_secs(30);

/// Failures in a row after which a target that gives no reason to wait is left alone for a while.
const FAILURES_TO_COOL: u32 = 3;
/// The first pause; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is taken for granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause that a provider may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// How one target has been doing.
#[derive(Debug)]
pub struct Health {
    born: Instant,
    in_flight: AtomicU32,
    in_a_row: AtomicU32,
    /// Microseconds after `born`.
    cool_until: AtomicU64,
    /// When the last pause was decided: what began before it cannot lift it.
    cooled_at: AtomicU64,
    failures: Ratio,
    latency: Median,
    first_byte: Median,
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
            cooled_at: AtomicU64::new(0),
            failures: Ratio::new(HALF_LIFE),
            latency: Median::new(HALF_LIFE),
            first_byte: Median::new(HALF_LIFE),
            learnt: Learnt::default(),
        }
    }

    /// An attempt begins.
    #[must_use]
    pub fn begin(self: &Arc<Self>) -> Observation {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Observation { health: self.clone(), started: Instant::now() }
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

    /// How long it is better left alone.
    #[must_use]
    pub fn cool_down(&self) -> Option<Duration> {
        let until = Duration::from_micros(self.cool_until.load(Ordering::Relaxed));
        let paused = until.checked_sub(self.age()).filter(|left| !left.is_zero());
        paused.max(self.learnt.exhausted(self.age()))
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

    /// The live facts that routing sees: `latency-ms.p50`, `ttft-ms.p50`, `error-rate`, `in-flight`,
    /// `cool-down-ms`, `requests-left`, `tokens-left`, `input-tokens-left`, `output-tokens-left`.
    #[must_use]
    pub fn signals(&self) -> Vec<(String, String)> {
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        let facts = [
            ("latency-ms.p50", self.latency().map(ms)),
            ("ttft-ms.p50", self.first_byte().map(ms)),
            ("error-rate", self.error_rate().map(|rate| format!("{rate:.4}"))),
            ("in-flight", Some(self.in_flight().to_string())),
            ("cool-down-ms", self.cool_down().map(|left| left.as_millis().to_string())),
        ];
        let known = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        known.chain(self.learnt.signals(self.age())).collect()
    }

    fn age(&self) -> Duration {
        self.born.elapsed()
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

/// One attempt. Dropped without a word, it ends and counts neither as a success nor as a failure.
#[derive(Debug)]
pub struct Observation {
    health: Arc<Health>,
    started: Instant,
}

impl Observation {
    /// The first byte of the answer is there.
    pub fn first_byte(&self) {
        self.health.first_byte.add(self.started.elapsed(), self.health.age());
    }

    /// It succeeded: the target is fine, unless it has asked for a pause since the attempt began.
    pub fn succeeded(self) {
        let health = &self.health;
        let began = micros(self.started.saturating_duration_since(health.born));
        if began >= health.cooled_at.load(Ordering::Relaxed) {
            health.in_a_row.store(0, Ordering::Relaxed);
            health.cool_until.store(0, Ordering::Relaxed);
        }
        health.failures.add(false, health.age());
        health.latency.add(self.started.elapsed(), health.age());
    }

    /// It failed. A 429 and a `retry_after` are a reason to leave the target alone at once, a failure of the
    /// target's own after a few in a row; what the target said of the request (400, 404, 422) says nothing of
    /// the target.
    pub fn failed(self, status: u16, retry_after: Option<Duration>) {
        let health = &self.health;
        let limited = status == 429;
        if (400..500).contains(&status) && !matches!(status, 401 | 403 | 408 | 429) {
            return;
        }
        health.failures.add(true, health.age());
        let in_a_row = health.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if let Some(asked) = retry_after {
            health.pause(asked.min(LONGEST_ASKED));
        } else if limited || in_a_row >= FAILURES_TO_COOL {
            let grace = if limited { 1 } else { FAILURES_TO_COOL };
            let doublings = in_a_row.saturating_sub(grace).min(16);
            health.pause(FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE));
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.health.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
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
