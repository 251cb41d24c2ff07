//! Budgets: their levels, who is told of them, and streams that are ended by them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::quotas::{stage, told};
use crate::support::{KEY, Stage, ask, ask_streamed, hash, soon, with};
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};

const SECRET: &str = "a secret of the webhook";

#[tokio::test]
async fn each_level_holds_whoever_is_below_it() {
    let stage = stage(|config| {
        config["tenants"]["acme"]["organisation"] = json!("umbrella");
        config["tenants"]["beta"] = json!({
            "keys": [{ "name": "web", "hash": hash("beta"), "tags": { "feature": "chat" } }],
            "routes": ["*"], "organisation": "umbrella",
        });
        config["tenants"]["other"] = json!({ "keys": [{ "name": "web", "hash": hash("other") }], "routes": ["*"] });
        config["budgets"]["organisation"] = json!({ "by": ["organisation"], "usd": 0.1, "per": "month" });
        config["budgets"]["feature"] =
            json!({ "by": ["tenant", "feature"], "only": { "feature": "chat" }, "usd": 0.02, "per": "month" });
    })
    .await;
    let spend = async |key: &str, tokens: u64| {
        let body = with(ask("hello"), "max_tokens", json!(tokens));
        told(&stage.gateway.anybody().with_key(key).chat(&body).await.unwrap())
    };
    assert_eq!(spend("beta", 30).await, (429, "budget_exceeded".into()), "the feature's");
    assert_eq!(spend("beta", 10).await.0, 200);
    assert_eq!(spend(KEY, 120).await, (429, "budget_exceeded".into()), "the organisation's");
    while spend(KEY, 50).await.0 == 200 {}
    assert_eq!(spend("beta", 10).await.0, 200, "what is left is for all");
    assert_eq!(spend("other", 120).await.0, 200, "who is of none is not of this one");
}

/// Who is told, and of what: their names and the signed bodies.
async fn hooks() -> Upstream {
    Upstream::start(|_: &Recorded| Reply::status(200, json!({}))).await.unwrap()
}

#[tokio::test]
async fn a_budget_tells_of_itself_once_and_again_after_neither_reload_nor_kill() {
    let hook = hooks().await;
    let folder = tempfile::tempdir().unwrap();
    let mut stage = stage(|config| {
        config["counters"]["file"] = json!(folder.path().join("counters.db"));
        config["webhooks"]["ops"] = json!({ "url": format!("{}/hook", hook.base_url()), "secret": SECRET });
        config["budgets"]["team"] = json!({
            "by": ["tenant", "team"], "usd": 1.0, "per": "month", "soft": true, "warn_at": [0.5, 0.8],
        });
    })
    .await;
    let body = with(ask(&"word ".repeat(100)), "max_tokens", json!(150));
    let flags = async |stage: &Stage| stage.chat(&body).await.header("x-lockgate-flags").to_owned();
    // Two hundred tokens of a thousand each time.
    assert_eq!([flags(&stage).await, flags(&stage).await], ["", ""]);
    assert_eq!(flags(&stage).await, "");
    soon("the webhook", hook.wait_for_requests(1)).await;
    assert_eq!(flags(&stage).await, "budget.team=50%");
    soon("the webhook", hook.wait_for_requests(2)).await;
    let told_of: Vec<Value> = hook.requests().iter().map(Recorded::json).collect();
    let parts: Vec<_> = told_of.iter().map(|event| (&event["event"], &event["part"])).collect();
    assert_eq!(parts, [(&json!("budget.threshold"), &json!(0.5)), (&json!("budget.threshold"), &json!(0.8))]);
    assert_eq!(told_of[0]["of"], json!({ "tenant": "acme", "team": "search" }));
    assert_eq!((&told_of[0]["budget"], &told_of[0]["limit_usd"]), (&json!("team"), &json!("1.000000")));
    let first = &hook.requests()[0];
    let time = first.header("x-lockgate-timestamp").unwrap().parse().unwrap();
    let signed = lockgate::webhook::sign(&lockgate::secret::Secret::new(SECRET), time, &first.body);
    assert_eq!(first.header("x-lockgate-signature"), Some(signed.as_str()));
    let metrics = stage.gateway.metrics().await;
    assert_eq!(metrics.sum("lockgate_budget_notices_total", &["budget=\"team\"", "part=\"0.5\""]), 1.0);
    // It is soft: more than all of it may be spent, and 1.0 is none of its parts.
    assert_eq!(flags(&stage).await, "budget.team=80%");
    assert_eq!(flags(&stage).await, "budget.team=80%");
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    assert_eq!(stage.gateway.reload(&config).await.status, 200);
    assert_eq!(flags(&stage).await, "budget.team=80%");
    stage.gateway.signal("KILL").await;
    stage.gateway.exit().await;
    stage.gateway = crate::support::Gateway::start(&config).await;
    assert_eq!(flags(&stage).await, "budget.team=80%");
    // Something else that is told: had it been told again, it would stand before this.
    let mut hard = config;
    hard["budgets"]["team"]["soft"] = json!(false);
    assert_eq!(stage.gateway.reload(&hard).await.status, 200);
    assert_eq!(told(&stage.chat(&body).await), (429, "budget_exceeded".into()));
    soon("the webhook", hook.wait_for_requests(3)).await;
    assert_eq!(hook.requests()[2].json()["event"], "budget.refused");
    assert!(!stage.gateway.log.text().contains(SECRET));
}

#[tokio::test]
async fn a_stream_that_uses_more_than_there_is_is_ended() {
    let long = "word ".repeat(4_000);
    let answer = long.clone();
    let stage = Stage::configured(
        move |_: &Recorded| Reply::text(&answer),
        json!([]),
        |mut config| {
            config["prices"]["overrides"]["openai/gpt-test"] =
                json!({ "input_cost_per_token": 0.001, "output_cost_per_token": 0.001 });
            config["tenants"]["acme"]["budget"] = json!({ "usd": 1.1, "per": "month", "cut_off": true });
            config
        },
    )
    .await;
    // 1,024 tokens are reserved for an answer of unknown length, and some seventy are left beside them.
    let cut = stage.chat(&ask_streamed("hello")).await;
    let text = cut.text();
    assert!(long.starts_with(&text) && (3_500..6_500).contains(&text.len()), "{}", text.len());
    assert!(cut.is_done());
    let finished = cut.events().iter().any(|event| event["choices"][0]["finish_reason"] == "length");
    assert!(
        finished && cut.body.contains("cut-off=budget.tenant.acme"),
        "{}",
        &cut.body[cut.body.len() - 600..]
    );
    stage.gateway.log.wait_for("the budget is used up").await;
    assert_eq!(told(&stage.chat(&with(ask("hello"), "max_tokens", json!(50))).await).0, 429);
}
