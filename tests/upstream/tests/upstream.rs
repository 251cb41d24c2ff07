//! The scripted provider, spoken to over its socket: every kind of reply does what it says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use lockgate_upstream::{Recorded, Reply, Script, Upstream};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Sends one request on its own connection; the task drives the connection.
async fn send(
    upstream: &Upstream,
    path: &str,
    body: &Value,
) -> (hyper::Result<Response<Incoming>>, JoinHandle<()>) {
    let stream = TcpStream::connect(upstream.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(async move {
        let _ = connection.await;
    });
    let request = Request::post(path)
        .header("host", "provider")
        .header("authorization", "Bearer sk-test")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    (sender.send_request(request).await, driver)
}

async fn text(upstream: &Upstream, body: &Value) -> String {
    text_at(upstream, "/v1/chat/completions", body).await
}

async fn text_at(upstream: &Upstream, path: &str, body: &Value) -> String {
    let (response, _driver) = send(upstream, path, body).await;
    let bytes = response.unwrap().into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn ask(stream: bool) -> Value {
    json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": "say it again"}]})
}

fn data(stream: &str) -> Vec<Value> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

#[tokio::test]
async fn a_text_is_a_document_or_a_stream_as_the_request_wants() {
    let upstream = Upstream::start(|_: &_| Reply::text("one two three")).await.unwrap();
    let whole: Value = serde_json::from_str(&text(&upstream, &ask(false)).await).unwrap();
    assert_eq!(whole["choices"][0]["message"]["content"], "one two three");
    assert_eq!(whole["usage"], json!({"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}));

    let streamed = text(&upstream, &ask(true)).await;
    assert!(streamed.ends_with("data: [DONE]\n\n"));
    let chunks = data(&streamed);
    let deltas: Vec<_> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(deltas, ["", "one ", "two ", "three"]);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "stop");
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));

    let mut with_usage = ask(true);
    with_usage["stream_options"] = json!({"include_usage": true});
    let chunks = data(&text(&upstream, &with_usage).await);
    assert_eq!(chunks.last().unwrap()["usage"]["total_tokens"], 6);
    assert_eq!(chunks.last().unwrap()["choices"], json!([]));
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let upstream = Upstream::start(|_: &_| Reply::echo()).await.unwrap();
    let answer: Value = serde_json::from_str(&text(&upstream, &ask(false)).await).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], "say it again");
    let requests = upstream.wait_for_requests(1).await;
    assert_eq!(requests[0].path, "/v1/chat/completions");
    assert_eq!(requests[0].header("authorization"), Some("Bearer sk-test"));
    assert_eq!(requests[0].text(), ask(false).to_string());
    assert_eq!(requests[0].json(), ask(false));
}

#[tokio::test]
async fn a_tool_call_streams_its_arguments_in_pieces() {
    let arguments = r#"{"city":"Zürich","unit":"celsius"}"#;
    let upstream = Upstream::start(move |_: &_| Reply::tool_call("weather", arguments)).await.unwrap();
    let chunks = data(&text(&upstream, &ask(true)).await);
    let streamed: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str())
        .collect();
    assert_eq!(streamed, arguments);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
    let whole: Value = serde_json::from_str(&text(&upstream, &ask(false)).await).unwrap();
    assert_eq!(whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"], arguments);
}

