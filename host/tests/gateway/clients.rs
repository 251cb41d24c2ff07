//! Embeddings, lists of models, the standard configuration, and what answers tell about themselves.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, Stage, ask, ask_streamed, binding, soon, with};
use http::Method;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};

#[tokio::test]
async fn embeddings_pass_the_guards_and_come_back_as_they_are() {
    let stage =
        Stage::start(|_: &Recorded| Reply::embeddings(8), json!([binding("builtin:pii-mask", json!({}))]))
            .await;
    let client = stage.gateway.client();
    for (input, count) in [(json!("I am ada@example.org"), 1), (json!(["one", "I am ada@example.org"]), 2)] {
        let body = json!({ "model": "embed", "input": input, "encoding_format": "float", "dimensions": 8 });
        let answer = soon("an answer", client.post("/v1/embeddings", body.to_string())).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let data = answer.json()["data"].as_array().unwrap().clone();
        assert_eq!(data.len(), count);
        assert_eq!(data[0]["embedding"].as_array().unwrap().len(), 8);
        let seen = stage.upstream.last_request().unwrap();
        assert_eq!(seen.path, "/v1/embeddings");
        assert!(seen.text().contains("<EMAIL_1>") && !seen.text().contains("ada@"), "{}", seen.text());
        assert_eq!(seen.json()["dimensions"], 8);
        assert!(answer.header("x-lockgate-tokens-in").parse::<u64>().unwrap() > 0);
    }
    let tokens = json!({ "model": "embed", "input": [[1, 2, 3]] });
    let answer = client.post("/v1/embeddings", tokens.to_string()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.error("code").as_str()), (400, "unsupported_modality"));
    let nothing = client.post("/v1/embeddings", json!({ "model": "embed" }).to_string()).await.unwrap();
    assert_eq!(nothing.error("code"), "missing_required_parameter");
}

#[tokio::test]
async fn models_are_the_routes_that_a_key_may_use() {
    let stage = Stage::configured(
        |_: &Recorded| Reply::echo(),
        json!([]),
        |mut config| {
            config["routes"]["smart"] = json!({ "targets": ["openai/gpt"] });
            config["tenants"]["acme"]["routes"] = json!(["smart", "*"]);
            config
        },
    )
    .await;
    let client = stage.gateway.client();
    let list = client.get("/v1/models").await.unwrap().json();
    assert_eq!(list["object"], "list");
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["object"]), (&json!("smart"), &json!("model")));
    assert_eq!(list["data"][0]["owned_by"], "openai");
    assert!(list["data"][0]["created"].is_u64());
    assert_eq!(client.get("/v1/models/smart").await.unwrap().json()["id"], "smart");
    assert_eq!(stage.gateway.anybody().get("/v1/models").await.unwrap().status, 401);
}

#[tokio::test]
async fn an_answer_tells_what_became_of_it() {
    let stage = Stage::configured(|_: &Recorded| Reply::text("three words here"), json!([]), |mut config| {
        config["prices"] = json!({ "overrides": { "openai/priced": {
            "litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 0.001, "output_cost_per_token": 0.01 } } });
        config["routes"]["*"]["targets"] = json!(["openai/priced"]);
        config
    })
    .await;
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions").header("x-request-id", "my-own-id");
    let whole = client.open(request, ask("one two").to_string()).await.unwrap().rest().await.unwrap();
    for (name, value) in [
        ("x-request-id", "my-own-id"),
        ("x-lockgate-route", "*"),
        ("x-lockgate-provider", "openai"),
        ("x-lockgate-model", "priced"),
        ("x-lockgate-attempts", "1"),
        ("x-lockgate-cache", "none"),
        ("x-lockgate-tokens-in", "2"),
        ("x-lockgate-tokens-out", "3"),
        ("x-lockgate-cost-usd", "0.032000"),
    ] {
        assert_eq!(whole.header(name), value, "{name}");
    }
    assert!(whole.header("x-lockgate-overhead-ms").parse::<f64>().unwrap() > 0.0);
    let streamed = stage.chat(&ask_streamed("one two")).await;
    assert_eq!(streamed.header("x-lockgate-provider"), "openai");
    assert!(streamed.header("x-request-id").starts_with("req_"));
    assert!(streamed.body.contains(": lockgate tokens-in=2 tokens-out=3 attempts=1"), "{}", streamed.body);
    assert!(streamed.body.contains("cost-usd=0.032"), "{}", streamed.body);
    let unsafe_id = client.request(Method::POST, "/v1/chat/completions").header("x-request-id", "a b");
    let answer = client.open(unsafe_id, ask("hi").to_string()).await.unwrap();
    assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
}

#[tokio::test]
async fn without_a_configuration_the_environment_is_served_with_the_standard_chain() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    // What compiled plugins are kept in is shared with the other tests.
    let cache = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("standard");
    let base_url = upstream.base_url();
    let gateway = Gateway::standard(&[
        ("OPENAI_API_KEY", "sk-from-the-environment"),
        ("OPENAI_BASE_URL", &base_url),
        ("LOCKGATE_LISTEN", "127.0.0.1:0"),
        ("LOCKGATE_ADMIN_LISTEN", "127.0.0.1:0"),
        ("LOCKGATE_LOG_FORMAT", "json"),
        ("HOME", home.path().to_str().unwrap()),
        ("XDG_CACHE_HOME", cache.to_str().unwrap()),
    ])
    .await;
    for model in ["gpt-4o-mini", "openai/gpt-4o-mini"] {
        let body = with(ask("I am ada@example.org"), "model", json!(model));
        let answer = soon("an answer", gateway.anybody().chat(&body)).await.unwrap();
        assert_eq!(answer.text(), "I am ada@example.org", "{}", answer.body);
        let seen = upstream.last_request().unwrap();
        assert_eq!(seen.header("authorization"), Some("Bearer sk-from-the-environment"));
        assert_eq!(
            (seen.json()["model"].clone(), seen.last_user_text()),
            (json!("gpt-4o-mini"), "I am <EMAIL_1>".to_owned())
        );
    }
    assert!(!gateway.log.text().contains("sk-from-the-environment"));
    let other: Value = gateway.anybody().get("/v1/models").await.unwrap().json();
    assert_eq!(other["object"], "list");
}
