//! Tests of the strategies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Facts, Ranked, Target};
use crate::config::Config;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// An exchange of which this is known, and what was asked of it.
#[derive(Default)]
struct Told {
    targets: Vec<&'static str>,
    numbers: BTreeMap<&'static str, Vec<Option<f64>>>,
    seed: String,
    streaming: bool,
    input_tokens: u64,
    task: Option<&'static str>,
    asked: RefCell<Vec<String>>,
}

impl Told {
    fn of(targets: &[&'static str]) -> Self {
        Self { targets: targets.to_vec(), seed: "exchange-1".into(), input_tokens: 1000, ..Self::default() }
    }

    fn with<V: Into<Option<f64>> + Copy>(mut self, name: &'static str, values: &[V]) -> Self {
        self.numbers.insert(name, values.iter().map(|value| (*value).into()).collect());
        self
    }

    fn rank(&self, config: Value) -> Vec<u32> {
        self.ranked(config).order
    }

    fn ranked(&self, config: Value) -> Ranked {
        self.asked.borrow_mut().clear();
        let provider = |id: &'static str| id.split('/').next().unwrap_or_default();
        let targets: Vec<_> = self.targets.iter().map(|id| Target { id, provider: provider(id) }).collect();
        serde_json::from_value::<Config>(config).unwrap().rank(&targets, self)
    }

    /// What a ranking asked for, of what costs a call.
    fn asks(&self, config: Value) -> Vec<String> {
        self.rank(config);
        let mut asked = self.asked.borrow().clone();
        asked.sort();
        asked
    }

    fn note(&self, what: &str) {
        self.asked.borrow_mut().push(what.to_owned());
    }
}

impl Facts for Told {
    fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        self.note(name);
        self.numbers.get(name).cloned().unwrap_or_else(|| vec![None; self.targets.len()])
    }

    fn seed(&self) -> String {
        self.note("seed");
        self.seed.clone()
    }

    fn streaming(&self) -> bool {
        self.streaming
    }

    fn input_tokens(&self) -> u64 {
        self.note("prompt");
        self.input_tokens
    }

    fn output_limit(&self) -> Option<u64> {
        Some(100)
    }

    fn task(&self) -> Option<&str> {
        self.task
    }
}

const THREE: [&str; 3] = ["a/1", "b/1", "c/1"];

#[test]
fn fallback_keeps_the_order_and_puts_failing_targets_last() {
    let told = Told::of(&THREE);
    assert_eq!(told.rank(json!({})), [0, 1, 2]);
    let told = told.with("error-rate", &[0.6, 0.0, 0.0]);
    assert_eq!(told.rank(json!({})), [1, 2, 0]);
    assert_eq!(told.rank(json!({"avoid_error_rate": 0.7})), [0, 1, 2]);
}

#[test]
fn priority_names_targets_or_providers() {
    let told = Told::of(&["a/1", "b/1", "b/2", "c/1"]);
    assert_eq!(told.rank(json!({"strategy": "priority", "order": ["c", "b/2"]})), [3, 2, 0, 1]);
}

#[test]
fn weights_are_kept_over_many_exchanges_and_one_exchange_never_wavers() {
    let config = json!({"strategy": "weighted", "weights": {"a/1": 3, "b": 1, "c": 0}});
    let mut first = [0_u32; 3];
    for n in 0..4_000 {
        let told = Told { seed: format!("exchange-{n}"), ..Told::of(&THREE) };
        let order = told.rank(config.clone());
        assert_eq!(order, told.rank(config.clone()));
        assert_eq!(order[2], 2, "a target of weight 0 is the last resort");
        first[order[0] as usize] += 1;
    }
    assert!((2_880..=3_120).contains(&first[0]), "{first:?}");
}

#[test]
fn a_weight_of_the_route_counts_where_none_is_configured() {
    let told = Told::of(&["a/1", "b/1"]).with("weight", &[Some(0.0), None]);
    assert_eq!(told.rank(json!({"strategy": "weighted"})), [1, 0]);
    assert_eq!(told.rank(json!({"strategy": "weighted", "weights": {"a": 1, "b": 0}})), [0, 1]);
}

