//! Limits and budgets: who may take how much, what it is told, and what a reload does not forget.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, KEY, Stage, ask, ask_streamed, hash, soon, with, with_provider};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};

/// Keys of `acme`: `web` of the team `search`, `batch` which speaks for others.
pub async fn stage(change: impl FnOnce(&mut Value)) -> Stage {
    Stage::configured(
        |request: &Recorded| if request.last_user_text() == "hang" { Reply::hang() } else { Reply::echo() },
        json!([]),
        |mut config| {
            config["tenants"]["acme"]["keys"] = json!([
                { "name": "web", "hash": hash(KEY), "team": "search" },
                { "name": "batch", "hash": hash("batch"), "delegates": true },
            ]);
            // A dollar for a thousand tokens.
            config["prices"]["overrides"]["openai/gpt-test"] =
                json!({ "input_cost_per_token": 0.001, "output_cost_per_token": 0.001 });
            change(&mut config);
            config
        },
    )
    .await
}

pub fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.error("code"))
}

#[tokio::test]
async fn each_key_has_its_requests_and_is_told_what_is_left() {
    let stage = stage(|config| {
        config["rate_limits"]["fair"] = json!({ "by": ["tenant", "key"], "requests": 2, "per": "day" });
    })
    .await;
    for left in ["1", "0"] {
        let answer = stage.chat(&ask_streamed("hello")).await;
        assert_eq!(answer.text(), "hello");
        assert_eq!(answer.header("x-ratelimit-limit-requests"), "2");
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), left);
        assert!(answer.header("x-ratelimit-reset-requests").ends_with('s'));
    }
    let refused = stage.chat(&ask("hello")).await;
    assert_eq!(told(&refused), (429, "rate_limit_exceeded".into()));
    assert!(refused.error("message").contains("'fair requests'"), "{}", refused.error("message"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3_600);
    let other = stage.gateway.anybody().with_key("batch").chat(&ask("hello")).await.unwrap();
    assert_eq!(other.text(), "hello");
    assert_eq!(stage.upstream.requests().len(), 3, "what is refused is not asked");
}

#[tokio::test]
async fn tokens_are_counted_as_they_were_used() {
    let stage = stage(|config| {
        config["rate_limits"]["words"] =
            json!({ "only": { "team": "search" }, "tokens": { "limit": 1, "burst": 3000 }, "per": "day" });
    })
    .await;
    // 1,024 are reserved for an answer of unknown length, and given back but for the few that it had.
    for _ in 0..5 {
        let answer = stage.chat(&ask("hello")).await;
        assert_eq!(answer.status, 200);
        let left: u64 = answer.header("x-ratelimit-remaining-tokens").parse().unwrap();
        assert!((1_700..2_000).contains(&left), "{left}");
    }
    let large = with(ask("hello"), "max_tokens", json!(2_990));
    assert_eq!(told(&stage.chat(&large).await), (429, "rate_limit_exceeded".into()));
    let absurd = stage.chat(&with(ask("hello"), "max_tokens", json!(4_000))).await;
    assert_eq!(told(&absurd), (429, "request_exceeds_limit".into()));
    assert_eq!((absurd.header("retry-after"), absurd.header("x-should-retry")), ("", "false"));
    let other = stage.gateway.anybody().with_key("batch").chat(&large).await.unwrap();
    assert_eq!((other.status.as_u16(), other.header("x-ratelimit-remaining-tokens")), (200, ""));
}

