//! How a gate has fared of late: how long it takes, and whether it ever has anything to say.
//!
//! Guesses, and nothing but speed may depend on them: they are written without order, and a lost one does no harm.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a call costs whatever it reads, in bytes of text that cost as much.
const FLOOR: usize = 256;

/// How a gate has fared.
#[derive(Default)]
pub(super) struct Pace {
    /// Nanoseconds for 1 KiB of text, the last calls counting most.
    per_kib: AtomicU32,
    /// The share of calls that let the request pass as it was, of [`ALL`], the last ones counting most.
    quiet: AtomicU32,
}

/// A share of one.
const ALL: u32 = 1 << 16;
/// The part that one call has in a share.
const PART: u32 = 16;

impl Pace {
    /// Notes how long a call took with that much text.
    pub(super) fn took(&self, took: Duration, bytes: usize) {
        let now = took.as_nanos().saturating_mul(1024) / (bytes.saturating_add(FLOOR)) as u128;
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        let before = self.per_kib.load(Ordering::Relaxed);
        let after = if before == 0 { now } else { before - before / 8 + now / 8 };
        self.per_kib.store(after, Ordering::Relaxed);
    }

    /// Notes whether a call let the request pass as it was.
    pub(super) fn said(&self, nothing: bool) {
        let before = self.quiet.load(Ordering::Relaxed);
        let after = before - before / PART + if nothing { ALL / PART } else { 0 };
        self.quiet.store(after.min(ALL), Ordering::Relaxed);
    }

    /// How long a call is likely to take with that much text.
    pub(super) fn expected(&self, bytes: usize) -> Duration {
        let per_kib = u64::from(self.per_kib.load(Ordering::Relaxed));
        Duration::from_nanos(per_kib.saturating_mul(bytes.saturating_add(FLOOR) as u64) / 1024)
    }

    /// Of a thousand calls of late, how many changed or refused the request. All, before it is known.
    pub(super) fn restless(&self) -> u32 {
        (ALL - self.quiet.load(Ordering::Relaxed)).saturating_mul(1_000) / ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_speaks_now_and_then_is_not_restless_for_it() {
        let pace = Pace::default();
        assert_eq!(pace.restless(), 1_000);
        (0..200).for_each(|_| pace.said(true));
        assert!(pace.restless() < 5, "{}", pace.restless());
        pace.said(false);
        assert!((50..80).contains(&pace.restless()), "{}", pace.restless());
        (0..200).for_each(|call| pace.said(call % 3 > 0));
        assert!((250..450).contains(&pace.restless()), "{}", pace.restless());
        (0..200).for_each(|_| pace.said(false));
        assert!(pace.restless() > 990, "{}", pace.restless());
    }

    #[test]
    fn more_text_is_expected_to_take_longer_and_old_calls_are_forgotten() {
        let pace = Pace::default();
        assert_eq!(pace.expected(2048), Duration::ZERO);
        pace.took(Duration::from_micros(100), 2048);
        let once = pace.expected(2048);
        assert!(once > Duration::from_micros(99) && once <= Duration::from_micros(100), "{once:?}");
        assert!(pace.expected(8192) > once * 3 && pace.expected(0) < once / 8);
        (0..100).for_each(|_| pace.took(Duration::from_micros(10), 2048));
        assert!(pace.expected(2048) < Duration::from_micros(11), "{:?}", pace.expected(2048));
    }

    #[test]
    fn no_time_and_no_length_is_too_much() {
        let pace = Pace::default();
        pace.took(Duration::MAX, 0);
        pace.took(Duration::MAX, usize::MAX);
        assert!(pace.expected(usize::MAX) > Duration::ZERO);
        (0..100).for_each(|_| pace.took(Duration::MAX, 0));
        assert!(pace.expected(0) > Duration::from_secs(1));
    }
}
