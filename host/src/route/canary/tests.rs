//! Who tries a canary, and what rolls it back.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn state(roll_back: Option<RollBack>) -> State {
    State::new("acme".into(), "smart".into(), "b/2".into(), roll_back)
}

fn canary(share: f64) -> Canary {
    Canary { places: vec![1], share, by: By::Key, state: Arc::new(state(None)) }
}

fn settings() -> RollBack {
    RollBack { error_rate: Some(0.05), latency: Some(1.5), least: 20, half_life: Duration::from_secs(60) }
}

const FAST: Option<Duration> = Some(Duration::from_millis(100));
const SLOW: Option<Duration> = Some(Duration::from_millis(200));

/// Ends as many attempts on both sides, and says why the canary was rolled back.
fn run(state: &State, canary: &[Option<Duration>], baseline: &[Option<Duration>]) -> Option<String> {
    let mut why = None;
    for _ in 0..20 {
        for took in baseline {
            why = why.or(state.ended(false, *took));
        }
        for took in canary {
            why = why.or(state.ended(true, *took));
        }
    }
    why
}

#[test]
fn about_the_share_tries_it() {
    let canary = canary(0.1);
    let drawn = (0..10_000).filter(|n| canary.draws(&format!("key-{n}"))).count();
    assert!((850..=1_150).contains(&drawn), "{drawn}");
    assert!(!self::canary(0.0).draws("key-1") && self::canary(1.0).draws("key-1"));
}

proptest! {
    #[test]
    fn who_is_in_stays_in_while_the_share_grows(name in "\\PC{0,20}", small in 0.0..1.0_f64, more in 0.0..1.0_f64) {
        let (one, other) = (canary(small), canary((small + more).min(1.0)));
        prop_assert!(!one.draws(&name) || other.draws(&name));
        prop_assert_eq!(one.draws(&name), one.draws(&name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_canary_as_good_as_its_baseline_stays() {
    let state = state(Some(settings()));
    assert_eq!(run(&state, &[FAST, FAST, None], &[FAST, FAST, None]), None);
    assert!(!state.is_off());
}

#[tokio::test(start_paused = true)]
async fn more_failures_than_the_baseline_roll_it_back_once() {
    let state = state(Some(settings()));
    let why = run(&state, &[FAST, None], &[FAST, FAST]).unwrap();
    assert!(why.contains("error rate") && state.is_off() && state.why() == Some(why), "{:?}", state.why());
    assert_eq!(run(&state, &[None], &[FAST]), None, "it is told once");
    state.resume();
    assert!(!state.is_off() && state.why().is_none() && state.figures().0.attempts == 0);
}

#[tokio::test(start_paused = true)]
async fn a_slow_canary_is_rolled_back() {
    let state = state(Some(settings()));
    let why = run(&state, &[SLOW], &[FAST]).unwrap();
    assert!(why.contains("median time"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn few_attempts_say_nothing() {
    let state = state(Some(settings()));
    for _ in 0..19 {
        assert_eq!(state.ended(true, None), None);
    }
    assert!(!state.is_off());
    assert!(state.ended(true, None).is_some(), "the least is reached, and all of them failed");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_baseline_is_not_one_without_failures() {
    let state = state(Some(settings()));
    // Two of five fail: worse than a baseline without failures, but there is none to compare with.
    assert_eq!(run(&state, &[FAST, None, FAST, None, FAST], &[]), None);
    let state = self::state(Some(settings()));
    assert!(run(&state, &[SLOW, None, None], &[]).unwrap().contains("unknown"));
}

#[tokio::test(start_paused = true)]
async fn what_breaks_off_counts_as_a_failure() {
    let state = state(Some(settings()));
    assert_eq!(run(&state, &[FAST], &[FAST]), None);
    let why = (0..20).find_map(|_| state.broke(true));
    assert!(why.is_some());
}

#[tokio::test(start_paused = true)]
async fn old_failures_are_forgotten() {
    let state = state(Some(RollBack { least: 1_000, ..settings() }));
    run(&state, &[None], &[FAST]);
    tokio::time::advance(Duration::from_secs(3_600)).await;
    assert_eq!(state.figures().0.attempts, 0);
}
