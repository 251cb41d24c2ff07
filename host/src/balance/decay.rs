//! Figures that forget: a ratio and a median whose samples lose half their weight every half-life.
//!
//! Only atomics. Two threads that meet at the turn of a half-life may count a sample a little too much or too
//! little; none is counted twice, and nothing waits. Time is passed in, so these never ask for it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// What a fresh sample weighs: many halvings until it is nothing.
const WEIGHT: u32 = 1 << 10;
/// Samples of one counter at most at a time, so that sums stay far from overflowing.
const FULL: u32 = u32::MAX / 2;

/// The turns of half-lives that were accounted for.
#[derive(Debug)]
pub(super) struct Turns {
    half_life: Duration,
    seen: AtomicU64,
}

impl Turns {
    pub fn new(half_life: Duration) -> Self {
        Self { half_life, seen: AtomicU64::new(0) }
    }

    /// Halves the counters as often as is due; the one thread that sees a turn first does it.
    pub fn advance<'a>(&self, age: Duration, counters: impl IntoIterator<Item = &'a AtomicU32>) {
        let turn = u64::try_from(age.as_nanos() / self.half_life.as_nanos().max(1)).unwrap_or(u64::MAX);
        let seen = self.seen.load(Ordering::Relaxed);
        if turn <= seen
            || self.seen.compare_exchange(seen, turn, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let halvings = u32::try_from(turn - seen).unwrap_or(u32::MAX);
        for counter in counters {
            let halved = |count: u32| Some(count.checked_shr(halvings).unwrap_or(0));
            let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, halved);
        }
    }
}

fn add(counter: &AtomicU32) {
    let more = |count: u32| (count < FULL).then_some(count + WEIGHT);
    let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
}

/// The share of samples that were true.
#[derive(Debug)]
pub struct Ratio {
    turns: Turns,
    yes: AtomicU32,
    no: AtomicU32,
}

impl Ratio {
    /// Of no samples yet.
    #[must_use]
    pub fn new(half_life: Duration) -> Self {
        Self { turns: Turns::new(half_life), yes: AtomicU32::new(0), no: AtomicU32::new(0) }
    }

    /// One more sample.
    pub fn add(&self, yes: bool, age: Duration) {
        self.turns.advance(age, [&self.yes, &self.no]);
        add(if yes { &self.yes } else { &self.no });
    }

    /// A sample that was false turns out to be true.
    pub fn amend(&self, age: Duration) {
        self.turns.advance(age, [&self.yes, &self.no]);
        let less = |count: u32| Some(count.saturating_sub(WEIGHT));
        let _ = self.no.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        add(&self.yes);
    }

    /// Forgets every sample.
    pub fn forget(&self) {
        self.yes.store(0, Ordering::Relaxed);
        self.no.store(0, Ordering::Relaxed);
    }

    /// How many samples there are, by what is left of their weight.
    pub fn samples(&self, age: Duration) -> u32 {
        self.turns.advance(age, [&self.yes, &self.no]);
        let (yes, no) = (self.yes.load(Ordering::Relaxed), self.no.load(Ordering::Relaxed));
        (yes / WEIGHT).saturating_add(no / WEIGHT)
    }

    /// None once nothing is left of any sample.
    pub fn get(&self, age: Duration) -> Option<f64> {
        self.turns.advance(age, [&self.yes, &self.no]);
        let (yes, no) = (self.yes.load(Ordering::Relaxed), self.no.load(Ordering::Relaxed));
        let all = f64::from(yes) + f64::from(no);
        (all > 0.0).then(|| f64::from(yes) / all)
    }
}

/// Buckets of times, four to each doubling, from 64 µs to about 19 hours.
const BUCKETS: usize = 120;
const PER_DOUBLING: u32 = 4;
const SHORTEST_LOG2: u32 = 6;

/// A median of times, exact to within a tenth.
#[derive(Debug)]
pub struct Median {
    turns: Turns,
    buckets: [AtomicU32; BUCKETS],
}

impl Median {
    /// Of no samples yet.
    #[must_use]
    pub fn new(half_life: Duration) -> Self {
        Self { turns: Turns::new(half_life), buckets: [const { AtomicU32::new(0) }; BUCKETS] }
    }

