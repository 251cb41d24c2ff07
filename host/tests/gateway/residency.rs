//! Where data may go: a target that is elsewhere is asked on no path, whatever happens to the others.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, with_provider};
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};

/// A gateway with a provider in Europe, which is the stage's, and one elsewhere.
async fn stage(europe: Reply, change: impl FnOnce(&mut Value)) -> (Upstream, Stage) {
    let elsewhere = Upstream::start(|_: &Recorded| Reply::text("from elsewhere")).await.unwrap();
    let stage = Stage::configured(
        move |_: &Recorded| europe.clone(),
        json!([]),
        |config| {
            let mut config = with_provider(config, "far", &elsewhere);
            config["routes"]["*"] = json!({
                "targets": [
                    { "target": "far/*", "region": "us-east-1" },
                    { "target": "openai/*", "region": "eu-central-1" },
                ],
                "residency": ["eu"],
                "chain": "tested",
            });
            change(&mut config);
            config
        },
    )
    .await;
    (elsewhere, stage)
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.error("code"))
}

const REFUSED: u16 = 403;

#[tokio::test]
async fn what_fails_where_data_may_go_is_not_tried_elsewhere() {
    for fault in [
        Reply::error(500, "oops"),
        Reply::error(429, "slow down").with_header("retry-after", "60"),
        Reply::reset(),
        Reply::raw(200, "application/json", "{}"),
        Reply::truncated(["half"]),
        Reply::raw(200, "text/event-stream", ""),
    ] {
        let (elsewhere, stage) = stage(fault, |_| {}).await;
        // Often enough for it to cool down.
        for body in [ask("hi"), ask_streamed("hi"), ask("hi"), ask("hi"), ask("hi")] {
            let answer = stage.chat(&body).await;
            assert!(answer.text() != "from elsewhere", "{}", answer.body);
        }
        assert!(!stage.upstream.requests().is_empty());
        assert!(elsewhere.requests().is_empty());
    }
}

#[tokio::test]
async fn no_policy_leads_elsewhere() {
    type Change = fn(&mut Value);
    let ways: [(&str, Change); 6] = [
        ("the order", |_| {}),
        ("a router", |config| {
            let order = json!({ "strategy": "priority", "order": ["far"] });
            config["routes"]["*"]["router"] = binding("builtin:router", order);
        }),
        ("a canary", |config| {
            let target = json!({ "target": "far/new", "region": "us" });
            config["routes"]["*"]["canary"] = json!({ "targets": [target, "far/unknown"], "percent": 100 });
        }),
        ("a mirror", |config| {
            config["routes"]["*"]["mirror"] = json!({ "target": "far/new", "percent": 100 });
        }),
        ("affinity", |config| {
            config["routes"]["*"]["affinity"] = json!({ "by": "conversation" });
        }),
        ("a rule's order", |config| {
            config["routes"]["*"]["rules"] = json!([{ "targets": ["far/*", "openai/*"] }]);
        }),
    ];
    for (way, change) in ways {
        let (elsewhere, stage) = stage(Reply::text("from Europe"), change).await;
        for body in [ask("hi"), ask_streamed("hi")] {
            assert_eq!(stage.chat(&body).await.text(), "from Europe", "{way}");
        }
        if way == "a mirror" {
            let metrics = stage.gateway.metrics().await;
            assert!((metrics.sum("lockgate_mirrored_total", &["skipped"]) - 2.0).abs() < 0.1);
        }
        assert!(elsewhere.requests().is_empty(), "{way}");
    }
}

