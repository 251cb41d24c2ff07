//! A new target is tried: by some, until it does worse; or beside, by nobody.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, soon, with, with_provider};
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::time::Duration;

/// A gateway whose provider answers, and another one for what is new.
async fn stage(new: Reply, change: impl FnOnce(&mut Value)) -> (Upstream, Stage) {
    let upstream = Upstream::start(move |_: &Recorded| new.clone()).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("the capital is Paris"),
        json!([]),
        |config| {
            let mut config = with_provider(config, "new", &upstream);
            change(&mut config);
            config
        },
    )
    .await;
    (upstream, stage)
}

async fn canaries(stage: &Stage) -> Value {
    let answer = soon("the state", stage.gateway.admin().get("/routing")).await.unwrap();
    answer.json()["canaries"][0].clone()
}

fn canary(percent: u32) -> Value {
    json!({
        "targets": ["new/model"], "percent": percent, "by": "request",
        "roll_back": { "error_rate": 0.1, "min_attempts": 5 },
    })
}

#[tokio::test]
async fn a_canary_that_fails_is_rolled_back_and_no_client_sees_an_error() {
    let (new, stage) = stage(Reply::error(500, "oops"), |config| {
        // Fewer than failures in a row for which it would be left alone anyway.
        config["routes"]["*"]["canary"] =
            with(canary(100), "roll_back", json!({ "error_rate": 0.1, "min_attempts": 2 }));
    })
    .await;
    for _ in 0..10 {
        let answer = stage.chat(&ask("hi")).await;
        assert_eq!(answer.text(), "the capital is Paris", "{}", answer.body);
    }
    assert_eq!(new.requests().len(), 2, "it is asked until it is known to be bad");
    assert!(stage.gateway.log.wait_for("a canary is rolled back").await.contains("error rate"));
    let state = canaries(&stage).await;
    assert_eq!(state["rolled_back"], true);
    assert!(state["reason"].as_str().unwrap().contains("error rate"), "{state}");
    let metrics = stage.gateway.metrics().await;
    assert!((metrics.sum("lockgate_canary_rolled_back", &["acme"]) - 1.0).abs() < 0.1);
    assert!((metrics.sum("lockgate_canary_attempts_total", &["canary", "failed"]) - 2.0).abs() < 0.1);

    // It stays so while its configuration is the same, whatever else changes.
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    config["routes"]["*"]["attempts"] = json!(5);
    assert_eq!(stage.gateway.reload(&config).await.status, 200);
    stage.chat(&ask("hi")).await;
    assert_eq!(new.requests().len(), 2);
    let resumed = stage.gateway.admin().post("/routing/resume?tenant=acme&route=*", "").await.unwrap();
    assert_eq!((resumed.status.as_u16(), &resumed.json()["rolled_back"]), (200, &json!(false)));
    stage.chat(&ask("hi")).await;
    assert_eq!(new.requests().len(), 3);
    let nothing = stage.gateway.admin().post("/routing/resume?tenant=acme&route=x", "").await.unwrap();
    assert_eq!(nothing.status, 404);
}

#[tokio::test]
async fn a_canary_that_does_well_serves_its_share() {
    let (new, stage) = stage(Reply::text("the capital is Paris"), |config| {
        config["routes"]["*"]["canary"] = canary(50);
    })
    .await;
    for _ in 0..40 {
        assert_eq!(stage.chat(&ask("hi")).await.text(), "the capital is Paris");
    }
    let tried = new.requests().len();
    assert!((8..=32).contains(&tried), "{tried}");
    let state = canaries(&stage).await;
    assert_eq!((&state["rolled_back"], &state["canary"]["attempts"]), (&json!(false), &json!(tried)));
    assert_eq!(state["baseline"]["attempts"], 40 - tried);
}

#[tokio::test]
async fn a_conversation_is_in_or_out() {
    let (new, stage) = stage(Reply::text("new"), |config| {
        config["routes"]["*"]["canary"] = json!({
            "targets": ["new/model"], "percent": 50, "by": "conversation",
        });
    })
    .await;
    for n in 0..10 {
        let text = format!("conversation {n}");
        let first = stage.chat(&ask(&text)).await.text();
        for _ in 0..3 {
            assert_eq!(stage.chat(&ask(&text)).await.text(), first);
        }
    }
    assert!(!new.requests().is_empty() && new.requests().len() < 40);
}

#[tokio::test]
async fn a_mirror_is_compared_and_booked_apart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let (new, mut stage) = stage(Reply::text("Paris is the capital city"), |config| {
        config["routes"]["*"]["mirror"] = json!({ "target": "new/model", "percent": 100 });
        let price = json!({ "input_cost_per_token": 0.001, "output_cost_per_token": 0.001 });
        config["prices"]["overrides"] = json!({ "new/model": price, "openai/gpt-test": price });
        config["ledger"]["file"] = json!(file);
    })
    .await;
    for body in [ask("hi"), ask_streamed("hi")] {
        let answer = stage.chat(&body).await;
        assert_eq!(answer.text(), "the capital is Paris");
        assert_eq!(answer.header("x-lockgate-provider"), "openai");
    }
    let seen = new.wait_for_requests(2).await;
    assert!(seen.iter().all(|seen| seen.json()["model"] == "model" && seen.json()["stream"] != true));
    stage.gateway.log.wait_for("\"outcome\":\"mirror\"").await;
    let usage = stage.gateway.admin().get("/usage").await.unwrap().json()[0].clone();
    assert_eq!(usage["requests"], 2, "{usage}");
    let real: f64 = usage["cost_usd"].as_str().unwrap().parse().unwrap();
    // One word asked and four said, or five by the mirror, a thousandth of a dollar each.
    assert!((real - 0.010).abs() < 1e-9, "{usage}");
    stage.gateway.signal("TERM").await;
    stage.gateway.exit().await;
    let ledger = rusqlite::Connection::open(&file).unwrap();
    let mut query = ledger
        .prepare("SELECT target, cost_nano_usd, flags FROM exchanges WHERE outcome = 'mirror'")
        .unwrap();
    let rows = query
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)));
    let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    for (target, nanos, flags) in rows {
        let flags: Value = serde_json::from_str(&flags).unwrap();
        assert_eq!((target.as_str(), nanos), ("new/model", 6_000_000));
        assert_eq!((&flags["mirror.of"], &flags["mirror.same"]), (&json!("openai/*"), &json!("false")));
        // Eight of nine words are the same.
        assert_eq!(flags["mirror.similarity"], "0.889", "{flags}");
    }
}

#[tokio::test]
async fn a_mirror_that_hangs_delays_nobody() {
    let (new, stage) = stage(Reply::hang(), |config| {
        config["routes"]["*"]["mirror"] =
            json!({ "target": "new/model", "percent": 100, "max_in_flight": 1 });
    })
    .await;
    for _ in 0..3 {
        let answer = tokio::time::timeout(Duration::from_secs(60), stage.chat(&ask("hi"))).await.unwrap();
        assert_eq!(answer.text(), "the capital is Paris");
    }
    new.wait_for_requests(1).await;
    let metrics = stage.gateway.metrics().await;
    assert!((metrics.sum("lockgate_mirrored_total", &["skipped"]) - 2.0).abs() < 0.1);
    assert_eq!(new.requests().len(), 1);
}
