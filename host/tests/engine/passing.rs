//! A binding may say that an answer is nothing to it: it is not called for that answer, and for no other is it left out.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{exchange, gate, house};
use lockgate::exchange::BindingId;
use lockgate::pipeline::admission::Admission;
use lockgate::pipeline::chain::Chain;
use lockgate::pipeline::stream::OnError;
use lockgate_guests::ECHO;
use serde_json::{Value, json};

/// A chain of bindings with these settings, which are numbered from 1.
async fn chain(bindings: &[Value]) -> Chain {
    let house = house();
    let mut gates = Vec::new();
    for (id, config) in (1..).zip(bindings) {
        let used = house.bind(ECHO, config.clone(), |settings| settings.id = BindingId(id)).await;
        gates.push(gate(&used, OnError::Skip));
    }
    Chain::new(gates)
}

#[tokio::test]
async fn who_passes_an_answer_is_not_called_for_it() {
    let passes = json!({ "pass_answer": true });
    let (chain, x) = (chain(&[passes.clone(), passes]).await, exchange("hello"));
    assert!(chain.judges(&x) && chain.gathers(&x) && !chain.guard(&x).is_empty());
    assert_eq!(chain.admit(&x).await.expect("it is admitted"), Admission::Forward);
    assert!(!chain.judges(&x) && !chain.gathers(&x) && chain.guard(&x).is_empty());
    let other = exchange("another");
    assert!(chain.judges(&other) && !chain.guard(&other).is_empty());
}

#[tokio::test]
async fn the_others_are_called_as_before() {
    let reads = json!({ "from": "b", "to": "x" });
    let (chain, x) =
        (chain(&[json!({ "pass_answer": true, "from": "a", "to": "y" }), reads]).await, exchange("hi"));
    chain.admit(&x).await.expect("it is admitted");
    let at = lockgate::chat::TextAt::new(0, 0, lockgate::chat::channel::CONTENT);
    assert_eq!(chain.guard(&x).whole(&at, "abc").await.ok().as_deref(), Some("axc"));
    assert!(chain.judges(&x));
}

#[tokio::test]
async fn who_failed_or_is_asked_anew_has_said_nothing() {
    let x = exchange("hello");
    let failing = chain(&[json!({ "pass_answer": true, "fail": true })]).await;
    failing.admit(&x).await.expect("its failure is skipped");
    assert!(!failing.guard(&x).is_empty(), "what a failed call said does not count");

    // A reroute runs the request hooks once more, over the request as it came.
    let (passes, reads) = (chain(&[json!({ "pass_answer": true })]).await, chain(&[json!({})]).await);
    passes.admit(&x).await.expect("it is admitted");
    assert!(reads.guard(&x).is_empty(), "they are the same binding");
    reads.admit(&x).await.expect("it is admitted");
    assert!(!reads.guard(&x).is_empty());
}
