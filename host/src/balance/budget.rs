//! How often a target may be asked beside its turn: again after a failure, or ahead of time as a hedge.
//!
//! Each exchange that asks it in its turn puts a share into the budget, which loses half of what it has every half-life;
//! besides, a few a second are always allowed, so that a quiet route can ask again at all. Invariants: what was allowed
//! never exceeds the shares that were put in, and the few a second together, so what asks again never multiplies an
//! outage; only atomics. Time is passed in.

use super::decay::Turns;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// The budget loses half of what was put into it in this time.
const HALF_LIFE: Duration = Duration::from_secs(10);
/// Parts of one.
const ONE: u32 = 1 << 10;
/// What it holds at most.
const FULL: u32 = u32::MAX / 2;

/// How much may be asked again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetSettings {
    /// The share of requests, from 0 to 1.
    pub share: f64,
    /// How many a second besides.
    pub per_second: u32,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { share: 0.2, per_second: 10 }
    }
}

/// The budget of one target.
#[derive(Debug)]
pub(super) struct Budget {
    turns: Turns,
    /// What was put in and not taken, in parts of one.
    balance: AtomicU32,
    /// Up to when the few a second are given out, in microseconds.
    given: AtomicU64,
}

impl Budget {
    pub fn new() -> Self {
        Self { turns: Turns::new(HALF_LIFE), balance: AtomicU32::new(0), given: AtomicU64::new(0) }
    }

    /// An exchange asks in its turn.
    pub fn put(&self, settings: &BudgetSettings, age: Duration) {
        self.turns.advance(age, [&self.balance]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1 times 1024")]
        let share = (settings.share.clamp(0.0, 1.0) * f64::from(ONE)) as u32;
        let more = |balance: u32| Some(balance.saturating_add(share).min(FULL));
        let _ = self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Takes one, where there is one.
    pub fn take(&self, settings: &BudgetSettings, age: Duration) -> bool {
        self.turns.advance(age, [&self.balance]);
        let less = |balance: u32| balance.checked_sub(ONE);
        self.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
            || self.take_of_second(settings, age)
    }

    /// Takes one of the few a second: a second's worth may be taken at once.
    fn take_of_second(&self, settings: &BudgetSettings, age: Duration) -> bool {
        let Some(each) = 1_000_000_u64.checked_div(u64::from(settings.per_second)) else { return false };
        // A target that is new has a second's worth, too.
        let now = u64::try_from(age.as_micros()).unwrap_or(u64::MAX).saturating_add(1_000_000);
        let next = |given: u64| {
            let from = given.max(now.saturating_sub(1_000_000));
            let to = from.saturating_add(each.max(1));
            (to <= now).then_some(to)
        };
        self.given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_share_of_the_requests_may_be_asked_again() {
        let settings = BudgetSettings { share: 0.2, per_second: 0 };
        let budget = Budget::new();
        (0..100).for_each(|_| budget.put(&settings, SECOND));
        let taken = (0..100).filter(|_| budget.take(&settings, SECOND)).count();
        assert_eq!(taken, 19, "a fifth, rounded down to parts");
        (0..50).for_each(|_| budget.put(&settings, SECOND));
        let later = SECOND + HALF_LIFE;
        assert_eq!((0..100).filter(|_| budget.take(&settings, later)).count(), 5, "half of it is gone");
    }

    #[test]
    fn a_quiet_target_may_be_asked_again_too() {
        let settings = BudgetSettings { share: 0.0, per_second: 3 };
        let budget = Budget::new();
        let take = |at| (0..100).filter(|_| budget.take(&settings, at)).count();
        assert_eq!((take(SECOND), take(SECOND)), (3, 0));
        assert_eq!(take(SECOND * 2), 3);
        assert_eq!(take(SECOND * 100), 3, "a second's worth is all that gathers");
    }

    proptest! {
        #[test]
        fn never_more_than_the_share_and_the_few_a_second(
            share in 0.0_f64..1.0,
            per_second in 0_u32..20,
            steps in prop::collection::vec((0_u64..2_000, any::<bool>()), 1..400),
        ) {
            let settings = BudgetSettings { share, per_second };
            let budget = Budget::new();
            let (mut at, mut put, mut taken) = (Duration::ZERO, 0.0, 0.0);
            for (ms, asks_in_turn) in steps {
                at += Duration::from_millis(ms);
                if asks_in_turn {
                    budget.put(&settings, at);
                    put += 1.0;
                } else if budget.take(&settings, at) {
                    taken += 1.0;
                }
            }
            let allowed = share * put + f64::from(per_second) * (at + SECOND).as_secs_f64();
            prop_assert!(taken <= allowed + 1e-9, "{taken} of {allowed}");
        }
    }

    #[test]
    fn threads_take_no_more_than_there_is() {
        let settings = BudgetSettings { share: 1.0, per_second: 0 };
        let budget = Budget::new();
        (0..100).for_each(|_| budget.put(&settings, SECOND));
        let take = || (0..100).filter(|_| budget.take(&settings, SECOND)).count();
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).sum::<usize>()
        });
        assert_eq!(taken, 100);
    }
}