#[test]
fn cost_counts_the_request_and_puts_the_unknown_last() {
    let mut told = Told::of(&THREE)
        .with("price.input", &[None, Some(1e-6), Some(3e-6)])
        .with("price.output", &[None, Some(100e-6), Some(15e-6)]);
    assert_eq!(told.rank(json!({"strategy": "cost"})), [2, 1, 0]);
    told.input_tokens = 1_000_000;
    assert_eq!(told.rank(json!({"strategy": "cost"})), [1, 2, 0]);
}

#[test]
fn latency_explores_once_and_then_follows_the_figures() {
    let told = Told::of(&THREE).with("latency-ms.p50", &[Some(900.0), None, Some(300.0)]);
    assert_eq!(told.rank(json!({"strategy": "latency"})), [1, 2, 0]);
    let told = told.with("in-flight", &[0.0, 1.0, 0.0]);
    assert_eq!(told.rank(json!({"strategy": "latency"})), [2, 0, 1]);
}

#[test]
fn signals_are_numbers_from_zero_or_unknown() {
    for unreadable in [f64::NAN, f64::INFINITY, -1.0] {
        let told = Told::of(&["a/1", "b/1"]).with("latency-ms.p50", &[unreadable, 1.0]);
        assert_eq!(told.rank(json!({"strategy": "latency"})), [0, 1], "{unreadable} is not measured");
        let told = Told::of(&["a/1", "b/1"]).with("error-rate", &[unreadable, 0.0]);
        assert_eq!(told.rank(json!({})), [0, 1], "{unreadable} is no failure");
    }
}

#[test]
fn signals_of_some_targets_alone_leave_the_others_unknown() {
    let told = Told::of(&THREE).with("latency-ms.p50", &[900.0, 300.0]).with("in-flight", &[0.0, 0.0, 1.0]);
    assert_eq!(told.rank(json!({"strategy": "latency"})), [1, 0, 2]);
}

#[test]
fn load_is_spread_by_weight() {
    let told = Told::of(&["a/1", "b/1"]).with("in-flight", &[4.0, 2.0]);
    assert_eq!(told.rank(json!({"strategy": "least-in-flight"})), [1, 0]);
    assert_eq!(told.rank(json!({"strategy": "least-in-flight", "weights": {"a": 10}})), [0, 1]);
}

#[test]
fn equals_share_the_load_by_chance() {
    let same = [("latency", "latency-ms.p50"), ("least-in-flight", "in-flight")];
    for (strategy, signal) in same {
        let first = |n: usize| {
            let told = Told { seed: format!("x{n}"), ..Told::of(&THREE) }.with(signal, &[2.0, 2.0, 9.0]);
            told.rank(json!({ "strategy": strategy }))
        };
        let orders: Vec<Vec<u32>> = (0..50).map(first).collect();
        assert!(orders.contains(&vec![0, 1, 2]) && orders.contains(&vec![1, 0, 2]), "{strategy}: {orders:?}");
        assert!(orders.iter().all(|order| order[2] == 2), "{strategy}: who is slower stays last");
    }
}