#[tokio::test]
async fn a_budget_is_spent_once_and_outlives_a_reload() {
    let stage = stage(|config| {
        config["tenants"]["acme"]["budget"] = json!({ "usd": 0.1, "per": "month" });
    })
    .await;
    let small = with(ask("hello"), "max_tokens", json!(60));
    let first = stage.chat(&small).await;
    let cost: f64 = first.header("x-lockgate-cost-usd").parse().unwrap();
    assert!(cost > 0.0 && cost < 0.06, "{cost}");
    let mut spent = cost;
    let refused = loop {
        let answer = stage.chat(&small).await;
        if answer.status != 200 {
            break answer;
        }
        spent += cost;
        assert!(spent <= 0.1, "{spent}");
    };
    assert_eq!(told(&refused), (429, "budget_exceeded".into()));
    // What each may cost is reserved: 60 tokens of an answer, and one or two of the question.
    assert!(spent + 0.063 > 0.1, "{spent}");
    let asked = stage.upstream.requests().len();
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    assert_eq!(stage.gateway.reload(&config).await.status, 200);
    assert_eq!(told(&stage.chat(&small).await), (429, "budget_exceeded".into()));
    assert_eq!(stage.upstream.requests().len(), asked);
    // An operator raises it: what was spent counts.
    let mut raised = config;
    raised["tenants"]["acme"]["budget"]["usd"] = json!(spent + 0.063);
    assert_eq!(stage.gateway.reload(&raised).await.status, 200);
    assert_eq!(stage.chat(&small).await.status, 200);
    assert_eq!(told(&stage.chat(&small).await).0, 429);
}

#[tokio::test]
async fn exchanges_at_the_same_time_end_with_their_clients() {
    let stage = stage(|config| {
        config["rate_limits"]["few"] = json!({ "by": ["key"], "concurrent": 1 });
    })
    .await;
    let client = stage.gateway.client();
    let hanging = tokio::spawn(async move { client.chat(&ask("hang")).await.map(|answer| answer.status) });
    soon("the request", stage.upstream.wait_for_requests(1)).await;
    let refused = stage.chat(&ask("hello")).await;
    assert_eq!(told(&refused), (429, "rate_limit_exceeded".into()));
    assert_eq!((refused.header("retry-after"), refused.header("x-should-retry")), ("1", ""));
    hanging.abort();
    stage.gateway.log.wait_for("\"outcome\":\"abandoned\"").await;
    assert_eq!(stage.chat(&ask("hello")).await.text(), "hello");
}

#[tokio::test]
async fn a_provider_that_may_not_be_asked_more_leaves_it_to_the_next() {
    let other = Upstream::start(|_: &Recorded| Reply::text("the other")).await.unwrap();
    let stage = stage(|config| {
        *config = with_provider(config.clone(), "spare", &other);
        config["routes"]["smart"] =
            json!({ "targets": ["openai/gpt-test", "spare/gpt-test"], "attempts": 1 });
        config["tenants"]["acme"]["routes"] = json!(["smart"]);
        config["rate_limits"]["contract"] =
            json!({ "only": { "provider": "openai" }, "requests": 2, "per": "hour" });
    })
    .await;
    let smart = with(ask("the first"), "model", json!("smart"));
    let mut texts = Vec::new();
    for _ in 0..4 {
        texts.push(stage.chat(&smart).await.text());
    }
    assert_eq!(texts, ["the first", "the first", "the other", "the other"]);
    assert_eq!(stage.upstream.requests().len(), 2);
}

