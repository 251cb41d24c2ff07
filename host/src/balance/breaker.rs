//! When a target is left alone: its circuit breaker.
//!
//! Closed, it lets everything through and counts. Where too many recent calls failed or were slow it opens for a while, each
//! time in a row for longer, and never for as long as others that opened with it. Then a few probes are let through at a
//! time: one that does well closes it, one that does not opens it again. Invariants: only atomics; below the minimum of
//! calls it never opens; it never stays open longer than its longest time; no more probes than configured are under way.
//! Time is passed in.

use super::decay::Ratio;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Calls lose half of their weight in this time.
const HALF_LIFE: Duration = Duration::from_secs(30);
/// The longest time is not doubled into more often than this.
const MOST_DOUBLINGS: u32 = 16;

/// When a target is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerSettings {
    /// The share of failed calls that opens it, from 0 to 1; above 1 none does.
    pub error_rate: f64,
    /// What makes a call slow; none where none is.
    pub slow: Option<Duration>,
    /// The share of slow calls that opens it, from 0 to 1.
    pub slow_rate: f64,
    /// Recent calls below which nothing is concluded.
    pub min_calls: u32,
    /// How long it is open for the first time.
    pub open: Duration,
    /// How long it is open at most.
    pub longest: Duration,
    /// Probes at a time.
    pub probes: u32,
    /// The share of failed calls from which a target that fails four times as often as the best other one of its route is set
    /// aside; none where none is.
    pub outlier_rate: Option<f64>,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            error_rate: 0.5,
            slow: None,
            slow_rate: 0.8,
            min_calls: 20,
            open: Duration::from_secs(5),
            longest: Duration::from_secs(60),
            probes: 3,
            outlier_rate: Some(0.2),
        }
    }
}

/// What has become of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The target is left alone.
    Opened,
    /// A probe is let through.
    Probing,
    /// The target is well again.
    Closed,
}

impl Change {
    /// The name used in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "open",
            Self::Probing => "half_open",
            Self::Closed => "closed",
        }
    }
}

/// What a call turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Good,
    Slow,
    Failed,
}

/// Whether a call may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// As any other.
    Free,
    /// As one of few: [`super::Observation`] gives the place back.
    Probe,
    /// Not now.
    Refused,
}

#[derive(Debug)]
pub(super) struct Breaker {
    failures: Ratio,
    slow: Ratio,
    /// Microseconds; zero while it is closed.
    open_until: AtomicU64,
    /// When it opened last, in microseconds: what began before it says nothing of now.
    opened_at: AtomicU64,
    /// How often in a row.
    openings: AtomicU32,
    probes: AtomicU32,
}

impl Breaker {
    pub fn new() -> Self {
        Self {
            failures: Ratio::new(HALF_LIFE),
            slow: Ratio::new(HALF_LIFE),
            open_until: AtomicU64::new(0),
            opened_at: AtomicU64::new(0),
            openings: AtomicU32::new(0),
            probes: AtomicU32::new(0),
        }
    }

    /// How long nothing is let through; nothing while it is closed, or waits for a probe.
    pub fn left(&self, age: Duration) -> Option<Duration> {
        let until = Duration::from_micros(self.open_until.load(Ordering::Relaxed));
        until.checked_sub(age).filter(|left| !left.is_zero())
    }

    pub fn is_closed(&self) -> bool {
        self.open_until.load(Ordering::Relaxed) == 0
    }

