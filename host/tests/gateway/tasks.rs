//! What kind of task a request is: the shipped classifier, through the gateway.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{Stage, ask, binding, soon};
use lockgate_upstream::{Recorded, Reply};
use serde_json::json;

#[tokio::test]
async fn a_request_is_flagged_with_its_kind() {
    let chain = json!([binding("builtin:task-classifier", json!({}))]);
    let stage = Stage::start(|_: &Recorded| Reply::text("Well."), chain).await;
    for (text, kind) in [
        ("Translate to Swedish: The meeting starts at nine.", "task=translate,"),
        ("Write a Python decorator that retries a function three times.", "task=code,"),
    ] {
        let answer = soon("an answer", stage.gateway.client().chat(&ask(text))).await.unwrap();
        assert_eq!(answer.text(), "Well.");
        let flags = answer.header("x-lockgate-flags");
        assert!(flags.contains(kind), "{text}: {flags}");
    }
}
