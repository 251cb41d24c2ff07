//! Events that wait for a webhook when the gateway is killed, and who is told of them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{answer, kill};
use crate::support::{Stage, ask, soon};
use lockgate_upstream::{Recorded, Reply, Script, Upstream};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// A gateway whose budget has refused a request, of which its webhook is being told.
async fn refusing(state: &Path, hook: &Upstream) -> Stage {
    let stage = Stage::configured(answer, json!([]), |mut config| {
        config["state"]["file"] = json!(state);
        config["prices"]["overrides"]["openai/gpt-test"] =
            json!({ "input_cost_per_token": 0.001, "output_cost_per_token": 0.001 });
        config["budgets"]["all"] = json!({ "usd": 0.0001, "per": "month" });
        config["webhooks"]["ops"] =
            json!({ "url": format!("{}/hook", hook.base_url()), "secret": "sixteen bytes or more" });
        config
    })
    .await;
    assert_eq!(stage.chat(&ask("hi")).await.status, 429);
    soon("the webhook", hook.wait_for_requests(1)).await;
    stage
}

#[tokio::test]
async fn a_webhook_that_waited_is_told_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let hook = Upstream::start(Script::new([Reply::hang(), Reply::status(200, json!({}))])).await.unwrap();
    let mut stage = refusing(&folder.path().join("state.db"), &hook).await;
    // The row is written before the event is sent, by a thread of its own; an exchange passes both.
    kill_when_written(&mut stage, &folder.path().join("state.db")).await;
    soon("the webhook again", hook.wait_for_requests(2)).await;
    let told = hook.requests();
    assert_eq!(told[0].header("x-lockgate-delivery"), told[1].header("x-lockgate-delivery"));
    assert_eq!(told[0].body, told[1].body);
    assert_eq!(told[1].header("x-lockgate-event"), Some("budget.refused"));
}

#[tokio::test]
async fn a_webhook_of_a_refused_configuration_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let silent = Upstream::start(Script::new([Reply::hang()])).await.unwrap();
    let mut stage = refusing(&folder.path().join("state.db"), &silent).await;
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    // The next one starts without the hook: what waits for it goes on waiting.
    let mut without = config.clone();
    without["webhooks"] = json!({});
    stage.gateway.write(&without);
    kill_when_written(&mut stage, &folder.path().join("state.db")).await;

    let told = Upstream::start(|_: &Recorded| Reply::status(200, json!({}))).await.unwrap();
    config["webhooks"]["ops"]["url"] = json!(format!("{}/hook", told.base_url()));
    let mut refused = config.clone();
    refused["prices"]["file"] = json!(folder.path().join("there is none.json"));
    let answer = stage.gateway.reload(&refused).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    // Had it begun, it would have been told in the meantime.
    for _ in 0..20 {
        stage.chat(&ask("hi")).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((told.requests().len(), told.connections()), (0, 0), "it was refused");
    assert_eq!(stage.gateway.reload(&config).await.status, 200);
    soon("the webhook", told.wait_for_requests(1)).await;
    assert_eq!(told.requests()[0].body, silent.requests()[0].body, "what waited is told, and told now");
}

/// Kills the gateway as soon as another process can read a row in its journal.
async fn kill_when_written(stage: &mut Stage, file: &Path) {
    let is_there = || {
        let journal = rusqlite::Connection::open(file).unwrap();
        journal.query_row("SELECT count(*) FROM rows", [], |row| row.get::<_, i64>(0)).unwrap() > 0
    };
    soon("the row", async {
        while !is_there() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    kill(stage).await;
}
