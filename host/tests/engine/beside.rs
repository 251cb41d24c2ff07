//! Guards that compute beside one another: the outcome is that of one after the other, and nobody else sees more.
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use crate::support::{House, Log, Used, exchange, flag, gate, of};
use futures_util::FutureExt as _;
use lockgate::exchange::{BindingId, Exchange, Keep, KeepsFull};
use lockgate::pipeline::admission::Admission;
use lockgate::pipeline::chain::Chain;
use lockgate::pipeline::stream::OnError;
use lockgate::plugin::side::{Call, Calls, Help, Here};
use lockgate::plugin::*;
use lockgate_guests::{ECHO, GREEDY, HOSTILE};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Longer than any call takes that ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// A house with so many threads beside, which are used at every chance.
fn eager(threads: usize) -> House {
    let side = SideSettings { threads, worth: Duration::ZERO, restless: 1_000, while_busy: true };
    of(&EngineSettings { pooling: false, side, ..EngineSettings::default() })
}

/// Settings of a binding that may count in the shared values.
fn counting(settings: &mut BindingSettings) {
    settings.grants.kv = vec!["mine".into()];
}

/// Waits until a thread beside is free again.
async fn rested(used: &Used) {
    while used.binding.side().take(1).is_empty() {
        tokio::task::yield_now().await;
    }
}

async fn counter(house: &House, change: impl FnOnce(&mut BindingSettings)) -> Used {
    let config = json!({ "bucket": "mine", "key": "k", "count": true });
    let settings = |settings: &mut BindingSettings| {
        counting(settings);
        change(settings);
    };
    house.bind(GREEDY, config, settings).await
}

/// What becomes of an exchange: how it ended, and all that it carries.
#[derive(Debug, PartialEq)]
struct Outcome {
    admission: Result<Admission, String>,
    prompt: Value,
    flags: Vec<(String, String)>,
    passing: Vec<bool>,
    kept: Vec<Option<Vec<u8>>>,
    counted: i64,
}

/// Which of the bindings panics, if it is told to.
const PANICS: usize = 8;

