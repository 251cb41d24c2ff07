//! When a target is left alone, for how long, and how it is tried again.

use crate::stage::{Provider, Stage, ask, late, pass, streamed};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A target that is down while this says so, and another one that is always well.
async fn two(breaker: serde_json::Value, well: Reply) -> (Stage, Provider, Provider, Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = down.clone();
    let first = Provider::new(move |_: &Recorded| match is_down.load(Ordering::Relaxed) {
        true => Reply::error(500, "oops"),
        false => well.clone(),
    });
    let second = Provider::always(Reply::text("second"));
    let stage = Stage::start(&[("first", &first), ("second", &second)], json!({ "breaker": breaker })).await;
    (stage, first, second, down)
}

#[tokio::test(start_paused = true)]
async fn it_opens_is_tried_after_its_time_stays_open_longer_each_time_and_closes() {
    let breaker = json!({ "min_calls": 4, "open_ms": 5_000, "max_open_ms": 20_000, "outlier_rate": 0 });
    let (stage, first, _second, down) = two(breaker, Reply::text("first")).await;
    let health = stage.health("first/m");
    // Three failures in a row are a second's pause, so that the fourth comes after it.
    while !health.is_broken() {
        assert_eq!(stage.ask(&ask("hi")).await.text(), "second", "no client sees an error");
        pass(100).await;
    }
    assert_eq!(first.count(), 4);
    for longest in [5_000_u64, 10_000, 20_000, 20_000] {
        let (asked, from) = (first.count(), Instant::now());
        while first.count() == asked {
            assert_eq!(stage.ask(&ask("hi")).await.text(), "second");
            pass(50).await;
        }
        let open = from.elapsed().as_millis();
        // A failure in a row has a pause of its own, which may be longer.
        assert!(open >= u128::from(longest) * 3 / 4 - 200, "{open} of {longest}");
        assert!(open <= u128::from(longest.max(64_000)) + 200, "{open} of {longest}");
        assert_eq!(first.count(), asked + 1, "one probe fails, and nobody follows it");
    }
    down.store(false, Ordering::Relaxed);
    while stage.ask(&ask("hi")).await.text() != "first" {
        pass(100).await;
    }
    assert!(!health.is_broken());
    for _ in 0..10 {
        assert_eq!(stage.ask(&ask("hi")).await.text(), "first");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_probes_try_whether_it_is_well() {
    let breaker = json!({ "min_calls": 2, "open_ms": 5_000, "max_open_ms": 5_000, "probes": 2 });
    let (stage, first, second, down) = two(breaker, late("first", 500)).await;
    let health = stage.health("first/m");
    while !health.is_broken() {
        stage.ask(&ask("hi")).await;
        pass(100).await;
    }
    down.store(false, Ordering::Relaxed);
    pass(60_000).await;
    let (asked, others) = (first.count(), second.count());
    let stage = Arc::new(stage);
    let mut asking = JoinSet::new();
    for _ in 0..20 {
        let stage = stage.clone();
        asking.spawn(async move { stage.ask(&ask("hi")).await.text() });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|answer| answer == "first" || answer == "second"), "{answers:?}");
    assert_eq!((first.count() - asked, second.count() - others), (2, 18));
    assert_eq!(stage.ask(&ask("hi")).await.text(), "first", "one that did well closes it");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_became_slow_is_left_alone_too() {
    let slow = Arc::new(AtomicBool::new(false));
    let is_slow = slow.clone();
    let first = Provider::new(move |_: &Recorded| match is_slow.load(Ordering::Relaxed) {
        true => late("first", 900),
        false => late("first", 50),
    });
    let second = Provider::always(Reply::text("second"));
    let breaker = json!({ "slow_ms": 800, "slow_rate": 0.5, "min_calls": 10, "outlier_rate": 0 });
    let stage = Stage::start(&[("first", &first), ("second", &second)], json!({ "breaker": breaker })).await;
    let health = stage.health("first/m");
    for _ in 0..10 {
        assert_eq!(stage.ask(&streamed("hi")).await.text(), "first");
    }
    assert!(!health.is_broken());
    slow.store(true, Ordering::Relaxed);
    let mut calls = 0;
    while !health.is_broken() {
        stage.ask(&streamed("hi")).await;
        calls += 1;
        assert!(calls <= 12, "half of the recent ones are enough");
    }
    assert!(calls >= 5, "{calls}");
    assert_eq!(stage.ask(&ask("hi")).await.text(), "second");
}

#[tokio::test(start_paused = true)]
async fn one_that_does_much_worse_than_another_is_set_aside() {
    let turns = AtomicUsize::new(0);
    let first = Provider::new(move |_: &Recorded| match turns.fetch_add(1, Ordering::Relaxed) % 3 {
        0 => Reply::error(500, "oops"),
        _ => Reply::text("first"),
    });
    let second = Provider::always(Reply::text("second"));
    let breaker = json!({ "error_rate": 0.9, "min_calls": 20, "outlier_rate": 0.2 });
    let stage = Stage::start(&[("first", &first), ("second", &second)], json!({ "breaker": breaker })).await;
    let health = stage.health("first/m");
    let mut asked = 0;
    while !health.is_broken() {
        assert_eq!(stage.ask(&ask("hi")).await.status, 200);
        pass(20).await;
        asked += 1;
        // Of the other one as much must be known.
        assert!(asked < 120, "it fails a third, and the other nothing");
    }
    assert!(second.count() >= 20, "{}", second.count());
    assert_eq!(stage.ask(&ask("hi")).await.text(), "second");
}

#[tokio::test(start_paused = true)]
async fn where_everybody_is_left_alone_the_probes_go_to_whoever_comes_and_others_are_told_when() {
    let only = Provider::always(Reply::error(500, "oops").after(Duration::from_millis(300)));
    let settings = json!({ "breaker": { "min_calls": 2, "open_ms": 8_000, "max_open_ms": 8_000, "probes": 1 },
        "retries": { "share": 0, "per_second": 0 } });
    let stage = Arc::new(Stage::start(&[("only", &only)], settings).await);
    let health = stage.health("only/m");
    while !health.is_broken() {
        stage.ask(&ask("hi")).await;
    }
    let before = only.count();
    let mut asking = JoinSet::new();
    for _ in 0..5 {
        let stage = stage.clone();
        asking.spawn(async move {
            let answer = stage.ask(&ask("hi")).await;
            (answer.status.as_u16(), answer.error("code"), answer.header("retry-after").to_owned())
        });
    }
    let answers = asking.join_all().await;
    assert_eq!(only.count(), before + 1);
    let told: Vec<_> = answers.iter().filter(|(status, ..)| *status == 503).collect();
    assert_eq!(told.len(), 4, "{answers:?}");
    for (_, code, after) in told {
        let after: u64 = after.parse().unwrap_or_default();
        assert!(code == "no_target_available" && (6..=8).contains(&after), "{answers:?}");
    }
}
