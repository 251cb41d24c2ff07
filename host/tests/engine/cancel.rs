//! A call that is dropped, or whose service panics, loses its instance and nothing else.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{House, Used, exchange, house};
use lockgate::plugin::*;
use lockgate_guests::GREEDY;
use serde_json::json;

async fn asks(house: &House, key: &str, change: impl FnOnce(&mut BindingSettings)) -> Used {
    let grant = |settings: &mut BindingSettings| {
        settings.grants.kv = vec!["mine".into()];
        change(settings);
    };
    house.bind(GREEDY, json!({ "bucket": "mine", "key": key }), grant).await
}

#[tokio::test]
async fn a_dropped_call_frees_its_slot_and_its_instance() {
    let house = house();
    for isolation in [Isolation::Fresh, Isolation::Reuse] {
        let used = asks(&house, "wait", |settings| {
            settings.isolation = isolation;
            settings.limits.concurrency = 1;
            settings.limits.queue = 0;
        })
        .await;
        let x = exchange("hello");
        for dropped in 1..=3 {
            tokio::select! {
                answered = used.binding.on_request(&x) => unreachable!("nobody lets it go on: {answered:?}"),
                () = house.memory.asked.notified() => {}
            }
            assert_eq!(used.counts.instances(), 0);
            assert_eq!(used.counts.outcome("cancelled"), dropped);
        }
        house.memory.go.notify_one();
        assert_eq!(used.binding.on_request(&x).await, Ok(Decision::Next));
        house.memory.asked.notified().await;
    }
}

#[tokio::test]
async fn a_service_that_panics_is_an_error_of_the_call() {
    let house = house();
    let used = asks(&house, "panic", |settings| settings.limits.concurrency = 1).await;
    for _ in 0..3 {
        let failed = used.binding.on_request(&exchange("hello")).await.expect_err("the service panics");
        assert_eq!(failed.kind, CallErrorKind::Internal);
        assert_eq!(used.counts.instances(), 0);
    }
}

#[tokio::test]
async fn waiting_for_the_host_is_not_charged_to_the_guest() {
    let house = house();
    let used =
        asks(&house, "wait", |settings| settings.limits.deadline = std::time::Duration::from_millis(20))
            .await;
    let x = exchange("hello");
    let call = used.binding.on_request(&x);
    let host = async {
        house.memory.asked.notified().await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        house.memory.go.notify_one();
    };
    assert_eq!(tokio::join!(call, host).0, Ok(Decision::Next));
}
