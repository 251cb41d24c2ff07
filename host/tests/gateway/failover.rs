//! What a provider does wrong: another one answers, or the client is told clearly; never a hang, and never
//! half an answer marked complete.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{CREDENTIAL, Stage, ask, ask_streamed, with_provider};
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};

/// A gateway whose first provider misbehaves and whose second one answers.
async fn two(first: Reply) -> (Upstream, Stage) {
    let bad = Upstream::start(move |_: &Recorded| first.clone()).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("from the second"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "first", &bad);
            config["providers"]["first"]["timeouts"] = json!({ "first_byte_ms": 300, "idle_ms": 300 });
            config["routes"]["*"]["targets"] = json!(["first/a", "openai/b"]);
            config
        },
    )
    .await;
    (bad, stage)
}

/// A gateway whose only provider misbehaves.
async fn one(reply: Reply) -> Stage {
    Stage::configured(
        move |_: &Recorded| reply.clone(),
        json!([]),
        |mut config| {
            config["providers"]["openai"]["timeouts"] = json!({ "first_byte_ms": 300, "idle_ms": 300 });
            config
        },
    )
    .await
}

fn faults() -> Vec<(&'static str, Reply)> {
    let html = "<html>Bad gateway</html>";
    let error_event = "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n";
    vec![
        ("status 500", Reply::error(500, "oops")),
        ("status 429", Reply::error(429, "slow down")),
        ("status 401", Reply::error(401, "bad key")),
        ("a page of a proxy", Reply::raw(502, "text/html", html)),
        ("a reset", Reply::reset()),
        ("silence", Reply::hang()),
        ("garbage with status 200", Reply::raw(200, "application/json", html)),
        ("half a document", Reply::raw(200, "application/json", "{\"choices\":[{\"mess")),
        ("a document that is no answer", Reply::raw(200, "application/json", "{\"hello\":1}")),
        ("a stream that ends at once", Reply::raw(200, "text/event-stream", "")),
        ("a stream of garbage", Reply::raw(200, "text/event-stream", "data: <html>\n\n")),
        ("a stream that begins with an error", Reply::raw(200, "text/event-stream", error_event)),
    ]
}

#[tokio::test]
async fn every_fault_before_the_first_byte_goes_to_the_next_provider() {
    for (fault, reply) in faults() {
        for body in [ask("hi"), ask_streamed("hi")] {
            let (bad, stage) = two(reply.clone()).await;
            let answer = stage.chat(&body).await;
            let told = (
                answer.status.as_u16(),
                answer.header("x-lockgate-provider"),
                answer.header("x-lockgate-attempts"),
            );
            assert_eq!(told, (200, "openai", "2"), "{fault}: {}", answer.body);
            assert_eq!(answer.text(), "from the second", "{fault}");
            assert_eq!(answer.is_done(), body["stream"] == true, "{fault}: {}", answer.body);
            assert_eq!(bad.requests().len(), 1, "{fault}");
            assert_eq!(stage.upstream.last_request().unwrap().json()["model"], "b");
        }
    }
}

#[tokio::test]
async fn with_no_other_provider_the_client_is_told_clearly() {
    for (fault, reply) in faults() {
        let stage = one(reply).await;
        for body in [ask("hi"), ask_streamed("hi")] {
            let answer = stage.chat(&body).await;
            let status = answer.status.as_u16();
            assert!([429, 500, 502, 504].contains(&status), "{fault}: {status} {}", answer.body);
            assert!(!answer.error("message").is_empty(), "{fault}: {}", answer.body);
            assert!(!answer.error("code").is_empty(), "{fault}: {}", answer.body);
            assert!(
                !answer.body.contains(CREDENTIAL) && !answer.body.contains("127.0.0.1"),
                "{}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_skipped() {
    let gone = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("here"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "gone", &gone);
            config["routes"]["*"]["targets"] = json!(["gone/a", "openai/b"]);
            config
        },
    )
    .await;
    drop(gone);
    assert_eq!(stage.chat(&ask("hi")).await.text(), "here");
    let metrics = stage.gateway.metrics().await;
    assert!(metrics.sum("lockgate_upstream_errors_total", &["provider=\"gone\""]) >= 1.0, "{}", metrics.0);
}

#[tokio::test]
async fn what_is_the_clients_fault_is_not_tried_elsewhere() {
    let refusal = json!({ "error": { "message": "max_tokens is too large", "type": "invalid_request_error", "param": "max_tokens", "code": "invalid_value" } });
    let (bad, stage) = two(Reply::status(400, refusal)).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!((answer.status.as_u16(), answer.error("code").as_str()), (400, "invalid_value"));
    assert_eq!(answer.error("message"), "max_tokens is too large");
    assert_eq!((bad.requests().len(), stage.upstream.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_provider_says_when_to_come_back() {
    let stage = one(Reply::error(429, "slow down").with_header("retry-after", "7")).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!(answer.status, 429);
    assert_eq!((answer.header("retry-after"), answer.header("retry-after-ms")), ("7", "7000"));
    assert_eq!(answer.error("type"), "rate_limit_error");
}

#[tokio::test]
async fn attempts_are_bounded_by_the_route() {
    let bad = Upstream::start(|_: &Recorded| Reply::error(500, "oops")).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("never"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "bad", &bad);
            config["routes"]["*"] = json!({ "targets": ["bad/a", "bad/b", "openai/c"], "attempts": 2 });
            config
        },
    )
    .await;
    assert_eq!(stage.chat(&ask("hi")).await.status, 500);
    assert_eq!((bad.requests().len(), stage.upstream.requests().len()), (2, 0));
}

#[tokio::test]
async fn a_router_orders_the_targets() {
    let cheap = Upstream::start(|_: &Recorded| Reply::text("cheap")).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("dear"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "cheap", &cheap);
            let router: Value = crate::support::binding(
                "builtin:router",
                json!({ "strategy": "priority", "order": ["cheap"] }),
            );
            config["routes"]["*"] = json!({ "targets": ["openai/a", "cheap/b"], "router": router });
            config
        },
    )
    .await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-provider")), ("cheap", "cheap"));
    assert!(stage.upstream.requests().is_empty());
}
