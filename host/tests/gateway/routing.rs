//! Where requests go: rules, pins, affinity, turns.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{KEY, Stage, ask, ask_streamed, binding, hash, soon, with, with_provider};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};

/// A route `smart` of `openai/small` and `other/large`, and a route `strict` of `other/strict`.
async fn stage(change: impl FnOnce(&mut Value)) -> (Upstream, Stage) {
    let other = Upstream::start(|_: &Recorded| Reply::text("from the other")).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("from openai"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "other", &other);
            config["routes"] = json!({
                "smart": { "targets": ["openai/small", "other/large"] },
                "strict": { "targets": ["other/strict"] },
            });
            config["tenants"]["acme"]["routes"] = json!(["smart", "strict"]);
            config["tenants"]["acme"]["keys"] = json!([
                { "name": "web", "hash": hash(KEY), "team": "search" },
                { "name": "batch", "hash": hash("batch") },
            ]);
            change(&mut config);
            config
        },
    )
    .await;
    (other, stage)
}

fn smart(body: Value) -> Value {
    with(body, "model", json!("smart"))
}

fn target(answer: &Answer) -> String {
    format!("{}/{}", answer.header("x-lockgate-provider"), answer.header("x-lockgate-model"))
}

async fn with_header(stage: &Stage, body: &Value, header: (&str, &str)) -> Answer {
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions").header(header.0, header.1);
    let open = soon("an answer", client.open(request, body.to_string())).await.unwrap();
    soon("an answer", open.rest()).await.unwrap()
}

#[tokio::test]
async fn the_first_rule_that_fits_decides() {
    let (other, stage) = stage(|config| {
        config["routing"]["rules"] = json!([
            { "name": "nights", "when": { "route": "smart", "tags": "night*" }, "route": "strict" },
        ]);
        config["routes"]["smart"]["rules"] = json!([
            { "name": "long", "when": { "bytes": { "min": 500 } }, "targets": ["other/large"] },
            { "name": "german", "when": { "language": "de" }, "targets": ["other/large", "openai/small"] },
            { "when": { "headers": { "x-app": ["editor/*"] }, "streaming": true }, "pin": "other/exact" },
            { "name": "batch", "when": { "key": "batch" }, "targets": ["other/large"] },
        ]);
    })
    .await;
    let plain = stage.chat(&smart(ask("hi"))).await;
    assert_eq!((target(&plain).as_str(), plain.header("x-lockgate-flags")), ("openai/small", ""));
    let long = stage.chat(&smart(ask(&"word ".repeat(200)))).await;
    assert_eq!((target(&long).as_str(), long.header("x-lockgate-flags")), ("other/large", "rule=long"));
    let german = "Können Sie bitte den folgenden Bericht für den Vorstand zusammenfassen?";
    assert_eq!(target(&stage.chat(&smart(ask(german))).await), "other/large");
    let tagged = with_header(&stage, &smart(ask("hi")), ("x-lockgate-tags", "a, nightly")).await;
    assert_eq!(target(&tagged), "other/strict");
    assert_eq!(tagged.header("x-lockgate-route"), "strict");
    let streamed = with_header(&stage, &smart(ask_streamed("hi")), ("x-app", "editor/2")).await;
    assert_eq!(target(&streamed), "other/exact");
    assert_eq!(streamed.header("x-lockgate-flags"), "rule=smart.2");
    let whole = with_header(&stage, &smart(ask("hi")), ("x-app", "editor/2")).await;
    assert_eq!(target(&whole), "openai/small");
    let client = stage.gateway.anybody().with_key("batch");
    assert_eq!(target(&soon("an answer", client.chat(&smart(ask("hi")))).await.unwrap()), "other/large");
    assert_eq!(other.requests().len(), 5);
}

