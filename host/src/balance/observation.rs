//! One attempt at a target, from its beginning to its end: what it tells of the target's health.
//!
//! Invariants: it tells the breaker once how it went; a success lifts no pause that was decided after it began; however it
//! ends, it is no longer in flight, and the place of a probe is given back.

use super::breaker::{BreakerSettings, Change, Outcome};
use super::{Health, micros};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// Failures in a row after which a target that gives no reason to wait is left alone for a while.
const FAILURES_TO_COOL: u32 = 3;
/// The first pause; each further failure doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is taken for granted.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause that a provider may ask for.
pub(super) const LONGEST_ASKED: Duration = Duration::from_secs(300);

/// One attempt. Dropped without a word, it ends and counts neither as a success nor as a failure.
#[derive(Debug)]
pub struct Observation {
    health: Arc<Health>,
    started: Instant,
    settings: BreakerSettings,
    /// Whether it holds the place of a probe.
    probe: bool,
    /// Whether the breaker was told already.
    counted: bool,
}

impl Observation {
    /// It begins now, and is under way already by its target's figures. `probe`: it holds the place of one.
    pub(super) fn new(health: Arc<Health>, settings: &BreakerSettings, probe: bool) -> Self {
        Self { health, started: Instant::now(), settings: *settings, probe, counted: false }
    }

    /// It begins only now.
    pub fn restart(&mut self) {
        self.started = Instant::now();
    }

    /// The first byte of the answer is there: so far, the target is well.
    pub fn first_byte(&mut self) -> Option<Change> {
        let now = Instant::now();
        self.health.first_byte.add(now.saturating_duration_since(self.started), self.health.age_at(now));
        self.went_well(now)
    }

    /// It succeeded: the target is fine, unless it has asked for a pause since the attempt began.
    pub fn succeeded(mut self) -> Option<Change> {
        let now = Instant::now();
        self.health.latency.add(now.saturating_duration_since(self.started), self.health.age_at(now));
        self.went_well(now)
    }

    /// It failed. A 429 and a `retry_after` are a reason to leave the target alone at once, a failure of the
    /// target's own after a few in a row; what the target said of the request (400, 404, 422) says nothing of
    /// the target. The breaker is told of failures alone: limits are a matter of time.
    pub fn failed(mut self, status: u16, retry_after: Option<Duration>) -> Option<Change> {
        let health = self.health.clone();
        let limited = status == 429;
        if (400..500).contains(&status) && !matches!(status, 401 | 403 | 408 | 429) {
            return None;
        }
        if self.counted {
            health.failures.amend(health.age());
        } else {
            health.failures.add(true, health.age());
        }
        let in_a_row = health.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if let Some(asked) = retry_after {
            let asked = asked.min(LONGEST_ASKED);
            health.pause(asked);
            health.asked_until.fetch_max(micros(health.age().saturating_add(asked)), Ordering::Relaxed);
        } else if limited || in_a_row >= FAILURES_TO_COOL {
            let grace = if limited { 1 } else { FAILURES_TO_COOL };
            let doublings = in_a_row.saturating_sub(grace).min(16);
            health.pause(FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE));
        }
        match (limited, self.counted) {
            (true, _) => None,
            (false, true) => health.breaker.amend(&self.settings, health.age()),
            (false, false) => self.tell(Outcome::Failed, Instant::now()),
        }
    }

    /// Another target was faster. How long this one would have taken nobody knows, but it was at least this slow.
    pub fn overtaken(mut self, streaming: bool) -> Option<Change> {
        let times = if streaming { &self.health.first_byte } else { &self.health.latency };
        let now = Instant::now();
        times.add(now.saturating_duration_since(self.started), self.health.age_at(now));
        if self.is_slow(now) { self.tell(Outcome::Slow, now) } else { None }
    }

    fn went_well(&mut self, now: Instant) -> Option<Change> {
        if self.counted {
            return None;
        }
        let health = self.health.clone();
        if self.began() >= health.cooled_at.load(Ordering::Relaxed) {
            health.in_a_row.store(0, Ordering::Relaxed);
            health.cool_until.store(0, Ordering::Relaxed);
            health.asked_until.store(0, Ordering::Relaxed);
        }
        health.failures.add(false, health.age_at(now));
        let outcome = if self.is_slow(now) { Outcome::Slow } else { Outcome::Good };
        self.tell(outcome, now)
    }

    fn is_slow(&self, now: Instant) -> bool {
        self.settings.slow.is_some_and(|slow| now.saturating_duration_since(self.started) >= slow)
    }

    fn began(&self) -> u64 {
        micros(self.started.saturating_duration_since(self.health.born))
    }

    fn tell(&mut self, outcome: Outcome, now: Instant) -> Option<Change> {
        self.counted = true;
        let began = Duration::from_micros(self.began());
        let told = (outcome, self.probe);
        let change = self.health.breaker.record(&self.settings, told, began, self.health.age_at(now));
        self.end_probe();
        change
    }

    fn end_probe(&mut self) {
        if std::mem::take(&mut self.probe) {
            self.health.breaker.probed();
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.end_probe();
        self.health.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
