//! A binding that keeps failing is left alone for a while, then tried once.

use crate::support::{Used, exchange, house};
use lockgate::plugin::*;
use std::time::Duration;

async fn kind(used: &Used, text: &str) -> Result<Decision, CallErrorKind> {
    used.binding.on_request(&exchange(text)).await.map_err(|error| error.kind)
}

#[tokio::test]
async fn five_failures_open_it_and_a_trial_that_works_closes_it() {
    let used = house().hostile("panic-on-demand", |_| {}).await;
    tokio::time::pause();
    for _ in 0..5 {
        assert_eq!(kind(&used, "panic").await, Err(CallErrorKind::Trap));
    }
    assert_eq!(kind(&used, "fine").await, Err(CallErrorKind::Breaker));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(kind(&used, "panic").await, Err(CallErrorKind::Trap), "the trial");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(kind(&used, "fine").await, Err(CallErrorKind::Breaker), "the pause has grown");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(kind(&used, "fine").await, Ok(Decision::Next));
    assert_eq!(kind(&used, "fine").await, Ok(Decision::Next));
    assert_eq!(used.counts.outcome("breaker"), 2);
}

#[tokio::test]
async fn faults_and_rejections_do_not_open_it() {
    let used = house().hostile("fault", |_| {}).await;
    for _ in 0..10 {
        assert_eq!(kind(&used, "").await, Err(CallErrorKind::Fault { code: "unavailable".into() }));
    }
}

#[tokio::test]
async fn the_breaker_of_one_binding_is_not_its_neighbours() {
    let house = house();
    let bad = house.hostile("panic-on-demand", |_| {}).await;
    let good = house.hostile("panic-on-demand", |settings| settings.tenant = "umbra".into()).await;
    for _ in 0..5 {
        assert_eq!(kind(&bad, "panic").await, Err(CallErrorKind::Trap));
    }
    assert_eq!(kind(&bad, "fine").await, Err(CallErrorKind::Breaker));
    assert_eq!(kind(&good, "fine").await, Ok(Decision::Next));
}
