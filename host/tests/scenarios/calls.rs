//! How often an adapter is asked: a call that holds is sent for all who ask for the same, each with what is theirs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, streamed};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;

/// How often adapters were asked for a call.
fn encoded(stage: &Stage) -> u64 {
    let page = stage.app.gateway().metrics.render();
    let counted =
        |line: &&str| line.starts_with("lockgate_plugin_calls_total{") && line.contains("provider-adapter");
    page.lines().filter(counted).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(start_paused = true)]
async fn an_adapter_whose_call_holds_is_asked_once_for_all_alike() {
    let provider = Provider::new(|_: &Recorded| Reply::echo());
    let stage = Stage::start(&[("only", &provider)], json!({})).await;
    for (round, question) in ["one", "two", "three"].into_iter().enumerate() {
        assert!(stage.ask(&ask(question)).await.text().contains(question));
        assert_eq!(encoded(&stage), if round == 0 { 1 } else { 2 }, "{question}");
        assert!(stage.ask(&streamed(question)).await.text().contains(question));
        assert_eq!(encoded(&stage), 2, "a stream is asked for otherwise, once");
    }
    let requests = provider.requests();
    assert_eq!(requests.len(), 6);
    let first = requests.first().map(|request| (request.path.clone(), request.headers.get("authorization")));
    for request in &requests {
        assert_eq!(Some((request.path.clone(), request.headers.get("authorization"))), first);
        assert!(request.headers.contains_key("authorization"), "the credential is put into each");
        assert_eq!(request.headers["content-type"], "application/json");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_holds_no_longer_than_what_was_configured() {
    let provider = Provider::always(Reply::text("hi"));
    let mut stage = Stage::start(&[("only", &provider)], json!({})).await;
    stage.ask(&ask("one")).await;
    stage.reload(|config| config["providers"]["only"]["options"] = json!({ "organization": "ours" })).await;
    stage.ask(&ask("two")).await;
    let told = |request: &Recorded| request.headers.get("openai-organization").cloned();
    assert_eq!(
        provider.requests().iter().map(told).collect::<Vec<_>>(),
        [None, Some("ours".parse().unwrap())]
    );
}