#[tokio::test]
async fn a_key_that_may_says_for_whom_it_asks() {
    let stage = stage(|config| {
        config["rate_limits"]["person"] = json!({ "by": ["user"], "requests": 1, "per": "day" });
    })
    .await;
    let as_user = async |key: &str, user: &str| {
        let client = stage.gateway.anybody().with_key(key);
        let request = client.request(Method::POST, "/v1/chat/completions").header("x-lockgate-user", user);
        let answer = client.open(request, ask("hello").to_string()).await.unwrap().rest().await.unwrap();
        told(&answer)
    };
    assert_eq!(as_user("batch", "ada").await.0, 200);
    assert_eq!(as_user("batch", "ada").await, (429, "rate_limit_exceeded".into()));
    assert_eq!(as_user("batch", "grace").await.0, 200);
    assert_eq!(as_user(KEY, "ada").await, (403, "not_delegated".into()));
    assert_eq!(as_user("batch", &"x".repeat(129)).await, (400, "invalid_name".into()));
    // Of whom it is not known, this limit is not.
    for _ in 0..3 {
        assert_eq!(stage.chat(&ask("hello")).await.status, 200);
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_its_place() {
    let stage = stage(|_| {}).await;
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    for (place, value, fault) in [
        ("rate_limits", json!({ "x": { "by": ["key"] } }), "this limits nothing"),
        ("rate_limits", json!({ "x": { "requests": { "limit": 0, "burst": 1 } } }), "must be at least 1"),
        ("rate_limits", json!({ "x": { "usd": -1.0 } }), "an amount of dollars"),
        ("rate_limits", json!({ "x": { "only": { "keys": "web" }, "requests": 1 } }), "keys"),
        ("budgets", json!({ "x": { "usd": 1, "per": "month", "timezone": "Mars/Olympus" } }), "no time zone"),
        ("budgets", json!({ "x": { "usd": 1, "per": "year" } }), "one of day, week, month"),
        (
            "budgets",
            json!({ "x": { "usd": 1, "per": "day", "over": "queue" } }),
            "knows `reject` and `downgrade`",
        ),
        (
            "budgets",
            json!({ "x": { "usd": 1, "per": "day", "soft": true, "cut_off": true } }),
            "ends and refuses nothing",
        ),
        ("budgets", json!({ "x": { "usd": 1, "per": "day", "warn_at": [0.5, 80] } }), "a part of the budget"),
        ("rate_limits", json!({ "x": { "requests": 1, "queue": {} } }), "this is for `over: queue`"),
        ("rate_limits", json!({ "x": { "requests": 1, "over": "shift" } }), "needs the targets"),
        (
            "rate_limits",
            json!({ "x": { "requests": 1, "to": ["openai/*"] } }),
            "this is for `over: downgrade`",
        ),
        (
            "rate_limits",
            json!({ "x": { "requests": 1, "over": "downgrade", "to": ["openai/x"] } }),
            "has the target",
        ),
        (
            "rate_limits",
            json!({ "x": { "by": ["provider"], "requests": 1, "over": "downgrade" } }),
            "of a provider or target knows",
        ),
        ("budgets", json!({ "x": { "amount": 1, "per": "day" } }), "name no currency"),
        ("budgets", json!({ "x": { "per": "day" } }), "say how much"),
        ("prices", json!({ "currency": { "code": "EUR", "usd": 0 } }), "a rate above 0"),
        (
            "webhooks",
            json!({ "x": { "url": "ops", "secret": "sixteen bytes or more" } }),
            "http or https URL",
        ),
        ("webhooks", json!({ "x": { "url": "http://ops", "secret": "short" } }), "at least 16 bytes"),
        ("approval", json!({ "above_usd": 1, "secret": "short" }), "at least 16 bytes"),
    ] {
        let mut wrong = config.clone();
        wrong[place] = value;
        let refused = stage.gateway.reload(&wrong).await;
        let faults = refused.json()["error"]["faults"].to_string();
        assert!(faults.contains(fault) && faults.contains("\"line\""), "{faults}");
    }
}

#[tokio::test]
async fn what_was_spent_outlives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    let mut stage = stage(|config| {
        config["budgets"]["all"] = json!({ "usd": 1.0, "per": "month" });
        config["counters"]["file"] = json!(file);
    })
    .await;
    let small = with(ask("hello"), "max_tokens", json!(10));
    // Of a thousand tokens that a dollar buys.
    let mut spent = 0;
    for _ in 0..20 {
        let answer = stage.chat(&small).await;
        let tokens = |name| answer.header(name).parse::<u64>().unwrap();
        spent += tokens("x-lockgate-tokens-in") + tokens("x-lockgate-tokens-out");
    }
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    stage.gateway.signal("KILL").await;
    stage.gateway.exit().await;
    stage.gateway = Gateway::start(&config).await;
    // What is left may be less, by what was ahead: a twentieth here. It is never more.
    let over = with(ask("hello"), "max_tokens", json!(1_000 - spent));
    assert_eq!(told(&stage.chat(&over).await), (429, "budget_exceeded".into()));
    let most = with(ask("hello"), "max_tokens", json!(940 - spent));
    assert_eq!(stage.chat(&most).await.status, 200, "{spent}");
    // An end that is asked for loses nothing, and adds nothing.
    stage.gateway.signal("TERM").await;
    assert!(stage.gateway.exit().await.success());
}
