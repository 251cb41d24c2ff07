//! Kept answers: hits, streams replayed, controls, and that tenants do not share them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, hash, soon};
use http::Method;
use lockgate_client::{Answer, Client};
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
    labelled(stage, QUESTION, &[("x-lockgate-cache", control)]).await
}

/// Asks with headers.
async fn labelled(stage: &Stage, question: &str, headers: &[(&str, &str)]) -> Answer {
    let client = stage.gateway.client();
    let mut request = client.request(Method::POST, "/v1/chat/completions");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = ask(question).to_string();
    soon("an answer", async { client.open(request, body).await.unwrap().rest().await.unwrap() }).await
}

/// Sends a request without a body, to either listener.
async fn send(client: &Client, method: Method, path: &str) -> Answer {
    let request = client.request(method, path);
    soon("an answer", async { client.open(request, "").await.unwrap().rest().await.unwrap() }).await
}

/// A second tenant, with a key of its own.
fn two_tenants(mut config: Value) -> Value {
    config["tenants"]["globex"] =
        json!({ "keys": [{ "name": "k", "hash": hash("globex") }], "routes": ["*"] });
    config
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
async fn a_kept_answer_is_streamed_in_pieces() {
    let long = "A lock raises and lowers boats between stretches of water of different levels. ".repeat(5);
    let said = long.clone();
    let stage = Stage::start(move |_: &Recorded| Reply::text(&said), chain()).await;
    stage.chat(&ask(QUESTION)).await;
    let streamed = stage.chat(&ask_streamed(QUESTION)).await;
    assert_eq!((streamed.header("x-lockgate-cache"), streamed.text()), ("hit", long));
    assert!(streamed.is_done() && streamed.deltas().len() > 5, "{:?}", streamed.deltas());
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
    let stage = Stage::configured(counting(), chain(), two_tenants).await;
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
    for other in [
        "How do I reset my printer?",
        "Why do I reset my password?",
        "How do I not reset my password?",
        "How did she reset my password?",
        "How else do I reset my password?",
    ] {
        assert_eq!(stage.chat(&ask(other)).await.header("x-lockgate-cache"), "miss", "{other}");
    }
}

#[tokio::test]
async fn a_rejected_answer_goes_and_what_is_near_it_must_be_nearer() {
    let stage = Stage::configured(counting(), chain(), two_tenants).await;
    let kept = stage.chat(&ask("How do I reset my password?")).await;
    let other = labelled(&stage, "What is the way to reset my password?", &[]).await;
    assert_eq!(other.header("x-lockgate-cache"), "hit");
    let id = other.header("x-lockgate-cache-id");
    assert_eq!(id, kept.header("x-lockgate-cache-id"), "both name the same kept answer");
    let path = format!("/cache/{id}/reject");
    let globex = stage.gateway.anybody().with_key("globex");
    let foreign = send(&globex, Method::POST, &path).await;
    assert_eq!((foreign.status.as_u16(), foreign.error("code").as_str()), (404, "unknown_answer"));
    let nobody = send(&stage.gateway.anybody(), Method::POST, &path).await;
    assert_eq!(nobody.status.as_u16(), 401);
    let client = stage.gateway.client();
    assert_eq!(send(&client, Method::GET, &path).await.status.as_u16(), 405);
    assert_eq!(
        stage.chat(&ask("What is the way to reset my password?")).await.header("x-lockgate-cache"),
        "hit"
    );
    let rejected = send(&client, Method::POST, &path).await;
    assert_eq!((rejected.status.as_u16(), rejected.json()["rejected"].clone()), (200, json!(true)));
    assert_eq!(send(&client, Method::POST, &path).await.status.as_u16(), 404);

    let anew = stage.chat(&ask("How do I reset my password?")).await;
    assert_eq!((anew.header("x-lockgate-cache"), anew.text().starts_with("Answer 2")), ("miss", true));
    // The very request has a new answer; other wordings, which were answered with the old, now are too far.
    assert_eq!(stage.chat(&ask("How do I reset my password?")).await.header("x-lockgate-cache"), "hit");
    let far = stage.chat(&ask("What is the way to reset my password?")).await;
    assert_eq!(far.header("x-lockgate-cache"), "miss", "{}", far.header("x-lockgate-flags"));
}

#[tokio::test]
async fn an_operator_takes_stale_answers_away() {
    let stage = Stage::configured(counting(), chain(), two_tenants).await;
    let admin = stage.gateway.admin();
    let removed = async |query: &str| {
        let answer = send(&admin, Method::DELETE, &format!("/cache?{query}")).await;
        assert_eq!(answer.status.as_u16(), 200, "{query}");
        answer.json()["removed"].as_u64().unwrap()
    };
    let questions = ["How high is the Matterhorn?", "Who painted the Mona Lisa?", "What is a lock gate?"];
    labelled(&stage, questions[0], &[("x-lockgate-cache-tags", "heights, swiss")]).await;
    labelled(&stage, questions[1], &[("x-lockgate-cache-namespace", "art")]).await;
    labelled(&stage, questions[2], &[("x-lockgate-cache-version", "7")]).await;
    let other = stage.gateway.anybody().with_key("globex");
    soon("an answer", other.chat(&ask(questions[0]))).await.unwrap();

    assert_eq!(send(&admin, Method::DELETE, "/cache").await.error("code"), "invalid_query");
    assert_eq!(send(&admin, Method::DELETE, "/cache?everything=1").await.status.as_u16(), 400);
    assert_eq!(removed("tenant=globex&tag=heights").await, 0);
    assert_eq!(removed("older_than=3600").await, 0);
    assert_eq!(removed("tag=heights&tag=swiss").await, 1);
    assert_eq!(removed("namespace=art").await, 1);
    assert_eq!(removed("version=7").await, 1);
    assert_eq!(removed("tenant=globex").await, 1);
    assert_eq!(stage.chat(&ask(questions[0])).await.header("x-lockgate-cache"), "miss");
}

#[tokio::test]
async fn another_namespace_or_version_has_answers_of_its_own() {
    let stage = Stage::start(counting(), chain()).await;
    for header in ["x-lockgate-cache-namespace", "x-lockgate-cache-version"] {
        let said = async |value: &str| labelled(&stage, QUESTION, &[(header, value)]).await;
        assert_eq!(said("a").await.header("x-lockgate-cache"), "miss");
        assert_eq!(said("b").await.header("x-lockgate-cache"), "miss");
        assert_eq!(said("a").await.header("x-lockgate-cache"), "hit");
    }
    let long = labelled(&stage, QUESTION, &[("x-lockgate-cache-version", &"v".repeat(200))]).await;
    assert_eq!((long.status.as_u16(), long.error("code").as_str()), (400, "invalid_cache_control"));
}

#[tokio::test]
async fn an_operator_may_keep_the_controls() {
    let mut chain = chain();
    chain[1]["config"] = json!({ "client_controls": false });
    let stage = Stage::start(counting(), chain).await;
    let refused = controlled(&stage, "bypass").await;
    assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (403, "cache_control_denied"));
    assert!(stage.upstream.requests().is_empty());
    assert_eq!(stage.chat(&ask(QUESTION)).await.header("x-lockgate-cache"), "miss");
}

#[tokio::test]
async fn what_a_provider_filtered_or_failed_is_not_kept() {
    let turn = AtomicUsize::new(0);
    let reply = move |_: &Recorded| match turn.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::status(
            200,
            json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            { "index": 0, "message": { "role": "assistant", "content": "It is" }, "finish_reason": "content_filter" } ] }),
        ),
        1 => Reply::error(400, "No."),
        _ => Reply::text("4,478 metres."),
    };
    let stage = Stage::start(reply, chain()).await;
    assert_eq!(stage.chat(&ask(QUESTION)).await.text(), "It is");
    assert_eq!(stage.chat(&ask(QUESTION)).await.status.as_u16(), 400);
    let third = stage.chat(&ask(QUESTION)).await;
    assert_eq!((third.header("x-lockgate-cache"), third.text().as_str()), ("miss", "4,478 metres."));
    assert_eq!(stage.chat(&ask(QUESTION)).await.header("x-lockgate-cache"), "hit");
}
