//! The end: SIGTERM finishes what is open, and nothing that was promised to be recorded is lost.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, ask, ask_streamed, config, soon};
use bytes::Bytes;
use http::Method;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

fn chunk(delta: Value, finish: Value) -> Bytes {
    Bytes::from(format!(
        "data: {}\n\n",
        json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] })
    ))
}

async fn streaming(drain_ms: u64) -> (Upstream, Gateway, mpsc::Sender<Bytes>, lockgate_client::Open) {
    let (provider, receiver) = mpsc::channel(4);
    let reply = Reply::paced(receiver);
    let upstream = Upstream::start(move |_: &Recorded| reply.clone()).await.unwrap();
    let mut config = config(&upstream, json!([]));
    config["limits"] = json!({ "drain_ms": drain_ms });
    let gateway = Gateway::start(&config).await;
    provider.send(chunk(json!({ "content": "one " }), Value::Null)).await.unwrap();
    let client = gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions");
    let mut open = client.open(request, ask_streamed("count").to_string()).await.unwrap();
    soon("the first piece", open.until("one ")).await.unwrap();
    (upstream, gateway, provider, open)
}

#[tokio::test]
async fn sigterm_finishes_open_streams_and_accepts_nothing_new() {
    let (_upstream, mut gateway, provider, open) = streaming(600_000).await;
    gateway.signal("TERM").await;
    gateway.log.wait_for("\"draining\"").await;
    let ready = gateway.admin().get("/readyz").await.unwrap();
    assert_eq!((ready.status.as_u16(), ready.json()), (503, json!({ "status": "draining" })));
    // The listener closes at its own next step.
    soon("the closing of the listener", async {
        while TcpStream::connect(gateway.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    provider.send(chunk(json!({ "content": "two" }), Value::Null)).await.unwrap();
    provider.send(chunk(json!({}), json!("stop"))).await.unwrap();
    provider.send(Bytes::from_static(b"data: [DONE]\n\n")).await.unwrap();
    drop(provider);
    let answer = soon("the end of the stream", open.rest()).await.unwrap();
    assert_eq!(answer.text(), "one two");
    assert!(answer.is_done());
    assert!(gateway.exit().await.success());
    assert!(gateway.log.text().contains("\"outcome\":\"answered\""));
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_dropped_and_still_recorded() {
    let (upstream, mut gateway, _provider, open) = streaming(100).await;
    gateway.signal("TERM").await;
    assert!(gateway.exit().await.success());
    assert!(!open.all().await.contains("[DONE]"));
    upstream.wait_for_disconnects(1).await;
    assert!(gateway.log.text().contains("\"outcome\":\"abandoned\""), "{}", gateway.log.text());
}

#[tokio::test]
async fn an_idle_gateway_ends_at_once() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let mut gateway = Gateway::start(&config(&upstream, json!([]))).await;
    // Connections that are kept alive do not hold it up.
    let client = gateway.client();
    soon("an answer", client.chat(&ask("hi"))).await.unwrap();
    let _idle = TcpStream::connect(gateway.address).await.unwrap();
    gateway.signal("INT").await;
    assert!(gateway.exit().await.success());
}
