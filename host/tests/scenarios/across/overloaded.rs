//! A provider of Anthropic's API that is overloaded: what its status and its `retry-after` mean for who is asked and when.
#![expect(clippy::indexing_slicing, reason = "tests")]

use super::{ALL, Api, events, overloaded, resilient, start};
use crate::stage::{Provider, ask, near, pass};
use lockgate_upstream::Reply;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Overloaded, with a header that says when that may be over.
fn busy(header: &str, value: &str) -> Reply {
    Reply::error(529, "Overloaded").with_header(header, value)
}

fn alone() -> Value {
    json!({ "retries": { "share": 0, "per_second": 0 } })
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_again_when_it_said_and_not_before() {
    for (header, value, after) in
        [("retry-after", "1", 1_000), ("retry-after-ms", "1700", 1_700), ("retry-after", "0.6", 600)]
    {
        for (api, stream) in ALL {
            let claude = Provider::script([busy(header, value), Reply::text("well again")]);
            let stage = resilient(&[("claude", &claude)], json!({})).await;
            let (answer, took) = api.ask(&stage, "hi", stream).await;
            assert_eq!(api.text(&answer), "well again", "{}", answer.body);
            assert!(api.is_whole(&answer, stream));
            near(took, after);
            let record = stage.record().await;
            assert_eq!((record.attempts, record.basis), (2, "provider"));
            assert_eq!((record.usage.input, record.usage.output), (1, 2), "a refusal charges nothing");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_asks_for_too_long_a_pause_is_not_waited_for_and_the_client_is_told_how_long() {
    for (api, stream) in ALL {
        let claude = Provider::always(busy("retry-after", "7"));
        let stage = resilient(&[("claude", &claude)], json!({})).await;
        let (answer, took) = api.ask(&stage, "hi", stream).await;
        let kind = if api == Api::Anthropic { "overloaded_error" } else { "server_error" };
        assert_eq!((answer.status.as_u16(), api.error(&answer)), (529, kind.into()), "{}", answer.body);
        assert_eq!((answer.header("retry-after"), answer.header("retry-after-ms")), ("7", "7000"));
        assert_eq!((claude.count(), took), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn until_then_the_other_is_asked_and_from_then_on_it_is_again() {
    let claude = Provider::script([busy("retry-after", "30"), Reply::text("claude")]);
    let gpt = Provider::always(Reply::text("gpt"));
    let stage = resilient(&[("claude", &claude), ("gpt", &gpt)], json!({})).await;
    let from = Instant::now();
    assert_eq!(stage.ask(&ask("hi")).await.text(), "gpt");
    for _ in 0..4 {
        pass(7_000).await;
        assert_eq!(stage.ask(&ask("hi")).await.text(), "gpt");
    }
    assert_eq!(claude.asked_since(from).len(), 1, "28 seconds are not 30");
    pass(2_100).await;
    assert_eq!(stage.ask(&ask("hi")).await.text(), "claude");
    assert_eq!(gpt.count(), 5);
}

#[tokio::test(start_paused = true)]
async fn as_a_failure_of_the_provider_it_opens_the_breaker_and_a_429_does_not() {
    for (status, opens) in [(529, true), (429, false)] {
        // Without a time to wait: what sets it aside is what it did.
        let claude = Provider::always(Reply::error(status, "Not now."));
        let gpt = Provider::always(Reply::text("gpt"));
        let mut settings = alone();
        settings["breaker"] = json!({ "min_calls": 2, "outlier_rate": 0, "open_ms": 60_000 });
        let stage = resilient(&[("claude", &claude), ("gpt", &gpt)], settings).await;
        for _ in 0..6 {
            assert_eq!(stage.ask(&ask("hi")).await.text(), "gpt");
            pass(4_500).await;
        }
        assert!(claude.count() >= 2, "{}", claude.count());
        assert_eq!(stage.health("claude/m").is_broken(), opens, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_begins_with_it_is_like_an_answer_of_that_status() {
    for opening in [vec![overloaded()], vec![start(3), json!({ "type": "ping" }), overloaded()]] {
        for api in [Api::OpenAi, Api::Anthropic] {
            let claude = Provider::always(events(&opening));
            let (gpt, second) =
                (Provider::always(Reply::text("never")), Provider::always(Reply::text("gpt")));
            let providers = [("claude", &claude), ("other", &gpt), ("gpt", &second)];
            let stage = super::before(&providers, |config| {
                let route = &mut config["routes"]["smart"];
                route["targets"] = json!(["claude/m", "other/m"]);
                route["resilience"] = json!({ "fallback": { "server_error": ["gpt/m"] } });
            })
            .await;
            let (answer, took) = api.ask(&stage, "hi", true).await;
            assert_eq!((api.text(&answer).as_str(), answer.status.as_u16()), ("gpt", 200), "{}", answer.body);
            assert!(api.is_whole(&answer, true), "{}", answer.body);
            assert_eq!((took, gpt.count()), (0, 0), "who is named for the cause answers");
        }
        let claude = Provider::always(events(&opening));
        let stage = resilient(&[("claude", &claude)], alone()).await;
        let (answer, _) = Api::Anthropic.ask(&stage, "hi", true).await;
        assert_eq!(Api::Anthropic.error(&answer), "overloaded_error", "{}", answer.body);
        assert_eq!(answer.events().iter().filter(|event| event["type"] == "message_stop").count(), 0);
    }
}