#[tokio::test]
async fn anthropic_messages_stream_as_named_events() {
    let upstream = Upstream::start(|_: &_| Reply::chunks(["He", "llo"])).await.unwrap();
    let streamed = text_at(&upstream, "/v1/messages", &ask(true)).await;
    let names: Vec<_> = streamed.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(
        names,
        [
            "message_start",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let whole: Value = serde_json::from_str(&text_at(&upstream, "/v1/messages", &ask(false)).await).unwrap();
    assert_eq!(whole["content"], json!([{"type": "text", "text": "Hello"}]));
    assert_eq!(whole["stop_reason"], "end_turn");
}

#[tokio::test]
async fn gemini_answers_by_its_method() {
    let upstream = Upstream::start(|request: &Recorded| Reply::text(request.last_user_text())).await.unwrap();
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]});
    let path = |method: &str| format!("/v1beta/models/gemini-2.5-flash:{method}");
    let whole: Value =
        serde_json::from_str(&text_at(&upstream, &path("generateContent"), &body).await).unwrap();
    assert_eq!(whole["candidates"][0]["content"]["parts"], json!([{"text": "Hello there"}]));
    assert_eq!(whole["usageMetadata"]["totalTokenCount"], 4);
    let streamed = data(&text_at(&upstream, &path("streamGenerateContent?alt=sse"), &body).await);
    let finishes: Vec<_> =
        streamed.iter().map(|chunk| chunk["candidates"][0]["finishReason"].clone()).collect();
    assert_eq!(finishes, [Value::Null, json!("STOP")]);
}

#[tokio::test]
async fn cohere_answers_by_its_path() {
    let upstream = Upstream::start(|_: &_| Reply::tool_call("find", r#"{"who":"ada"}"#)).await.unwrap();
    let streamed = data(&text_at(&upstream, "/v2/chat", &ask(true)).await);
    let kinds: Vec<_> = streamed.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(
        (kinds[0], kinds[1], kinds[kinds.len() - 1]),
        ("message-start", "tool-plan-delta", "message-end")
    );
    let arguments: String = streamed
        .iter()
        .filter_map(|event| event.pointer("/delta/message/tool_calls/function/arguments")?.as_str())
        .collect();
    assert_eq!(arguments, r#"{"who":"ada"}"#);
    let whole: Value = serde_json::from_str(&text_at(&upstream, "/v2/chat", &ask(false)).await).unwrap();
    assert_eq!(whole["finish_reason"], "TOOL_CALL");
    let upstream = Upstream::start(|_: &_| Reply::embeddings(2)).await.unwrap();
    let body = json!({"texts": ["a", "b"], "embedding_types": ["float"]});
    let told: Value = serde_json::from_str(&text_at(&upstream, "/v2/embed", &body).await).unwrap();
    assert_eq!(told["embeddings"]["float"].as_array().unwrap().len(), 2);
    let upstream = Upstream::start(|_: &_| Reply::rerank([0.25, 0.75])).await.unwrap();
    let body = json!({"model": "m", "query": "q", "documents": ["a", "b"], "top_n": 1});
    for (path, figures) in [("/v1/rerank", "usage"), ("/v2/rerank", "meta")] {
        let told: Value = serde_json::from_str(&text_at(&upstream, path, &body).await).unwrap();
        assert_eq!(told["results"], json!([{"index": 1, "relevance_score": 0.75}]));
        assert!(told[figures].is_object(), "{told}");
    }
}

#[tokio::test]
async fn errors_and_broken_streams_are_in_the_providers_language() {
    let script = || Script::new([Reply::error(429, "slow down"), Reply::truncated(["He", "llo"])]);
    for (path, code, pieces) in [
        ("/v1/chat/completions", json!("invalid_request_error"), 3),
        ("/v1/messages", json!("rate_limit_error"), 5),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", json!("RESOURCE_EXHAUSTED"), 2),
    ] {
        let upstream = Upstream::start(script()).await.unwrap();
        let error: Value = serde_json::from_str(&text_at(&upstream, path, &ask(true)).await).unwrap();
        let told = [&error["error"]["status"], &error["error"]["type"]];
        assert!(told.contains(&&code), "{error}");
        assert_eq!(data(&text_at(&upstream, path, &ask(true)).await).len(), pieces, "{path}");
    }
}

#[tokio::test]
async fn embeddings_are_equal_for_equal_inputs_and_of_length_one() {
    let upstream = Upstream::start(|_: &_| Reply::embeddings(8)).await.unwrap();
    let body = json!({"model": "e", "input": ["a", "b", "a"]});
    let answer: Value = serde_json::from_str(&text(&upstream, &body).await).unwrap();
    let vectors: Vec<_> = (0..3).map(|index| &answer["data"][index]["embedding"]).collect();
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);
    let norm: f64 = vectors[0].as_array().unwrap().iter().map(|value| value.as_f64().unwrap().powi(2)).sum();
    assert!((norm - 1.0).abs() < 1e-9);
    assert_eq!(answer["usage"]["total_tokens"], 3);
}

#[tokio::test]
async fn a_script_goes_on_and_repeats_its_last_reply() {
    let limited = Reply::error(429, "slow down").with_header("retry-after", "2");
    let script = Script::new([limited, Reply::text("ok")]);
    let upstream = Upstream::start(script).await.unwrap();
    let (first, _driver) = send(&upstream, "/v1/chat/completions", &ask(false)).await;
    let first = first.unwrap();
    assert_eq!(first.status(), 429);
    assert_eq!(first.headers()["retry-after"], "2");
    for _ in 0..2 {
        assert!(text(&upstream, &ask(false)).await.contains("\"ok\""));
    }
}

#[tokio::test]
async fn a_reset_is_a_reset_and_not_an_end() {
    let script = Script::new([Reply::reset(), Reply::reset_after(["half"])]);
    let upstream = Upstream::start(script).await.unwrap();
    let (refused, _driver) = send(&upstream, "/v1/chat/completions", &ask(true)).await;
    assert!(is_reset(&refused.unwrap_err()), "the first answer is a reset");

    let (cut, _driver) = send(&upstream, "/v1/chat/completions", &ask(true)).await;
    let mut body = cut.unwrap().into_body();
    let mut said = String::new();
    let error = loop {
        match body.frame().await {
            Some(Ok(frame)) => said.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap()),
            Some(Err(error)) => break error,
            None => unreachable!("the stream must not end properly, after {said}"),
        }
    };
    assert!(said.contains("half"), "what was said before arrives: {said}");
    assert!(is_reset(&error), "{error:?}");
    assert_eq!(upstream.disconnects(), 0, "the provider's own resets are no disconnects");
}

fn is_reset(error: &hyper::Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == std::io::ErrorKind::ConnectionReset;
        }
        source = error.source();
    }
    false
}