    /// Asks for a call. `last_resort`: there is nobody else, so that an open one gives its probes away as well.
    pub fn admit(&self, settings: &BreakerSettings, last_resort: bool, age: Duration) -> Admission {
        if self.is_closed() {
            return Admission::Free;
        }
        if self.left(age).is_some() && !last_resort {
            return Admission::Refused;
        }
        let one_more = |under_way: u32| (under_way < settings.probes.max(1)).then_some(under_way + 1);
        match self.probes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Admission::Probe,
            Err(_) => Admission::Refused,
        }
    }

    /// Gives the place of a probe back.
    pub fn probed(&self) {
        let less = |under_way: u32| under_way.checked_sub(1);
        let _ = self.probes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// A call that began at a time has ended.
    pub fn record(
        &self,
        settings: &BreakerSettings,
        (outcome, probe): (Outcome, bool),
        began: Duration,
        age: Duration,
    ) -> Option<Change> {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 {
            self.failures.add(outcome == Outcome::Failed, age);
            self.slow.add(outcome == Outcome::Slow, age);
            let opens = outcome != Outcome::Good && self.is_too_bad(settings, age);
            return opens.then(|| self.open(settings, 0, age)).flatten();
        }
        if !probe || micros(began) < self.opened_at.load(Ordering::Relaxed) {
            return None;
        }
        match outcome {
            Outcome::Good => self.close(until),
            Outcome::Slow | Outcome::Failed => self.open(settings, until, age),
        }
    }

    /// A call that was counted as good failed later on.
    pub fn amend(&self, settings: &BreakerSettings, age: Duration) -> Option<Change> {
        if !self.is_closed() {
            return None;
        }
        self.failures.amend(age);
        self.is_too_bad(settings, age).then(|| self.open(settings, 0, age)).flatten()
    }

    /// Opens it for a target that does much worse than others.
    pub fn eject(&self, settings: &BreakerSettings, age: Duration) -> Option<Change> {
        self.is_closed().then(|| self.open(settings, 0, age)).flatten()
    }

    /// The share of failed calls, where there were enough of them.
    pub fn error_rate(&self, settings: &BreakerSettings, age: Duration) -> Option<f64> {
        let enough = self.failures.samples(age) >= settings.min_calls.max(1);
        self.failures.get(age).filter(|_| enough)
    }

    fn is_too_bad(&self, settings: &BreakerSettings, age: Duration) -> bool {
        if self.failures.samples(age) < settings.min_calls.max(1) {
            return false;
        }
        let too_many = |ratio: &Ratio, most: f64| ratio.get(age).is_some_and(|share| share >= most);
        too_many(&self.failures, settings.error_rate)
            || settings.slow.is_some() && too_many(&self.slow, settings.slow_rate)
    }

    /// Opens it, unless somebody else has since `seen`.
    fn open(&self, settings: &BreakerSettings, seen: u64, age: Duration) -> Option<Change> {
        let doublings = self.openings.load(Ordering::Relaxed).min(MOST_DOUBLINGS);
        let most = settings.open.saturating_mul(1 << doublings).min(settings.longest);
        // At most a quarter less: those that opened together are not to come back together.
        let time = most.mul_f64(1.0 - fastrand::f64() / 4.0);
        let until = micros(age.saturating_add(time)).max(1);
        let mine = self.open_until.compare_exchange(seen, until, Ordering::Relaxed, Ordering::Relaxed);
        mine.ok()?;
        self.opened_at.store(micros(age), Ordering::Relaxed);
        self.openings.fetch_add(1, Ordering::Relaxed);
        Some(Change::Opened)
    }

    fn close(&self, seen: u64) -> Option<Change> {
        // Forgotten first: a call that ends at once is not to be judged by what was before.
        self.failures.forget();
        self.slow.forget();
        self.open_until.compare_exchange(seen, 0, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        self.openings.store(0, Ordering::Relaxed);
        Some(Change::Closed)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn settings() -> BreakerSettings {
        BreakerSettings { min_calls: 4, probes: 1, ..BreakerSettings::default() }
    }

    fn call(breaker: &Breaker, outcome: Outcome, age: Duration) -> Option<Change> {
        breaker.record(&settings(), (outcome, false), age, age)
    }

    fn opened() -> Breaker {
        let breaker = Breaker::new();
        for _ in 0..4 {
            call(&breaker, Outcome::Failed, SECOND);
        }
        assert!(breaker.left(SECOND).is_some());
        breaker
    }

    #[test]
    fn it_opens_at_the_rate_and_not_below_the_minimum_of_calls() {
        let breaker = Breaker::new();
        let told: Vec<_> = (0..4).map(|_| call(&breaker, Outcome::Failed, SECOND)).collect();
        assert_eq!(told, [None, None, None, Some(Change::Opened)]);
        let half = Breaker::new();
        for _ in 0..20 {
            call(&half, Outcome::Good, SECOND);
        }
        let told = (0..20).position(|_| call(&half, Outcome::Failed, SECOND).is_some());
        assert_eq!(told, Some(19), "half of forty");
    }

    #[test]
    fn slow_calls_open_it_where_slow_is_something() {
        let slow = BreakerSettings { slow: Some(SECOND), ..settings() };
        let breaker = Breaker::new();
        let none_is = settings();
        let call = |settings| breaker.record(settings, (Outcome::Slow, false), SECOND, SECOND);
        assert!((0..4).all(|_| call(&none_is).is_none()));
        assert_eq!(call(&slow), Some(Change::Opened));
    }

    #[test]
    fn a_probe_closes_it_or_opens_it_for_longer() {
        let breaker = opened();
        let longest = settings().longest;
        assert_eq!(breaker.admit(&settings(), false, SECOND), Admission::Refused);
        let mut at = SECOND * 10;
        let mut before = Duration::ZERO;
        for _ in 0..3 {
            assert_eq!(breaker.admit(&settings(), false, at), Admission::Probe);
            assert_eq!(breaker.admit(&settings(), false, at), Admission::Refused, "one at a time");
            assert_eq!(breaker.record(&settings(), (Outcome::Failed, true), at, at), Some(Change::Opened));
            breaker.probed();
            let left = breaker.left(at).unwrap_or_default();
            assert!(left > before && left <= longest, "{left:?} after {before:?}");
            before = left;
            at += longest;
        }
        assert_eq!(breaker.admit(&settings(), false, at), Admission::Probe);
        assert_eq!(breaker.record(&settings(), (Outcome::Good, true), at, at), Some(Change::Closed));
        breaker.probed();
        assert_eq!(breaker.admit(&settings(), false, at), Admission::Free);
        assert_eq!(call(&breaker, Outcome::Failed, at), None, "what was is forgotten");
    }

    #[test]
    fn where_there_is_nobody_else_an_open_one_gives_its_probes_away() {
        let breaker = opened();
        assert_eq!(breaker.admit(&settings(), true, SECOND), Admission::Probe);
        assert_eq!(breaker.admit(&settings(), true, SECOND), Admission::Refused);
    }

    #[test]
    fn what_began_before_it_opened_neither_closes_nor_opens_it() {
        let breaker = opened();
        let late = SECOND * 100;
        assert_eq!(breaker.record(&settings(), (Outcome::Good, false), Duration::ZERO, late), None);
        assert_eq!(breaker.record(&settings(), (Outcome::Good, true), Duration::ZERO, late), None);
        assert!(!breaker.is_closed());
    }

    #[test]
    fn an_answer_that_breaks_off_is_no_good_one() {
        let breaker = Breaker::new();
        for _ in 0..8 {
            call(&breaker, Outcome::Good, SECOND);
        }
        let told = (0..8).position(|_| breaker.amend(&settings(), SECOND).is_some());
        assert_eq!(told, Some(3));
    }

    proptest! {
        #[test]
        fn it_is_open_for_a_bounded_time_and_lets_few_through(
            steps in prop::collection::vec((0_u64..20_000, 0_u8..3, any::<bool>()), 1..300),
        ) {
            let settings = BreakerSettings { probes: 2, ..settings() };
            let (breaker, mut at) = (Breaker::new(), SECOND);
            let mut probes: Vec<Duration> = Vec::new();
            for (ms, outcome, ends) in steps {
                at += Duration::from_millis(ms);
                let left = breaker.left(at).unwrap_or_default();
                prop_assert!(left <= settings.longest);
                let outcome = match outcome {
                    0 => Outcome::Good,
                    1 => Outcome::Slow,
                    _ => Outcome::Failed,
                };
                if ends && let Some(began) = probes.pop() {
                    breaker.record(&settings, (outcome, true), began, at);
                    breaker.probed();
                    continue;
                }
                match breaker.admit(&settings, false, at) {
                    Admission::Free => {
                        breaker.record(&settings, (outcome, false), at, at);
                    }
                    Admission::Probe => {
                        prop_assert!(left.is_zero(), "a probe before its time");
                        probes.push(at);
                        prop_assert!(probes.len() <= 2);
                    }
                    Admission::Refused => prop_assert!(!left.is_zero() || probes.len() == 2),
                }
            }
        }
    }
}
