//! Two targets that are asked for one answer, and when a provider says it may be asked again.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, soon, with_provider};
use http::Method;
use lockgate_upstream::{Recorded, Reply, Upstream};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn what_both_have_read_is_booked_when_the_client_leaves() {
    let first = Upstream::start(|_: &Recorded| Reply::hang()).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::hang(),
        json!([]),
        |config| {
            let mut config = with_provider(config, "first", &first);
            config["routes"]["*"]["targets"] = json!(["first/a", "openai/b"]);
            config["routes"]["*"]["resilience"] = json!({ "hedge": { "after_ms": 50 } });
            let price = |usd: f64| json!({ "input_cost_per_token": usd, "output_cost_per_token": usd });
            config["prices"]["overrides"] = json!({ "first/a": price(0.01), "openai/b": price(0.001) });
            config
        },
    )
    .await;
    for (n, body) in [ask("two words"), ask_streamed("two words")].into_iter().enumerate() {
        let client = stage.gateway.client();
        let request = client.request(Method::POST, "/v1/chat/completions");
        tokio::select! {
            _ = client.open(request, body.to_string()) => panic!("both hang"),
            // Both have it; then the client goes.
            () = async {
                soon("the first request", first.wait_for_requests(n + 1)).await;
                soon("the second request", stage.upstream.wait_for_requests(n + 1)).await;
            } => {}
        }
        soon("both to be let go", async {
            first.wait_for_disconnects(n + 1).await;
            stage.upstream.wait_for_disconnects(n + 1).await;
        })
        .await;
        soon("the record", async {
            while stage.gateway.log.text().matches("\"message\":\"exchange\"").count() <= n {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    let log = stage.gateway.log.text();
    let lines = log.lines().filter(|line| line.contains("\"message\":\"exchange\""));
    for line in lines {
        let line: Value = serde_json::from_str(line).unwrap();
        // Nine letters are three tokens, as an estimate, of each.
        assert_eq!((&line["outcome"], &line["attempts"]), (&json!("abandoned"), &json!(2)), "{line}");
        assert_eq!((&line["tokens_in"], &line["tokens_out"]), (&json!(6), &json!(0)), "{line}");
    }
    let usage = stage.gateway.admin().get("/usage").await.unwrap().json()[0].clone();
    // Two times three tokens at a cent, and three at a tenth of one.
    assert_eq!((&usage["requests"], &usage["cost_usd"]), (&json!(2), &json!("0.066000")), "{usage}");
}

#[tokio::test]
async fn a_date_in_retry_after_is_a_time_to_wait() {
    let date = |ahead: u64| httpdate::fmt_http_date(lockgate::clock::now() + Duration::from_secs(ahead));
    for (ahead, least, most) in [(200, 150, 200), (1_000_000, 86_400, 86_400)] {
        let refusal = Reply::error(429, "slow down").with_header("retry-after", &date(ahead));
        let stage = Stage::configured(
            move |_: &Recorded| refusal.clone(),
            json!([]),
            |mut config| {
                config["routes"]["*"]["attempts"] = json!(1);
                config
            },
        )
        .await;
        let told = stage.chat(&ask("hi")).await;
        let wait: u64 = told.header("retry-after").parse().unwrap();
        assert_eq!(told.status, 429);
        assert!((least..=most).contains(&wait), "{wait}");
    }
}
