//! Streams that break off or fall silent when the client has read some of them, and before.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ms, near, streamed};
use lockgate_upstream::Reply;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

async fn stage(first: &Provider, second: &Provider, policy: &str) -> Stage {
    Stage::configured(&[("first", first), ("second", second)], |config| {
        let route = &mut config["routes"]["smart"];
        route["targets"] = json!(["first/m", { "target": "second/m", "prefill": "message" }]);
        route["resilience"] = json!({ "mid_stream": policy, "timeouts": { "between_tokens_ms": 1_000 } });
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn another_goes_on_as_soon_as_one_has_been_silent_for_too_long() {
    let said = ["The capital ", "of France "];
    for (reply, after) in [
        (Reply::stalled_after(said), 1_000),
        (Reply::truncated(said), 0),
        (Reply::reset_after(said), 0),
        (Reply::stalled_after(said).paced_by(Duration::from_millis(300)), 1_900),
    ] {
        let first = Provider::always(reply);
        let second = Provider::always(Reply::chunks(["is ", "Paris."]));
        let stage = stage(&first, &second, "continue").await;
        let (answer, took) = stage.timed(&streamed("Which?")).await;
        assert_eq!(answer.text(), "The capital of France is Paris.");
        assert!(answer.is_done(), "{}", answer.body);
        near(took, after);
        let asked = second.requests()[0].json();
        let last = asked["messages"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
        assert_eq!(last["content"], "The capital of France");
        let record = stage.record().await;
        assert_eq!((record.status, record.attempts, record.basis), (200, 2, "estimate"));
        assert!(record.flags.contains(&("failover".into(), "continued".into())), "{:?}", record.flags);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_goes_on_may_break_off_as_well() {
    let first = Provider::always(Reply::stalled_after(["one ", "two "]));
    let second = Provider::always(Reply::truncated(["three ", "four "]).paced_by(Duration::from_millis(400)));
    let third = Provider::always(Reply::text("five six"));
    let stage = Stage::configured(&[("first", &first), ("second", &second), ("third", &third)], |config| {
        let able = |name: &str| json!({ "target": name, "prefill": "message" });
        let route = &mut config["routes"]["smart"];
        route["targets"] = json!(["first/m", able("second/m"), able("third/m")]);
        route["resilience"] = json!({ "mid_stream": "continue", "timeouts": { "between_tokens_ms": 1_000 } });
    })
    .await;
    let (answer, took) = stage.timed(&streamed("Count.")).await;
    assert_eq!(answer.text(), "one two three four five six");
    assert!(answer.is_done(), "{}", answer.body);
    near(took, 1_000 + 3 * 400);
    let asked = third.requests()[0].json();
    assert_eq!(asked["messages"][1]["content"], "one two three four");
    assert_eq!(stage.record().await.attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn what_the_client_has_is_there_while_the_first_is_still_silent() {
    let first = Provider::always(Reply::stalled_after(["The capital "]));
    let second = Provider::always(Reply::chunks(["is Paris."]));
    let stage = stage(&first, &second, "continue").await;
    let from = Instant::now();
    let mut open = stage.open(&streamed("Which?")).await;
    open.until("The capital").await.ok();
    assert_eq!(ms(from.elapsed()), 0, "nothing is held back");
    open.until("is Paris.").await.ok();
    near(ms(from.elapsed()), 1_000);
}

#[tokio::test(start_paused = true)]
async fn without_the_policy_it_ends_with_the_formats_error() {
    let first = Provider::always(Reply::stalled_after(["The capital "]));
    let second = Provider::always(Reply::text("never"));
    let stage = stage(&first, &second, "error").await;
    let (answer, took) = stage.timed(&streamed("Which?")).await;
    assert_eq!((answer.text().as_str(), answer.error("code").as_str()), ("The capital ", "upstream_timeout"));
    assert!(!answer.is_done());
    near(took, 1_000);
    assert_eq!(second.count(), 0);
    let record = stage.record().await;
    assert_eq!((record.outcome, record.basis), ("upstream", "estimate"));
}

#[tokio::test(start_paused = true)]
async fn before_a_word_was_said_another_answers_whatever_the_policy_is() {
    let nothing: [&str; 0] = [];
    for reply in [Reply::stalled_after(nothing), Reply::truncated(nothing), Reply::reset_after(nothing)] {
        for policy in ["error", "continue"] {
            let (first, second) =
                (Provider::always(reply.clone()), Provider::always(Reply::text("all of it")));
            let stage = stage(&first, &second, policy).await;
            let answer = stage.ask(&streamed("Which?")).await;
            assert!(answer.is_done() && answer.text() == "all of it", "{reply:?} {policy}: {}", answer.body);
            let asked = second.requests()[0].json();
            assert_eq!(asked["messages"].as_array().map(Vec::len), Some(1), "it is asked anew");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_lets_the_provider_go_and_pays_for_what_was_said() {
    let first = Provider::always(Reply::text("one two three four").paced_by(Duration::from_millis(500)));
    let second = Provider::always(Reply::text("never"));
    let stage = stage(&first, &second, "continue").await;
    let mut open = stage.open(&streamed("Which?")).await;
    open.until("two").await.ok();
    drop(open);
    first.was_left(1).await;
    let record = stage.record().await;
    assert_eq!((record.status, record.outcome, record.basis), (499, "abandoned", "estimate"));
    assert!(record.usage.output >= 1 && record.cost.is_some_and(|cost| cost.nanos() > 0), "{record:?}");
    assert_eq!(second.count(), 0);
}
