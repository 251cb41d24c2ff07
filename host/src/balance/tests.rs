//! Tests of the health of targets.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn health() -> Arc<Health> {
    Arc::new(Health::new())
}

fn signal(health: &Health, name: &str) -> Option<String> {
    health.signals().into_iter().find(|(have, _)| have == name).map(|(_, value)| value)
}

async fn attempt(health: &Arc<Health>, ms: u64) -> Observation {
    let observation = health.begin();
    tokio::time::advance(Duration::from_millis(ms)).await;
    observation
}

#[tokio::test(start_paused = true)]
async fn signals_say_what_is_known_and_nothing_else() {
    let health = health();
    assert_eq!(health.signals(), [("in-flight".to_owned(), "0".to_owned())]);
    let open = health.begin();
    attempt(&health, 100).await.succeeded();
    attempt(&health, 100).await.failed(500, None);
    open.first_byte();
    assert_eq!(signal(&health, "in-flight").as_deref(), Some("1"));
    assert_eq!(signal(&health, "error-rate").as_deref(), Some("0.5000"));
    let number = |name| signal(&health, name).unwrap().parse::<f64>().unwrap();
    assert!((88.0..=112.0).contains(&number("latency-ms.p50")));
    assert!((175.0..=225.0).contains(&number("ttft-ms.p50")));
    drop(open);
    assert_eq!((health.in_flight(), signal(&health, "cool-down-ms")), (0, None));
}

#[tokio::test(start_paused = true)]
async fn a_limit_cools_down_at_once_for_as_long_as_asked() {
    let health = health();
    health.begin().failed(429, Some(Duration::from_secs(7)));
    assert_eq!(signal(&health, "cool-down-ms").as_deref(), Some("7000"));
    tokio::time::advance(Duration::from_secs(7)).await;
    assert!(!health.cooling_down());
    health.begin().failed(429, None);
    assert_eq!(health.cool_down(), Some(Duration::from_secs(2)), "the second in a row");
    health.begin().failed(503, Some(Duration::from_secs(100_000)));
    assert_eq!(health.cool_down(), Some(LONGEST_ASKED));
    health.begin().succeeded();
    assert_eq!((health.cool_down(), health.failures_in_a_row()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_cool_down_longer_and_longer() {
    let health = health();
    let pauses = (0..12).map(|_| {
        health.begin().failed(500, None);
        health.cool_down().unwrap_or_default().as_secs()
    });
    assert_eq!(pauses.collect::<Vec<_>>(), [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
}

#[tokio::test(start_paused = true)]
async fn what_a_target_says_of_the_request_says_nothing_of_the_target() {
    let health = health();
    for status in [400, 404, 413, 422] {
        health.begin().failed(status, None);
    }
    drop(health.begin());
    assert_eq!((health.error_rate(), health.failures_in_a_row(), health.in_flight()), (None, 0, 0));
    health.begin().failed(401, None);
    assert_eq!(health.error_rate(), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn cooled_down_targets_come_last() {
    let targets = [health(), health(), health(), health()];
    let order = || in_order(targets.iter().map(|target| &**target));
    assert_eq!(order(), [0, 1, 2, 3]);
    let limit = |place: usize, seconds| {
        targets.get(place).unwrap().begin().failed(429, Some(Duration::from_secs(seconds)));
    };
    limit(0, 9);
    limit(2, 5);
    assert_eq!(order(), [1, 3, 2, 0]);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(order(), [1, 2, 3, 0]);
    limit(1, 60);
    limit(2, 60);
    limit(3, 60);
    assert_eq!(order(), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_success_that_began_before_the_pause_does_not_lift_it() {
    let health = health();
    let long = attempt(&health, 1_000).await;
    health.begin().failed(429, Some(Duration::from_secs(30)));
    long.succeeded();
    assert_eq!(health.cool_down(), Some(Duration::from_secs(30)));
    attempt(&health, 1_000).await.succeeded();
    assert_eq!(health.cool_down(), None);
}

#[test]
fn threads_lose_no_attempt() {
    let health = health();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| health.begin().succeeded()));
        }
    });
    assert_eq!((health.in_flight(), health.error_rate()), (0, Some(0.0)));
}
