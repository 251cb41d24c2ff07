//! Limits in time: windows, buckets, those who wait for their turn, and that no traffic exceeds them.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, late, ms, near, pass, told};
use lockgate_upstream::Reply;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::Instant;

async fn stage(limit: Value, reply: Reply) -> (Stage, Provider) {
    let only = Provider::always(reply);
    let stage = Stage::configured(&[("only", &only)], |config| config["rate_limits"]["fair"] = limit).await;
    (stage, only)
}

#[tokio::test(start_paused = true)]
async fn a_window_gives_again_when_it_said_it_would() {
    let (stage, only) =
        stage(json!({ "by": ["key"], "requests": 3, "per": "minute" }), Reply::text("hi")).await;
    for _ in 0..3 {
        assert_eq!(stage.ask(&ask("hi")).await.status, 200);
        pass(5_000).await;
    }
    let refused = stage.ask(&ask("hi")).await;
    assert_eq!(told(&refused), (429, "rate_limit_exceeded".into()));
    let wait: u64 = refused.header("retry-after-ms").parse().unwrap_or_default();
    // The first was fifteen seconds ago, and counts for a minute, and up to a fifteenth longer.
    assert!((45_000..=49_100).contains(&wait), "{wait}");
    pass(wait - 1_000).await;
    assert_eq!(stage.ask(&ask("hi")).await.status, 429, "not before");
    pass(1_001).await;
    assert_eq!(stage.ask(&ask("hi")).await.status, 200);
    assert_eq!(stage.ask(&ask("hi")).await.status, 429, "one, since one was given back");
    assert_eq!(only.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_bucket_gives_its_burst_and_then_what_flows_in() {
    let limit = json!({ "by": ["key"], "requests": { "limit": 60, "burst": 5 }, "per": "minute" });
    let (stage, only) = stage(limit, Reply::text("hi")).await;
    let ask_often = async |times: usize| {
        let mut admitted = 0;
        for _ in 0..times {
            admitted += usize::from(stage.ask(&ask("hi")).await.status == 200);
        }
        admitted
    };
    assert_eq!(ask_often(20).await, 5);
    for _ in 0..10 {
        pass(2_001).await;
        assert_eq!(ask_often(5).await, 2, "one a second");
    }
    pass(3_600_000).await;
    assert_eq!(ask_often(20).await, 5, "it holds no more");
    assert_eq!(only.count(), 30);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_have_their_turn_one_after_another_and_give_up_in_time() {
    let limit = json!({ "concurrent": 1, "over": "queue", "queue": { "size": 3, "wait_ms": 2_500 } });
    let (stage, only) = stage(limit, late("hi", 1_000)).await;
    let stage = Arc::new(stage);
    let from = Instant::now();
    let mut asking = JoinSet::new();
    for _ in 0..6 {
        let stage = stage.clone();
        asking.spawn(async move {
            let answer = stage.ask(&ask("hi")).await;
            (ms(from.elapsed()), answer.status.as_u16())
        });
        tokio::task::yield_now().await;
    }
    let mut ended = asking.join_all().await;
    ended.sort_unstable();
    let statuses: Vec<u16> = ended.iter().map(|(_, status)| *status).collect();
    // One at once, three wait of which the last gives up, two find no room.
    assert_eq!(statuses, [429, 429, 200, 200, 429, 200], "{ended:?}");
    for ((at, _), expected) in ended.iter().zip([0, 0, 1_000, 2_000, 2_500, 3_000]) {
        near(*at, expected);
    }
    assert_eq!(only.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_queue_for_a_window_waits_until_it_gives() {
    let limit = json!({ "requests": 2, "per": "second", "over": "queue", "queue": { "wait_ms": 30_000 } });
    let (stage, only) = stage(limit, Reply::text("hi")).await;
    let stage = Arc::new(stage);
    let from = Instant::now();
    let mut asking = JoinSet::new();
    for _ in 0..10 {
        let stage = stage.clone();
        asking.spawn(async move { stage.ask(&ask("hi")).await.status.as_u16() });
    }
    assert!(asking.join_all().await.iter().all(|status| *status == 200));
    let asked = only.asked_since(from);
    for window in asked.windows(3) {
        assert!(window[2] - window[0] >= 1_000, "three within a second: {asked:?}");
    }
    assert!(ms(from.elapsed()) <= 4 * 1_100, "nobody waits longer than the window needs: {asked:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_does_so_within_the_time_for_all_of_it_and_leaves_its_place() {
    let only = Provider::always(late("hi", 4_000));
    let stage = Stage::configured(&[("only", &only)], |config| {
        config["rate_limits"]["fair"] =
            json!({ "concurrent": 1, "over": "queue", "queue": { "size": 1, "wait_ms": 60_000 } });
        config["limits"] = json!({ "total_timeout_ms": 5_000 });
    })
    .await;
    let stage = Arc::new(stage);
    let mut asking = JoinSet::new();
    for n in 0..3_u64 {
        let stage = stage.clone();
        asking.spawn(async move {
            // The third comes when the second is being served, and the place in the queue is free again.
            pass(n / 2 * 4_500).await;
            let (answer, took) = stage.timed(&ask("hi")).await;
            (answer.status.as_u16(), took)
        });
    }
    let mut ended = asking.join_all().await;
    ended.sort_unstable();
    let [first, third, second] = ended.try_into().unwrap_or_default();
    assert_eq!((first.0, third.0, second.0), (200, 200, 504));
    near(first.1, 4_000);
    near(second.1, 5_000);
    near(third.1, 4_500);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_were_reserved_and_not_used_are_there_again_at_once() {
    let limit = json!({ "by": ["key"], "tokens": 1_100, "per": "minute" });
    let (stage, only) = stage(limit, late("two words", 1_000)).await;
    let mut body = ask("hi");
    body["max_tokens"] = json!(1_000);
    let stage = Arc::new(stage);
    let (other, beside) = (stage.clone(), body.clone());
    let first = tokio::spawn(async move { other.ask(&beside).await.status });
    pass(500).await;
    assert_eq!(stage.ask(&body).await.status, 429, "they are reserved");
    assert!(first.await.is_ok_and(|status| status == 200));
    assert_eq!(stage.ask(&body).await.status, 200, "and are not any more");
    assert_eq!(only.count(), 2);
}

/// Whatever comes, at whatever pace: no window of a limit ever holds more than the limit, and none of a bucket more than its
/// burst and what flows in.
#[tokio::test(start_paused = true)]
async fn no_traffic_exceeds_them() {
    for seed in 0..6 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (limit, burst) = (random.u64(2..8), random.u64(2..8));
        let window = seed % 2 == 0;
        let requests = if window { json!(limit) } else { json!({ "limit": limit, "burst": burst }) };
        let (stage, only) = stage(json!({ "requests": requests, "per": "second" }), Reply::text("hi")).await;
        let from = Instant::now();
        for _ in 0..150 {
            stage.ask(&ask("hi")).await;
            if random.u8(..3) > 0 {
                pass(random.u64(1..400)).await;
            }
        }
        let asked = only.asked_since(from);
        assert!(asked.len() > 20, "{}", asked.len());
        for (place, at) in asked.iter().enumerate() {
            let within = |time: u64| asked[place..].iter().filter(|other| **other - at < time).count() as u64;
            if window {
                assert!(within(1_000) <= limit, "seed {seed}: {asked:?}");
            } else {
                for seconds in 1..5 {
                    assert!(within(seconds * 1_000) <= burst + seconds * limit, "seed {seed}: {asked:?}");
                }
            }
        }
    }
}