#[tokio::test]
async fn where_no_target_is_left_the_client_is_told_so() {
    type Change = fn(&mut Value);
    let ways: [(&str, Change); 5] = [
        ("a rule", |config| config["routes"]["*"]["rules"] = json!([{ "targets": ["far/*"] }])),
        ("a rule's pin", |config| config["routes"]["*"]["rules"] = json!([{ "pin": "far/x" }])),
        ("a pin", |config| config["routes"]["*"]["pins"] = json!({ "gpt-*": "far/gpt-4o" })),
        ("a pin of a key", |config| {
            config["tenants"]["acme"]["keys"][0]["pins"] = json!({ "gpt-test": "far/gpt-4o" });
        }),
        ("another route", |config| {
            // The route it is sent to demands nothing, but its tenant does.
            config["routes"]["far"] = json!({ "targets": [
                { "target": "far/*", "region": "us" }, { "target": "openai/*", "region": "eu" },
            ], "rules": [{ "targets": ["far/*"] }] });
            config["routes"]["*"]["rules"] = json!([{ "route": "far" }]);
            config["tenants"]["acme"]["routes"] = json!(["*", "far"]);
            config["tenants"]["acme"]["residency"] = json!(["eu"]);
        }),
    ];
    for (way, change) in ways {
        let (elsewhere, stage) = stage(Reply::text("from Europe"), change).await;
        for body in [ask("hi"), ask_streamed("hi")] {
            let answer = stage.chat(&body).await;
            assert_eq!(told(&answer), (REFUSED, "no_compliant_target".into()), "{way}: {}", answer.body);
        }
        assert!(elsewhere.requests().is_empty() && stage.upstream.requests().is_empty(), "{way}");
    }
}

#[tokio::test]
async fn a_region_that_is_not_known_is_nowhere() {
    let (elsewhere, stage) = stage(Reply::text("from Europe"), |config| {
        config["routes"]["*"]["targets"] = json!([
            "far/*", { "target": "openai/*", "region": "eu" },
        ]);
    })
    .await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "from Europe");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn private_data_stays_and_the_rest_goes_anywhere() {
    let (elsewhere, stage) = stage(Reply::text("from Europe"), |config| {
        config["chains"]["tested"] = json!([binding("builtin:pii-mask", json!({}))]);
        config["routes"]["*"]["residency"] = json!([]);
        config["routes"]["*"]["residency_when"] = json!({ "pii": ["eu"] });
    })
    .await;
    assert_eq!(stage.chat(&ask("What is two and two?")).await.text(), "from elsewhere");
    for body in [ask("I am ada@example.org"), ask_streamed("I am ada@example.org")] {
        assert_eq!(stage.chat(&body).await.text(), "from Europe");
    }
    assert_eq!(elsewhere.requests().len(), 1);
}

#[tokio::test]
async fn a_configuration_that_nobody_could_keep_is_refused() {
    let (_elsewhere, stage) = stage(Reply::text("from Europe"), |_| {}).await;
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    let refused = async |config: &Value| stage.gateway.reload(config).await.error("message");
    config["routes"]["*"]["residency_when"] = json!({ "pii": ["eu"] });
    assert!(refused(&config).await.contains("nothing would say what is in them"));
    config["routes"]["*"]["residency_when"] = json!({});
    config["routes"]["*"]["residency"] = json!(["ch"]);
    assert!(refused(&config).await.contains("no target of the route `*` is where `residency` demands"));
    assert_eq!(stage.chat(&ask("hi")).await.text(), "from Europe", "what served goes on serving");
}

#[tokio::test]
async fn what_stands_in_for_an_answer_is_given_where_a_smaller_model_may_not_be_asked() {
    let other = Upstream::start(|_: &Recorded| Reply::text("from elsewhere")).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::error(500, "oops"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "other", &other);
            config["routes"]["*"]["targets"] = json!([{ "target": "openai/*", "region": "eu" }]);
            config["routes"]["*"]["residency"] = json!(["eu"]);
            config["routes"]["*"]["resilience"] =
                json!({ "degrade": [{ "targets": ["other/small"] }, { "answer": "Later, please." }] });
            config
        },
    )
    .await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "Later, please.".into()), "{}", answer.body);
    assert_eq!(answer.header("x-lockgate-degraded"), "answer");
    assert!(other.requests().is_empty());
}
