//! `configure` runs once; what it left is what every instance starts from, also after a restart.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{exchange, house, of};
use lockgate::plugin::*;
use lockgate_guests::{ECHO, HOSTILE};
use serde_json::json;
use std::path::Path;

async fn configured(cache: &Path, isolation: Isolation) -> u64 {
    let house = of(&EngineSettings {
        cache_dir: Some(cache.to_owned()),
        pooling: false,
        side: SideSettings::default(),
    });
    let config = json!({ "from": "a", "to": "b" });
    let used = house.bind(ECHO, config, |settings| settings.isolation = isolation).await;
    for _ in 0..3 {
        let x = exchange("a");
        assert_eq!(used.binding.on_request(&x).await, Ok(Decision::Next));
        assert!(x.prompt().texts().iter().all(|part| part.text == "b"), "it is configured");
    }
    used.counts.own("configured")
}

#[tokio::test]
async fn a_plugin_is_configured_once_and_not_at_all_with_a_warm_cache() {
    let dir = tempfile::tempdir().expect("a directory");
    for isolation in [Isolation::Fresh, Isolation::Reuse] {
        let cache = dir.path().join(format!("{isolation:?}"));
        assert_eq!(configured(&cache, isolation).await, 1);
        assert_eq!(configured(&cache, isolation).await, 0);
    }
}

#[tokio::test]
async fn a_damaged_cache_is_made_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(configured(dir.path(), Isolation::Fresh).await, 1);
    for file in std::fs::read_dir(dir.path()).expect("it is there").flatten() {
        std::fs::write(file.path(), b"damaged").expect("it can be written");
    }
    assert_eq!(configured(dir.path(), Isolation::Fresh).await, 1);
    assert_eq!(configured(dir.path(), Isolation::Fresh).await, 0);
}

#[tokio::test]
async fn another_configuration_is_another_snapshot() {
    let house = house();
    for to in ["b", "c"] {
        let used = house.bind(ECHO, json!({ "from": "a", "to": to }), |_| {}).await;
        let x = exchange("a");
        assert_eq!(used.binding.on_request(&x).await, Ok(Decision::Next));
        assert!(x.prompt().texts().iter().all(|part| part.text == to));
    }
}

#[tokio::test]
async fn the_same_template_asked_for_at_once_is_made_once() {
    let house = house();
    let bind = || house.bind(ECHO, json!({ "to": "at once" }), |_| {});
    let (a, b, c) = tokio::join!(bind(), bind(), bind());
    let configured = [&a, &b, &c].into_iter().map(|used| used.counts.own("configured")).sum::<u64>();
    assert_eq!(configured, 1);
}

#[tokio::test]
async fn printing_while_configured_does_not_break_later_calls() {
    let house = house();
    let used = house
        .bind(HOSTILE, json!({ "deed": "configure-print" }), |settings| settings.isolation = Isolation::Fresh)
        .await;
    for _ in 0..3 {
        assert_eq!(used.binding.on_request(&exchange("hello")).await, Ok(Decision::Next));
    }
}
