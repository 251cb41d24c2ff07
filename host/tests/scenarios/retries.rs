//! Who is asked again, when, and how often: pauses, `Retry-After`, and the budget of retries.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, ms, near, pass, streamed, told};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use lockgate::clock;
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn pauses_double_are_jittered_and_bounded() {
    for body in [ask("hi"), streamed("hi")] {
        let failures = (0..5).map(|_| Reply::error(500, "oops"));
        let only = Provider::script(failures.chain([Reply::text("at last")]));
        let stage = Stage::configured(&[("only", &only)], |config| {
            let route = &mut config["routes"]["smart"];
            route["attempts"] = json!(6);
            route["resilience"] = json!({ "retries": { "pause_ms": 1_000, "max_pause_ms": 4_000 } });
        })
        .await;
        let from = Instant::now();
        let answer = stage.ask(&body).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "at last".into()), "{}", answer.body);
        let asked = only.asked_since(from);
        let pauses: Vec<u64> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(pauses.len(), 5);
        for (pause, most) in pauses.iter().zip([1_000, 2_000, 4_000, 4_000, 4_000]) {
            assert!((most / 2..=most + 2).contains(pause), "{pauses:?}");
        }
        assert!(pauses.iter().any(|pause| pause % 500 > 2), "they are at random: {pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_again_when_it_said_and_not_before() {
    let busy = Reply::error(429, "slow down").with_header("retry-after-ms", "1700");
    let only = Provider::script([busy, Reply::text("thank you")]);
    let stage = Stage::start(&[("only", &only)], json!({})).await;
    let from = Instant::now();
    assert_eq!(stage.ask(&ask("hi")).await.text(), "thank you");
    let asked = only.asked_since(from);
    near(asked[1], 1_700);
}

