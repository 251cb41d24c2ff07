//! Keys, what runs out, and what token endpoints answer. No test waits for real time.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::renewed::{Fetched, Renewed, Source};
use super::{Key, Keyring, Refusal, SignError, fetch};
use crate::secret::Secret;
use parking_lot::Mutex;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::advance;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn ring(weights: &[(&str, u32)]) -> Keyring {
    let keys =
        weights.iter().map(|(name, weight)| Key::new(name, Secret::new(format!("sk-{name}")), *weight));
    Keyring::new(keys.collect())
}

/// How often each key is picked in a thousand times.
fn shares(ring: &Keyring) -> BTreeMap<String, u32> {
    let mut shares = BTreeMap::new();
    for _ in 0..1_000 {
        *shares.entry(ring.pick(&[]).unwrap().name().to_owned()).or_default() += 1;
    }
    shares
}

/// Has the provider refuse a key.
fn refuse(ring: &Keyring, name: &str, refusal: Refusal) {
    let mut tried = Vec::new();
    while let Some(mut pick) = ring.pick(&tried) {
        if pick.name() == name {
            assert!(pick.refused(refusal));
            return;
        }
        tried.push(pick);
    }
    unreachable!("{name} is set aside already");
}

#[tokio::test(start_paused = true)]
async fn keys_are_picked_by_weight() {
    assert!(ring(&[]).pick(&[]).is_none());
    let shares = shares(&ring(&[("a", 1), ("b", 0), ("c", 8)]));
    assert!(shares.values().sum::<u32>() == 1_000 && shares["c"] > 700, "{shares:?}");
    assert!(shares["a"] > 30 && shares["b"] > 30, "a weight is at least one: {shares:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_set_aside_and_tried_again_later() {
    for (status, pause) in
        [(Refusal::Bad, 300), (Refusal::Exhausted(Some(seconds(20))), 20), (Refusal::Exhausted(None), 1)]
    {
        let ring = ring(&[("a", 1), ("b", 1)]);
        refuse(&ring, "a", status);
        assert_eq!(shares(&ring), [("b".into(), 1_000)].into(), "{status:?}");
        advance(seconds(pause) - Duration::from_millis(1)).await;
        assert_eq!(shares(&ring).len(), 1, "{status:?}");
        advance(Duration::from_millis(1)).await;
        assert_eq!(shares(&ring).len(), 2, "{status:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_keys_fault_changes_nothing() {
    let ring = ring(&[("a", 1), ("b", 1)]);
    for refusal in [Refusal::Forbidden, Refusal::Nothing] {
        assert!(!ring.pick(&[]).unwrap().refused(refusal));
    }
    assert_eq!(shares(&ring).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn when_all_are_set_aside_the_one_that_is_back_first_is_tried_once() {
    let ring = ring(&[("a", 1), ("b", 1), ("c", 1)]);
    refuse(&ring, "a", Refusal::Exhausted(Some(seconds(30))));
    refuse(&ring, "b", Refusal::Exhausted(Some(seconds(10))));
    refuse(&ring, "c", Refusal::Bad);
    let pick = ring.pick(&[]).unwrap();
    assert_eq!(pick.name(), "b");
    assert!(ring.pick(&[pick]).is_none());
}

#[tokio::test(start_paused = true)]
async fn each_key_is_tried_once() {
    let ring = ring(&[("a", 1), ("b", 1), ("c", 1)]);
    let mut tried = Vec::new();
    while let Some(pick) = ring.pick(&tried) {
        tried.push(pick);
    }
    let mut names: Vec<_> = tried.iter().map(|pick| pick.name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_success_brings_a_key_back_but_not_one_that_began_before() {
    let ring = ring(&[("only", 1)]);
    let early = ring.pick(&[]).unwrap();
    advance(seconds(1)).await;
    refuse(&ring, "only", Refusal::Exhausted(Some(seconds(60))));
    let two = |ring: &Keyring| {
        let keys =
            vec![Key::new("only", Secret::new("sk-only"), 1), Key::new("other", Secret::new("sk-other"), 1)];
        shares(&Keyring::new(keys).learning_from(ring)).len()
    };
    early.accepted();
    assert_eq!(two(&ring), 1);
    advance(seconds(1)).await;
    ring.pick(&[]).unwrap().accepted();
    assert_eq!(two(&ring), 2);
}

#[test]
fn rings_are_told_apart_and_show_no_secret() {
    let known = ring(&[("a", 1), ("b", 2)]);
    assert!(known.same(&ring(&[("a", 1), ("b", 2)])));
    assert!(!known.same(&ring(&[("a", 1), ("b", 1)])) && !known.same(&ring(&[("a", 1)])));
    let shown = format!("{known:?} {:?}", known.pick(&[]));
    assert!(shown.contains("\"a\"") && !shown.contains("sk-"), "{shown}");
}

/// Gives 1, 2, 3, … as its permits allow; what fails is told in advance.
struct Numbers {
    good_for: Duration,
    permits: Arc<Semaphore>,
    fetches: AtomicU32,
    failing: Mutex<bool>,
}

impl Source for Numbers {
    type Value = u32;

    async fn fetch(&self) -> Result<Fetched<u32>, SignError> {
        self.permits.acquire().await.unwrap().forget();
        let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        match *self.failing.lock() {
            true => Err(SignError::Unavailable("not now".into())),
            false => Ok(Fetched::new(number, self.good_for)),
        }
    }
}

fn numbers(good_for: u64, permits: usize) -> Arc<Renewed<Numbers>> {
    Arc::new(Renewed::new(Numbers {
        good_for: seconds(good_for),
        permits: Arc::new(Semaphore::new(permits)),
        fetches: AtomicU32::new(0),
        failing: Mutex::new(false),
    }))
}

fn fetches(values: &Renewed<Numbers>) -> u32 {
    values.source().fetches.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_share_one_fetch() {
    let values = numbers(3_600, 0);
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let values = values.clone();
            tokio::spawn(async move { values.get().await.unwrap() })
        })
        .collect();
    tokio::task::yield_now().await;
    values.source().permits.add_permits(20);
    for one in waiting {
        assert_eq!(one.await.unwrap(), 1);
    }
    assert_eq!(fetches(&values), 1);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_share_a_failure() {
    let values = numbers(3_600, 0);
    *values.source().failing.lock() = true;
    let waiting: Vec<_> = (0..20)
        .map(|_| {
            let values = values.clone();
            tokio::spawn(async move { values.get().await.unwrap_err().to_string() })
        })
        .collect();
    tokio::task::yield_now().await;
    advance(seconds(10)).await;
    values.source().permits.add_permits(20);
    for one in waiting {
        assert_eq!(one.await.unwrap(), "no credential could be had: not now");
    }
    assert_eq!(fetches(&values), 1);
    *values.source().failing.lock() = false;
    assert_eq!(values.get().await.unwrap(), 2, "who comes later asks again");
}

/// Waits until there were so many fetches and the last is over.
async fn settled(values: &Renewed<Numbers>, count: u32) {
    while fetches(values) < count {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn a_value_is_renewed_ahead_and_nobody_waits() {
    let values = numbers(3_600, 1);
    assert_eq!(values.get().await.unwrap(), 1);
    advance(seconds(3_600 - 300)).await;
    assert_eq!((values.get().await.unwrap(), fetches(&values)), (1, 1));
    advance(seconds(1)).await;
    for _ in 0..3 {
        assert_eq!(values.get().await.unwrap(), 1);
        tokio::task::yield_now().await;
    }
    values.source().permits.add_permits(20);
    settled(&values, 2).await;
    assert_eq!((values.get().await.unwrap(), fetches(&values)), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_not_noticed_until_the_end() {
    let values = numbers(3_600, 100);
    assert_eq!(values.get().await.unwrap(), 1);
    *values.source().failing.lock() = true;
    advance(seconds(3_600 - 299)).await;
    for _ in 0..3 {
        assert_eq!(values.get().await.unwrap(), 1);
        settled(&values, 2).await;
        assert_eq!(fetches(&values), 2, "a source that failed has its rest");
    }
    advance(seconds(5)).await;
    assert_eq!(values.get().await.unwrap(), 1);
    settled(&values, 3).await;
    advance(seconds(299 - 5 - 30)).await;
    assert!(matches!(values.get().await, Err(SignError::Unavailable(_))), "too near its end to be used");
    *values.source().failing.lock() = false;
    assert_eq!(values.get().await.unwrap(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_good_for_a_short_time_is_not_renewed_at_once() {
    let values = numbers(240, 100);
    for _ in 0..3 {
        assert_eq!(values.get().await.unwrap(), 1);
        advance(seconds(60)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(fetches(&values), 1);
    advance(seconds(1)).await;
    assert_eq!(values.get().await.unwrap(), 1);
    settled(&values, 2).await;
    assert_eq!(values.get().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_good_as_over_is_used_once() {
    let values = numbers(1, 100);
    assert_eq!(values.get().await.unwrap(), 1);
    assert_eq!(values.get().await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_believed_to_be_good_for_long() {
    let values = numbers(u64::MAX, 100);
    assert_eq!(values.get().await.unwrap(), 1);
    advance(seconds(86_400)).await;
    assert_eq!(values.get().await.unwrap(), 2);
}

#[test]
fn an_answer_of_a_token_endpoint_is_read() {
    for end in [json!(60), json!("60"), json!(60.0)] {
        assert!(fetch::read(&json!({ "access_token": "t", "expires_in": end })).is_some(), "{end}");
    }
    for bad in [
        json!({ "access_token": "t", "expires_in": "soon" }),
        json!({ "access_token": "t", "expires_in": -1 }),
        json!({ "access_token": 1, "expires_in": 60 }),
        json!({ "access_token": "", "expires_in": 60 }),
        json!({ "id_token": "t", "expires_in": 60 }),
        json!([]),
    ] {
        assert!(fetch::read(&bad).is_none(), "{bad}");
    }
    // RFC 6749, section 5.1: `expires_in` is recommended, and may be missing.
    assert!(fetch::read(&json!({ "access_token": "t" })).is_some());
}