#[test]
fn equals_take_turns_one_after_the_other() {
    let first = |turn: u32| {
        let told = Told::of(&THREE).with("turn", &[f64::from(turn); 3]);
        told.rank(json!({"strategy": "round-robin"}))
    };
    assert_eq!([first(0), first(1), first(2)], [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    assert_eq!([first(3), first(4), first(5)], [first(0), first(1), first(2)]);
    assert_eq!(Told::of(&THREE).rank(json!({"strategy": "round-robin"})), [0, 1, 2]);
}

#[test]
fn turns_keep_weights_in_every_stretch() {
    let mut first = [0_u32; 3];
    for turn in 0..40 {
        let told = Told::of(&THREE).with("turn", &[f64::from(turn); 3]);
        let order = told.rank(json!({"strategy": "round-robin", "weights": {"a": 3, "b": 1, "c": 0}}));
        assert_eq!(order.len(), 3);
        first[order[0] as usize] += 1;
    }
    assert!((29..=31).contains(&first[0]) && first[2] == 0, "{first:?}");
}

#[test]
fn a_failing_target_loses_its_turn() {
    let told = Told::of(&["a/1", "b/1"]).with("turn", &[0.0, 0.0]).with("error-rate", &[0.9, 0.0]);
    assert_eq!(told.rank(json!({"strategy": "round-robin"})), [1, 0]);
}

#[test]
fn who_waits_for_the_first_token_goes_where_that_is_fast() {
    let mut told = Told::of(&["a/1", "b/1"])
        .with("latency-ms.p50", &[100.0, 900.0])
        .with("ttft-ms.p50", &[90.0, 20.0])
        .with("latency-ms.p95", &[5_000.0, 1_000.0]);
    assert_eq!(told.rank(json!({"strategy": "latency"})), [0, 1]);
    assert_eq!(told.rank(json!({"strategy": "latency", "quantile": "p95"})), [1, 0]);
    told.streaming = true;
    assert_eq!(told.rank(json!({"strategy": "latency"})), [1, 0]);
}

#[test]
fn the_cheapest_that_is_good_enough_goes_first() {
    let quality = [Some(0.99), Some(0.85), Some(0.5), None, Some(0.9)];
    let price = [Some(9.0), Some(1.0), Some(0.1), Some(0.0), None];
    let told = Told::of(&["dear/1", "cheap/1", "poor/1", "new/1", "free/1"])
        .with("quality", &quality)
        .with("price.input", &price)
        .with("price.output", &price);
    let config = json!({"strategy": "quality", "thresholds": {"code": 0.9}});
    assert_eq!(told.rank(config.clone()), [1, 0, 4, 2, 3]);
    let code = Told { task: Some("code"), ..told }.with("quality.code", &quality);
    assert_eq!(code.rank(config), [0, 4, 1, 2, 3]);
}

#[test]
fn nothing_is_asked_for_that_does_not_matter() {
    let told = || Told::of(&["a/1", "b/1"]).with("latency-ms.p50", &[1.0, 2.0]);
    let asks = |told: Told, strategy: &str| told.asks(json!({ "strategy": strategy }));
    assert_eq!(asks(told(), "fallback"), ["error-rate"]);
    assert_eq!(asks(told(), "latency"), ["error-rate", "latency-ms.p50"]);
    assert_eq!(
        asks(Told { streaming: true, ..told() }, "latency"),
        ["error-rate", "latency-ms.p50", "ttft-ms.p50"]
    );
    // Chance, where two are equally fast; the load, where one was never measured.
    assert_eq!(
        asks(told().with("latency-ms.p50", &[1.0, 1.0]), "latency"),
        ["error-rate", "latency-ms.p50", "seed"]
    );
    assert_eq!(
        asks(told().with("latency-ms.p50", &[Some(1.0), None]), "latency"),
        ["error-rate", "in-flight", "latency-ms.p50"]
    );
    assert_eq!(asks(told(), "round-robin"), ["error-rate", "turn"], "without a turn weights do not matter");
    assert_eq!(asks(told().with("turn", &[0.0, 0.0]), "round-robin"), ["error-rate", "turn", "weight"]);
    let weighed = json!({"strategy": "weighted", "weights": {"a": 1, "b": 2}});
    assert_eq!(told().asks(weighed), ["error-rate", "seed"]);
    assert_eq!(asks(told(), "cost"), ["error-rate", "price.input", "price.output", "prompt"]);
}

#[test]
fn an_order_lasts_that_goes_by_nothing_but_the_targets() {
    let lasts = |told: Told, strategy: &str| {
        told.ranked(json!({ "strategy": strategy, "order": ["b"], "weights": {"a": 2} })).lasts
    };
    let told =
        || Told::of(&["a/1", "b/1"]).with("latency-ms.p50", &[1.0, 2.0]).with("error-rate", &[0.9, 0.0]);
    for (strategy, expected) in [
        ("fallback", true),
        ("priority", true),
        ("latency", true),
        ("weighted", false),
        ("round-robin", false),
        ("cost", false),
        ("quality", false),
        ("least-in-flight", false),
    ] {
        assert_eq!(lasts(told(), strategy), expected, "{strategy}");
    }
    let unmeasured = told().with("latency-ms.p50", &[Some(1.0), None]);
    assert!(!lasts(unmeasured, "latency"), "one request explores, the next must not");
    let equal = Told::of(&["a/1", "b/1"]).with("latency-ms.p50", &[2.0, 2.0]);
    assert!(!lasts(equal, "latency"), "the next exchange is drawn anew");
}
