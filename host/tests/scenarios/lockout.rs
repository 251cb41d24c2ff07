//! Who guesses keys waits, longer each time; who has one that was good from there does not.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{KEY, Provider, Stage, ask, pass, told};
use lockgate_upstream::Reply;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn guesses_are_not_looked_at_for_twice_as_long_each_time() {
    let only = Provider::always(Reply::text("hello"));
    let stage = Stage::configured(&[("only", &only)], |config| {
        config["identity"] = json!({ "lockout": { "failures": 3, "first_ms": 1_000, "longest_ms": 8_000 } });
        config["tenants"]["acme"]["keys"] = json!([
            { "name": "web", "hash": lockgate::auth::hash_key(KEY) },
            { "name": "late", "hash": lockgate::auth::hash_key("a-key-not-seen-before") },
        ]);
    })
    .await;
    let shows = async |key: &str| {
        let answer = stage.ask_with(&ask("hi"), &[("authorization", &format!("Bearer {key}"))]).await;
        let after = answer.header("retry-after-ms").parse::<u64>().unwrap_or_default();
        (told(&answer).0, after)
    };
    assert_eq!(shows(KEY).await.0, 200);
    let mut guess = 0;
    let mut wrong = async || {
        guess += 1;
        shows(&format!("guess-{guess}")).await
    };
    for _ in 0..3 {
        assert_eq!(wrong().await.0, 401);
    }
    for wait in [1_000, 2_000, 4_000, 8_000, 8_000] {
        let (status, after) = wrong().await;
        assert_eq!(status, 429);
        assert!((wait - 5..=wait).contains(&after), "{after} of {wait}");
        assert_eq!(shows("a-key-not-seen-before").await.0, 429, "a right guess is told nothing either");
        assert_eq!(shows(KEY).await.0, 200, "who was good from there is served");
        pass(wait - 10).await;
        assert_eq!(wrong().await.0, 429);
        pass(20).await;
        assert_eq!(wrong().await.0, 401, "one more is looked at, and doubles the wait");
    }
    pass(8_010).await;
    assert_eq!(shows("a-key-not-seen-before").await.0, 200);
    pass(15 * 60_000 + 1_000).await;
    for _ in 0..3 {
        assert_eq!(wrong().await.0, 401, "after a quarter of an hour all is forgotten");
    }
    assert_eq!(only.count(), 1 + 5 + 1);
}
