//! Several keys of one provider: shared by weight, and a key that is refused or exhausted is not the client's trouble.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Cloud, bearer};
use crate::support::{ask, ask_streamed, with};
use futures_util::future::join_all;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn provider(upstream: &Upstream, credentials: Value) -> Value {
    json!({ "adapter": "builtin:openai", "base_url": upstream.base_url(), "credentials": credentials })
}

/// Keys of these names and weights: `sk-NAME`.
fn keys(weights: &[(&str, u32)]) -> Value {
    let key =
        |(name, weight): &(&str, u32)| json!({ "name": name, "key": format!("sk-{name}"), "weight": weight });
    weights.iter().map(key).collect()
}

/// How often the provider saw each key.
fn seen(upstream: &Upstream) -> BTreeMap<String, usize> {
    upstream.requests().iter().fold(BTreeMap::new(), |mut seen, request| {
        *seen.entry(bearer(request).to_owned()).or_default() += 1;
        seen
    })
}

#[tokio::test]
async fn requests_are_shared_by_weight() {
    let upstream = super::echo().await;
    let mut cloud = Cloud::start(provider(&upstream, keys(&[("a", 3), ("b", 1)])), &[]).await;
    let client = cloud.gateway.client();
    let body = ask("hi");
    for _ in 0..10 {
        let answers = join_all((0..20).map(|_| client.chat(&body))).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap().text() == "hi"));
    }
    let seen = seen(&upstream);
    // Of 200, 150 are expected; the chance to miss these bounds is below one in a thousand million.
    assert!((110..=190).contains(&seen["sk-a"]) && seen.values().sum::<usize>() == 200, "{seen:?}");
    cloud.ask("m").await;
    cloud.end(&["sk-a", "sk-b"]).await;
}

#[tokio::test]
async fn a_key_that_is_refused_or_exhausted_is_set_aside_unnoticed() {
    let refusals =
        [Reply::error(401, "No such key."), Reply::error(429, "Quota.").with_header("retry-after", "120")];
    for refusal in refusals {
        let upstream = Upstream::start(move |seen: &Recorded| match bearer(seen) {
            "sk-bad" => refusal.clone(),
            _ => Reply::echo(),
        });
        let upstream = upstream.await.unwrap();
        // All but one in a million would go to the bad one.
        let keys = keys(&[("bad", 1_000_000), ("good", 1)]);
        let mut cloud = Cloud::start(provider(&upstream, keys), &[]).await;
        for body in [ask("hi"), ask_streamed("hi"), ask("hi")] {
            let answer = cloud.send(&body).await;
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hi"), "{}", answer.body);
            assert_eq!(answer.header("x-lockgate-attempts"), "1");
        }
        assert_eq!(seen(&upstream), [("sk-bad".into(), 1), ("sk-good".into(), 3)].into());
        let log = cloud.end(&["sk-bad", "sk-good"]).await;
        let line = log.lines().find(|line| line.contains("a key is set aside")).unwrap();
        assert!(line.contains("\"bad\"") && line.contains("\"tested\""), "{line}");
    }
}

#[tokio::test]
async fn when_all_keys_are_bad_the_client_is_told() {
    for (status, told) in
        [(401, (502, "The provider refused the gateway's credential.")), (429, (429, "No."))]
    {
        let refuses = Reply::error(status, "No.").with_header("retry-after", "120");
        let upstream = Upstream::start(move |_: &Recorded| refuses.clone()).await.unwrap();
        let mut cloud = Cloud::start(provider(&upstream, keys(&[("a", 1), ("b", 1), ("c", 1)])), &[]).await;
        let answer = cloud.send(&ask("hi")).await;
        assert_eq!((answer.status.as_u16(), answer.error("message").as_str()), told);
        assert_eq!(seen(&upstream).into_values().collect::<Vec<_>>(), [1, 1, 1]);
        // One of them is asked still: it may have been let in again.
        let answer = cloud.send(&ask("hi")).await;
        assert_eq!((answer.status.as_u16(), answer.error("message").as_str()), told);
        assert_eq!(upstream.requests().len(), 4);
        cloud.end(&["sk-a", "sk-b", "sk-c"]).await;
    }
}

