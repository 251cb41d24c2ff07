//! What a bad plugin does ends in the right error, in time, and hurts nobody else.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{House, Used, exchange, house};
use lockgate::chat::{TextAt, channel};
use lockgate::plugin::*;
use lockgate_guests::HOSTILE;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a deed ends.
enum End {
    /// In a hook, with this error.
    Fails(CallErrorKind),
    /// In `inspect` alone; other hooks behave.
    BadText,
    /// Harmless.
    Answers,
    /// Before anything is called.
    Refused,
}

/// Every deed of the guest, but those with tests of their own.
fn deeds() -> Vec<(&'static str, End)> {
    use CallErrorKind::{Deadline, Memory, StackOverflow, Trap};
    let fault = |code: &str| End::Fails(CallErrorKind::Fault { code: code.into() });
    vec![
        ("nothing", End::Answers),
        ("loop", End::Fails(Deadline)),
        ("bomb", End::Fails(Memory)),
        ("panic", End::Fails(Trap)),
        ("overflow", End::Fails(StackOverflow)),
        ("slow", End::Answers),
        ("sleep", End::Answers),
        ("chatty", End::Answers),
        ("bad-edits", End::BadText),
        ("bad-safe", End::BadText),
        ("scratch", fault("invalid")),
        ("fault", fault("unavailable")),
        ("panic-on-demand", End::Answers),
        ("refuse", End::Refused),
        ("configure-panic", End::Refused),
        ("configure-loop", End::Refused),
        ("configure-print", End::Answers),
    ]
}

async fn inspect(used: &Used, text: &str) -> Result<Verdict, CallError> {
    let at = TextAt::new(0, 0, channel::CONTENT);
    used.binding.inspect(&exchange("hello"), &at, text, 0, false).await
}

#[tokio::test]
async fn every_deed_of_the_guest_is_tried() {
    let refused = house().try_bind(HOSTILE, json!({ "deed": "?" }), |_| {}).await.err();
    let Some(LoadError::Refused(issues)) = refused else { unreachable!("there is no such deed") };
    let said = issues.into_iter().map(|issue| issue.message).collect::<String>();
    let listed = said.split_once("expected one of ").map_or("", |(_, list)| list);
    let known: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    let tried: Vec<&str> = deeds().into_iter().map(|(deed, _)| deed).collect();
    assert_eq!(known, tried);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_deed_ends_in_time_while_a_neighbour_answers() {
    for isolation in [Isolation::Reuse, Isolation::Fresh] {
        let house = house();
        let neighbour = house.hostile("nothing", |settings| settings.name = "neighbour".into()).await;
        for (deed, end) in deeds() {
            if !matches!(end, End::Refused) {
                try_deed(&house, &neighbour, deed, &end, isolation).await;
            }
        }
    }
}

/// On one thread, which the loop would otherwise have for all of its deadline.
#[tokio::test]
async fn a_loop_takes_turns_with_everybody_else() {
    let house = house();
    let looping =
        house.hostile("loop", |settings| settings.limits.deadline = Duration::from_millis(300)).await;
    let ended = Arc::new(AtomicBool::new(false));
    let told = ended.clone();
    let looping = tokio::spawn(async move {
        let ended = looping.binding.on_request(&exchange("hello")).await;
        told.store(true, Ordering::SeqCst);
        ended
    });
    let mut turns = 0;
    while !ended.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
        turns += 1;
    }
    let error = looping.await.expect("it does not panic").expect_err("it never ends by itself");
    assert_eq!(error.kind, CallErrorKind::Deadline);
    assert!(turns > 10, "{turns} turns in 300 ms");
}

async fn try_deed(house: &House, neighbour: &Used, deed: &str, end: &End, isolation: Isolation) {
    let late = matches!(end, End::Fails(CallErrorKind::Deadline));
    let bound = |settings: &mut BindingSettings| {
        settings.isolation = isolation;
        if !late {
            // Only a deed that must run into the deadline may meet it: on a busy machine any other could.
            settings.limits.deadline = Duration::from_secs(20);
            settings.limits.wait = Duration::from_secs(20);
        }
    };
    let used = house.hostile(deed, bound).await;
    let started = Instant::now();
    let x = exchange("hello");
    let (asked, answered) = tokio::join!(used.binding.on_request(&x), neighbour.binding.on_request(&x));
    let inspected = inspect(&used, "né").await;
    let took = started.elapsed();
    assert_eq!(answered, Ok(Decision::Next), "the neighbour of {deed}");
    // Two calls of at most 50 ms computed each, with much room for a busy machine.
    assert!(!late || took < Duration::from_secs(8), "{deed} took {took:?}");
    match end {
        End::Fails(kind) => {
            assert_eq!(asked.map_err(|error| error.kind), Err(kind.clone()), "{deed}");
            assert_eq!(inspected.map_err(|error| error.kind), Err(kind.clone()), "{deed}");
            assert_eq!(used.counts.outcome(kind.name()), 2, "{deed}");
        }
        End::BadText => {
            assert_eq!(asked, Ok(Decision::Next), "{deed}");
            assert_eq!(inspected.map_err(|error| error.kind), Err(CallErrorKind::BadOutput), "{deed}");
        }
        End::Answers | End::Refused => {
            assert_eq!(asked, Ok(Decision::Next), "{deed}");
            assert!(inspected.is_ok(), "{deed}: {inspected:?}");
        }
    }
    // A call that failed loses its instance; one that did not, or only said no, brings it back.
    let sound = match end {
        End::Fails(kind) => matches!(kind, CallErrorKind::Fault { .. }),
        End::BadText => false,
        End::Answers | End::Refused => true,
    };
    let kept = i64::from(isolation == Isolation::Reuse && sound);
    assert_eq!(used.counts.instances(), kept, "{deed}");
}