#[tokio::test]
async fn a_truncated_stream_ends_without_a_finish() {
    let upstream = Upstream::start(|_: &_| Reply::truncated(["half ", "of it"])).await.unwrap();
    let streamed = text(&upstream, &ask(true)).await;
    assert!(streamed.contains("of it") && !streamed.contains("[DONE]") && !streamed.contains("\"stop\""));
}

#[tokio::test]
async fn raw_bytes_go_out_as_they_are() {
    let upstream = Upstream::start(|_: &_| Reply::raw(502, "text/html", &b"<html>\xff"[..])).await.unwrap();
    let (response, _driver) = send(&upstream, "/", &ask(false)).await;
    let response = response.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["content-type"].as_bytes()),
        (502, &b"text/html"[..])
    );
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), &b"<html>\xff"[..]);
}

#[tokio::test]
async fn a_client_that_leaves_a_hanging_answer_is_noticed() {
    let upstream = Upstream::start(|_: &_| Reply::hang()).await.unwrap();
    let request = ask(false);
    {
        let sending = send(&upstream, "/v1/chat/completions", &request);
        tokio::select! {
            _ = sending => unreachable!("a hanging provider answered"),
            _ = upstream.wait_for_requests(1) => {}
        }
        assert_eq!(upstream.disconnects(), 0);
    }
    upstream.wait_for_disconnects(1).await;
}

