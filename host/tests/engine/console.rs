//! What a guest writes to its console reaches the operator's log, in bounds; nothing else of WASI is there.

use crate::support::{Log, exchange, house};
use std::time::Duration;

async fn said_by(deed: &str) -> String {
    let used = house().hostile(deed, |settings| settings.limits.deadline = Duration::from_secs(60)).await;
    let (log, guard) = Log::listen();
    let _ = used.binding.on_request(&exchange("hello")).await;
    drop(guard);
    log.text()
}

#[tokio::test]
async fn a_panic_says_where_and_why_and_whose_it_is() {
    let said = said_by("panic").await;
    assert!(said.contains("hostile/src/lib.rs") && said.contains("it panics in a hook"), "{said}");
    assert!(said.contains("guest") && said.contains("acme"), "{said}");
}

#[tokio::test]
async fn a_chatty_guest_does_not_fill_the_log() {
    let said = said_by("chatty").await;
    let lines = said.lines().count();
    // It says 500; 200 a second are logged, and saying them all takes a second at most but on a busy machine.
    assert!((150..=450).contains(&lines), "{lines} lines");
    assert!(said.lines().all(|line| line.len() < 2_500));
}