#[tokio::test]
async fn when_all_keys_are_bad_another_target_answers() {
    let (upstream, other) = (
        Upstream::start(|_: &Recorded| Reply::error(401, "No such key.")).await.unwrap(),
        Upstream::start(|_: &Recorded| Reply::text("from the other")).await.unwrap(),
    );
    let provider = provider(&upstream, keys(&[("a", 1), ("b", 1)]));
    let mut cloud = Cloud::backed(provider, &[], Some(&other)).await;
    let answer = cloud.send(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-attempts")), ("from the other", "2"));
    assert_eq!(upstream.requests().len(), 2);
}

#[tokio::test]
async fn what_is_not_the_keys_fault_is_not_tried_with_another() {
    let upstream = Upstream::start(|_: &Recorded| Reply::error(400, "What?")).await.unwrap();
    let mut cloud = Cloud::start(provider(&upstream, keys(&[("a", 1), ("b", 1)])), &[]).await;
    assert_eq!(cloud.send(&ask("hi")).await.status, 400);
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_single_bad_key_is_tried_each_time() {
    let upstream = Upstream::start(|_: &Recorded| Reply::error(401, "No such key.")).await.unwrap();
    let provider =
        json!({ "adapter": "builtin:openai", "base_url": upstream.base_url(), "credential": "sk-only" });
    let mut cloud = Cloud::start(provider, &[]).await;
    for count in 1..=2 {
        assert_eq!(cloud.send(&ask("hi")).await.status, 502);
        assert_eq!(upstream.requests().len(), count);
    }
    let log = cloud.end(&["sk-only"]).await;
    assert!(!log.contains("set aside"), "{log}");
}

#[tokio::test]
async fn a_key_that_may_not_use_one_model_is_used_for_the_others() {
    let upstream = Upstream::start(|seen: &Recorded| match (bearer(seen), seen.json()["model"].as_str()) {
        ("sk-narrow", Some("dear")) => Reply::status(
            403,
            json!({ "error": {
            "type": "permission_error", "code": "model_not_found", "message": "This project may not use `dear`.",
        } }),
        ),
        _ => Reply::echo(),
    });
    let upstream = upstream.await.unwrap();
    // All but one in a million go to the narrow one.
    let keys = keys(&[("narrow", 1_000_000), ("wide", 1)]);
    let mut cloud = Cloud::start(provider(&upstream, keys), &[]).await;
    for (model, used) in
        [("dear", "sk-wide"), ("cheap", "sk-narrow"), ("dear", "sk-wide"), ("cheap", "sk-narrow")]
    {
        let answer = cloud.send(&with(ask("hi"), "model", json!(model))).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hi"), "{}", answer.body);
        assert_eq!(answer.header("x-lockgate-attempts"), "1");
        assert_eq!(bearer(&upstream.last_request().unwrap()), used, "{model}");
    }
    assert!(!cloud.end(&["sk-narrow", "sk-wide"]).await.contains("set aside"));
}

#[tokio::test]
async fn a_key_that_is_said_to_be_bad_is_set_aside_and_a_refused_request_shown_to_no_other() {
    let bad = json!({ "error": { "code": 403, "status": "PERMISSION_DENIED",
        "message": "Your API key was reported as leaked. Please use another API key." } });
    let flagged = json!({ "error": { "code": 403, "message": "Your input was flagged for violence." } });
    let upstream = Upstream::start(move |seen: &Recorded| match (bearer(seen), &*seen.last_user_text()) {
        (_, "violence") => Reply::status(403, flagged.clone()),
        ("sk-bad", _) => Reply::status(403, bad.clone()),
        _ => Reply::echo(),
    });
    let upstream = upstream.await.unwrap();
    let keys = keys(&[("bad", 1_000_000), ("good", 1)]);
    let mut cloud = Cloud::start(provider(&upstream, keys), &[]).await;
    let refused = cloud.send(&ask("violence")).await;
    assert_eq!((refused.status.as_u16(), upstream.requests().len()), (400, 1), "{}", refused.body);
    for _ in 0..3 {
        assert_eq!(cloud.send(&ask("hi")).await.text(), "hi");
    }
    assert_eq!(seen(&upstream), [("sk-bad".into(), 2), ("sk-good".into(), 3)].into());
    assert!(cloud.end(&["sk-bad", "sk-good"]).await.contains("a key is set aside"));
}