#[tokio::test]
async fn a_rule_that_names_targets_leaves_no_way_to_others() {
    let (other, stage) = stage(|config| {
        config["providers"]["other"]["base_url"] = json!("http://127.0.0.1:9/v1");
        config["routes"]["smart"]["rules"] = json!([{ "targets": ["other/large"] }]);
    })
    .await;
    let answer = stage.chat(&smart(ask("hi"))).await;
    assert_eq!(answer.status, 502);
    assert!(stage.upstream.requests().is_empty() && other.requests().is_empty());
}

#[tokio::test]
async fn nothing_overrides_a_pin() {
    let (other, stage) = stage(|config| {
        config["tenants"]["acme"]["keys"][1]["pins"] = json!({ "smart": "openai/small-2026-01-01" });
        let router = binding("builtin:router", json!({ "strategy": "priority", "order": ["other"] }));
        config["routes"]["smart"]["router"] = router;
        config["routes"]["smart"]["rules"] = json!([{ "targets": ["other/large"] }]);
        config["routes"]["smart"]["canary"] = json!({ "targets": ["other/new"], "percent": 100 });
        config["routes"]["strict"]["pins"] = json!({ "strict": "other/strict" });
    })
    .await;
    let client = stage.gateway.anybody().with_key("batch");
    let pinned = soon("an answer", client.chat(&smart(ask("hi")))).await.unwrap();
    assert_eq!(target(&pinned), "openai/small-2026-01-01");
    assert_eq!(stage.upstream.last_request().unwrap().json()["model"], "small-2026-01-01");
    assert_eq!(target(&stage.chat(&smart(ask("hi"))).await), "other/large", "another key is not pinned");
    assert_eq!(other.requests().len(), 1);
}

#[tokio::test]
async fn a_pinned_model_that_fails_goes_nowhere_else() {
    let other = Upstream::start(|_: &Recorded| Reply::text("from the other")).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::error(500, "oops"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "other", &other);
            config["routes"]["*"]["targets"] = json!(["openai/*", "other/*"]);
            config["routes"]["*"]["pins"] = json!({ "gpt-*": "openai/gpt-pinned" });
            config
        },
    )
    .await;
    // Once it cools down as well.
    for _ in 0..5 {
        let answer = stage.chat(&ask("hi")).await;
        // It is asked again, and nobody else is.
        assert_eq!((answer.status.as_u16(), answer.header("x-lockgate-provider")), (500, "openai"));
    }
    assert!(other.requests().is_empty());
    let free = stage.chat(&with(ask("hi"), "model", json!("claude"))).await;
    assert_eq!(free.text(), "from the other", "what is not pinned goes on");
}

#[tokio::test]
async fn a_pin_holds_on_the_route_that_a_rule_leads_to() {
    let (other, stage) = stage(|config| {
        config["routes"]["smart"]["pins"] = json!({ "smart": "openai/small" });
        config["routes"]["smart"]["rules"] = json!([{ "when": { "tags": "s" }, "route": "strict" }]);
    })
    .await;
    let answer = with_header(&stage, &smart(ask("hi")), ("x-lockgate-tags", "s")).await;
    assert_eq!((answer.status.as_u16(), answer.error("code").as_str()), (503, "pinned_target_unavailable"));
    assert!(stage.upstream.requests().is_empty() && other.requests().is_empty());
}

#[tokio::test]
async fn a_conversation_stays_where_it_is_and_moves_when_it_must() {
    let (other, stage) = stage(|config| {
        config["routes"]["smart"]["affinity"] = json!({ "by": "conversation" });
    })
    .await;
    let mut homes = Vec::new();
    for n in 0..16 {
        let first = target(&stage.chat(&smart(ask(&format!("conversation {n}")))).await);
        for turn in 0..3 {
            let mut body = smart(ask(&format!("conversation {n}")));
            for _ in 0..=turn {
                let messages = body["messages"].as_array_mut().unwrap();
                messages.push(json!({ "role": "assistant", "content": "yes" }));
                messages.push(json!({ "role": "user", "content": "and?" }));
            }
            assert_eq!(target(&stage.chat(&body).await), first, "conversation {n}");
        }
        homes.push(first);
    }
    let at_other = homes.iter().filter(|home| *home == "other/large").count();
    assert!((2..=14).contains(&at_other), "conversations are spread: {homes:?}");
    // Their home goes away, and they are answered elsewhere.
    drop(other);
    let moved = homes.iter().position(|home| home == "other/large").unwrap();
    let answer = stage.chat(&smart(ask(&format!("conversation {moved}")))).await;
    assert_eq!(target(&answer), "openai/small");
}

