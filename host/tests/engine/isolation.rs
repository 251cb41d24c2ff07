//! What one call can see of another: nothing when fresh, its own binding's when reused, no other tenant's ever.

use crate::support::{exchange, flag, house};
use lockgate::plugin::*;
use lockgate_guests::ECHO;
use serde_json::json;
use std::sync::Arc;

async fn calls(binding: &Arc<Binding>) -> String {
    let x = exchange("hello");
    assert_eq!(binding.on_request(&x).await, Ok(Decision::Next));
    flag(&x, "calls").unwrap_or_default()
}

#[tokio::test]
async fn a_fresh_instance_sees_no_earlier_call_and_a_reused_one_does() {
    let house = house();
    let fresh = house.bind(ECHO, json!({}), |settings| settings.isolation = Isolation::Fresh).await;
    let reused = house.bind(ECHO, json!({}), |_| {}).await;
    for n in 1..=3 {
        assert_eq!(calls(&fresh.binding).await, "1");
        assert_eq!(calls(&reused.binding).await, n.to_string());
    }
    assert_eq!((fresh.counts.instances(), reused.counts.instances()), (0, 1));
}

#[tokio::test]
async fn tenants_share_a_template_and_never_an_instance() {
    let house = house();
    let mut counted = 0;
    for tenant in ["acme", "umbra"] {
        let used = house.bind(ECHO, json!({}), |settings| settings.tenant = tenant.into()).await;
        assert_eq!(calls(&used.binding).await, "1");
        assert_eq!(calls(&used.binding).await, "2");
        counted += used.counts.own("configured");
    }
    // The first tenant's template is gone with its binding, so the second's was configured anew.
    assert_eq!(counted, 2);
    let first = house.bind(ECHO, json!({}), |_| {}).await;
    let second = house.bind(ECHO, json!({}), |settings| settings.tenant = "umbra".into()).await;
    assert_eq!((first.counts.own("configured"), second.counts.own("configured")), (1, 0));
    assert_eq!(calls(&first.binding).await, "1");
    assert_eq!(calls(&second.binding).await, "1");
}

#[tokio::test]
async fn a_warm_instance_is_retired_after_its_uses() {
    let used = house().bind(ECHO, json!({}), |settings| settings.limits.max_uses = 8).await;
    let mut most = 0;
    for _ in 0..40 {
        most = most.max(calls(&used.binding).await.parse().unwrap_or_default());
    }
    // Retired give or take a quarter of eight uses; the first was used up by the preparation.
    assert!((5..=10).contains(&most), "{most}");
    assert!(used.counts.instances() <= 1);
}

#[tokio::test]
async fn scratch_lives_with_the_exchange_and_belongs_to_one_binding() {
    let house = house();
    let fresh = |settings: &mut BindingSettings| settings.isolation = Isolation::Fresh;
    let writes = house.bind(ECHO, json!({ "scratch": 1000 }), fresh).await;
    let reads = house.bind(ECHO, json!({}), fresh).await;
    let x = exchange("hello");
    for (used, kept) in [(&writes, "0"), (&writes, "1000"), (&reads, "0")] {
        assert_eq!(used.binding.on_request(&x).await, Ok(Decision::Next));
        assert_eq!(flag(&x, "kept").as_deref(), Some(kept));
    }
    let other = exchange("hello");
    assert_eq!(writes.binding.on_request(&other).await, Ok(Decision::Next));
    assert_eq!(flag(&other, "kept").as_deref(), Some("0"));
}
