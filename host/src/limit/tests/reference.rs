//! A second implementation of the counters, as plain as can be, and what holds for both.

use super::*;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// One lock over everything.
#[derive(Default)]
struct Plain(Mutex<HashMap<Arc<str>, Counter>>);

impl Counters for Plain {
    fn take<'a>(
        &'a self,
        demands: &'a [Demand],
        now: Micros,
    ) -> BoxFuture<'a, Result<Vec<Level>, (usize, Refusal)>> {
        let mut all = self.0.lock();
        let mut then = all.clone();
        let mut levels = Vec::new();
        for (place, demand) in demands.iter().enumerate() {
            let counter = then.entry(demand.key.text().clone()).or_default();
            match counter.take(&demand.meter, demand.amount, now) {
                Ok(level) => levels.push(level),
                Err(short) => return ready(Err((place, Refusal::Short(short)))).boxed(),
            }
        }
        *all = then;
        ready(Ok(levels)).boxed()
    }

    fn settle(&self, settlements: &[Settlement], now: Micros) {
        let mut all = self.0.lock();
        for Settlement { demand, taken, used } in settlements {
            if let Some(counter) = all.get_mut(&*demand.key) {
                counter.settle(&demand.meter, *taken, demand.amount, *used, now);
            }
        }
    }
}

fn meters() -> impl Strategy<Value = Meter> {
    let window = Duration::from_secs(30);
    prop_oneof![
        (1_u64..30).prop_map(move |limit| Meter::Window { limit, window }),
        (1_u64..30).prop_map(move |limit| Meter::Bucket { limit, window, burst: limit }),
        (1_u64..9).prop_map(|limit| Meter::AtOnce { limit }),
        (1_u64..60).prop_map(|limit| Meter::Period { limit, from: 0, to: u64::MAX }),
    ]
}

proptest! {
    /// Both give the same answers to the same questions, and have the same left.
    #[test]
    fn both_agree(
        meters in prop::collection::vec(meters(), 1..4),
        steps in prop::collection::vec((0..9 * SECOND, prop::collection::vec((0_usize..4, 0_u64..6), 1..4), 0_u64..9), 1..60),
    ) {
        let (local, plain) = (Local::default(), Plain::default());
        let mut open: Vec<(Vec<Demand>, Micros, u64)> = Vec::new();
        let mut now = 1_700_000_000 * SECOND;
        for (pause, asked, used) in steps {
            now += pause;
            if used % 3 == 0 && let Some((demands, taken, used)) = open.pop() {
                let settled: Vec<_> =
                    demands.into_iter().map(|demand| Settlement { demand, taken, used }).collect();
                local.settle(&settled, now);
                plain.settle(&settled, now);
            }
            let demands: Vec<Demand> = asked
                .into_iter()
                .map(|(which, amount)| {
                    let which = which % meters.len();
                    Demand { key: which.to_string().into(), meter: meters[which], amount, soft: false }
                })
                .collect();
            let one = local.take(&demands, now).now_or_never().unwrap();
            let other = plain.take(&demands, now).now_or_never().unwrap();
            prop_assert_eq!(&one, &other);
            if one.is_ok() {
                open.push((demands, now, used));
            }
        }
    }
}

/// A thousand requests race for a budget of a hundred reservations, each of which turns out to cost less, or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_is_never_overspent_by_racing_requests() {
    let rule = |name: &str, unit, limit| Rule {
        name: name.into(),
        unit,
        limit,
        span: Span::Calendar(Calendar::new(Part::Month, jiff::tz::TimeZone::UTC)),
        applies: Vec::new(),
        per: vec![Dimension::Tenant],
        budget: true,
        terms: Terms::default(),
    };
    let (each, limit) = (Usd::from_nanos(1_000), 100_000);
    let rules =
        vec![rule("organisation", Unit::Nanodollars, 2 * limit), rule("tenant", Unit::Nanodollars, limit)];
    let limits = Arc::new(Limits::new(rules, Arc::new(Local::default())));
    let (spent, reserved) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut racing = tokio::task::JoinSet::new();
    for number in 0..1_000_u64 {
        let (limits, spent, reserved) = (limits.clone(), spent.clone(), reserved.clone());
        racing.spawn(async move {
            let subject = Subject::default().with(Dimension::Tenant, Some("acme"));
            let Ok(mut grant) = limits.enter(&subject, &[], || Amounts { tokens: 0, cost: each }).await
            else {
                return false;
            };
            let open = reserved.fetch_add(each.nanos(), Ordering::SeqCst) + each.nanos();
            assert!(
                open + spent.load(Ordering::SeqCst) <= limit + each.nanos() * 4,
                "more is out than there is"
            );
            tokio::task::yield_now().await;
            let cost = Usd::from_nanos(number % 3 * 500);
            grant.used(Amounts { tokens: 0, cost });
            spent.fetch_add(cost.nanos(), Ordering::SeqCst);
            reserved.fetch_sub(each.nanos(), Ordering::SeqCst);
            drop(grant);
            true
        });
    }
    let admitted = racing.join_all().await.into_iter().filter(|admitted| *admitted).count();
    let spent = spent.load(Ordering::SeqCst);
    assert!(spent <= limit, "{spent} of {limit}");
    assert!(admitted >= 100, "what is not used is given again: {admitted}");
    // It balances: what is left is the limit without what was spent.
    let subject = Subject::default().with(Dimension::Tenant, Some("acme"));
    let rest = Amounts { tokens: 0, cost: Usd::from_nanos(limit - spent) };
    assert!(
        limits
            .enter(&subject, &[], || Amounts { cost: rest.cost + Usd::from_nanos(1), ..rest })
            .await
            .is_err()
    );
    assert!(limits.enter(&subject, &[], || rest).await.is_ok());
}

#[test]
fn counters_are_bounded_and_those_in_use_are_kept() {
    let local = Local::with_room(64);
    let window = Duration::from_secs(30);
    let demand = |key: u64, meter| Demand { key: key.to_string().into(), meter, amount: 1, soft: false };
    let meter = Meter::Window { limit: 1, window };
    let take = |key, now| local.take(&[demand(key, meter)], now).now_or_never().unwrap();
    let full = (0..10_000).filter(|key| matches!(take(*key, 0), Err((0, Refusal::Full(_))))).count();
    assert!(full > 9_900 && local.len() <= 64, "{full} {}", local.len());
    assert!((0..10_000).all(|key| take(key, 0).is_err()), "nothing in use was forgotten");
    // A minute later all are as if never used.
    assert!(take(123, 60 * SECOND).is_ok());
}