/// Bindings of every kind, numbered from 1, and whether a failure of theirs is skipped.
async fn bindings(house: &House) -> Vec<(Used, OnError)> {
    let greedy = json!({ "bucket": "mine", "key": "k" });
    let count = json!({ "bucket": "mine", "key": "k", "count": true });
    let kinds: [(&'static [u8], Value, OnError); 12] = [
        (ECHO, json!({ "attrs": ["tenant"] }), OnError::Reject),
        (ECHO, json!({ "from": "a", "to": "b" }), OnError::Reject),
        (ECHO, json!({ "from": "b", "to": "stop" }), OnError::Skip),
        (ECHO, json!({ "from": "b", "to": "lost", "fail": true, "pass_answer": true }), OnError::Skip),
        (ECHO, json!({ "system": "be kind", "pass_answer": true }), OnError::Reject),
        (ECHO, json!({ "scratch": 9, "model": "other" }), OnError::Reject),
        (ECHO, json!({ "refuse": "stop" }), OnError::Reject),
        (ECHO, json!({ "answer": "c" }), OnError::Reject),
        (HOSTILE, json!({ "deed": "panic-on-demand" }), OnError::Reject),
        (HOSTILE, json!({ "deed": "slow", "ms": 1 }), OnError::Reject),
        (GREEDY, greedy, OnError::Reject),
        (GREEDY, count, OnError::Reject),
    ];
    let mut bindings = Vec::new();
    for (id, (wasm, config, on_error)) in (1..).zip(kinds) {
        let settings = |settings: &mut BindingSettings| {
            (settings.id, settings.isolation) = (BindingId(id), Isolation::Fresh);
            // However slow the machine is, none runs out of time.
            (settings.limits.deadline, settings.limits.wait) = (PATIENCE, PATIENCE);
            if wasm == GREEDY {
                counting(settings);
            }
        };
        bindings.push((house.bind(wasm, config, settings).await, on_error));
    }
    bindings
}

/// What becomes of an exchange with that text in a chain of some bindings.
async fn outcome(house: &House, all: &[(Used, OnError)], chosen: &[usize], text: &str) -> Outcome {
    let chain = Chain::new(chosen.iter().map(|&at| gate(&all[at].0, all[at].1)).collect());
    let x = exchange(text);
    let before = house.memory.counted();
    let admission = chain.admit(&x).await.map_err(|error| format!("{error:?}"));
    let ids = || (1..).map(BindingId).take(all.len());
    Outcome {
        admission,
        prompt: x.prompt().json("").map_or(Value::Null, Value::String),
        flags: x.flags(),
        passing: ids().map(|id| x.passes_answer(id)).collect(),
        kept: ids().map(|id| x.scratch_get(id, "kept")).collect(),
        counted: house.memory.counted() - before,
    }
}

#[test]
fn the_outcome_is_that_of_one_after_the_other() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime can be made");
    let houses = [eager(0), eager(1), eager(3)];
    let all: Vec<_> = houses.iter().map(|house| runtime.block_on(bindings(house))).collect();
    let chains = prop::sample::subsequence((0..all[0].len()).collect::<Vec<_>>(), 1..=6).prop_shuffle();
    let texts = prop::sample::select(vec!["x", "a", "b and c", "panic", "stop", "ac"]);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(128) });
    let same = |(chosen, text): (Vec<usize>, &'static str)| {
        let become_of = |house: usize, chosen: &[usize], text: &'static str| {
            runtime.block_on(outcome(&houses[house], &all[house], chosen, text))
        };
        let became = |house: usize| {
            // No breaker opens, for it would go by the clock when it closes.
            assert_eq!(become_of(house, &[PANICS], "x").admission, Ok(Admission::Forward));
            become_of(house, &chosen, text)
        };
        let in_turn = became(0);
        prop_assert_eq!(&became(1), &in_turn);
        prop_assert_eq!(&became(2), &in_turn);
        Ok(())
    };
    runner.run(&(chains, texts), same).unwrap_or_else(|error| panic!("{error}"));
    let cancelled = |house: usize| all[house].iter().any(|(used, _)| used.counts.outcome("cancelled") > 0);
    assert!(!cancelled(0) && cancelled(2), "something was begun that came to nothing");
}

#[tokio::test]
async fn those_behind_begin_while_a_guard_still_computes() {
    let house = eager(1);
    let endless = |settings: &mut BindingSettings| settings.limits.deadline = PATIENCE;
    let (guard, behind) = (house.hostile("loop", endless).await, house.hostile("loop", endless).await);
    let chain = Chain::new([&guard, &behind].map(|used| gate(used, OnError::Reject)).to_vec());
    let x = exchange("hello");
    let both = async {
        while guard.counts.instances() + behind.counts.instances() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        admitted = chain.admit(&x) => panic!("the guard never ends: {admitted:?}"),
        () = both => {}
    }
    // Who asked is gone, and nobody goes on for him.
    while guard.counts.instances() + behind.counts.instances() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!((guard.counts.outcome("cancelled"), behind.counts.outcome("cancelled")), (1, 1));
}

/// A masks what B would tell; while one ahead of both computes, B is begun with what A had not masked yet.
#[tokio::test]
async fn who_is_begun_too_early_learns_and_tells_nothing() {
    let house = eager(1);
    let mask = house.bind(ECHO, json!({ "from": "private", "to": "masked" }), |_| ()).await;
    let tell = house.bind(ECHO, json!({ "tell": true }), |_| ()).await;
    let slow = house.bind(HOSTILE, json!({ "deed": "slow", "ms": 5 }), |_| ()).await;
    let chain = Chain::new([&slow, &mask, &tell].map(|used| gate(used, OnError::Reject)).to_vec());
    let (log, guard) = Log::listen();
    for calls in 1..=20 {
        rested(&mask).await;
        let x = exchange("private");
        assert_eq!(chain.admit(&x).await.expect("both let it pass"), Admission::Forward);
        assert_eq!(tell.counts.own("told masked"), calls);
        // The instance that has seen more has no further calls.
        assert_eq!(flag(&x, "calls").as_deref(), Some("1"));
    }
    drop((guard, chain));
    assert_eq!(tell.counts.own("told private"), 0);
    let said = log.text();
    assert!(!said.contains("private"), "{said}");
    assert_eq!((said.matches("logged masked").count(), said.matches("printed masked").count()), (20, 20));
}

