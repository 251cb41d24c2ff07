//! What a router says of its order: how long it holds.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{exchange, house};
use lockgate::plugin::{Ranked, TargetView};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn target(id: &str, signals: &[(&str, &str)]) -> TargetView {
    TargetView {
        id: id.into(),
        provider: id.into(),
        model: "m".into(),
        signals: signals.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

/// What the router makes of two targets that took so long.
async fn ranked(config: Value, times: [&str; 2]) -> Ranked {
    let router = lockgate_bundle::find("router", None).expect("it is shipped").wasm;
    let used = house().bind(router, config, |_| {}).await;
    let [a, b] = times;
    let targets = vec![target("a", &[("latency-ms.p50", a)]), target("b", &[("latency-ms.p50", b)])];
    used.binding.rank(&exchange("hello"), Arc::new(targets)).await.expect("it ranks")
}

#[tokio::test]
async fn an_order_of_measured_targets_holds_and_no_longer_than_a_second() {
    for (config, holds) in [
        (json!({ "strategy": "latency" }), 10),
        (json!({ "strategy": "latency", "hold_ms": 250 }), 250),
        (json!({ "strategy": "latency", "hold_ms": 60_000 }), 1_000),
        (json!({ "strategy": "latency", "hold_ms": 0 }), 0),
        (json!({ "strategy": "cost" }), 0),
    ] {
        let told = ranked(config.clone(), ["30", "20"]).await;
        assert_eq!(told.holds, Duration::from_millis(holds), "{config}");
    }
    let told = ranked(json!({ "strategy": "latency" }), ["30", "20"]).await;
    assert_eq!(told.order, [1, 0]);
}

#[tokio::test]
async fn what_chance_decided_is_the_exchanges_alone() {
    let told = ranked(json!({ "strategy": "latency" }), ["20", "20"]).await;
    assert_eq!(told.holds, Duration::ZERO);
}
