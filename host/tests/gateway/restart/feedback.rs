//! What users say of answers, and which answers they can speak of, after a kill.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{answer, everything_is_written, kill};
use crate::support::{KEY, Stage, ask, binding, hash, soon, with};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const CODE: &str = "Write a Python decorator that retries a function three times.";

/// A gateway whose router goes by what users say of two targets, and whose state is in this folder.
async fn judged(folder: &Path) -> Stage {
    let chain = json!([binding("builtin:task-classifier", json!({}))]);
    Stage::configured(answer, chain, |mut config| {
        config["state"]["file"] = json!(folder.join("state.db"));
        let price = |usd: f64| json!({ "input_cost_per_token": usd, "output_cost_per_token": usd });
        config["prices"]["overrides"] = json!({ "openai/dear": price(0.01), "openai/cheap": price(0.001) });
        let target =
            |id: &str, quality: &str| json!({ "target": id, "signals": { "quality.code": quality } });
        config["routes"]["smart"] = json!({
            "targets": [target("openai/dear", "0.95"), target("openai/cheap", "0.9")],
            "chain": "tested",
            "router": binding("builtin:router", json!({ "strategy": "quality", "threshold": 0.8 })),
        });
        config["tenants"]["acme"]["routes"] = json!(["*", "smart"]);
        let keys = config["tenants"]["acme"]["keys"].as_array_mut().unwrap();
        keys.push(json!({ "name": "app", "hash": hash("the key of an app") }));
        config["tenants"]["globex"] =
            json!({ "keys": [{ "name": "web", "hash": hash("the key of globex") }], "routes": ["smart"] });
        config
    })
    .await
}

/// Asks for code; the model that answered, and the id to speak of the answer by.
async fn code(stage: &Stage) -> (String, String) {
    let answer = stage.chat(&with(ask(CODE), "model", json!("smart"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    (answer.header("x-lockgate-model").to_owned(), answer.header("x-request-id").to_owned())
}

/// Says with a key that an answer was worth nothing; the status, and the code of the error.
async fn wanting(stage: &Stage, key: &str, id: &str) -> (u16, String) {
    let client = stage.gateway.anybody().with_key(key);
    let said = json!({ "request_id": id, "score": 0 });
    let told = soon("an answer", client.post("/v1/feedback", said.to_string())).await.unwrap();
    (told.status.as_u16(), told.error("code"))
}

#[tokio::test]
async fn what_users_said_decides_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = judged(folder.path()).await;
    for _ in 0..3 {
        let (model, id) = code(&stage).await;
        assert_eq!(model, "cheap");
        assert_eq!(wanting(&stage, KEY, &id).await.0, 200);
    }
    assert_eq!(code(&stage).await.0, "dear");
    everything_is_written(&stage.gateway).await;
    kill(&mut stage).await;
    assert_eq!(code(&stage).await.0, "dear");
}

#[tokio::test]
async fn an_answer_from_before_a_kill_can_be_spoken_of_once_and_by_who_got_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = judged(folder.path()).await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        let (model, id) = code(&stage).await;
        assert_eq!(model, "cheap");
        ids.push(id);
    }
    let [spoken, first, second, third] = <[String; 4]>::try_from(ids).unwrap();
    assert_eq!(wanting(&stage, KEY, &spoken).await.0, 200);
    // What no request waits for is handed over every second, at once or after this one.
    let (_, last) = code(&stage).await;
    is_in_file(&folder.path().join("state.db"), &last).await;
    kill(&mut stage).await;

    let unknown = (404, "unknown_answer".to_owned());
    assert_eq!(wanting(&stage, KEY, &spoken).await, unknown, "it was spoken of before");
    for stranger in ["the key of an app", "the key of globex"] {
        assert_eq!(wanting(&stage, stranger, &first).await, unknown, "it is another's");
    }
    for id in [&first, &second] {
        assert_eq!(wanting(&stage, KEY, id).await.0, 200);
        assert_eq!(wanting(&stage, KEY, id).await, unknown, "once");
    }
    assert_eq!(code(&stage).await.0, "dear", "what was said before and after counts together");
    everything_is_written(&stage.gateway).await;
    kill(&mut stage).await;
    for (id, status) in [(&spoken, 404), (&first, 404), (&second, 404), (&third, 200)] {
        assert_eq!(wanting(&stage, KEY, id).await.0, status);
    }
}

/// Waits until another process can read that an answer can be spoken of.
async fn is_in_file(file: &Path, id: &str) {
    let is_there = || {
        let journal = rusqlite::Connection::open(file).unwrap();
        let mut rows = journal.prepare("SELECT value FROM rows").unwrap();
        let values = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        values.map(Result::unwrap).any(|value| value.windows(id.len()).any(|part| part == id.as_bytes()))
    };
    soon("the row", async {
        while !is_there() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
