//! How often a router is asked: an order that holds is given to all who ask alike, and no longer than its router said.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, binding, pass, streamed};
use lockgate_upstream::Reply;
use serde_json::{Value, json};

const HOLD_MS: u64 = 500;

/// How often the router was called.
fn calls(stage: &Stage) -> u64 {
    let page = stage.app.gateway().metrics.render();
    let counted = |line: &&str| line.starts_with("lockgate_plugin_calls_total{") && line.contains("routing");
    let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok());
    page.lines().filter(counted).filter_map(value).sum()
}

/// A gateway whose router likes the second target best, and says so for half a second.
async fn stage(providers: &[(&str, &Provider)], rules: Value) -> Stage {
    Stage::configured(providers, |config| {
        let settings = json!({ "strategy": "priority", "order": ["second"], "hold_ms": HOLD_MS });
        config["routes"]["smart"]["router"] = binding("builtin:router", &settings);
        config["routes"]["smart"]["rules"] = rules;
    })
    .await
}

fn three() -> [Provider; 3] {
    ["first", "second", "third"].map(|name| Provider::always(Reply::text(name)))
}

#[tokio::test(start_paused = true)]
async fn a_router_is_asked_again_when_its_order_holds_no_more() {
    let [first, second, third] = three();
    let stage = stage(&[("first", &first), ("second", &second), ("third", &third)], json!([])).await;
    for round in 1..=3 {
        for _ in 0..5 {
            assert_eq!(stage.ask(&ask("hi")).await.text(), "second");
        }
        assert_eq!(calls(&stage), round);
        pass(HOLD_MS).await;
    }
    // A stream goes by other times than a whole answer.
    for _ in 0..2 {
        stage.ask(&ask("hi")).await;
        assert_eq!(stage.ask(&streamed("hi")).await.text(), "second");
    }
    assert_eq!(calls(&stage), 5);
}

#[tokio::test(start_paused = true)]
async fn who_may_be_asked_for_others_gets_an_order_of_their_own() {
    let [first, second, third] = three();
    let rules = json!([
        { "when": { "tags": "weighed" }, "weights": { "first/m": 3 } },
        { "when": { "tags": "few" }, "targets": ["first/m", "third/m"] },
    ]);
    let stage = stage(&[("first", &first), ("second", &second), ("third", &third)], rules).await;
    let tagged = async |tag: &str| {
        let answer = stage.ask_with(&ask("hi"), &[("x-lockgate-tags", tag)]).await;
        (answer.text(), calls(&stage))
    };
    assert_eq!(tagged("none").await, ("second".into(), 1));
    assert_eq!(tagged("none").await, ("second".into(), 1));
    // Two that are not asked alike: other targets, and weights of a rule.
    assert_eq!(tagged("few").await, ("first".into(), 2));
    assert_eq!(tagged("few").await, ("first".into(), 2));
    assert_eq!(tagged("weighed").await, ("second".into(), 3));
    assert_eq!(tagged("weighed").await, ("second".into(), 4));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_holds_leads_nobody_to_a_target_that_is_left_alone() {
    let first = Provider::always(Reply::text("first"));
    let second = Provider::script([Reply::text("second"), Reply::status(429, json!({}))]);
    let stage = stage(&[("first", &first), ("second", &second)], json!([])).await;
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(stage.ask(&ask("hi")).await.text());
    }
    assert_eq!(said, ["second", "first", "first", "first", "first"]);
    assert_eq!((calls(&stage), second.count()), (1, 2), "it is not asked while it cools down");
}

#[tokio::test(start_paused = true)]
async fn a_reload_forgets_what_held() {
    let [first, second, _] = three();
    let mut stage = stage(&[("first", &first), ("second", &second)], json!([])).await;
    assert_eq!(stage.ask(&ask("hi")).await.text(), "second");
    stage
        .reload(|config| {
            let settings = json!({ "strategy": "priority", "order": ["first"], "hold_ms": HOLD_MS });
            config["routes"]["smart"]["router"] = binding("builtin:router", &settings);
        })
        .await;
    assert_eq!(stage.ask(&ask("hi")).await.text(), "first");
}
