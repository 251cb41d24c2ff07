//! What a client gets when no target answers: who waits and for how long, how old an answer may be, and in which order.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, late, near, pass, streamed};
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;

fn busy(seconds: &str) -> Reply {
    Reply::error(429, "slow down").with_header("retry-after", seconds)
}

fn degrade(steps: &Value) -> Value {
    json!({ "degrade": steps, "retries": { "pause_ms": 1, "max_pause_ms": 1, "share": 0, "per_second": 0 } })
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_as_long_as_the_provider_asked_for_and_no_longer() {
    for body in [ask("hi"), streamed("hi")] {
        let only = Provider::script([busy("3"), Reply::text("thank you for waiting")]);
        let stage =
            Stage::start(&[("only", &only)], degrade(&json!([{ "wait": { "max_ms": 5_000 } }]))).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(
            (answer.text().as_str(), answer.header("x-lockgate-degraded")),
            ("thank you for waiting", "wait")
        );
        near(took, 3_000);
    }
    let only = Provider::script([busy("6"), Reply::text("never")]);
    let stage = Stage::start(&[("only", &only)], degrade(&json!([{ "wait": { "max_ms": 5_000 } }]))).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after"), took), (429, "6", 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_longer_than_the_route_allows() {
    for (seconds, degraded, expected) in [("3", "answer", 0), ("1", "wait", 1_000)] {
        let only = Provider::script([busy(seconds), Reply::text("thank you")]);
        let mut settings = degrade(&json!([{ "wait": { "max_ms": 5_000 } }, { "answer": "Later." }]));
        settings["latency_budget"] = json!({ "first_token_ms": 2_000 });
        let stage = Stage::start(&[("only", &only)], settings).await;
        let (answer, took) = stage.timed(&ask("hi")).await;
        assert_eq!(answer.header("x-lockgate-degraded"), degraded, "{}", answer.body);
        near(took, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_are_bounded() {
    let only = Provider::script([busy("3"), busy("3"), busy("3"), busy("3"), Reply::text("thank you")]);
    let steps = json!([{ "wait": { "max_ms": 5_000, "max_waiting": 2 } }]);
    let stage = Arc::new(Stage::start(&[("only", &only)], degrade(&steps)).await);
    let mut asking = JoinSet::new();
    for _ in 0..4 {
        let stage = stage.clone();
        asking.spawn(async move {
            let (answer, took) = stage.timed(&ask("hi")).await;
            (answer.status.as_u16(), took)
        });
    }
    let mut ended = asking.join_all().await;
    ended.sort_unstable();
    let [one, other, third, fourth] = ended.try_into().unwrap_or_default();
    assert_eq!((one.0, other.0, third, fourth), (200, 200, (429, 0), (429, 0)));
    near(one.1, 3_000);
    near(other.1, 3_000);
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_is_given_while_it_is_young_enough_and_then_the_fixed_one() {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = down.clone();
    let only = Provider::new(move |_: &Recorded| match is_down.load(Ordering::Relaxed) {
        true => Reply::error(500, "oops"),
        false => Reply::text("the answer of today"),
    });
    let steps = json!([{ "stale": { "max_age_s": 3_600 } }, { "answer": "We will be back soon." }]);
    let stage = Stage::start(&[("only", &only)], degrade(&steps)).await;
    assert_eq!(stage.ask(&ask("What is it?")).await.header("x-lockgate-degraded"), "");
    down.store(true, Ordering::Relaxed);
    pass(3_590_000).await;
    for body in [ask("What is it?"), streamed("What is it?")] {
        let stale = stage.ask(&body).await;
        assert_eq!(
            (stale.text().as_str(), stale.header("x-lockgate-degraded")),
            ("the answer of today", "stale")
        );
    }
    pass(20_000).await;
    let fixed = stage.ask(&ask("What is it?")).await;
    assert_eq!(
        (fixed.text().as_str(), fixed.header("x-lockgate-degraded")),
        ("We will be back soon.", "answer")
    );
    assert_eq!(stage.record().await.attempts, 1);
    for _ in 0..3 {
        let record = stage.record().await;
        assert_eq!(record.cost.map(|cost| cost.nanos()), Some(0), "what stands in costs nothing");
    }
    down.store(false, Ordering::Relaxed);
    pass(120_000).await;
    assert_eq!(stage.ask(&ask("What is it?")).await.header("x-lockgate-degraded"), "");
}

#[tokio::test(start_paused = true)]
async fn each_step_is_tried_in_its_turn_and_takes_its_own_time() {
    let (only, small) = (Provider::always(Reply::hang()), Provider::always(late("in short", 200)));
    let stage = Stage::configured(&[("only", &only), ("small", &small)], |config| {
        let route = &mut config["routes"]["smart"];
        route["targets"] = json!(["only/m"]);
        route["resilience"] = degrade(&json!([
            { "wait": { "max_ms": 100 } }, { "targets": ["small/m"] }, { "answer": "Later." },
        ]));
        route["resilience"]["timeouts"] = json!({ "first_token_ms": 1_000 });
    })
    .await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-degraded")), ("in short", "target"));
    near(took, 1_200);
    let record = stage.record().await;
    assert_eq!((record.attempts, record.basis), (2, "estimate"), "what was given up is paid for");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_client_that_goes_away_leaves_its_place_to_another() {
    let only = Provider::script([busy("3"), busy("3"), Reply::text("thank you")]);
    let steps = json!([{ "wait": { "max_ms": 5_000, "max_waiting": 1 } }]);
    let stage = Arc::new(Stage::start(&[("only", &only)], degrade(&steps)).await);
    let gone = stage.clone();
    let gone = tokio::spawn(async move { gone.ask(&ask("hi")).await.status });
    pass(100).await;
    gone.abort();
    tokio::time::timeout(Duration::from_secs(1), gone).await.ok();
    pass(100).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!(answer.text(), "thank you", "{}", answer.body);
    near(took, 3_000);
}
