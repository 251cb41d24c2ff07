//! What belongs together goes to the same target, for as long as it may be known there.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, pass};
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn stage(affinity: Value) -> (Stage, [Provider; 2], Arc<AtomicBool>) {
    let down = Arc::new(AtomicBool::new(false));
    let is_down = down.clone();
    let first = Provider::new(move |_: &Recorded| match is_down.load(Ordering::Relaxed) {
        true => Reply::error(429, "slow down").with_header("retry-after", "5"),
        false => Reply::text("first"),
    });
    let second = Provider::always(Reply::text("second"));
    let stage = Stage::configured(&[("first", &first), ("second", &second)], |config| {
        config["routes"]["smart"]["affinity"] = affinity;
    })
    .await;
    (stage, [first, second], down)
}

#[tokio::test(start_paused = true)]
async fn a_long_beginning_stays_where_it_is_known_and_returns_when_that_is_forgotten() {
    let (stage, _providers, down) = stage(json!({ "by": "prefix", "keep_s": 60, "min_bytes": 512 })).await;
    let instructions = "Answer in few words, and in the language of the question. ".repeat(20);
    let asked = |text: &str| {
        json!({ "model": "smart", "messages": [
            { "role": "system", "content": instructions }, { "role": "user", "content": text },
        ] })
    };
    down.store(true, Ordering::Relaxed);
    assert_eq!(stage.ask(&asked("one")).await.text(), "second");
    down.store(false, Ordering::Relaxed);
    pass(20_000).await;
    assert_eq!(stage.ask(&ask("something else")).await.text(), "first", "it is well again");
    // Each answer keeps it warm for another minute.
    for question in ["two", "three", "four"] {
        assert_eq!(stage.ask(&asked(question)).await.text(), "second");
        pass(50_000).await;
    }
    pass(10_001).await;
    assert_eq!(
        stage.ask(&asked("five")).await.text(),
        "first",
        "a minute without a word, and it is forgotten"
    );
}

#[tokio::test(start_paused = true)]
async fn a_conversation_stays_with_who_answered_it_last() {
    let (stage, providers, down) = stage(json!({ "by": "conversation", "keep_s": 300 })).await;
    // One whose home is the first.
    let mut name = String::new();
    for n in 0..64 {
        let candidate = format!("conversation-{n}");
        let answer = stage.ask_with(&ask("hi"), &[("x-lockgate-conversation", &candidate)]).await;
        if answer.text() == "first" {
            name = candidate;
            break;
        }
    }
    let go_on = async || stage.ask_with(&ask("go on"), &[("x-lockgate-conversation", &name)]).await.text();
    assert_eq!(go_on().await, "first");
    down.store(true, Ordering::Relaxed);
    assert_eq!(go_on().await, "second");
    down.store(false, Ordering::Relaxed);
    for _ in 0..4 {
        pass(200_000).await;
        assert_eq!(go_on().await, "second", "the first is well, and the second knows more");
    }
    pass(300_001).await;
    assert_eq!(go_on().await, "first", "it goes home");
    assert!(providers.iter().all(|provider| provider.count() > 1));
}