#[tokio::test]
async fn a_long_beginning_goes_where_it_is_warm() {
    let (_other, stage) = stage(|config| {
        let router = binding("builtin:router", json!({ "strategy": "round-robin" }));
        config["routes"]["smart"]["router"] = router;
        config["routes"]["smart"]["affinity"] = json!({ "by": "prefix", "min_bytes": 1_000 });
    })
    .await;
    let question = |system: &str, text: &str| {
        smart(json!({ "messages": [
            { "role": "system", "content": system }, { "role": "user", "content": text },
        ] }))
    };
    let manual = "Read the manual. ".repeat(100);
    let home = target(&stage.chat(&question(&manual, "one?")).await);
    for n in 0..6 {
        assert_eq!(target(&stage.chat(&question(&manual, &format!("question {n}?"))).await), home);
    }
    let mut seen = Vec::new();
    for n in 0..4 {
        seen.push(target(&stage.chat(&question("Be brief.", &format!("question {n}?"))).await));
    }
    assert_ne!(seen[0], seen[1], "what is short takes turns: {seen:?}");
    assert_eq!((&seen[0], &seen[1]), (&seen[2], &seen[3]));
}

#[tokio::test]
async fn a_rule_weighs_what_the_router_weighs() {
    let (other, stage) = stage(|config| {
        let router = binding("builtin:router", json!({ "strategy": "weighted" }));
        config["routes"]["smart"]["router"] = router;
        config["routes"]["smart"]["rules"] = json!([
            { "when": { "key": "web" }, "weights": { "openai/small": 0 } },
        ]);
    })
    .await;
    for _ in 0..8 {
        assert_eq!(target(&stage.chat(&smart(ask("hi"))).await), "other/large");
    }
    assert_eq!(other.requests().len(), 8);
}

#[tokio::test]
async fn rules_that_lead_in_circles_end() {
    let (_other, stage) = stage(|config| {
        config["routes"]["smart"]["rules"] = json!([{ "route": "strict" }]);
        config["routes"]["strict"]["rules"] = json!([{ "route": "smart" }]);
    })
    .await;
    let answer = stage.chat(&smart(ask("hi"))).await;
    assert_eq!(answer.status, 500);
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test]
async fn a_router_that_asks_for_no_signals_is_handed_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let component = folder.path().join("echo.wasm");
    std::fs::write(&component, lockgate_guests::ECHO).unwrap();
    let (_other, stage) = stage(|config| {
        let small = json!({ "target": "openai/small", "weight": 3, "region": "eu" });
        config["routes"]["smart"]["targets"] = json!([small, "other/large"]);
        config["plugins"]["echo"] = json!({ "source": component });
        config["routes"]["smart"]["router"] = json!({ "plugin": "echo" });
        config["prices"] = json!({ "overrides": { "openai/small": { "input_cost_per_token": 2e-6 } } });
    })
    .await;
    let answer = stage.chat(&smart(ask("hi"))).await;
    assert_eq!(target(&answer), "other/large", "the last goes first");
    let flags = answer.header("x-lockgate-flags");
    for told in ["weight=3", "region=eu", "turn=0", "in-flight=0", "price.input=0.000002"] {
        assert!(flags.contains(&format!("signal.{told}")), "{told} is not in {flags}");
    }
    assert!(!flags.contains("latency"), "what is not known is not told: {flags}");
}
