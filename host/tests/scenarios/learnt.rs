//! Limits that providers tell of themselves: a target of which nothing is left is asked last until it resets.

use crate::stage::{Provider, Stage, ask, pass, streamed};
use jiff::Timestamp;
use lockgate::clock;
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Say = fn() -> [(&'static str, String); 2];

fn openai() -> [(&'static str, String); 2] {
    [("x-ratelimit-remaining-requests", "0".into()), ("x-ratelimit-reset-requests", "1m20s".into())]
}

fn tokens() -> [(&'static str, String); 2] {
    [("x-ratelimit-remaining-tokens", "0".into()), ("x-ratelimit-reset-tokens", "80000ms".into())]
}

/// With a date, which goes by the wall clock.
fn anthropic() -> [(&'static str, String); 2] {
    let reset = clock::now() + Duration::from_secs(80);
    let reset = Timestamp::try_from(reset).map(|at| at.to_string()).unwrap_or_default();
    [
        ("anthropic-ratelimit-output-tokens-remaining", "0".into()),
        ("anthropic-ratelimit-output-tokens-reset", reset),
    ]
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_left_is_asked_last_until_it_resets() {
    for (name, say) in [("openai", openai as Say), ("tokens", tokens), ("anthropic", anthropic)] {
        let turns = AtomicUsize::new(0);
        let first = Provider::new(move |_: &Recorded| {
            let reply = Reply::text("first");
            match turns.fetch_add(1, Ordering::Relaxed) {
                0 => say().iter().fold(reply, |reply, (name, value)| reply.with_header(name, value)),
                _ => reply,
            }
        });
        let second = Provider::always(Reply::text("second"));
        let stage = Stage::start(&[("first", &first), ("second", &second)], json!({})).await;
        assert_eq!(stage.ask(&ask("hi")).await.text(), "first", "{name}");
        for _ in 0..3 {
            assert_eq!(stage.ask(&streamed("hi")).await.text(), "second", "{name}");
            pass(26_000).await;
        }
        assert_eq!(first.count(), 1);
        pass(2_100).await;
        assert_eq!(stage.ask(&ask("hi")).await.text(), "first", "{name}: it has reset");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_learnt_of_an_only_target_stops_nobody() {
    let spent = Reply::text("still here").with_header("x-ratelimit-remaining-requests", "0");
    let only = Provider::always(spent.with_header("x-ratelimit-reset-requests", "30s"));
    let stage = Stage::start(&[("only", &only)], json!({})).await;
    for _ in 0..3 {
        let (answer, took) = stage.timed(&ask("hi")).await;
        assert_eq!((answer.text().as_str(), took), ("still here", 0));
    }
}