/// What a plugin makes of a text that a guard keeps from it does not count against it, nor does it use up its trial.
#[tokio::test]
async fn a_breaker_counts_nothing_that_comes_to_nothing() {
    let house = eager(1);
    let patient = |settings: &mut BindingSettings| settings.limits.deadline = PATIENCE;
    let strict = house.bind(ECHO, json!({ "refuse": "panic" }), patient).await;
    let calm = house.bind(ECHO, json!({ "from": "panic", "to": "calm" }), patient).await;
    let nervous = house.hostile("panic-on-demand", patient).await;
    let slow = house.bind(HOSTILE, json!({ "deed": "slow", "ms": 5 }), patient).await;
    let chain =
        |chosen: &[&Used]| Chain::new(chosen.iter().map(|used| gate(used, OnError::Reject)).collect());
    let (refused, calmed, alone) =
        (chain(&[&slow, &strict, &nervous]), chain(&[&slow, &calm, &nervous]), chain(&[&nervous]));
    for _ in 0..20 {
        rested(&strict).await;
        refused.admit(&exchange("panic")).await.expect_err("it is refused");
    }
    assert!(nervous.counts.outcome("trap") > 5, "it was begun too early");
    assert_eq!(alone.admit(&exchange("x")).await.expect("it is called"), Admission::Forward);
    while nervous.counts.outcome("breaker") == 0 {
        alone.admit(&exchange("panic")).await.expect_err("it panics");
    }
    tokio::time::pause();
    // However often it was tried meanwhile: as long as a breaker stays open at most.
    tokio::time::advance(Duration::from_secs(60)).await;
    tokio::time::resume();
    // The trial is now: it is made with what the guard lets through.
    assert_eq!(calmed.admit(&exchange("panic")).await.expect("it is calmed"), Admission::Forward);
    assert_eq!(alone.admit(&exchange("x")).await.expect("it is tried"), Admission::Forward);
}

#[tokio::test]
async fn what_others_see_waits_for_the_word_of_those_ahead() {
    let house = eager(1);
    let brief = |settings: &mut BindingSettings| settings.limits.deadline = Duration::from_millis(20);
    let guard = house.hostile("loop", brief).await;
    let count = counter(&house, |_| ()).await;
    let gates = |first| Chain::new(vec![gate(&guard, first), gate(&count, OnError::Reject)]);
    let refused = gates(OnError::Reject).admit(&exchange("hello")).await.expect_err("the guard fails closed");
    assert_eq!((refused.code.as_ref(), house.memory.counted()), ("policy_unavailable", 0));
    let admitted = gates(OnError::Skip).admit(&exchange("hello")).await;
    assert_eq!((admitted.expect("the guard is skipped"), house.memory.counted()), (Admission::Forward, 1));
}

/// What is put off is bounded: who counts without end waits, and nothing is lost for it.
#[tokio::test]
async fn figures_beyond_what_can_be_put_off_wait() {
    let house = eager(1);
    let patient = |settings: &mut BindingSettings| settings.limits.deadline = PATIENCE;
    let slow = house.bind(HOSTILE, json!({ "deed": "slow", "ms": 100 }), patient).await;
    let brief = |settings: &mut BindingSettings| settings.limits.deadline = Duration::from_millis(20);
    let endless = house.hostile("loop", brief).await;
    for (guard, told) in [(&slow, 5_000), (&endless, 0)] {
        let count = house.bind(ECHO, json!({ "count": 5_000 }), patient).await;
        let chain = Chain::new([guard, &count].map(|used| gate(used, OnError::Reject)).to_vec());
        assert_eq!(chain.admit(&exchange("hello")).await.is_ok(), told > 0);
        assert_eq!(count.counts.own("counted"), told);
    }
    let (x, id) = (exchange("hello"), BindingId(7));
    let (passed, told) = tokio::sync::watch::channel(false);
    let draft = x.draft(id, x.prompt(), Some(told));
    let mut deeds = 0;
    while draft.has_room() {
        draft.once_certain(|| ());
        deeds += 1;
    }
    assert!((1..10_000).contains(&deeds) && x.has_room(), "{deeds}");
    passed.send_replace(true);
    assert!(draft.has_room() && draft.is_certain());
}

