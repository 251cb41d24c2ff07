//! A new target that some requests try: when it is rolled back, and what is forgotten.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, late, pass, streamed};
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A gateway half of whose requests try the canary `new`.
async fn stage(new: &Provider, old: &Provider, roll_back: Value) -> Stage {
    Stage::configured(&[("new", new), ("old", old)], |config| {
        let route = &mut config["routes"]["smart"];
        route["targets"] = json!(["old/m"]);
        route["canary"] =
            json!({ "targets": ["new/m"], "percent": 50, "by": "request", "roll_back": roll_back });
        // What a breaker does is not the subject.
        route["resilience"] = json!({ "breaker": { "min_calls": 100_000, "outlier_rate": 0 } });
    })
    .await
}

/// A provider that fails as long as somebody says so.
fn breakable(broken: bool) -> (Arc<AtomicBool>, Provider) {
    let broken = Arc::new(AtomicBool::new(broken));
    let is_broken = broken.clone();
    let provider = Provider::new(move |_: &Recorded| match is_broken.load(Ordering::Relaxed) {
        true => Reply::error(500, "oops"),
        false => Reply::text("new"),
    });
    (broken, provider)
}

fn is_off(stage: &Stage) -> bool {
    let canaries = stage.app.shared().canaries.lock();
    canaries.values().filter_map(std::sync::Weak::upgrade).any(|state| state.is_off())
}

#[tokio::test(start_paused = true)]
async fn one_that_begins_to_fail_is_rolled_back_and_no_client_sees_an_error() {
    let (broken, new) = breakable(false);
    let old = Provider::always(Reply::text("old"));
    let stage = stage(&new, &old, json!({ "error_rate": 0.2, "min_attempts": 20, "half_life_s": 60 })).await;
    let ask_often = async |times: usize| {
        for turn in 0..times {
            let body = if turn % 2 == 0 { ask("hi") } else { streamed("hi") };
            assert_eq!(stage.ask(&body).await.status, 200);
            pass(500).await;
        }
    };
    ask_often(200).await;
    assert!((60..140).contains(&new.count()) && !is_off(&stage), "{}", new.count());
    broken.store(true, Ordering::Relaxed);
    let before = new.count();
    ask_often(120).await;
    assert!(is_off(&stage), "a minute of failures is enough");
    let failed = new.count() - before;
    assert!(
        (3..20).contains(&failed),
        "{failed}: who fails in a row is passed over, and that is held against it"
    );
    // It stays so when it is well again, and for ever.
    broken.store(false, Ordering::Relaxed);
    pass(86_400_000).await;
    let before = new.count();
    ask_often(20).await;
    assert_eq!(new.count(), before);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_slower_than_the_others_is_rolled_back() {
    for (takes, off) in [(300, true), (120, false)] {
        let (new, old) = (Provider::always(late("new", takes)), Provider::always(late("old", 100)));
        let settings = json!({ "error_rate": null, "latency": 1.5, "min_attempts": 20 });
        let stage = stage(&new, &old, settings).await;
        for _ in 0..120 {
            assert_eq!(stage.ask(&ask("hi")).await.status, 200);
        }
        assert_eq!(is_off(&stage), off, "{takes} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_never_answers_is_rolled_back_by_its_timeouts() {
    let (new, old) = (Provider::always(Reply::hang()), Provider::always(Reply::text("old")));
    let mut stage = stage(&new, &old, json!({ "error_rate": 0.1, "min_attempts": 5 })).await;
    stage
        .reload(|config| {
            config["routes"]["smart"]["resilience"]["timeouts"] = json!({ "first_token_ms": 1_000 });
        })
        .await;
    for _ in 0..60 {
        assert_eq!(stage.ask(&streamed("hi")).await.text(), "old");
    }
    assert!(is_off(&stage) && new.count() < 12, "{}", new.count());
}

#[tokio::test(start_paused = true)]
async fn streams_that_break_off_count_against_it() {
    let turns = AtomicUsize::new(0);
    let new = Provider::new(move |_: &Recorded| match turns.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Reply::reset_after(["half ", "an answer"]),
        _ => Reply::text("new"),
    });
    let old = Provider::always(Reply::text("old"));
    let stage = stage(&new, &old, json!({ "error_rate": 0.2, "min_attempts": 10 })).await;
    for _ in 0..80 {
        stage.ask(&streamed("hi")).await;
    }
    assert!(is_off(&stage) && new.count() < 30, "{}", new.count());
}

#[tokio::test(start_paused = true)]
async fn a_bad_hour_that_is_long_over_is_not_held_against_it() {
    let (broken, new) = breakable(true);
    let old = Provider::always(Reply::text("old"));
    let stage = stage(&new, &old, json!({ "error_rate": 0.2, "min_attempts": 20, "half_life_s": 60 })).await;
    // Too few to be judged by.
    for _ in 0..15 {
        stage.ask(&ask("hi")).await;
        pass(1_000).await;
    }
    broken.store(false, Ordering::Relaxed);
    pass(3_600_000).await;
    for _ in 0..100 {
        stage.ask(&ask("hi")).await;
    }
    assert!(!is_off(&stage));
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_refused_leaves_everything_as_it_was() {
    let (new, old) = (Provider::always(Reply::error(500, "oops")), Provider::always(Reply::text("old")));
    let stage = stage(&new, &old, json!({ "error_rate": 0.1, "min_attempts": 5 })).await;
    for _ in 0..60 {
        assert_eq!(stage.ask(&ask("hi")).await.text(), "old");
    }
    let told = |stage: &Stage| {
        let metrics = stage.app.shared().metrics.render();
        let mut lines = metrics.lines().filter(|line| line.starts_with("lockgate_canary_rolled_back{"));
        lines.any(|line| line.ends_with(" 1"))
    };
    assert!(is_off(&stage) && told(&stage));
    let asked = new.count();
    stage
        .refused(|config| {
            config["routes"]["smart"]["canary"]["percent"] = json!(100);
            config["providers"]["old"]["base_url"] = json!("http://elsewhere.test/v1");
        })
        .await;
    assert!(is_off(&stage) && told(&stage), "another canary would begin anew, but it was refused");
    // What serves, and what is made of it again, has the connections that it had.
    for _ in 0..2 {
        assert_eq!(stage.ask(&ask("hi")).await.text(), "old");
        stage.change(|_| {}).await;
    }
    assert_eq!(new.count(), asked);
}
