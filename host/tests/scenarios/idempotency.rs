//! Requests that are made once: for how long, who waits, and who goes away.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::stage::{Provider, Stage, ask, late, near, pass, streamed};
use lockgate_upstream::Reply;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const ONCE: [(&str, &str); 1] = [("idempotency-key", "payment-of-may")];

async fn stage(only: &Provider) -> Arc<Stage> {
    let change = |config: &mut Value| config["idempotency"] = json!({ "ttl_s": 3_600 });
    Arc::new(Stage::configured(&[("only", only)], change).await)
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_given_again_for_an_hour_and_is_asked_for_after_it() {
    for body in [ask("hi"), streamed("hi")] {
        let only = Provider::always(Reply::text("once"));
        let stage = stage(&only).await;
        let first = stage.ask_with(&body, &ONCE).await;
        pass(3_590_000).await;
        let again = stage.ask_with(&body, &ONCE).await;
        assert_eq!((again.body, again.headers.get("idempotent-replayed").is_some()), (first.body, true));
        assert_eq!(only.count(), 1);
        pass(11_000).await;
        let later = stage.ask_with(&body, &ONCE).await;
        assert!(later.headers.get("idempotent-replayed").is_none());
        assert_eq!(only.count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_meanwhile_waits_for_the_same_answer_and_pays_nothing() {
    let only = Provider::always(late("once", 2_000));
    let stage = stage(&only).await;
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..5_u64 {
        let stage = stage.clone();
        asking.spawn(async move {
            pass(n * 300).await;
            stage.ask_with(&ask("hi"), &ONCE).await.body
        });
    }
    let from = tokio::time::Instant::now();
    let answers = asking.join_all().await;
    near(u64::try_from(from.elapsed().as_millis()).unwrap(), 2_000);
    assert!(answers.iter().all(|answer| answer.contains("once")), "{answers:?}");
    assert!(answers.windows(2).all(|pair| pair.first() == pair.last()), "{answers:?}");
    assert_eq!(only.count(), 1);
    assert_eq!(stage.record().await.usage.output, 1);
    let none = tokio::time::timeout(Duration::from_secs(60), stage.record()).await;
    assert!(none.is_err(), "one exchange, one record");
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_when_its_client_goes_away() {
    let only = Provider::always(Reply::text("one two three").paced_by(Duration::from_millis(500)));
    let stage = stage(&only).await;
    let mut open = stage.open_with(&streamed("hi"), &ONCE).await;
    open.until("one").await.unwrap();
    drop(open);
    pass(10_000).await;
    let again = stage.ask_with(&streamed("hi"), &ONCE).await;
    assert!(again.is_done() && again.text() == "one two three", "{}", again.body);
    assert_eq!(only.count(), 1);
}