#[tokio::test]
async fn waiting_for_those_ahead_is_not_their_followers_time() {
    let house = eager(1);
    let slow = json!({ "deed": "slow", "ms": 150 });
    let patient = |settings: &mut BindingSettings| settings.limits.deadline = PATIENCE;
    let guard = house.bind(HOSTILE, slow, patient).await;
    let count = counter(&house, |settings| settings.limits.wait = Duration::from_millis(50)).await;
    let chain = Chain::new([&guard, &count].map(|used| gate(used, OnError::Reject)).to_vec());
    let admitted = chain.admit(&exchange("hello")).await;
    assert_eq!((admitted.expect("both let it pass"), house.memory.counted()), (Admission::Forward, 1));
}

#[tokio::test]
async fn who_speaks_or_is_cheap_is_not_worked_ahead_of() {
    let side = |worth, restless| SideSettings { threads: 1, worth, restless, while_busy: true };
    for (config, side) in [
        (json!({ "from": "a", "to": "b" }), side(Duration::ZERO, 500)),
        (json!({}), side(Duration::from_secs(3_600), 1_000)),
    ] {
        let house = of(&EngineSettings { pooling: false, side, ..EngineSettings::default() });
        let first = house.bind(ECHO, config, |_| ()).await;
        let second = house.bind(ECHO, json!({}), |_| ()).await;
        let chain = Chain::new([&first, &second].map(|used| gate(used, OnError::Reject)).to_vec());
        for _ in 0..20 {
            rested(&first).await;
            assert!(chain.admit(&exchange("a")).await.is_ok());
        }
        // Work that came to nothing would be counted beyond these, or as broken off.
        assert_eq!((second.counts.outcome("ok"), second.counts.outcome("cancelled")), (20, 0));
    }
}

/// While a service stalls, those behind have not begun: their instances would wait for its word.
#[tokio::test]
async fn nobody_begins_behind_one_that_waits_for_a_service() {
    let house = eager(1);
    house.memory.may_wait.store(true, Ordering::SeqCst);
    let waits = house.bind(GREEDY, json!({ "bucket": "mine", "key": "wait" }), counting).await;
    let guard = house.bind(ECHO, json!({}), |_| ()).await;
    let ahead = house.bind(ECHO, json!({}), |_| ()).await;
    let chain = Chain::new([&ahead, &waits, &guard].map(|used| gate(used, OnError::Reject)).to_vec());
    let x = exchange("hello");
    let served = async {
        house.memory.asked.notified().await;
        rested(&guard).await;
        assert_eq!((ahead.counts.outcome("ok"), guard.counts.outcome("ok")), (1, 0));
        house.memory.go.notify_one();
    };
    let (admitted, ()) = tokio::join!(chain.admit(&x), served);
    assert_eq!(admitted.expect("all let it pass"), Admission::Forward);
    assert_eq!((waits.counts.outcome("ok"), guard.counts.outcome("ok")), (1, 1));
}

/// Nobody waits for services that are here; so those behind begin, and are called one after another where they use any.
#[tokio::test]
async fn those_behind_begin_where_no_service_may_be_waited_for() {
    let house = eager(1);
    let first = house.bind(GREEDY, json!({ "bucket": "mine", "key": "wait" }), counting).await;
    let counter = counter(&house, |_| ()).await;
    let guard = house.bind(ECHO, json!({}), |_| ()).await;
    let chain = Chain::new([&first, &counter, &guard].map(|used| gate(used, OnError::Reject)).to_vec());
    let x = exchange("hello");
    let served = async {
        // This service lies: it is waited for, so that what is begun meanwhile can be seen.
        house.memory.asked.notified().await;
        while guard.counts.outcome("ok") == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!((counter.counts.outcome("ok"), house.memory.counted()), (0, 0));
        house.memory.go.notify_one();
    };
    let (admitted, ()) = tokio::join!(chain.admit(&x), served);
    assert_eq!(admitted.expect("all let it pass"), Admission::Forward);
    assert_eq!((first.counts.outcome("ok"), counter.counts.outcome("ok"), house.memory.counted()), (1, 1, 1));
}

