//! A target that is asked beside, whose answer nobody gets: what it may delay, and how long it may take.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{PRICE, Provider, Stage, ask, late, near, pass, streamed};
use lockgate_upstream::Reply;
use serde_json::json;

async fn stage(shadow: &Provider, most: usize) -> (Stage, Provider) {
    let real = Provider::always(late("the capital is Paris", 200));
    let stage = Stage::configured(&[("real", &real), ("shadow", shadow)], |config| {
        let route = &mut config["routes"]["smart"];
        route["targets"] = json!(["real/m"]);
        route["mirror"] = json!({ "target": "shadow/m", "percent": 100, "max_in_flight": most });
        config["limits"] = json!({ "total_timeout_ms": 30_000 });
    })
    .await;
    (stage, real)
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_it_and_what_it_took_is_compared() {
    for body in [ask("Which?"), streamed("Which?")] {
        let shadow = Provider::always(late("the capital is Lyon", 800));
        let (stage, real) = stage(&shadow, 8).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(answer.text(), "the capital is Paris");
        near(took, 200);
        let (first, second) = (stage.record().await, stage.record().await);
        assert_eq!((first.outcome, second.outcome), ("answered", "mirror"));
        let flag = |name: &str| {
            let flag = second.flags.iter().find(|(key, _)| key == name);
            flag.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let number = |name: &str| flag(name).parse::<f64>().unwrap_or_default();
        assert!((800.0..810.0).contains(&number("mirror.ms")), "{:?}", second.flags);
        assert!((200.0..210.0).contains(&number("mirror.real-ms")), "{:?}", second.flags);
        assert!((3.9..4.1).contains(&number("mirror.latency-ratio")), "{:?}", second.flags);
        assert_eq!((flag("mirror.same").as_str(), flag("mirror.similarity").as_str()), ("false", "0.750"));
        // One word asked, four answered, each for itself.
        for record in [&first, &second] {
            let cost = record.cost.unwrap_or_default().as_f64();
            assert!((cost - 5.0 * PRICE).abs() < 1e-12, "{cost}");
        }
        assert_eq!((real.count(), shadow.count()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_ends_with_the_gateways_own_time_and_takes_one_place_until_then() {
    let shadow = Provider::always(Reply::hang());
    let (stage, real) = stage(&shadow, 1).await;
    for _ in 0..3 {
        let (answer, took) = stage.timed(&ask("Which?")).await;
        assert_eq!(answer.status, 200);
        near(took, 200);
        assert_eq!(stage.record().await.outcome, "answered");
    }
    assert_eq!((real.count(), shadow.count()), (3, 1), "the others are left out");
    let failed = stage.record().await;
    assert_eq!((failed.outcome, failed.status), ("mirror-failed", 504));
    assert!((30_000..30_100).contains(&failed.duration.as_millis()), "{:?}", failed.duration);
    shadow.was_left(1).await;
    pass(100).await;
    stage.ask(&ask("Which?")).await;
    assert_eq!(shadow.count(), 2, "its place is free again");
}
