//! Requests under an idempotency key: made once, answered as often as they are asked.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, hash, soon};
use bytes::Bytes;
use http::Method;
use lockgate_client::{Answer, Client};
use lockgate_upstream::{Recorded, Reply, Script};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

async fn keyed(client: &Client, key: &str, body: &Value) -> Answer {
    let request = client.request(Method::POST, "/v1/chat/completions").header("idempotency-key", key);
    soon("an answer", async { client.open(request, body.to_string()).await.unwrap().rest().await.unwrap() })
        .await
}

/// Counts its answers: each is another.
async fn stage() -> Stage {
    let answered = AtomicUsize::new(0);
    let reply =
        move |_: &Recorded| Reply::text(format!("Answer {}", answered.fetch_add(1, Ordering::Relaxed)));
    Stage::configured(reply, json!([]), |mut config| {
        config["tenants"]["acme"]["keys"] = json!([{ "name": "web", "hash": hash(crate::support::KEY) },
            { "name": "batch", "hash": hash("batch"), "delegates": true }]);
        config
    })
    .await
}

#[tokio::test]
async fn who_asks_again_under_a_key_gets_the_same_answer_and_is_not_charged() {
    let stage = stage().await;
    let client = stage.gateway.client();
    for body in [ask("hi"), ask_streamed("hi")] {
        let key = body["stream"].to_string();
        let asked = stage.upstream.requests().len();
        let first = keyed(&client, &key, &body).await;
        let again = keyed(&client, &key, &body).await;
        assert_eq!((first.status.as_u16(), &first.body), (200, &again.body));
        assert_eq!(first.header("idempotent-replayed"), "");
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.header("x-request-id"), first.header("x-request-id"));
        assert_eq!(again.header("content-type"), first.header("content-type"));
        assert_eq!(stage.upstream.requests().len(), asked + 1);
    }
    let metrics = stage.gateway.metrics().await;
    assert!((metrics.sum("lockgate_requests_total", &[]) - 2.0).abs() < 0.1, "{}", metrics.0);
    let other = keyed(&client, "another", &ask("hi")).await;
    assert_eq!(other.text(), "Answer 2");
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_client() {
    let stage = stage().await;
    let client = stage.gateway.client();
    keyed(&client, "k", &ask("hi")).await;
    let refused = keyed(&client, "k", &ask("something else")).await;
    assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (422, "idempotency_key_reused"));
    let batch = keyed(&client.with_key("batch"), "k", &ask("something else")).await;
    assert_eq!((batch.status.as_u16(), batch.text()), (200, "Answer 1".into()));
    let long = keyed(&client, &"k".repeat(256), &ask("hi")).await;
    assert_eq!(long.error("code"), "invalid_idempotency_key");
    let stranger = keyed(&client.with_key("unknown"), "k", &ask("hi")).await;
    assert_eq!(stranger.status, 401);
}

#[tokio::test]
async fn users_of_one_key_do_not_get_one_anothers_answers() {
    let stage = stage().await;
    let client = stage.gateway.anybody().with_key("batch");
    let mut told = Vec::new();
    for user in ["ann", "bob", "ann"] {
        let request = client.request(Method::POST, "/v1/chat/completions");
        let request = request.header("idempotency-key", "1").header("x-lockgate-user", user);
        let open = soon("an answer", client.open(request, ask("hi").to_string())).await.unwrap();
        told.push(soon("an answer", open.rest()).await.unwrap().text());
    }
    assert_eq!(told, ["Answer 0", "Answer 1", "Answer 0"]);
}

#[tokio::test]
async fn who_asks_while_it_is_under_way_reads_along() {
    let (sender, receiver) = mpsc::channel(16);
    let reply = Reply::paced(receiver);
    let stage = Stage::start(move |_: &Recorded| reply.clone(), json!([])).await;
    let chunk = |text: &str, finish: Value| {
        let chunk = json!({ "id": "c", "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": finish }] });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let open = async || {
        let client = stage.gateway.client();
        let request = client.request(Method::POST, "/v1/chat/completions").header("idempotency-key", "k");
        soon("the head", client.open(request, ask_streamed("hi").to_string())).await.unwrap()
    };
    sender.send(chunk("one ", Value::Null)).await.unwrap();
    let mut first = open().await;
    soon("the first piece", first.until("one ")).await.unwrap();
    let mut second = open().await;
    soon("the first piece again", second.until("one ")).await.unwrap();
    // The first client goes away; the exchange goes on.
    drop(first);
    sender.send(chunk("two", json!("stop"))).await.unwrap();
    sender.send("data: [DONE]\n\n".into()).await.unwrap();
    drop(sender);
    let second = soon("the end", second.rest()).await.unwrap();
    assert_eq!((second.text().as_str(), second.is_done()), ("one two", true));
    let third = keyed(&stage.gateway.client(), "k", &ask_streamed("hi")).await;
    assert_eq!((third.body == second.body, third.header("idempotent-replayed")), (true, "true"));
    assert_eq!(stage.upstream.requests().len(), 1);
}

#[tokio::test]
async fn what_was_not_charged_for_may_be_asked_for_again() {
    let script = Script::new([Reply::error(400, "no"), Reply::text("yes")]);
    let stage = Stage::start(script, json!([])).await;
    let client = stage.gateway.client();
    assert_eq!(keyed(&client, "k", &ask("hi")).await.status, 400);
    assert_eq!(keyed(&client, "k", &ask("hi")).await.text(), "yes");
    assert_eq!(keyed(&client, "k", &ask("hi")).await.text(), "yes");
    assert_eq!(stage.upstream.requests().len(), 2);
}

#[tokio::test]
async fn many_at_once_are_one_request() {
    let stage = stage().await;
    let client = stage.gateway.client();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { keyed(&client, "k", &ask("hi")).await.text() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), "Answer 0");
    }
    assert_eq!(stage.upstream.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_too_large_to_keep_is_not_made_again() {
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("word ".repeat(200)),
        json!([]),
        |mut config| {
            config["idempotency"] = json!({ "max_answer_bytes": 500 });
            config
        },
    )
    .await;
    let client = stage.gateway.client();
    assert_eq!(keyed(&client, "k", &ask("hi")).await.status, 200);
    let again = keyed(&client, "k", &ask("hi")).await;
    assert_eq!((again.status.as_u16(), again.error("code").as_str()), (409, "idempotency_answer_gone"));
    assert_eq!(stage.upstream.requests().len(), 1);
}