/// Whoever comes first makes a call: a thread beside that wakes late, or never, delays nobody.
#[tokio::test]
async fn each_call_that_is_wanted_is_made_once() {
    let house = eager(1);
    let calm = house.bind(ECHO, json!({}), |_| ()).await;
    for (round, helps) in (1..=40).zip([true, true, true, false].into_iter().cycle()) {
        rested(&calm).await;
        let calls = (0..4).map(|_| Call::new(calm.binding.clone(), exchange("hello")));
        let (offered, mut words): (Vec<_>, Vec<_>) = calls.unzip();
        let offered: Calls = offered.into();
        drop(words.pop());
        let side = calm.binding.side();
        let places = if helps { side.take(1) } else { Vec::new() };
        assert_eq!(places.len(), usize::from(helps));
        let mut help = Help::default();
        help.make(side, places, &offered, round % 2 == 0);
        let mut here = Here::of(&offered);
        while here.begin() {}
        for mut word in words {
            let told = std::future::poll_fn(|context| {
                here.go_on(context);
                _ = word.look_out();
                word.poll_unpin(context)
            });
            assert_eq!(told.await.0, Ok(Decision::Next));
        }
        assert_eq!(calm.counts.outcome("ok"), 3 * round);
    }
    assert_eq!(calm.counts.outcome("cancelled"), 0);
}

#[test]
fn a_draft_leaves_nothing_until_it_is_taken() {
    let (x, id) = (exchange("hello"), BindingId(7));
    x.scratch_put(id, "mine", vec![1], 100).expect("there is room");
    let draft = Arc::new(x.draft(id, x.prompt(), None));
    let says = |x: &Exchange| {
        let lengths = ["mine", "more"].map(|key| x.scratch_get(id, key).map(|value| value.len()));
        (x.flags().len(), lengths, x.gathers(), x.passes_answer(id), x.prompt().model().to_owned())
    };
    let before = says(&x);
    draft.flag("key", "value");
    draft.scratch_put(id, "more", vec![2, 3], 100).expect("there is room");
    draft.gather_answer();
    draft.pass_answer(id);
    draft
        .change_prompt(|prompt| {
            prompt.set_model("other");
            Ok(())
        })
        .expect("a model can be set");
    assert_eq!(says(&x), before);
    x.take(&draft, id, false);
    assert_eq!(says(&x), (1, [Some(1), Some(2)], true, true, "other".to_owned()));
    assert!(x.is_certain() && draft.is_certain());
}

/// Marks are bounded, and a draft's are counted with those that its binding has set before.
#[test]
fn a_binding_has_an_answer_kept_under_few_ids() {
    let (x, id, other) = (exchange("hello"), BindingId(7), BindingId(8));
    let mark = |id: u8, ms: u64| Keep {
        id: id.to_string(),
        ttl: Duration::from_millis(ms),
        tags: vec!["tag".into()],
    };
    (0..10).for_each(|n| x.keep(id, mark(n, 1)).expect("there is room"));
    let draft = x.draft(id, x.prompt(), None);
    (10..16).for_each(|n| draft.keep(id, mark(n, 1)).expect("there is room"));
    assert_eq!(draft.keep(id, mark(16, 1)), Err(KeepsFull));
    assert_eq!(draft.keep(id, mark(0, 2)), Ok(()), "of one id the last counts");
    assert_eq!(x.keep(other, mark(0, 3)), Ok(()), "others have room of their own");
    x.take(&draft, id, false);
    assert_eq!(x.keep(id, mark(16, 1)), Err(KeepsFull));
    let kept = x.take_keeps();
    let ttls = |of: &str| kept.iter().filter(|keep| keep.id == of).map(|keep| keep.ttl).collect::<Vec<_>>();
    assert_eq!((kept.len(), ttls("0")), (17, [3, 2].map(Duration::from_millis).to_vec()));
}
