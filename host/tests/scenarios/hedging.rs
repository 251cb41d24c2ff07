//! A second target is asked beside one that is slow to begin: when, at whose cost, and what becomes of the one that loses.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{PRICE, Provider, Stage, ask, late, near, pass, streamed};
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::Instant;

async fn two(first: &Provider, second: &Provider, settings: Value) -> Stage {
    Stage::start(&[("first", first), ("second", second)], settings).await
}

fn hedge() -> Value {
    json!({ "hedge": { "after_ms": 400 } })
}

#[tokio::test(start_paused = true)]
async fn the_second_is_asked_exactly_then_and_the_one_that_loses_is_let_go() {
    for body in [ask("one two"), streamed("one two")] {
        let (first, second) = (Provider::always(Reply::hang()), Provider::always(late("fast enough", 150)));
        let stage = two(&first, &second, hedge()).await;
        let from = Instant::now();
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(answer.text(), "fast enough");
        near(second.asked_since(from)[0], 400);
        near(took, 550);
        first.was_left(1).await;
        let record = stage.record().await;
        assert_eq!((record.attempts, record.basis, record.status), (2, "estimate", 200));
        assert!(record.flags.contains(&("hedge".into(), "won".into())), "{:?}", record.flags);
        // Seven letters are an estimate of two tokens; the second counts two words, and answers with two.
        assert_eq!((record.usage.input, record.usage.output), (4, 2));
        let cost = record.cost.unwrap_or_default().as_f64();
        assert!((cost - 6.0 * PRICE).abs() < 1e-12, "both are paid for: {cost}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_begins_a_moment_before_has_nobody_beside_it() {
    let (first, second) = (Provider::always(late("first", 395)), Provider::always(Reply::text("second")));
    let stage = two(&first, &second, hedge()).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), second.count()), ("first", 0));
    near(took, 395);
    assert_eq!(stage.record().await.basis, "provider");
}

#[tokio::test(start_paused = true)]
async fn the_first_may_still_win_and_the_second_is_paid_for_what_it_read() {
    let (first, second) = (Provider::always(late("first", 500)), Provider::always(late("second", 300)));
    let stage = two(&first, &second, hedge()).await;
    let (answer, took) = stage.timed(&ask("one two")).await;
    assert_eq!(answer.text(), "first");
    near(took, 500);
    second.was_left(1).await;
    let record = stage.record().await;
    assert_eq!((record.target.as_str(), record.basis), ("first/m", "estimate"));
    assert!(record.flags.contains(&("hedge".into(), "lost".into())), "{:?}", record.flags);
    assert_eq!(record.usage.input, 4);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_beside_does_no_harm_and_one_that_fails_first_leaves_it_to_the_other() {
    let (first, second) = (Provider::always(late("first", 900)), Provider::always(Reply::error(500, "oops")));
    let stage = two(&first, &second, hedge()).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!(answer.text(), "first");
    near(took, 900);
    assert_eq!(stage.record().await.usage.input, 1, "what failed charges nothing");

    let failing = Reply::error(500, "oops").after(std::time::Duration::from_millis(600));
    let (first, second) = (Provider::always(failing), Provider::always(late("second", 500)));
    let stage = two(&first, &second, hedge()).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), first.count()), ("second", 1));
    near(took, 900);
}

#[tokio::test(start_paused = true)]
async fn when_both_have_failed_nobody_is_asked_for_whom_no_time_is_left() {
    let (first, second) = (Provider::always(Reply::hang()), Provider::always(Reply::error(429, "slow down")));
    let third = Provider::always(Reply::text("third"));
    let settings = json!({ "hedge": { "after_ms": 50 }, "latency_budget": { "first_token_ms": 200 } });
    let stage = Stage::start(&[("first", &first), ("second", &second), ("third", &third)], settings).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert!(answer.status != 200, "{}", answer.body);
    near(took, 200);
    assert_eq!(third.count(), 0);
    assert_eq!(stage.record().await.attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn how_long_is_waited_is_learnt() {
    let first = Provider::new(|request: &Recorded| match request.last_user_text().as_str() {
        "warm up" => late("first", 100),
        _ => late("first", 60_000),
    });
    let second = Provider::always(Reply::text("second"));
    let settings = json!({ "hedge": { "after_percentile": 95, "min_ms": 20 } });
    let stage = two(&first, &second, settings).await;
    for _ in 0..30 {
        assert_eq!(stage.ask(&ask("warm up")).await.text(), "first");
    }
    assert_eq!(
        second.count(),
        0,
        "while nothing is known of it, and while it is as usual, nobody is asked beside"
    );
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!(answer.text(), "second");
    assert!((100..=130).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_many_at_once_does_not_ask_twice_as_many() {
    let (first, second) = (Provider::always(late("first", 1_000)), Provider::always(late("second", 1)));
    let settings = json!({ "hedge": { "after_ms": 400 }, "retries": { "share": 0, "per_second": 3 } });
    let stage = Arc::new(two(&first, &second, settings).await);
    pass(5_000).await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let stage = stage.clone();
        asking.spawn(async move { stage.ask(&ask("hi")).await.text() });
    }
    let answers = asking.join_all().await;
    let rescued = answers.iter().filter(|answer| *answer == "second").count();
    assert_eq!((rescued, second.count(), first.count()), (3, 3, 30), "a second's worth");
}