/// A date so much later than now, as HTTP has it.
fn date(later: Duration) -> String {
    let then = Timestamp::try_from(clock::now() + later).unwrap_or_default();
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&then).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_time_to_wait_is_read_in_each_way_there_is() {
    for (name, value, at_least) in [
        ("retry-after", "40", 40_000),
        ("retry-after", "40.5", 40_500),
        ("retry-after-ms", "40250", 40_250),
        ("retry-after", "in 41 s", 40_000),
        // What makes no sense is not heeded: a second for a 429.
        ("retry-after", "-3", 1_000),
        ("retry-after", "NaN", 1_000),
        ("retry-after", "soon", 1_000),
        ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ] {
        let value = if value == "in 41 s" { date(Duration::from_secs(41)) } else { value.to_owned() };
        let first = Provider::script([
            Reply::error(429, "slow down").with_header(name, &value),
            Reply::text("first"),
        ]);
        let second = Provider::always(Reply::text("second"));
        let stage = Stage::start(&[("first", &first), ("second", &second)], json!({})).await;
        let from = Instant::now();
        while stage.ask(&ask("hi")).await.text() == "second" {
            pass(50).await;
        }
        let after = ms(from.elapsed());
        assert!((at_least..=at_least + 1_050).contains(&after), "{name}: {value}: {after}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_would_have_to_wait_too_long_is_told_at_once_for_how_long() {
    let only = Provider::always(Reply::error(429, "slow down").with_header("retry-after", "7"));
    let stage = Stage::start(&[("only", &only)], json!({})).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "7"));
    assert_eq!((took, only.count()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn another_target_answers_while_one_asks_to_be_left_alone() {
    let busy = Reply::error(429, "slow down").with_header("retry-after", "30");
    let first = Provider::script([busy, Reply::text("first")]);
    let second = Provider::always(Reply::text("second"));
    let stage = Stage::start(&[("first", &first), ("second", &second)], json!({})).await;
    let (answer, took) = stage.timed(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), took), ("second", 0));
    pass(29_000).await;
    assert_eq!((stage.ask(&ask("hi")).await.text().as_str(), first.count()), ("second", 1));
    pass(1_001).await;
    assert_eq!((stage.ask(&ask("hi")).await.text().as_str(), first.count()), ("first", 2));
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_429_without_a_time_is_met_with_pauses_that_double() {
    let first = Provider::always(Reply::error(429, "slow down"));
    let second = Provider::always(Reply::text("second"));
    let stage = Stage::start(&[("first", &first), ("second", &second)], json!({})).await;
    let from = Instant::now();
    for _ in 0..400 {
        assert_eq!(stage.ask(&ask("hi")).await.text(), "second");
        pass(250).await;
    }
    let asked: Vec<u64> = first.asked_since(from).iter().map(|at| at.div_ceil(1_000)).collect();
    // Sixty seconds are the longest; each begins when the last request of it was answered.
    assert_eq!(asked.len(), 7, "{asked:?}");
    for (at, expected) in asked.iter().zip([0, 1, 3, 7, 15, 31, 63]) {
        assert!(at.abs_diff(expected) <= 2, "{asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_again_is_a_share_of_what_was_asked_lately() {
    let settings = json!({ "retries": { "pause_ms": 1, "max_pause_ms": 1, "share": 0.5, "per_second": 0 },
        "breaker": { "min_calls": 1_000 } });
    let only = Provider::always(Reply::error(500, "oops"));
    let stage = Stage::start(&[("only", &only)], settings).await;
    for _ in 0..20 {
        assert_eq!(told(&stage.ask(&ask("hi")).await).0, 500);
    }
    let often = only.count();
    assert!((28..=30).contains(&often), "{often}");
    // Six half-lives apart, no two of them make one.
    for _ in 0..10 {
        pass(60_000).await;
        assert_eq!(told(&stage.ask(&ask("hi")).await).0, 500);
    }
    assert!(only.count() - often <= 11, "what was asked long ago lends nothing: {}", only.count() - often);
}

#[tokio::test(start_paused = true)]
async fn a_few_a_second_may_always_be_asked_again() {
    let settings = json!({ "retries": { "pause_ms": 1, "max_pause_ms": 1, "share": 0, "per_second": 2 },
        "breaker": { "min_calls": 1_000 } });
    let only = Provider::always(Reply::error(500, "oops"));
    let stage = Stage::start(&[("only", &only)], settings).await;
    for _ in 0..10 {
        stage.ask(&ask("hi")).await;
    }
    let at_first = only.count();
    assert!((12..=13).contains(&at_first), "{at_first}");
    for second in 1..=5 {
        pass(1_000).await;
        for _ in 0..10 {
            stage.ask(&ask("hi")).await;
        }
        let again = only.count() - (second + 1) * 10;
        assert!((2 * second..=2 * second + 4).contains(&again), "{again} after {second} s");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_again_who_may_be_at_work_still_or_whom_it_would_not_help() {
    let quiet = json!({ "timeouts": { "first_token_ms": 500 } });
    for (reply, status, takes) in [
        (Reply::hang(), 504, 500),
        (Reply::error(404, "no such model"), 404, 0),
        (Reply::error(401, "no"), 502, 0),
    ] {
        let only = Provider::always(reply);
        let stage = Stage::start(&[("only", &only)], quiet.clone()).await;
        let (answer, took) = stage.timed(&ask("hi")).await;
        assert_eq!((answer.status.as_u16(), only.count()), (status, 1), "{}", answer.body);
        near(took, takes);
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_5xx_is_ridden_out() {
    let began = Instant::now();
    let only = Provider::new(move |_: &Recorded| match ms(began.elapsed()) {
        0..1_000 => Reply::error(503, "overloaded"),
        _ => Reply::text("well again"),
    });
    let settings = json!({ "retries": { "pause_ms": 800, "max_pause_ms": 2_000 } });
    let stage = Stage::start(&[("only", &only)], settings).await;
    let mut asking = tokio::task::JoinSet::new();
    let stage = std::sync::Arc::new(stage);
    for _ in 0..8 {
        let stage = stage.clone();
        asking.spawn(async move { stage.ask(&ask("hi")).await.text() });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|answer| answer == "well again"), "{answers:?}");
}