    /// One more sample.
    pub fn add(&self, time: Duration, age: Duration) {
        self.turns.advance(age, &self.buckets);
        if let Some(bucket) = self.buckets.get(bucket_of(time)) {
            add(bucket);
        }
    }

    /// Forgets every sample.
    pub fn forget(&self) {
        self.buckets.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
    }

    /// None once nothing is left of any sample.
    pub fn get(&self, age: Duration) -> Option<Duration> {
        self.share(50, age)
    }

    /// The time that this many of a hundred samples do not exceed; none once nothing is left of any sample.
    pub fn share(&self, hundredths: u32, age: Duration) -> Option<Duration> {
        self.turns.advance(age, &self.buckets);
        let counts = || self.buckets.iter().map(|bucket| u64::from(bucket.load(Ordering::Relaxed)));
        let all = counts().sum::<u64>();
        if all == 0 {
            return None;
        }
        let wanted = all.saturating_mul(u64::from(hundredths.min(100))).div_ceil(100).max(1);
        let mut sum = 0;
        let at = counts().position(|count| {
            sum += count;
            sum >= wanted
        });
        at.map(middle_of)
    }
}

/// The bucket of a time: the place of its highest bit, and the two bits below.
fn bucket_of(time: Duration) -> usize {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1 << SHORTEST_LOG2);
    let log2 = micros.ilog2();
    let fraction = (micros >> (log2 - 2)) & 3;
    let place = u64::from((log2 - SHORTEST_LOG2) * PER_DOUBLING) + fraction;
    usize::try_from(place).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The middle of a bucket.
fn middle_of(bucket: usize) -> Duration {
    let place = u32::try_from(bucket).unwrap_or(u32::MAX);
    let (log2, fraction) = (place / PER_DOUBLING + SHORTEST_LOG2, u64::from(place % PER_DOUBLING));
    let quarter = 1_u64 << (log2 - 2);
    Duration::from_micros(quarter * (4 + fraction) + quarter / 2)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    const HALF_LIFE: Duration = Duration::from_secs(10);

    #[test]
    fn a_ratio_forgets() {
        let ratio = Ratio::new(HALF_LIFE);
        assert_eq!(ratio.get(Duration::ZERO), None);
        for _ in 0..4 {
            ratio.add(true, Duration::ZERO);
        }
        assert_eq!(ratio.get(Duration::ZERO), Some(1.0));
        ratio.add(false, HALF_LIFE);
        ratio.add(false, HALF_LIFE);
        assert_eq!(ratio.get(HALF_LIFE), Some(0.5));
        ratio.add(false, HALF_LIFE * 3);
        assert!(ratio.get(HALF_LIFE * 3).unwrap() < 0.3);
        assert_eq!(ratio.get(HALF_LIFE * 100), None);
    }

    #[test]
    fn a_median_follows_the_times() {
        let median = Median::new(HALF_LIFE);
        for ms in [100, 100, 100, 9_000, 1] {
            median.add(Duration::from_millis(ms), Duration::ZERO);
        }
        let ms = |age| median.get(age).map(|time| time.as_millis());
        assert!((90..=110).contains(&ms(Duration::ZERO).unwrap()));
        for _ in 0..2 {
            median.add(Duration::from_secs(2), HALF_LIFE * 2);
        }
        assert!((1_800..=2_200).contains(&ms(HALF_LIFE * 2).unwrap()));
    }

    #[test]
    fn counters_do_not_overflow() {
        let ratio = Ratio::new(HALF_LIFE);
        ratio.yes.store(u32::MAX / 2, Ordering::Relaxed);
        ratio.add(true, Duration::ZERO);
        assert_eq!(ratio.get(Duration::ZERO), Some(1.0));
    }

    proptest! {
        #[test]
        fn a_bucket_is_close_to_its_times(micros in 64_u64..60_000_000_000) {
            let time = Duration::from_micros(micros);
            let error = middle_of(bucket_of(time)).as_secs_f64() / time.as_secs_f64() - 1.0;
            prop_assert!(error.abs() < 0.13, "{error}");
        }

        #[test]
        fn no_time_panics(seconds: u64, age: u64) {
            let median = Median::new(HALF_LIFE);
            median.add(Duration::from_secs(seconds), Duration::from_secs(age));
            prop_assert!(median.get(Duration::from_secs(age)).is_some());
        }
    }
}
