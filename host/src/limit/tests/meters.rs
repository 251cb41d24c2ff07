//! What a meter promises, whatever is asked of it and when.

use super::*;

/// Asks of a counter, each some time after the one before: when, and how much was given.
fn taken(meter: &Meter, asks: &[(u64, u64)]) -> Vec<(Micros, u64)> {
    let (mut counter, mut now, mut given) = (Counter::default(), 1_700_000_000 * SECOND, Vec::new());
    for (pause, amount) in asks {
        now += pause;
        if counter.take(meter, *amount, now).is_ok() {
            given.push((now, *amount));
        }
    }
    given
}

fn asks() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::vec((prop_oneof![0..SECOND, 0..20 * SECOND, 0..200 * SECOND], 0_u64..12), 1..200)
}

proptest! {
    #[test]
    fn no_window_has_more_than_the_limit(asks in asks(), limit in 1_u64..40, seconds in 1_u64..120) {
        let window = seconds * SECOND;
        let meter = Meter::Window { limit, window: Duration::from_secs(seconds) };
        let given = taken(&meter, &asks);
        for (first, (from, _)) in given.iter().enumerate() {
            let within = given.iter().skip(first).take_while(|(at, _)| *at < from + window);
            let sum: u64 = within.map(|(_, amount)| amount).sum();
            prop_assert!(sum <= limit, "{} of {} within {}s", sum, limit, seconds);
        }
    }

    #[test]
    fn a_bucket_gives_its_burst_and_what_flows_in(
        asks in asks(), limit in 1_u64..40, burst in 1_u64..40, seconds in 1_u64..120,
    ) {
        let meter = Meter::Bucket { limit, window: Duration::from_secs(seconds), burst };
        let given = taken(&meter, &asks);
        for (first, (from, _)) in given.iter().enumerate() {
            let mut sum = 0_u128;
            for (at, amount) in given.iter().skip(first) {
                sum += u128::from(*amount);
                let flowed = u128::from(limit) * u128::from(at - from);
                prop_assert!((sum - u128::from(burst.min(u64::try_from(sum).unwrap()))) * u128::from(seconds * SECOND) <= flowed);
            }
        }
    }

    /// Whoever waits as long as he is told, and is alone, gets what he asked for; a microsecond less is too early.
    #[test]
    fn the_wait_is_right(asks in asks(), amount in 1_u64..12, bucket: bool) {
        let window = Duration::from_secs(30);
        let meter = if bucket {
            Meter::Bucket { limit: 20, window, burst: 15 }
        } else {
            Meter::Window { limit: 15, window }
        };
        let (mut counter, mut now) = (Counter::default(), 1_700_000_000 * SECOND);
        for (pause, amount) in asks {
            now += pause;
            let _ = counter.take(&meter, amount, now);
        }
        if let Err(short) = counter.clone().take(&meter, amount, now) {
            let wait = u64::try_from(short.wait.unwrap().as_micros()).unwrap();
            prop_assert!(wait > 0);
            prop_assert!(counter.clone().take(&meter, amount, now + wait - 1).is_err());
            prop_assert!(counter.take(&meter, amount, now + wait).is_ok());
        }
    }

    /// What was not used is given again; what was used beyond the reservation is missing from then on.
    #[test]
    fn a_settlement_leaves_what_was_used(reserved in 0_u64..50, used in 0_u64..80, kind in 0_usize..3) {
        let window = Duration::from_secs(60);
        let now = 1_700_000_000 * SECOND;
        let meter = [
            Meter::Window { limit: 50, window },
            Meter::Bucket { limit: 50, window, burst: 50 },
            Meter::Period { limit: 50, from: now - SECOND, to: now + SECOND },
        ][kind];
        let mut counter = Counter::default();
        counter.take(&meter, reserved, now).unwrap();
        counter.settle(&meter, now, reserved, used, now);
        prop_assert_eq!(counter.level(&meter, now).remaining, 50_u64.saturating_sub(used));
    }
}

#[test]
fn what_is_held_is_given_back() {
    let (meter, mut counter) = (Meter::AtOnce { limit: 2 }, Counter::default());
    for _ in 0..3 {
        counter.take(&meter, 1, 0).unwrap();
        assert_eq!(counter.take(&meter, 1, 0).unwrap().remaining, 0);
        let short = counter.take(&meter, 1, 0).unwrap_err();
        assert_eq!(short.wait, None);
        counter.settle(&meter, 0, 1, 1, 0);
        counter.settle(&meter, 0, 1, 0, 0);
        assert!(counter.is_fresh(&meter, 0));
    }
}

#[test]
fn a_period_ends_with_what_was_reserved_in_it() {
    let (first, next) = (
        Meter::Period { limit: 10, from: 0, to: SECOND },
        Meter::Period { limit: 10, from: SECOND, to: 2 * SECOND },
    );
    let mut counter = Counter::default();
    counter.take(&first, 8, 1).unwrap();
    let short = counter.take(&first, 3, 2).unwrap_err();
    assert_eq!((short.level.remaining, short.wait), (2, Some(Duration::from_micros(SECOND - 2))));
    assert_eq!(counter.take(&next, 10, SECOND).unwrap().remaining, 0);
    // The first period's exchange ends: it is nothing to the second.
    counter.settle(&first, 1, 8, 8, SECOND + 1);
    assert_eq!(counter.level(&next, SECOND + 1).remaining, 0);
}

#[test]
fn more_than_there_ever_is_needs_no_wait() {
    let mut counter = Counter::default();
    let meter = Meter::Window { limit: 10, window: Duration::from_secs(1) };
    assert_eq!(counter.take(&meter, 11, 0).unwrap_err().wait, None);
}

#[test]
fn a_clock_that_goes_back_gives_nothing() {
    let window = Duration::from_secs(15);
    let now = 1_700_000_000 * SECOND;
    for meter in [Meter::Window { limit: 3, window }, Meter::Bucket { limit: 3, window, burst: 3 }] {
        let mut counter = Counter::default();
        counter.take(&meter, 3, now).unwrap();
        assert!(counter.take(&meter, 1, now - 100 * SECOND).is_err());
        assert!(counter.take(&meter, 1, now).is_err());
        assert!(counter.take(&meter, 3, now + 17 * SECOND).is_ok());
    }
}
