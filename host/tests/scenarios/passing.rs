//! What a guard has nothing to do with goes out as the provider sends it, and what it masked is put back.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, binding, streamed};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;

/// How often guards read answers.
fn readings(stage: &Stage) -> u64 {
    let page = stage.app.gateway().metrics.render();
    let counted = |line: &&str| {
        line.starts_with("lockgate_plugin_calls_total{")
            && (line.contains("text-filter") || line.contains("post-response"))
    };
    page.lines().filter(counted).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

async fn stage(provider: &Provider) -> Stage {
    Stage::configured(&[("only", provider)], |config| {
        config["chains"] = json!({ "guards": [
            binding("builtin:pii-mask", &json!({})),
            { "plugin": "builtin:output-validator", "streams": "on-demand",
              "hooks": ["pre-request", "post-response"],
              "limits": { "deadline_ms": 30_000, "wait_ms": 60_000 } },
        ] });
        config["routes"]["smart"]["chain"] = json!("guards");
    })
    .await
}

/// The same, before a provider that says what it is asked.
async fn echoing() -> (Provider, Stage) {
    let provider = Provider::new(|_: &Recorded| Reply::echo());
    let stage = stage(&provider).await;
    (provider, stage)
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_what_says_nothing_private_is_nobodys_business() {
    let (_, stage) = echoing().await;
    for body in [ask("What is a lock gate?"), streamed("What is a lock gate?")] {
        let answer = stage.ask(&body).await;
        assert!(answer.text().contains("What is a lock gate?"), "{}", answer.body);
    }
    assert_eq!(readings(&stage), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_masked_is_put_back() {
    let (provider, stage) = echoing().await;
    for body in [ask("Write to ann@example.org"), streamed("Write to ann@example.org")] {
        let answer = stage.ask(&body).await;
        assert!(answer.text().contains("Write to ann@example.org"), "{}", answer.body);
    }
    let sent: Vec<String> = provider.requests().iter().map(|request| request.json().to_string()).collect();
    assert!(sent.iter().all(|sent| !sent.contains("ann@example.org")), "{sent:?}");
    assert!(readings(&stage) > 0);
    // A private word in one request is no reason to read the answer to the next.
    let before = readings(&stage);
    stage.ask(&ask("And what is a sluice?")).await;
    assert_eq!(readings(&stage), before);
}

#[tokio::test(start_paused = true)]
async fn what_must_be_json_is_judged() {
    let provider = Provider::always(Reply::text("{\"a\": 1,}"));
    let stage = stage(&provider).await;
    let mut body = ask("Give me JSON");
    body["response_format"] = json!({ "type": "json_object" });
    assert_eq!(stage.ask(&body).await.text(), "{\"a\":1}");
    assert_eq!(readings(&stage), 1);
}
