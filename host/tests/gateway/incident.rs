//! The incident that the gateway is there for: a provider begins to refuse, and one change of the configuration ends it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, ask, ask_streamed, config, hash, soon, with_provider};
use lockgate_client::{Answer, Client};
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// Services that ask, each with a key of its own.
const SERVICES: usize = 11;
/// Requests of each.
const REQUESTS: usize = 6;

fn key(service: usize) -> String {
    format!("key-of-service-{service}")
}

/// Every service asks in turn, whole and streamed; all answers.
async fn all_ask(gateway: &Gateway) -> Vec<Answer> {
    let mut services = JoinSet::new();
    for service in 0..SERVICES {
        let client = Client::new(gateway.address).with_key(key(service));
        services.spawn(async move {
            let mut answers = Vec::new();
            for n in 0..REQUESTS {
                let body = if n % 2 == 0 { ask("How are you?") } else { ask_streamed("How are you?") };
                answers.push(soon("an answer", client.chat(&body)).await.unwrap());
            }
            answers
        });
    }
    services.join_all().await.into_iter().flatten().collect()
}

fn is_well(answer: &Answer) -> bool {
    answer.status == 200 && answer.text() == "Well." && answer.error("code").is_empty()
}

#[tokio::test]
async fn one_change_of_the_configuration_ends_an_incident() {
    let limited = Arc::new(AtomicBool::new(false));
    let limits = limited.clone();
    let openai = Upstream::start(move |_: &Recorded| match limits.load(Ordering::Relaxed) {
        true => Reply::error(429, "Too many requests."),
        false => Reply::text("Well."),
    });
    let openai = openai.await.unwrap();
    let other = Upstream::start(|_: &Recorded| Reply::text("Well.")).await.unwrap();
    let mut before = with_provider(config(&openai, json!([])), "other", &other);
    let keys = (0..SERVICES).map(|n| json!({ "name": format!("s{n}"), "hash": hash(&key(n)) }));
    before["tenants"]["acme"]["keys"] = keys.collect::<Value>();
    let gateway = Gateway::start(&before).await;
    assert!(all_ask(&gateway).await.iter().all(is_well));

    limited.store(true, Ordering::Relaxed);
    let answers = all_ask(&gateway).await;
    assert!(answers.iter().all(|answer| answer.status == 429), "nothing else is left to ask");

    let mut after = before;
    after["routes"]["*"]["targets"] = json!(["openai/*", "other/gpt-test"]);
    let reloaded = gateway.reload(&after).await;
    assert_eq!(reloaded.status, 200, "{}", reloaded.body);
    let answers = all_ask(&gateway).await;
    assert_eq!(answers.len(), SERVICES * REQUESTS);
    assert!(answers.iter().all(is_well), "no client sees an error");
    assert_eq!(other.requests().len(), SERVICES * REQUESTS, "each was answered once");
}
