//! The opening incident in its own time: a provider of eleven services answers 429 for a quarter of an hour, and an operator
//! changes the configuration after two minutes of it.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, pass, streamed};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

const SERVICES: u64 = 11;
const MINUTE: Duration = Duration::from_secs(60);
/// Between two requests of a service.
const EVERY: u64 = 8_000;

/// What a service got: when it asked, and whether that was an answer.
type Got = (Duration, bool);

/// A service: it asks until half an hour is over.
async fn service(stage: Arc<Stage>, number: u64, began: Instant) -> Vec<Got> {
    let mut got = Vec::new();
    pass(100 + number * EVERY / SERVICES).await;
    while began.elapsed() < 30 * MINUTE {
        let at = began.elapsed();
        let body = if number.is_multiple_of(2) { ask("How are you?") } else { streamed("How are you?") };
        let answer = stage.ask(&body).await;
        got.push((at, answer.status == 200 && answer.text() == "Well." && answer.error("code").is_empty()));
        pass(EVERY).await;
    }
    got
}

#[tokio::test(start_paused = true)]
async fn one_change_ends_what_clients_see_of_it_and_all_is_as_before_when_it_is_over() {
    for says_when in [true, false] {
        let began = Instant::now();
        let turns = AtomicU64::new(0);
        let first = Provider::new(move |_: &Recorded| {
            let storm = (10 * MINUTE..25 * MINUTE).contains(&began.elapsed());
            // One in nine gets through, as it does with a provider that is overloaded.
            match storm && !turns.fetch_add(1, Ordering::Relaxed).is_multiple_of(9) {
                true if says_when => Reply::error(429, "slow down").with_header("retry-after", "20"),
                true => Reply::error(429, "slow down"),
                false => Reply::text("Well."),
            }
        });
        let spare = Provider::always(Reply::text("Well."));
        let stage = Stage::configured(&[("first", &first), ("spare", &spare)], |config| {
            config["routes"]["smart"]["targets"] = json!(["first/m"]);
        })
        .await;
        let stage = Arc::new(stage);
        let services: JoinSet<Vec<Got>> =
            (0..SERVICES).map(|number| service(stage.clone(), number, began)).collect();
        tokio::time::sleep_until(began + 12 * MINUTE).await;
        stage.change(|config| config["routes"]["smart"]["targets"] = json!(["first/m", "spare/m"])).await;
        let got = services.join_all().await.concat();
        let lost = |from: u32, to: u32| {
            let within = got.iter().filter(|(at, _)| (from * MINUTE..to * MINUTE).contains(at));
            within.filter(|(_, well)| !well).count()
        };
        assert!(got.len() > 2_000);
        assert_eq!(lost(0, 10), 0);
        assert!(lost(10, 12) > 50, "nobody else is left to ask: {}", lost(10, 12));
        assert_eq!(lost(12, 30), 0, "no client sees an error");
        let asked = first.asked_since(began + 12 * MINUTE + Duration::from_secs(1));
        let (storm, after) = asked.iter().partition::<Vec<u64>, _>(|at| **at < 13 * 60_000);
        assert!(storm.len() < 200, "it is left alone: {} of {}", storm.len(), got.len());
        assert!(after.len() > 200, "and asked again as before: {}", after.len());
    }
}
