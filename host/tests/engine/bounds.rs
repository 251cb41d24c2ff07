//! Slots, queues and pools: what is full says so at once, and what was lent comes back.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{exchange, house, of};
use lockgate::plugin::*;
use lockgate_guests::GREEDY;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_full_queue_and_a_long_wait_are_overload() {
    let house = house();
    let used = house
        .bind(GREEDY, json!({ "bucket": "mine", "key": "wait" }), |settings| {
            settings.grants.kv = vec!["mine".into()];
            settings.limits.concurrency = 1;
            settings.limits.queue = 1;
            settings.limits.queue_wait = Duration::from_millis(10);
        })
        .await;
    let x = exchange("hello");
    let first = used.binding.on_request(&x);
    let rest = async {
        house.memory.asked.notified().await;
        let (second, third) = tokio::join!(used.binding.on_request(&x), used.binding.on_request(&x));
        house.memory.go.notify_one();
        [second, third].map(|answered| answered.map_err(|error| (error.kind, error.message)))
    };
    let (first, [second, third]) = tokio::join!(first, rest);
    let overloaded = |message: &str| Err((CallErrorKind::Overloaded, message.to_owned()));
    assert_eq!(first, Ok(Decision::Next));
    assert_eq!(second, overloaded("no slot came free in time"));
    assert_eq!(third, overloaded("its queue is full"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_at_once_leave_no_more_instances_than_are_kept_warm() {
    let house = of(&EngineSettings::default());
    let used = house.hostile("nothing", |_| {}).await;
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let binding = used.binding.clone();
            tokio::spawn(async move { binding.on_request(&exchange("hello")).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("no call panics"), Ok(Decision::Next));
    }
    assert!((1..=16).contains(&used.counts.instances()), "{}", used.counts.instances());
    let counts = used.counts;
    drop(used.binding);
    assert_eq!(counts.instances(), 0);
}

#[tokio::test]
async fn a_bomb_gives_its_memory_back() {
    let house = of(&EngineSettings::default());
    let patient = |settings: &mut BindingSettings| {
        settings.isolation = Isolation::Fresh;
        settings.limits.deadline = Duration::from_secs(20);
        settings.limits.wait = Duration::from_secs(20);
    };
    let used = house.hostile("bomb", patient).await;
    let nothing = house.hostile("nothing", |settings| settings.isolation = Isolation::Fresh).await;
    let before = resident_bytes();
    for _ in 0..4 {
        let failed = used.binding.on_request(&exchange("hello")).await.expect_err("it takes too much");
        assert_eq!(failed.kind, CallErrorKind::Memory);
    }
    assert_eq!(nothing.binding.on_request(&exchange("hello")).await, Ok(Decision::Next));
    let grown = resident_bytes().saturating_sub(before);
    // Four bombs touched 64 MiB each; the pool keeps at most 1 MiB of a place.
    assert!(grown < 48 * 1024 * 1024, "{grown} bytes are still there");
}

/// Memory of this process that is in use. Source: `man 5 proc`, `/proc/pid/status`.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib =
        line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.trim().parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}
