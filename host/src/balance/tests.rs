//! Tests of the health of targets.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::observation::LONGEST_ASKED;
use super::*;

fn health() -> Arc<Health> {
    Arc::new(Health::new())
}

fn signal(health: &Health, name: &str) -> Option<String> {
    let Figure { value, places } = health.figure(name, Instant::now())?;
    Some(format!("{value:.places$}"))
}

async fn attempt(health: &Arc<Health>, ms: u64) -> Observation {
    let observation = health.begin();
    tokio::time::advance(Duration::from_millis(ms)).await;
    observation
}

#[tokio::test(start_paused = true)]
async fn signals_say_what_is_known_and_nothing_else() {
    let health = health();
    let known: Vec<_> = FIGURES.iter().filter_map(|name| signal(&health, name)).collect();
    assert_eq!(known, ["0"], "nothing is in flight");
    let mut open = health.begin();
    attempt(&health, 100).await.succeeded();
    attempt(&health, 100).await.failed(500, None);
    open.first_byte();
    assert_eq!(signal(&health, "in-flight").as_deref(), Some("1"));
    assert_eq!(signal(&health, "error-rate").as_deref(), Some("0.3333"), "what has begun is well so far");
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
            scope.spawn(|| {
                for _ in 0..500 {
                    health.begin().succeeded();
                }
            });
        }
    });
    assert_eq!((health.in_flight(), health.error_rate()), (0, Some(0.0)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_breaks_off_counts_once_and_as_a_failure() {
    let health = health();
    let mut stream = health.begin();
    stream.first_byte();
    assert_eq!((health.error_rate(), health.in_flight()), (Some(0.0), 1));
    stream.failed(502, None);
    assert_eq!((health.error_rate(), health.in_flight()), (Some(1.0), 0));
}

#[tokio::test(start_paused = true)]
async fn limits_do_not_open_the_breaker_and_failures_do() {
    let settings = BreakerSettings::default();
    let (limited, failing) = (health(), health());
    for _ in 0..100 {
        limited.watch(&settings, false).failed(429, None);
    }
    assert_eq!(limited.admit(&settings, false), Admission::Free);
    let opened = (0..100).position(|_| failing.watch(&settings, false).failed(500, None).is_some());
    assert_eq!(opened, Some(19));
    assert_eq!(failing.admit(&settings, false), Admission::Refused);
    assert!(failing.pause_left().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_ends_without_a_word_gives_its_place_back() {
    let settings = BreakerSettings { probes: 1, ..BreakerSettings::default() };
    let health = health();
    for _ in 0..20 {
        health.watch(&settings, false).failed(500, None);
    }
    tokio::time::advance(settings.longest).await;
    assert_eq!(health.admit(&settings, false), Admission::Probe);
    let probe = health.watch(&settings, true);
    assert_eq!(health.admit(&settings, false), Admission::Refused);
    drop(probe);
    assert_eq!(health.admit(&settings, false), Admission::Probe);
    assert_eq!(health.watch(&settings, true).succeeded(), Some(Change::Closed));
    assert_eq!(health.admit(&settings, false), Admission::Free);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_much_worse_than_another_is_set_aside() {
    let settings = BreakerSettings::default();
    let (bad, good, unknown) = (health(), health(), health());
    for turn in 0..40 {
        let observation = bad.watch(&settings, false);
        let _ = if turn % 4 == 0 { observation.failed(500, None) } else { observation.succeeded() };
        good.watch(&settings, false).succeeded();
    }
    assert_eq!(bad.eject_beside(&unknown, &settings), None, "nothing is known of the other");
    assert_eq!(good.eject_beside(&bad, &settings), None);
    assert_eq!(bad.eject_beside(&good, &settings), Some(Change::Opened));
    assert!(bad.is_broken());
}
