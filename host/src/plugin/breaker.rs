//! The breaker of a binding: one that keeps misbehaving is not called for a while, then tried once.
//!
//! Atomics only; a call that finds it closed pays one load.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Misbehaviours in a row that open it.
const THRESHOLD: u32 = 5;
/// The first time it stays open; doubled at each failed trial.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The state of a breaker.
#[derive(Debug)]
pub struct Breaker {
    base: Instant,
    failures: AtomicU32,
    /// Milliseconds after `base` at which one call may try again; 0 while closed.
    retry_at: AtomicU64,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub fn new() -> Self {
        Self { base: Instant::now(), failures: AtomicU32::new(0), retry_at: AtomicU64::new(0) }
    }

    /// Whether a call may be made. When the pause is over, the one caller that is told so is the trial.
    pub fn admits(&self) -> bool {
        let retry_at = self.retry_at.load(Ordering::Acquire);
        if retry_at == 0 {
            return true;
        }
        let now = self.now_ms();
        if now < retry_at {
            return false;
        }
        // Whoever moves the mark makes the trial; the others wait for its outcome.
        let next = now + millis(pause(self.failures.load(Ordering::Relaxed)));
        self.retry_at.compare_exchange(retry_at, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Whether calls are made as if it were not there.
    pub fn is_closed(&self) -> bool {
        self.retry_at.load(Ordering::Acquire) == 0
    }

    /// Whether the last call that is counted behaved.
    pub fn is_sound(&self) -> bool {
        self.failures.load(Ordering::Relaxed) == 0
    }

    /// A call behaved.
    pub fn succeeded(&self) {
        if !self.is_sound() {
            self.failures.store(0, Ordering::Relaxed);
            self.retry_at.store(0, Ordering::Release);
        }
    }

    /// A call misbehaved; says whether that opened the breaker.
    pub fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < THRESHOLD {
            return false;
        }
        let until = self.now_ms() + millis(pause(failures));
        self.retry_at.fetch_max(until, Ordering::AcqRel);
        failures == THRESHOLD
    }

    fn now_ms(&self) -> u64 {
        millis(self.base.elapsed())
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(THRESHOLD).min(6);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_a_row_of_failures_and_tries_once_after_the_pause() {
        let breaker = Breaker::new();
        for _ in 0..THRESHOLD - 1 {
            assert!(!breaker.failed());
        }
        assert!(breaker.admits());
        assert!(breaker.failed());
        assert!(!breaker.admits());
        after(1).await;
        assert!(breaker.admits(), "the trial");
        assert!(!breaker.admits(), "only one at a time");
        breaker.failed();
        after(1).await;
        assert!(!breaker.admits(), "the pause has grown");
        after(1).await;
        assert!(breaker.admits());
        breaker.succeeded();
        assert!(breaker.admits() && breaker.admits());
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_between_starts_the_row_anew_and_pauses_are_bounded() {
        let breaker = Breaker::new();
        for _ in 0..3 {
            for _ in 0..THRESHOLD - 1 {
                breaker.failed();
            }
            breaker.succeeded();
        }
        assert!(breaker.admits());
        assert_eq!(pause(THRESHOLD + 100), LONGEST_PAUSE);
    }
}
