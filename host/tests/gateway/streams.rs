//! Streams: relayed frame by frame, ended honestly, let go when nobody listens.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, soon, standard_chain, with};
use bytes::Bytes;
use http::Method;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use tokio::sync::mpsc;

fn chunk(text: &str) -> Bytes {
    let chunk = json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] });
    Bytes::from(format!("data: {chunk}\n\n"))
}

fn guards() -> Value {
    json!([binding("builtin:pii-mask", json!({}))])
}

async fn paced(chain: Value) -> (Stage, mpsc::Sender<Bytes>) {
    let (sender, receiver) = mpsc::channel(16);
    let reply = Reply::paced(receiver);
    (Stage::start(move |_: &Recorded| reply.clone(), chain).await, sender)
}

async fn open(stage: &Stage, body: &Value) -> lockgate_client::Open {
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions");
    soon("the head of an answer", client.open(request, body.to_string())).await.unwrap()
}

#[tokio::test]
async fn each_piece_reaches_the_client_before_the_next_is_sent() {
    for chain in [json!([]), guards(), standard_chain()] {
        let (stage, provider) = paced(chain).await;
        provider.send(chunk("one ")).await.unwrap();
        let mut answer = open(&stage, &ask_streamed("count")).await;
        soon("the first piece", answer.until("one ")).await.unwrap();
        for piece in ["two ", "three "] {
            provider.send(chunk(piece)).await.unwrap();
            soon(piece, answer.until(piece)).await.unwrap();
        }
        let finish = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
        provider.send(Bytes::from(format!("data: {finish}\n\ndata: [DONE]\n\n"))).await.unwrap();
        drop(provider);
        let answer = soon("the end", answer.rest()).await.unwrap();
        assert_eq!(answer.text(), "one two three ");
        assert!(answer.is_done());
    }
}

#[tokio::test]
async fn streams_use_a_connection_again() {
    for chain in [json!([]), guards()] {
        let stage = Stage::start(|_: &Recorded| Reply::text("again and again"), chain).await;
        let mut streams = 0;
        // The end of a body may come a moment after the answer's: the next stream then has another connection.
        while stage.upstream.connections() == streams {
            assert!(streams < 100, "no connection was used twice");
            assert!(stage.chat(&ask_streamed("again")).await.is_done());
            streams += 1;
        }
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_and_without_the_mark_of_its_end() {
    for chain in [json!([]), guards()] {
        for reply in [Reply::truncated(["It is ", "very "]), Reply::reset_after(["It is ", "very "])] {
            let stage = Stage::start(move |_: &Recorded| reply.clone(), chain.clone()).await;
            let answer = stage.chat(&ask_streamed("how high?")).await;
            assert_eq!(answer.status, 200);
            assert!(answer.text().starts_with("It is "), "{}", answer.body);
            assert!(
                ["upstream_truncated", "upstream_error"].contains(&answer.error("code").as_str()),
                "{}",
                answer.body
            );
            assert!(!answer.is_done(), "{}", answer.body);
            let finished = answer.events().iter().any(|event| {
                event.pointer("/choices/0/finish_reason").is_some_and(|reason| !reason.is_null())
            });
            assert!(!finished, "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_with_an_error() {
    let (sender, receiver) = mpsc::channel(1);
    let reply = Reply::paced(receiver);
    let stage = Stage::configured(
        move |_: &Recorded| reply.clone(),
        json!([]),
        |mut config| {
            config["providers"]["openai"]["timeouts"] = json!({ "idle_ms": 200 });
            config
        },
    )
    .await;
    sender.send(chunk("well")).await.unwrap();
    let answer = stage.chat(&ask_streamed("go on")).await;
    assert_eq!(answer.text(), "well");
    assert_eq!(answer.error("code"), "upstream_timeout");
    assert!(!answer.is_done());
}

#[tokio::test]
async fn a_client_that_goes_away_takes_the_provider_along() {
    for chain in [json!([]), standard_chain()] {
        let (stage, provider) = paced(chain).await;
        provider.send(chunk("one ")).await.unwrap();
        let mut answer = open(&stage, &ask_streamed("count")).await;
        soon("the first piece", answer.until("one ")).await.unwrap();
        drop(answer);
        stage.upstream.wait_for_disconnects(1).await;
        let settled = stage.gateway.log.wait_for("\"outcome\":\"abandoned\"").await;
        assert!(settled.contains("\"status\":499"), "{settled}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_answer_began_takes_the_provider_along() {
    let stage = Stage::start(|_: &Recorded| Reply::hang(), json!([])).await;
    for (gone, body) in [ask("hi"), ask_streamed("hi")].into_iter().enumerate() {
        let client = stage.gateway.client();
        let request = client.request(Method::POST, "/v1/chat/completions");
        let asking = tokio::spawn(async move { client.open(request, body.to_string()).await.is_ok() });
        stage.upstream.wait_for_requests(gone + 1).await;
        asking.abort();
        stage.upstream.wait_for_disconnects(gone + 1).await;
    }
}

#[tokio::test]
async fn usage_is_told_when_it_is_asked_for_and_counted_always() {
    for chain in [json!([]), guards()] {
        let stage = Stage::start(|_: &Recorded| Reply::text("three words here"), chain).await;
        let silent = stage.chat(&ask_streamed("hello there")).await;
        assert!(
            silent.events().iter().all(|event| event.get("usage").is_none_or(Value::is_null)),
            "{}",
            silent.body
        );
        let body = with(ask_streamed("hello there"), "stream_options", json!({ "include_usage": true }));
        let telling = stage.chat(&body).await;
        let last = telling.events().pop().unwrap();
        assert_eq!(last["choices"], json!([]));
        assert_eq!(
            (&last["usage"]["prompt_tokens"], &last["usage"]["completion_tokens"]),
            (&json!(2), &json!(3))
        );
        for answer in [silent, telling] {
            assert!(
                answer.body.contains(": lockgate tokens-in=2 tokens-out=3 attempts=1"),
                "{}",
                answer.body
            );
            assert!(answer.is_done());
        }
        for seen in stage.upstream.requests() {
            assert_eq!(seen.json()["stream_options"]["include_usage"], true);
        }
    }
}

#[tokio::test]
async fn a_slow_reader_holds_the_provider_back_and_loses_nothing() {
    let (stage, provider) = paced(guards()).await;
    let text = "x".repeat(64 * 1024);
    let piece = chunk(&text);
    let sending = tokio::spawn(async move {
        for _ in 0..200 {
            if provider.send(piece.clone()).await.is_err() {
                return false;
            }
        }
        let finish = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] });
        provider.send(Bytes::from(format!("data: {finish}\n\ndata: [DONE]\n\n"))).await.is_ok()
    });
    let answer = open(&stage, &ask_streamed("much")).await;
    let answer = soon("all of it", answer.rest()).await.unwrap();
    assert!(sending.await.unwrap());
    assert_eq!(answer.text().len(), 200 * text.len());
    assert!(answer.is_done());
}

#[tokio::test]
async fn comments_pings_and_windows_line_ends_are_understood() {
    let stream = "\u{feff}: ping\r\n\r\nevent: message\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\
        \"finish_reason\":null}]}\r\n\r\n: ping\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
        data: [DONE]\n\n";
    for chain in [json!([]), guards()] {
        let stage =
            Stage::start(move |_: &Recorded| Reply::raw(200, "text/event-stream", stream), chain).await;
        let answer = stage.chat(&ask_streamed("hi")).await;
        assert_eq!(answer.text(), "hi", "{}", answer.body);
        assert!(answer.is_done());
    }
}