#[tokio::test]
async fn a_ranking_of_targets_that_are_not_there_is_bad_output() {
    let used = house().hostile("bad-edits", |_| {}).await;
    let failed =
        used.binding.rank(&exchange("hello"), Arc::new(Vec::new())).await.expect_err("there is no target");
    assert_eq!(failed.kind, CallErrorKind::BadOutput);
}

#[tokio::test]
async fn the_call_after_a_panic_is_answered() {
    let used = house().hostile("panic-on-demand", |_| {}).await;
    for text in ["fine", "panic", "fine"] {
        let answered = used.binding.on_request(&exchange(text)).await;
        let expected = if text == "fine" { Ok(Decision::Next) } else { Err("unreachable") };
        match (answered, expected) {
            (Err(failed), Err(why)) => assert!(failed.message.contains(why), "{failed}"),
            (answered, expected) => assert_eq!(answered.ok(), expected.ok()),
        }
    }
    assert_eq!((used.counts.outcome("ok"), used.counts.outcome("trap")), (2, 1));
}

#[tokio::test]
async fn a_refused_configuration_says_all_that_is_wrong() {
    let refused = house().try_bind(HOSTILE, json!({ "deed": "refuse" }), |_| {}).await.err();
    let Some(LoadError::Refused(issues)) = refused else { unreachable!("it refuses") };
    let pointers: Vec<String> = issues.into_iter().map(|issue| issue.pointer).collect();
    assert_eq!(pointers, ["/deed", "/ms"]);
}

#[tokio::test]
async fn a_plugin_that_fails_while_it_is_configured_does_not_load() {
    let house = house();
    for deed in ["configure-panic", "configure-loop"] {
        let refused = house.try_bind(HOSTILE, json!({ "deed": deed }), |_| {}).await.err();
        assert!(matches!(refused, Some(LoadError::Configure(_))), "{deed}: {refused:?}");
    }
}

#[tokio::test]
async fn sleeping_is_bounded_by_the_time_in_all_and_computing_by_the_deadline() {
    let house = house();
    let short = |settings: &mut BindingSettings| {
        settings.limits.deadline = Duration::from_millis(50);
        settings.limits.wait = Duration::from_millis(100);
    };
    for (deed, ms, ends) in [("sleep", 10_000, true), ("slow", 10_000, true), ("slow", 1, false)] {
        let used = house.bind(HOSTILE, json!({ "deed": deed, "ms": ms }), short).await;
        let started = Instant::now();
        let kind = used.binding.on_request(&exchange("hello")).await.map_err(|error| error.kind);
        assert_eq!(kind, if ends { Err(CallErrorKind::Deadline) } else { Ok(Decision::Next) }, "{deed} {ms}");
        assert!(started.elapsed() < Duration::from_secs(8));
    }
}

#[tokio::test]
async fn a_larger_deadline_lets_a_slow_plugin_answer() {
    let patient = |settings: &mut BindingSettings| settings.limits.deadline = Duration::from_secs(5);
    let used = house().bind(HOSTILE, json!({ "deed": "slow", "ms": 80 }), patient).await;
    assert_eq!(used.binding.on_request(&exchange("hello")).await, Ok(Decision::Next));
}

#[tokio::test]
async fn who_has_more_to_read_has_more_time() {
    let short = |settings: &mut BindingSettings| settings.limits.deadline = Duration::from_millis(100);
    let used = house().bind(HOSTILE, json!({ "deed": "slow", "ms": 500 }), short).await;
    let question = used.binding.on_request(&exchange("hello")).await;
    assert_eq!(question.map_err(|error| error.kind), Err(CallErrorKind::Deadline));
    let book = exchange(&"x".repeat(100 * 64 * 1024));
    assert_eq!(used.binding.on_request(&book).await, Ok(Decision::Next));
}

#[tokio::test]
async fn memory_is_bounded_by_the_binding() {
    let house = house();
    let tiny = |settings: &mut BindingSettings| settings.limits.memory = 64 * 1024;
    let refused = house.try_bind(HOSTILE, json!({ "deed": "nothing" }), tiny).await.err();
    assert!(matches!(refused, Some(LoadError::Instantiate(_))), "{refused:?}");
    let huge = |settings: &mut BindingSettings| settings.limits.memory = 1024 * 1024 * 1024;
    let refused = house.try_bind(HOSTILE, json!({ "deed": "nothing" }), huge).await.err();
    assert!(matches!(refused, Some(LoadError::Memory)), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_plugin_is_refused() {
    let house = house();
    let load = async |wasm: &'static [u8], digest: Option<&'static str>| {
        Plugin::load(&house.engine, "guest", wasm, digest).await.map(drop)
    };
    assert!(matches!(load(b"nonsense", None).await, Err(PluginError::Manifest(_))));
    assert!(matches!(load(HOSTILE, Some("sha256:00")).await, Err(PluginError::Digest { .. })));
}
