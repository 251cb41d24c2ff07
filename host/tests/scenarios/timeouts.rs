//! How long is waited for a target: to connect, for its first token, between tokens, for all of it.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, late, near, streamed, told};
use lockgate_upstream::Reply;
use serde_json::{Value, json};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

async fn two(first: &Provider, timeouts: Value) -> (Provider, Stage) {
    let second = Provider::always(Reply::text("second"));
    let settings = json!({ "timeouts": timeouts });
    let stage = Stage::start(&[("first", first), ("second", &second)], settings).await;
    (second, stage)
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_connected_to_in_time_is_left_and_charges_nothing() {
    let first = Provider::always(Reply::text("first")).opening_after(60 * SECOND);
    let (_second, stage) = two(&first, json!({ "connect_ms": 300 })).await;
    let (answer, took) = stage.timed(&ask("one two")).await;
    assert_eq!(answer.text(), "second");
    near(took, 300);
    assert_eq!(first.count(), 0);
    let record = stage.record().await;
    assert_eq!((record.attempts, record.usage.input, record.basis), (2, 2, "provider"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_opens_just_in_time_is_used() {
    let first = Provider::always(Reply::text("first")).opening_after(Duration::from_millis(290));
    let (second, stage) = two(&first, json!({ "connect_ms": 300 })).await;
    assert_eq!(stage.ask(&ask("hi")).await.text(), "first");
    assert_eq!(second.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_first_token_has_its_time_and_what_is_left_alone_is_paid_for() {
    for reply in [Reply::hang(), late("late", 5_000), Reply::text("late").paced_by(2 * SECOND)] {
        for body in [ask("one two"), streamed("one two")] {
            let first = Provider::always(reply.clone());
            let (_second, stage) = two(&first, json!({ "first_token_ms": 700 })).await;
            let (answer, took) = stage.timed(&body).await;
            assert_eq!(answer.text(), "second", "{reply:?}");
            near(took, 700);
            first.was_left(1).await;
            let record = stage.record().await;
            // Two words, and seven letters as an estimate of what the first has read.
            assert_eq!((record.attempts, record.basis), (2, "estimate"));
            assert!(record.usage.input > 2, "{:?}", record.usage);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_token_just_in_time_is_taken() {
    for (body, reply) in [(ask("hi"), late("just in time", 690)), (streamed("hi"), late("just in time", 690))]
    {
        let first = Provider::always(reply);
        let (second, stage) = two(&first, json!({ "first_token_ms": 700 })).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!((answer.text().as_str(), second.count()), ("just in time", 0));
        near(took, 690);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_be_slow_but_not_fall_silent() {
    let steady = Reply::text("one two three four five").paced_by(Duration::from_millis(850));
    let first = Provider::always(steady);
    let (_second, stage) = two(&first, json!({ "between_tokens_ms": 900 })).await;
    let (answer, took) = stage.timed(&streamed("hi")).await;
    assert!(answer.is_done() && answer.text() == "one two three four five", "{}", answer.body);
    assert!(took > 5_000, "{took}");

    let first = Provider::always(Reply::stalled_after(["one ", "two "]));
    let (second, stage) = two(&first, json!({ "between_tokens_ms": 900 })).await;
    let (answer, took) = stage.timed(&streamed("hi")).await;
    assert_eq!((answer.text().as_str(), answer.error("code").as_str()), ("one two ", "upstream_timeout"));
    assert!(!answer.is_done());
    near(took, 900);
    first.was_left(1).await;
    assert_eq!(second.count(), 0, "what was read cannot be taken back");
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_that_dribbles_is_left_for_another() {
    let first = Provider::always(Reply::text("a long story").byte_by_byte(Duration::from_millis(100)));
    let (_second, stage) = two(&first, json!({ "first_token_ms": 3_000 })).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!(answer.text(), "second");
    near(took, 3_000);
}

#[tokio::test(start_paused = true)]
async fn all_of_it_has_an_end() {
    let endless = Reply::text("word ".repeat(100)).paced_by(Duration::from_millis(400));
    let first = Provider::always(endless);
    let (_second, stage) = two(&first, json!({ "total_ms": 5_000 })).await;
    let (answer, took) = stage.timed(&streamed("hi")).await;
    assert_eq!(answer.error("code"), "upstream_timeout", "{}", answer.body);
    near(took, 5_000);
    first.was_left(1).await;
}

#[tokio::test(start_paused = true)]
async fn a_targets_own_times_come_before_the_routes() {
    let first = Provider::always(Reply::hang());
    let second = Provider::always(Reply::text("second"));
    let stage = Stage::configured(&[("first", &first), ("second", &second)], |config| {
        let route = &mut config["routes"]["smart"];
        route["targets"] =
            json!([{ "target": "first/m", "timeouts": { "first_token_ms": 200 } }, "second/m"]);
        route["resilience"] = json!({ "timeouts": { "first_token_ms": 5_000 } });
    })
    .await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!(answer.text(), "second");
    near(took, 200);
}

#[tokio::test(start_paused = true)]
async fn the_gateways_own_time_is_the_last() {
    for (body, reply) in [
        (ask("hi"), Reply::hang()),
        (streamed("hi"), Reply::hang()),
        (streamed("hi"), Reply::stalled_after(["one "])),
    ] {
        let only = Provider::always(reply);
        let stage = Stage::configured(&[("only", &only)], |config| {
            config["limits"] = json!({ "total_timeout_ms": 3_000 })
        })
        .await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(told(&answer).1, "timeout", "{}", answer.body);
        near(took, 3_000);
        only.was_left(1).await;
    }
}
