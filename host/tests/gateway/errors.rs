//! What clients send wrong is answered clearly, in their format, with the right status; what the gateway does
//! not know travels on untouched.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{CREDENTIAL, Gateway, Stage, ask, config, soon, with};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn told(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.body);
    assert!(!answer.header("x-request-id").is_empty());
    assert!(!answer.error("message").is_empty(), "{}", answer.body);
    (answer.status.as_u16(), answer.error("type"), answer.error("code"))
}

fn expected(status: u16, kind: &str, code: &str) -> (u16, String, String) {
    (status, kind.to_owned(), code.to_owned())
}

async fn plain() -> Stage {
    Stage::start(|_: &Recorded| Reply::echo(), json!([])).await
}

#[tokio::test]
async fn malformed_bodies_are_named() {
    let stage = plain().await;
    let cases: [(&[u8], &str); 8] = [
        (b"", "invalid_json"),
        (b"{\"model\":", "invalid_json"),
        (b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}", "invalid_json"),
        (b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\ud800\"}]}", "invalid_json"),
        (b"[1]", "invalid_type"),
        (b"{\"messages\":[]}", "missing_required_parameter"),
        (b"{\"model\":\"m\"}", "missing_required_parameter"),
        (b"{\"model\":\"m\",\"messages\":\"hi\"}", "invalid_type"),
    ];
    for (body, code) in cases {
        let answer =
            soon("an answer", stage.gateway.client().post("/v1/chat/completions", body.to_vec())).await;
        assert_eq!(told(&answer.unwrap()), expected(400, "invalid_request_error", code));
    }
    let deep = format!("{{\"model\":\"m\",\"messages\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let answer = stage.gateway.client().post("/v1/chat/completions", deep).await.unwrap();
    assert_eq!(told(&answer), expected(400, "invalid_request_error", "invalid_json"));
    assert!(stage.upstream.requests().is_empty());
    assert_eq!(stage.chat(&ask("still there?")).await.text(), "still there?");
}

#[tokio::test]
async fn paths_methods_models_and_keys_are_checked() {
    let stage = Stage::configured(
        |_: &Recorded| Reply::echo(),
        json!([]),
        |mut config| {
            config["routes"] = json!({ "known": { "targets": ["openai/gpt"] } });
            config["tenants"]["acme"]["routes"] = json!(["known"]);
            config
        },
    )
    .await;
    let client = stage.gateway.client();
    let answer = client.post("/v1/nothing", "{}").await.unwrap();
    assert_eq!(told(&answer), expected(404, "not_found_error", "unknown_url"));
    let answer = client.get("/v1/chat/completions").await.unwrap();
    assert_eq!(told(&answer), expected(405, "invalid_request_error", "method_not_allowed"));
    let answer = client.chat(&ask("hi")).await.unwrap();
    assert_eq!(told(&answer), expected(404, "not_found_error", "model_not_found"));
    for client in [stage.gateway.anybody(), stage.gateway.anybody().with_key("wrong")] {
        let answer = client.chat(&with(ask("hi"), "model", json!("known"))).await.unwrap();
        assert_eq!(told(&answer), expected(401, "authentication_error", "invalid_api_key"));
        // A wrong key learns nothing of models either.
        let answer = client.chat(&ask("hi")).await.unwrap();
        assert_eq!(told(&answer), expected(401, "authentication_error", "invalid_api_key"));
    }
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test]
async fn keys_come_in_any_of_the_usual_headers() {
    let stage = plain().await;
    for name in ["x-api-key", "x-goog-api-key", "api-key"] {
        let client = stage.gateway.anybody();
        let request = client.request(Method::POST, "/v1/chat/completions").header(name, crate::support::KEY);
        let answer = client.open(request, ask("hi").to_string()).await.unwrap();
        assert_eq!(answer.status, 200, "{name}");
    }
    for seen in stage.upstream.requests() {
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {CREDENTIAL}").as_str()));
        assert!(!format!("{:?}", seen.headers).contains(crate::support::KEY));
    }
}

#[tokio::test]
async fn oversized_bodies_and_headers_are_refused() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let mut config = config(&upstream, json!([]));
    config["limits"] = json!({ "max_body_bytes": 2_000, "max_header_bytes": 8_192 });
    let gateway = Gateway::start(&config).await;
    let answer = gateway.client().chat(&ask(&"long ".repeat(1_000))).await.unwrap();
    assert_eq!(told(&answer), expected(413, "invalid_request_error", "request_too_large"));
    let client = gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions").header("x-long", "x".repeat(20_000));
    let answer = client.open(request, ask("hi").to_string()).await.unwrap();
    assert_eq!(answer.status, 431);
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn what_is_not_http_is_answered_with_400_and_hurts_nobody() {
    let stage = plain().await;
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"GET\r\n\r\n", b"POST /v1 HTTP/9.9\r\n\r\n"]
    {
        let mut socket = TcpStream::connect(stage.gateway.address).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut said = Vec::new();
        // Whether it is told why or merely shut out, it is not left hanging.
        let _ = soon("the end of the connection", socket.read_to_end(&mut said)).await;
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&said));
    }
    assert_eq!(stage.chat(&ask("still there?")).await.text(), "still there?");
}

#[tokio::test]
async fn smuggled_lengths_are_refused() {
    let stage = plain().await;
    let body = ask("hi").to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\
         transfer-encoding: chunked\r\n\r\n{body}",
        crate::support::KEY,
        body.len(),
    );
    let mut socket = TcpStream::connect(stage.gateway.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut said = Vec::new();
    let _ = soon("the end of the connection", socket.read_to_end(&mut said)).await;
    assert!(!said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test]
async fn unknown_fields_travel_both_ways() {
    let reply = |_: &Recorded| {
        let body = json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "m", "novelty": { "a": [1, null] },
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "hi", "x_extra": "kept" } }],
            "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "queue_time": 0.1 },
        });
        Reply::status(200, body)
    };
    let stage = Stage::start(reply, json!([])).await;
    let body = with(ask("hi"), "some_new_parameter", json!({ "deeply": [1.50, "ü", { "x": null }] }));
    let answer = stage.chat(&body).await;
    assert_eq!(answer.json()["novelty"], json!({ "a": [1, null] }));
    assert_eq!(answer.json()["choices"][0]["message"]["x_extra"], "kept");
    assert_eq!(answer.json()["usage"]["queue_time"], 0.1);
    let seen = stage.upstream.last_request().unwrap();
    assert_eq!(seen.json()["some_new_parameter"], body["some_new_parameter"]);
    assert!(seen.text().contains("1.50") || seen.text().contains("1.5"), "{}", seen.text());
}

#[tokio::test]
async fn unknown_fields_travel_past_guards_on_their_way_in() {
    let chain = json!([crate::support::binding("builtin:pii-mask", json!({}))]);
    let stage = Stage::start(|_: &Recorded| Reply::echo(), chain).await;
    let body = with(ask("I am ada@example.org"), "some_new_parameter", json!([1, { "x": null }]));
    assert_eq!(stage.chat(&body).await.text(), "I am ada@example.org");
    assert_eq!(
        stage.upstream.last_request().unwrap().json()["some_new_parameter"],
        json!([1, { "x": null }])
    );
}