#[tokio::test]
async fn a_paced_stream_waits_for_the_test_and_notices_who_leaves() {
    let (pace, bytes) = mpsc::channel(4);
    let reply = Reply::paced(bytes);
    let upstream = Upstream::start(move |_: &_| reply.clone()).await.unwrap();
    let (response, driver) = send(&upstream, "/v1/chat/completions", &ask(true)).await;
    let mut body = response.unwrap().into_body();
    for said in ["data: 1\n\n", "data: 2\n\n"] {
        pace.send(Bytes::from_static(said.as_bytes())).await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), said.as_bytes());
    }
    assert_eq!(upstream.disconnects(), 0);
    drop(body);
    driver.abort();
    upstream.wait_for_disconnects(1).await;
}

#[tokio::test]
async fn complete_answers_are_no_disconnects_and_a_dropped_provider_is_gone() {
    let upstream = Upstream::start(|_: &_| Reply::text("all of it")).await.unwrap();
    for stream in [true, false] {
        text(&upstream, &ask(stream)).await;
    }
    assert_eq!((upstream.disconnects(), upstream.connections()), (0, 2));
    let address = upstream.address();
    drop(upstream);
    // The listener is closed by its task, which ends as soon as the runtime gets to it.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

/// Reads an answer for this long on a clock that is paused; what has come by then.
async fn heard(upstream: &Upstream, body: &Value, for_ms: u64) -> String {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(upstream.connect().unwrap())).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = Request::post("/v1/chat/completions")
        .header("host", "provider")
        .body(Full::new(Bytes::from(body.to_string())))
        .unwrap();
    let mut came = Vec::new();
    let reading = async {
        let mut answer = sender.send_request(request).await.unwrap().into_body();
        while let Some(Ok(frame)) = answer.frame().await {
            came.extend_from_slice(frame.data_ref().unwrap());
        }
    };
    let _ = tokio::time::timeout(std::time::Duration::from_millis(for_ms), reading).await;
    driver.abort();
    String::from_utf8(came).unwrap()
}

#[tokio::test(start_paused = true)]
async fn in_memory_it_keeps_the_time_of_a_paused_clock() {
    let ms = std::time::Duration::from_millis;
    let upstream = Upstream::in_memory(move |_: &_| Reply::text("one two").paced_by(ms(100)));
    // The role, and the first word.
    assert!(!heard(&upstream, &ask(true), 99).await.contains("data"));
    let begun = heard(&upstream, &ask(true), 250).await;
    assert!(begun.contains("one") && !begun.contains("two"), "{begun}");
    assert!(heard(&upstream, &ask(true), 10_000).await.ends_with("data: [DONE]\n\n"));
    let whole = heard(&upstream, &ask(false), 10_000).await;
    assert!(whole.contains("one two"), "{whole}");
    assert!(heard(&upstream, &ask(false), 99).await.is_empty());
    assert_eq!((upstream.requests().len(), upstream.connections()), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_stall_and_an_answer_may_come_byte_by_byte() {
    let upstream = Upstream::in_memory(|_: &_| Reply::stalled_after(["one ", "two "]));
    let stalled = heard(&upstream, &ask(true), 3_600_000).await;
    assert!(stalled.contains("two ") && !stalled.contains("finish_reason\":\"stop"), "{stalled}");
    upstream.wait_for_disconnects(1).await;

    let ms = std::time::Duration::from_millis(10);
    let upstream = Upstream::in_memory(move |_: &_| Reply::text("one").byte_by_byte(ms));
    for streamed in [false, true] {
        assert_eq!(heard(&upstream, &ask(streamed), 105).await.len(), 10);
    }
}

#[tokio::test]
async fn a_provider_on_a_socket_is_not_reached_in_memory_and_one_in_memory_ends_with_its_handle() {
    let upstream = Upstream::start(|_: &_| Reply::echo()).await.unwrap();
    assert!(upstream.connect().is_err());
    let upstream = Upstream::in_memory(|_: &_| Reply::echo());
    let mut line = upstream.connect().unwrap();
    drop(upstream);
    let mut rest = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut line, &mut rest).await.unwrap();
    assert!(rest.is_empty());
}
