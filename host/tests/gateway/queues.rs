//! Over a limit: who waits, who goes to a cheaper target, and who is left alone for what it said of itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::quotas::{stage, told};
use crate::support::{KEY, Stage, ask, soon, with, with_provider};
use http::Method;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::time::Duration;

async fn waiting(stage: &Stage, count: f64) {
    let until = async {
        while stage.gateway.metrics().await.sum("lockgate_requests_waiting", &[]) != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon("the queue", until).await;
}

fn queue(config: &mut Value, queue: Value) {
    config["rate_limits"]["few"] =
        json!({ "by": ["tenant"], "concurrent": 1, "over": "queue", "queue": queue });
}

#[tokio::test]
async fn a_request_waits_for_its_turn_and_a_queue_is_bounded() {
    let stage = stage(|config| queue(config, json!({ "size": 1, "wait_ms": 60_000 }))).await;
    let client = stage.gateway.client();
    let hanging = tokio::spawn(async move { client.chat(&ask("hang")).await.map(drop) });
    soon("the request", stage.upstream.wait_for_requests(1)).await;
    let client = stage.gateway.client();
    let waits = tokio::spawn(async move { client.chat(&ask("second")).await.unwrap() });
    waiting(&stage, 1.0).await;
    let refused = stage.chat(&ask("third")).await;
    assert_eq!(told(&refused), (429, "rate_limit_exceeded".into()));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(stage.upstream.requests().len(), 1, "who waits is not asked for");
    hanging.abort();
    assert_eq!(soon("its turn", waits).await.unwrap().text(), "second");
    waiting(&stage, 0.0).await;
}

#[tokio::test]
async fn who_waits_too_long_is_refused_and_who_goes_away_waits_no_more() {
    let stage = stage(|config| queue(config, json!({ "size": 5, "wait_ms": 200 }))).await;
    let client = stage.gateway.client();
    let hanging = tokio::spawn(async move { client.chat(&ask("hang")).await.map(drop) });
    soon("the request", stage.upstream.wait_for_requests(1)).await;
    assert_eq!(told(&stage.chat(&ask("late")).await), (429, "rate_limit_exceeded".into()));
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    let mut patient = config;
    queue(&mut patient, json!({ "size": 5, "wait_ms": 60_000 }));
    assert_eq!(stage.gateway.reload(&patient).await.status, 200);
    let client = stage.gateway.client();
    let gone = tokio::spawn(async move { client.chat(&ask("gone")).await.map(drop) });
    waiting(&stage, 1.0).await;
    gone.abort();
    waiting(&stage, 0.0).await;
    // What holds the only place was let in by the configuration before.
    let client = stage.gateway.client();
    let waits = tokio::spawn(async move { client.chat(&ask("next")).await.unwrap() });
    waiting(&stage, 1.0).await;
    hanging.abort();
    assert_eq!(soon("its turn", waits).await.unwrap().text(), "next");
    assert_eq!(stage.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_window_that_gives_again_lets_the_next_through() {
    let stage = stage(|config| {
        config["rate_limits"]["slow"] =
            json!({ "requests": 1, "per": "second", "over": "queue", "queue": { "wait_ms": 30_000 } });
    })
    .await;
    let began = std::time::Instant::now();
    for text in ["one", "two", "three"] {
        assert_eq!(stage.chat(&ask(text)).await.text(), text);
    }
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
}

/// A route of a dear target and a cheap one behind it.
fn two_prices(config: &mut Value) {
    config["prices"]["overrides"]["openai/small"] =
        json!({ "input_cost_per_token": 0.000_001, "output_cost_per_token": 0.000_001 });
    config["routes"]["smart"] = json!({ "targets": ["openai/gpt-test", "openai/small"], "attempts": 1 });
    config["tenants"]["acme"]["routes"] = json!(["smart"]);
}

#[tokio::test]
async fn over_a_limit_requests_go_to_a_cheaper_target() {
    let stage = stage(|config| {
        two_prices(config);
        config["rate_limits"]["best"] = json!({ "requests": 1, "per": "day", "over": "downgrade" });
    })
    .await;
    let smart = with(ask("hello"), "model", json!("smart"));
    let models = async || {
        let answer = stage.chat(&smart).await;
        (answer.header("x-lockgate-model").to_owned(), answer.header("x-lockgate-flags").to_owned())
    };
    assert_eq!(models().await, ("gpt-test".into(), String::new()));
    for _ in 0..3 {
        assert_eq!(models().await, ("small".into(), "limit=downgraded".into()));
    }
}

#[tokio::test]
async fn a_budget_that_is_nearly_spent_goes_further_with_a_cheaper_target() {
    let stage = stage(|config| {
        two_prices(config);
        config["budgets"]["all"] =
            json!({ "usd": 0.05, "per": "month", "over": "downgrade", "to": ["openai/small"] });
    })
    .await;
    let smart = |tokens: u64| with(with(ask("hello"), "model", json!("smart")), "max_tokens", json!(tokens));
    assert_eq!(stage.chat(&smart(40)).await.header("x-lockgate-model"), "gpt-test");
    assert_eq!(stage.chat(&smart(60)).await.header("x-lockgate-model"), "small");
    // What is cheap must fit as well: it is a budget.
    let absurd = stage.chat(&smart(10_000_000)).await;
    assert_eq!(told(&absurd), (429, "budget_exceeded".into()));
}

#[tokio::test]
async fn a_provider_that_has_nothing_left_is_left_alone_until_it_has() {
    let other = Upstream::start(|_: &Recorded| Reply::text("the other")).await.unwrap();
    let handler = |_: &Recorded| {
        Reply::text("the first")
            .with_header("x-ratelimit-remaining-requests", "0")
            .with_header("x-ratelimit-reset-requests", "1m0s")
    };
    let stage = Stage::configured(handler, json!([]), |mut config| {
        config = with_provider(config, "spare", &other);
        config["routes"]["smart"] = json!({ "targets": ["openai/gpt-test", "spare/gpt-test"] });
        config["tenants"]["acme"]["routes"] = json!(["smart"]);
        config
    })
    .await;
    let smart = with(ask("hello"), "model", json!("smart"));
    let mut texts = Vec::new();
    for _ in 0..3 {
        texts.push(stage.chat(&smart).await.text());
    }
    assert_eq!(texts, ["the first", "the other", "the other"]);
}

#[tokio::test]
async fn a_request_is_no_more_urgent_than_its_key() {
    let stage = stage(|_| {}).await;
    let client = stage.gateway.anybody().with_key(KEY);
    let urgent = async |priority: &str| {
        let request =
            client.request(Method::POST, "/v1/chat/completions").header("x-lockgate-priority", priority);
        told(&client.open(request, ask("hello").to_string()).await.unwrap().rest().await.unwrap())
    };
    assert_eq!(urgent("low").await.0, 200);
    assert_eq!(urgent("high").await, (403, "not_delegated".into()));
    assert_eq!(urgent("now").await, (400, "invalid_priority".into()));
}
