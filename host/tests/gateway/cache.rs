//! Kept answers: hits, streams replayed, controls, and that tenants do not share them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, hash, soon};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const QUESTION: &str = "How high is the Matterhorn?";

fn chain() -> Value {
    let mut cache = binding("builtin:semantic-cache", json!({}));
    cache["grants"] = json!({ "responses": true, "vectors": ["semantic-cache"] });
    json!([binding("builtin:pii-mask", json!({})), cache])
}

/// Counts its answers: each is another.
fn counting() -> impl Fn(&Recorded) -> Reply + Send + Sync + 'static {
    let answered = AtomicUsize::new(0);
    move |request: &Recorded| {
        let turn = answered.fetch_add(1, Ordering::Relaxed) + 1;
        Reply::text(format!("Answer {turn} to: {}", request.last_user_text()))
    }
}

async fn controlled(stage: &Stage, control: &str) -> Answer {
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions").header("x-lockgate-cache", control);
    let body = ask(QUESTION).to_string();
    soon("an answer", async { client.open(request, body).await.unwrap().rest().await.unwrap() }).await
}

#[tokio::test]
async fn a_question_asked_again_is_answered_without_the_provider_whole_and_streamed() {
    let stage = Stage::start(counting(), chain()).await;
    let first = stage.chat(&ask(QUESTION)).await;
    assert_eq!(first.header("x-lockgate-cache"), "miss");
    let again = stage.chat(&ask(QUESTION)).await;
    assert_eq!(again.header("x-lockgate-cache"), "hit");
    assert_eq!(again.text(), first.text());
    assert_eq!(again.header("x-lockgate-cost-usd").parse(), Ok(0.0));
    let streamed = stage.chat(&ask_streamed(QUESTION)).await;
    assert_eq!(streamed.header("x-lockgate-cache"), "hit");
    assert!(streamed.is_done());
    assert_eq!(streamed.text(), first.text());
    assert_eq!(stage.upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_streamed_answer_is_kept_when_it_is_complete() {
    let stage = Stage::start(counting(), chain()).await;
    let first = stage.chat(&ask_streamed(QUESTION)).await;
    assert_eq!(first.header("x-lockgate-cache"), "miss");
    let again = stage.chat(&ask(QUESTION)).await;
    assert_eq!((again.header("x-lockgate-cache"), again.text()), ("hit", first.text()));
}

#[tokio::test]
async fn a_truncated_stream_is_not_kept() {
    let turn = AtomicUsize::new(0);
    let reply = move |_: &Recorded| match turn.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::truncated(["It is ", "very "]),
        _ => Reply::text("4,478 metres."),
    };
    let stage = Stage::start(reply, chain()).await;
    assert!(!stage.chat(&ask_streamed(QUESTION)).await.is_done());
    let again = stage.chat(&ask(QUESTION)).await;
    assert_eq!((again.header("x-lockgate-cache"), again.text().as_str()), ("miss", "4,478 metres."));
}

#[tokio::test]
async fn each_client_gets_its_own_values_back_from_a_kept_answer() {
    let stage = Stage::start(counting(), chain()).await;
    let ada = stage.chat(&ask("Greet ada@example.org for me")).await;
    let bob = stage.chat(&ask("Greet bob@example.org for me")).await;
    assert_eq!(bob.header("x-lockgate-cache"), "hit");
    assert!(ada.text().contains("ada@") && !ada.text().contains("bob@"));
    assert!(bob.text().contains("bob@") && !bob.text().contains("ada@"), "{}", bob.text());
}

#[tokio::test]
async fn clients_control_the_cache() {
    let stage = Stage::start(counting(), chain()).await;
    let only = controlled(&stage, "only").await;
    assert_eq!((only.status.as_u16(), only.error("code").as_str()), (504, "cache_miss"));
    stage.chat(&ask(QUESTION)).await;
    let bypassed = controlled(&stage, "bypass").await;
    assert!(bypassed.text().starts_with("Answer 2"), "{}", bypassed.text());
    assert!(stage.chat(&ask(QUESTION)).await.text().starts_with("Answer 1"));
    assert!(controlled(&stage, "refresh").await.text().starts_with("Answer 3"));
    assert!(stage.chat(&ask(QUESTION)).await.text().starts_with("Answer 3"));
    assert!(controlled(&stage, "only").await.text().starts_with("Answer 3"));
    let nonsense = controlled(&stage, "perhaps").await;
    assert_eq!((nonsense.status.as_u16(), nonsense.error("code").as_str()), (400, "invalid_cache_control"));
}

#[tokio::test]
async fn tenants_do_not_share_answers() {
    let stage = Stage::configured(counting(), chain(), |mut config| {
        config["tenants"]["globex"] =
            json!({ "keys": [{ "name": "k", "hash": hash("globex") }], "routes": ["*"] });
        config
    })
    .await;
    stage.chat(&ask(QUESTION)).await;
    let client = stage.gateway.anybody().with_key("globex");
    let other = soon("an answer", client.chat(&ask(QUESTION))).await.unwrap();
    assert_eq!(other.header("x-lockgate-cache"), "miss");
    assert!(other.text().starts_with("Answer 2"));
}

#[tokio::test]
async fn another_wording_is_answered_from_the_cache_and_another_question_is_not() {
    let stage = Stage::start(counting(), chain()).await;
    stage.chat(&ask("How do I reset my password?")).await;
    let same = stage.chat(&ask("how can i reset my password")).await;
    assert_eq!(same.header("x-lockgate-cache"), "hit");
    assert!(same.text().starts_with("Answer 1"));
    for other in
        ["How do I reset my printer?", "Why do I reset my password?", "How do I not reset my password?"]
    {
        assert_eq!(stage.chat(&ask(other)).await.header("x-lockgate-cache"), "miss", "{other}");
    }
}
