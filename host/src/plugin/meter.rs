//! What a call may spend: time to compute, time in all, memory.
//!
//! The guest's own computing is charged, not the time in which it waited for the host or for a core: a slow
//! service or a busy machine is not the plugin's fault. Waiting is bounded by the time in all. Who computes for long does so in
//! turns with everything else that the thread has to do.

use std::time::{Duration, Instant};
use wasmtime::ResourceLimiter;

/// How often epochs tick: the grain of every deadline.
pub(super) const TICK: Duration = Duration::from_millis(1);
/// Elements of a component's tables at most; function tables are small.
const MAX_TABLE: usize = 100_000;
/// The most that is charged between two looks at the clock. Looks are a tick apart, so a longer gap is time
/// that the machine gave to somebody else.
const MAX_CHARGE: Duration = Duration::from_millis(5);
/// What a call computes before it takes turns: nearly all are done by then, and a turn costs what the caches held.
const FIRST_TURN: Duration = Duration::from_millis(2);

/// What becomes of a call that has computed for a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has spent what it may.
    Over,
    /// It goes on.
    On,
    /// It goes on once others have had their turn.
    Next,
}

/// How much a call has spent.
#[derive(Debug)]
pub(super) struct CallClock {
    looked: Instant,
    charged: Duration,
    /// The most that is charged at the next look.
    most: Duration,
    budget: Duration,
    ends: Instant,
}

impl CallClock {
    /// A clock for a call that may compute for `budget` and last for `wait` in all.
    pub(super) fn new(started: Instant, budget: Duration, wait: Duration) -> Self {
        Self { looked: started, charged: Duration::ZERO, most: MAX_CHARGE, budget, ends: started + wait }
    }

    /// Charges what passed since the last look, and says how the call goes on.
    pub(super) fn tick(&mut self) -> Turn {
        let now = Instant::now();
        self.charge(now);
        if self.charged >= self.budget || now >= self.ends {
            return Turn::Over;
        }
        if self.charged < FIRST_TURN {
            return Turn::On;
        }
        // Others compute now; of what passes till the next look it can have had a tick.
        self.most = TICK;
        Turn::Next
    }

    /// The guest waits for the host from here on. Gives the time.
    pub(super) fn pause(&mut self) -> Instant {
        let now = Instant::now();
        self.charge(now);
        now
    }

    /// The guest computes again.
    pub(super) fn resume(&mut self) {
        self.looked = Instant::now();
    }

    /// The guest computes again, and what passed since then is not counted at all.
    pub(super) fn resume_from(&mut self, paused: Instant) {
        self.resume();
        self.ends += self.looked.saturating_duration_since(paused);
    }

    /// Time that is left in all.
    pub(super) fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    fn charge(&mut self, now: Instant) {
        let most = std::mem::replace(&mut self.most, MAX_CHARGE);
        self.charged += now.saturating_duration_since(self.looked).min(most);
        self.looked = now;
    }
}

/// The bound of an instance's memory. Remembers that it was reached: the trap that follows does not say so.
#[derive(Debug)]
pub(super) struct MemoryLimit {
    limit: usize,
    /// Whether more was asked for than may be had.
    pub denied: bool,
    /// The most that was had.
    pub peak: usize,
}

impl MemoryLimit {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, denied: false, peak: 0 }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.limit;
        self.denied |= !granted;
        if granted {
            self.peak = self.peak.max(desired);
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_long_gap_is_charged_as_little_as_a_short_one() {
        let started = Instant::now();
        let mut clock = CallClock::new(started, HOUR, HOUR);
        clock.charge(started + Duration::from_millis(1));
        clock.charge(started + Duration::from_secs(9));
        assert_eq!(clock.charged, Duration::from_millis(1) + MAX_CHARGE);
    }

    #[test]
    fn waiting_is_free_and_computing_before_it_is_not() {
        let started = Instant::now() - Duration::from_millis(2);
        let mut clock = CallClock::new(started, HOUR, HOUR);
        clock.pause();
        let charged = clock.charged;
        assert!(charged >= Duration::from_millis(2));
        clock.resume();
        assert_eq!(clock.charged, charged);
    }

    #[test]
    fn either_bound_ends_the_call() {
        let now = Instant::now();
        assert_ne!(CallClock::new(now, HOUR, HOUR).tick(), Turn::Over);
        assert_eq!(CallClock::new(now, Duration::ZERO, HOUR).tick(), Turn::Over);
        assert_eq!(CallClock::new(now, HOUR, Duration::ZERO).tick(), Turn::Over);
    }

    #[test]
    fn who_computes_for_long_takes_turns_and_does_not_pay_for_those_of_others() {
        let started = Instant::now();
        let mut clock = CallClock::new(started, HOUR, HOUR);
        assert_eq!(clock.tick(), Turn::On);
        clock.looked = Instant::now() - FIRST_TURN;
        assert_eq!(clock.tick(), Turn::Next);
        let charged = clock.charged;
        clock.charge(clock.looked + HOUR);
        assert_eq!(clock.charged, charged + TICK);
        clock.charge(clock.looked + HOUR);
        assert_eq!(clock.charged, charged + TICK + MAX_CHARGE);
    }

    #[test]
    fn memory_is_given_up_to_the_limit() {
        let mut memory = MemoryLimit::new(100);
        assert!(memory.memory_growing(0, 100, None).is_ok_and(|given| given) && !memory.denied);
        assert!(memory.memory_growing(100, 101, None).is_ok_and(|given| !given) && memory.denied);
        assert_eq!(memory.peak, 100);
    }
}
