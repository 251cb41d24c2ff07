//! How long a client waits at most, over all attempts, and who is passed over for it.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, late, near, pass, streamed, told};
use lockgate_upstream::{Latency, Recorded, Reply};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn what_one_attempt_took_the_next_does_not_have() {
    let budget =
        json!({ "timeouts": { "first_token_ms": 600 }, "latency_budget": { "first_token_ms": 1_000 } });
    for body in [ask("hi"), streamed("hi")] {
        for (takes, status, took) in [(300, 200, 900), (500, 504, 1_000)] {
            let (first, second) = (Provider::always(Reply::hang()), Provider::always(late("second", takes)));
            let stage = Stage::start(&[("first", &first), ("second", &second)], budget.clone()).await;
            let (answer, after) = stage.timed(&body).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            near(after, took);
            if status == 504 {
                assert_eq!(answer.error("code"), "latency_budget_exceeded");
                second.was_left(1).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_whom_no_time_is_left() {
    let (first, second) = (Provider::always(Reply::hang()), Provider::always(Reply::text("second")));
    let budget = json!({ "latency_budget": { "first_token_ms": 1_000 } });
    let stage = Stage::start(&[("first", &first), ("second", &second)], budget).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!(told(&answer), (504, "latency_budget_exceeded".into()));
    near(took, 1_000);
    assert_eq!(second.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_for_all_of_an_answer_ends_a_stream() {
    let only = Provider::always(Reply::text("word ".repeat(100)).paced_by(Duration::from_millis(300)));
    let stage = Stage::start(&[("only", &only)], json!({ "latency_budget": { "total_ms": 2_000 } })).await;
    let (answer, took) = stage.timed(&streamed("hi")).await;
    assert!(!answer.is_done() && answer.text().starts_with("word "), "{}", answer.body);
    near(took, 2_000);
    only.was_left(1).await;
}

#[tokio::test(start_paused = true)]
async fn who_has_lately_been_too_slow_is_passed_over_until_that_is_forgotten() {
    let first = Provider::always(late("first", 800));
    let second = Provider::always(Reply::text("second"));
    let mut stage = Stage::start(&[("first", &first), ("second", &second)], json!({})).await;
    for _ in 0..5 {
        assert_eq!(stage.ask(&ask("hi")).await.text(), "first");
    }
    // What is known of targets outlives the reload.
    stage
        .reload(|config| {
            config["routes"]["smart"]["resilience"] = json!({ "latency_budget": { "first_token_ms": 500 } });
        })
        .await;
    let before = first.count();
    for _ in 0..40 {
        let answer = stage.ask(&ask("hi")).await;
        assert!(answer.status == 200 || told(&answer).1 == "latency_budget_exceeded", "{}", answer.body);
    }
    assert!(first.count() - before <= 8, "one in twenty finds out: {}", first.count() - before);
    pass(3_600_000).await;
    let asked = first.count();
    stage.ask(&ask("hi")).await;
    assert_eq!(first.count(), asked + 1, "of one that nothing is known of, everything can be expected");
}

/// With a tail of a hundredfold the client still has its answer in time: from whom does not matter.
#[tokio::test(start_paused = true)]
async fn a_long_tail_is_cut_off() {
    let turns = AtomicUsize::new(0);
    let tail = Latency::LongTailed { median: Duration::from_millis(50), p99: Duration::from_secs(5) };
    let first = Provider::new(move |_: &Recorded| {
        // Every share of the distribution once, in an order without pattern.
        let turn = turns.fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let share = ((turn * 37) % 101) as f64 / 101.0;
        Reply::text("first").after(tail.at(share))
    });
    let second = Provider::always(late("second", 40));
    let settings = json!({ "hedge": { "after_ms": 200 }, "retries": { "share": 1.0 } });
    let stage = Stage::start(&[("first", &first), ("second", &second)], settings).await;
    let mut slowest = 0;
    for _ in 0..101 {
        let (answer, took) = stage.timed(&ask("hi")).await;
        assert_eq!(answer.status, 200);
        slowest = slowest.max(took);
    }
    assert!(slowest <= 248, "{slowest} ms, where one in a hundred would have been five seconds");
    assert!((5..=45).contains(&second.count()), "{}", second.count());
}
