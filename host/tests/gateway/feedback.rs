//! What kind of task a request is decides who is asked, and what users say of answers shifts it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, binding, hash, soon, with};
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

const CODE: &str = "Write a Python decorator that retries a function three times.";
const TRANSLATE: &str = "Translate to Swedish: The meeting starts at nine.";

async fn stage() -> Stage {
    let chain = json!([binding("builtin:task-classifier", json!({}))]);
    Stage::configured(
        |_: &Recorded| Reply::text("Well."),
        chain,
        |mut config| {
            let price = |usd: f64| json!({ "input_cost_per_token": usd, "output_cost_per_token": usd });
            config["prices"]["overrides"] =
                json!({ "openai/dear": price(0.01), "openai/cheap": price(0.001) });
            let target = |id: &str, quality: &str| {
                let signals = json!({ "quality.code": quality, "quality.translate": quality });
                json!({ "target": id, "signals": signals })
            };
            config["routes"]["smart"] = json!({
                "targets": [target("openai/dear", "0.95"), target("openai/cheap", "0.9")],
                "chain": "tested",
                "router": binding("builtin:router", json!({ "strategy": "quality", "threshold": 0.8 })),
            });
            config["tenants"]["acme"]["routes"] = json!(["*", "smart"]);
            let keys = config["tenants"]["acme"]["keys"].as_array_mut().unwrap();
            keys.push(json!({ "name": "other", "hash": hash("another key") }));
            config
        },
    )
    .await
}

async fn asked(stage: &Stage, text: &str) -> Answer {
    let answer = stage.chat(&with(ask(text), "model", json!("smart"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

async fn say(stage: &Stage, body: Value) -> Answer {
    soon("an answer", stage.gateway.client().post("/v1/feedback", body.to_string())).await.unwrap()
}

#[tokio::test]
async fn what_users_say_of_answers_decides_who_is_asked() {
    let stage = stage().await;
    for _ in 0..3 {
        let answer = asked(&stage, CODE).await;
        assert_eq!(answer.header("x-lockgate-model"), "cheap", "it is good enough, as far as is known");
        let id = answer.header("x-request-id");
        assert_eq!(say(&stage, json!({ "request_id": id, "score": 0 })).await.status, 200);
    }
    assert_eq!(asked(&stage, CODE).await.header("x-lockgate-model"), "dear", "users found it wanting");
    let other = asked(&stage, TRANSLATE).await;
    assert_eq!(other.header("x-lockgate-model"), "cheap", "at another kind of task it is as good as it was");
    assert!(
        other.header("x-lockgate-flags").contains("task=translate"),
        "{}",
        other.header("x-lockgate-flags")
    );
}

#[tokio::test]
async fn an_answer_is_spoken_of_once_by_who_got_it() {
    let stage = stage().await;
    let id = asked(&stage, CODE).await.header("x-request-id").to_owned();
    let said = json!({ "request_id": id, "score": 1.0 });
    let stranger = stage.gateway.anybody().with_key("another key");
    let unknown = soon("an answer", stranger.post("/v1/feedback", said.to_string())).await.unwrap();
    assert_eq!((unknown.status.as_u16(), unknown.error("code").as_str()), (404, "unknown_answer"));
    let nobody =
        soon("an answer", stage.gateway.anybody().post("/v1/feedback", said.to_string())).await.unwrap();
    assert_eq!(nobody.status, 401);
    for wrong in [
        json!({ "request_id": id, "score": 2 }),
        json!({ "request_id": id }),
        json!([]),
        json!("x".repeat(9_000)),
    ] {
        let refused = say(&stage, wrong).await;
        assert_eq!((refused.status.as_u16(), refused.error("code").as_str()), (400, "invalid_feedback"));
    }
    assert_eq!(say(&stage, said.clone()).await.status, 200);
    assert_eq!(say(&stage, said).await.status, 404);
    let answer = soon("an answer", stage.gateway.client().get("/v1/feedback")).await.unwrap();
    assert_eq!(answer.status, 405);
}
