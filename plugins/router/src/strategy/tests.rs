//! Tests of the strategies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Ask, Config};
use crate::candidate::Candidate;
use serde_json::{Value, json};

fn config(value: Value) -> Config {
    serde_json::from_value(value).unwrap()
}

fn target(id: &str) -> Candidate<'_> {
    let provider = id.split('/').next().unwrap_or_default();
    Candidate { id, provider, ..Candidate::default() }
}

fn rank(value: Value, candidates: &[Candidate<'_>]) -> Vec<u32> {
    config(value).rank(
        candidates,
        "exchange-1",
        &Ask { input_tokens: 1000, output_tokens: Some(100), ..Ask::default() },
    )
}

#[test]
fn fallback_keeps_the_order_and_puts_failing_targets_last() {
    let mut all = [target("a/1"), target("b/1"), target("c/1")];
    assert_eq!(rank(json!({}), &all), [0, 1, 2]);
    all[0].error_rate = Some(0.6);
    assert_eq!(rank(json!({}), &all), [1, 2, 0]);
    assert_eq!(rank(json!({"avoid_error_rate": 0.7}), &all), [0, 1, 2]);
}

#[test]
fn priority_names_targets_or_providers() {
    let all = [target("a/1"), target("b/1"), target("b/2"), target("c/1")];
    assert_eq!(rank(json!({"strategy": "priority", "order": ["c", "b/2"]}), &all), [3, 2, 0, 1]);
}

#[test]
fn weights_are_kept_over_many_exchanges_and_one_exchange_never_wavers() {
    let all = [target("a/1"), target("b/1"), target("c/1")];
    let config = config(json!({"strategy": "weighted", "weights": {"a/1": 3, "b": 1, "c": 0}}));
    let mut first = [0_u32; 3];
    for n in 0..4_000 {
        let id = format!("exchange-{n}");
        let order = config.rank(&all, &id, &Ask::default());
        assert_eq!(order, config.rank(&all, &id, &Ask::default()));
        assert_eq!(order[2], 2, "a target of weight 0 is the last resort");
        first[order[0] as usize] += 1;
    }
    assert!((2_880..=3_120).contains(&first[0]), "{first:?}");
}

#[test]
fn a_weight_of_the_route_counts_where_none_is_configured() {
    let mut all = [target("a/1"), target("b/1")];
    all[0].weight = Some(0.0);
    assert_eq!(rank(json!({"strategy": "weighted"}), &all), [1, 0]);
}

#[test]
fn cost_counts_the_request_and_puts_the_unknown_last() {
    let mut all = [target("a/1"), target("b/1"), target("c/1")];
    (all[1].price_input, all[1].price_output) = (Some(1e-6), Some(100e-6));
    (all[2].price_input, all[2].price_output) = (Some(3e-6), Some(15e-6));
    assert_eq!(rank(json!({"strategy": "cost"}), &all), [2, 1, 0]);
    let long = Ask { input_tokens: 1_000_000, ..Ask::default() };
    assert_eq!(config(json!({"strategy": "cost"})).rank(&all, "x", &long), [1, 2, 0]);
}

#[test]
fn latency_explores_once_and_then_follows_the_figures() {
    let mut all = [target("a/1"), target("b/1"), target("c/1")];
    all[0].latency_ms.p50 = Some(900.0);
    all[2].latency_ms.p50 = Some(300.0);
    assert_eq!(rank(json!({"strategy": "latency"}), &all), [1, 2, 0]);
    all[1].in_flight = Some(1.0);
    assert_eq!(rank(json!({"strategy": "latency"}), &all), [2, 0, 1]);
}

#[test]
fn load_is_spread_by_weight() {
    let mut all = [target("a/1"), target("b/1")];
    all[0].in_flight = Some(4.0);
    all[1].in_flight = Some(2.0);
    assert_eq!(rank(json!({"strategy": "least-in-flight"}), &all), [1, 0]);
    assert_eq!(rank(json!({"strategy": "least-in-flight", "weights": {"a": 10}}), &all), [0, 1]);
    let idle = [target("a/1"), target("b/1")];
    let config = config(json!({"strategy": "least-in-flight"}));
    let firsts: Vec<u32> =
        (0..50).map(|n| config.rank(&idle, &format!("x{n}"), &Ask::default())[0]).collect();
    assert!(firsts.contains(&0) && firsts.contains(&1), "equals share the load");
}

#[test]
fn mistakes_are_named_with_their_place() {
    let wrong = json!({"strategy": "priority", "weights": {"a/b": -1.0}, "avoid_error_rate": 0});
    let issues = config(wrong).issues();
    let places: Vec<&str> = issues.iter().map(|(at, _)| at.as_str()).collect();
    assert_eq!(places, ["/weights/a~1b", "/avoid_error_rate", "/order"]);
    assert!(config(json!({})).issues().is_empty());
    assert_eq!(config(json!({"weights": {"a": 0}})).issues().len(), 1);
    assert!(serde_json::from_value::<Config>(json!({"strategie": "cost"})).is_err());
}

#[test]
fn the_schema_tells_the_same_settings_and_defaults() {
    let schema: Value = serde_json::from_str(include_str!("../../config.schema.json")).unwrap();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap();
    let told: serde_json::Map<_, _> = properties
        .iter()
        .map(|(name, property)| (name.clone(), property.get("default").unwrap().clone()))
        .collect();
    assert_eq!(format!("{:?}", config(told.into())), format!("{:?}", Config::default()));
}

fn ranks(config: Value, candidates: &[Candidate<'_>], ask: &Ask) -> Vec<u32> {
    self::config(config).rank(candidates, "exchange-1", ask)
}

#[test]
fn equals_take_turns_one_after_the_other() {
    let mut all = [target("a/1"), target("b/1"), target("c/1")];
    let mut first = Vec::new();
    for turn in 0..6 {
        all.iter_mut().for_each(|candidate| candidate.turn = Some(f64::from(turn)));
        first.push(rank(json!({"strategy": "round-robin"}), &all));
    }
    assert_eq!(first[0], [0, 1, 2]);
    assert_eq!(first[1], [1, 2, 0]);
    assert_eq!(first[2], [2, 0, 1]);
    assert_eq!(first[3..], first[..3]);
    all.iter_mut().for_each(|candidate| candidate.turn = None);
    assert_eq!(rank(json!({"strategy": "round-robin"}), &all), [0, 1, 2]);
}

#[test]
fn turns_keep_weights_in_every_stretch() {
    let mut all = [target("a/1"), target("b/1"), target("c/1")];
    let config = config(json!({"strategy": "round-robin", "weights": {"a": 3, "b": 1, "c": 0}}));
    let mut first = [0_u32; 3];
    for turn in 0..40 {
        all.iter_mut().for_each(|candidate| candidate.turn = Some(f64::from(turn)));
        let order = config.rank(&all, "x", &Ask::default());
        assert_eq!(order.len(), 3);
        first[order[0] as usize] += 1;
    }
    assert!((29..=31).contains(&first[0]) && first[2] == 0, "{first:?}");
}

#[test]
fn a_failing_target_loses_its_turn() {
    let mut all = [target("a/1"), target("b/1")];
    all.iter_mut().for_each(|candidate| candidate.turn = Some(0.0));
    all[0].error_rate = Some(0.9);
    assert_eq!(rank(json!({"strategy": "round-robin"}), &all), [1, 0]);
}

#[test]
fn who_waits_for_the_first_token_goes_where_that_is_fast() {
    let mut all = [target("a/1"), target("b/1")];
    (all[0].latency_ms.p50, all[0].ttft_ms.p50) = (Some(100.0), Some(90.0));
    (all[1].latency_ms.p50, all[1].ttft_ms.p50) = (Some(900.0), Some(20.0));
    let streamed = Ask { streaming: true, ..Ask::default() };
    assert_eq!(ranks(json!({"strategy": "latency"}), &all, &Ask::default()), [0, 1]);
    assert_eq!(ranks(json!({"strategy": "latency"}), &all, &streamed), [1, 0]);
    (all[0].latency_ms.p95, all[1].latency_ms.p95) = (Some(5_000.0), Some(1_000.0));
    assert_eq!(ranks(json!({"strategy": "latency", "quantile": "p95"}), &all, &Ask::default()), [1, 0]);
}

#[test]
fn the_cheapest_that_is_good_enough_goes_first() {
    let mut all = [target("dear/1"), target("cheap/1"), target("poor/1"), target("new/1"), target("free/1")];
    let set = |candidate: &mut Candidate<'_>, quality: Option<f64>, price: Option<f64>| {
        (candidate.quality, candidate.price_input, candidate.price_output) = (quality, price, price);
    };
    set(&mut all[0], Some(0.99), Some(9.0));
    set(&mut all[1], Some(0.85), Some(1.0));
    set(&mut all[2], Some(0.5), Some(0.1));
    set(&mut all[3], None, Some(0.0));
    set(&mut all[4], Some(0.9), None);
    let quality = json!({"strategy": "quality", "thresholds": {"code": 0.9}});
    assert_eq!(ranks(quality.clone(), &all, &Ask::default()), [1, 0, 4, 2, 3]);
    let code = Ask { task: Some("code".into()), ..Ask::default() };
    assert_eq!(ranks(quality, &all, &code), [0, 4, 1, 2, 3]);
}

#[test]
fn thresholds_are_shares() {
    let issues = config(json!({"threshold": 1.5, "thresholds": {"a/b": -1.0}})).issues();
    assert_eq!(
        issues.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(),
        ["/thresholds/a~1b", "/threshold"]
    );
}

#[test]
fn nothing_is_looked_at_but_what_was_asked_for() {
    const ALL: [&str; 11] = [
        "weight",
        "latency-ms.p50",
        "latency-ms.p95",
        "ttft-ms.p50",
        "ttft-ms.p95",
        "error-rate",
        "in-flight",
        "price.input",
        "price.output",
        "turn",
        "quality",
    ];
    // Whatever is not asked for speaks for the last target, and what is asked for for the first.
    for strategy in ["fallback", "weighted", "round-robin", "cost", "quality", "latency", "least-in-flight"] {
        for (quantile, streaming) in [("p50", false), ("p50", true), ("p95", false), ("p95", true)] {
            let config = config(json!({"strategy": strategy, "quantile": quantile}));
            let ask = Ask { streaming, input_tokens: 10, ..Ask::default() };
            let read = config.reads(&ask);
            let rank = |names: &[&str]| {
                let mut all = ["a/x", "b/y", "c/z"].map(target);
                for (nth, candidate) in (1_u8..).zip(&mut all) {
                    for name in names {
                        let better_last = matches!(*name, "weight" | "quality" | "turn");
                        let value = f64::from(if better_last { nth } else { 4 - nth }) / 8.0;
                        candidate.note(name, Some(value));
                    }
                }
                config.rank(&all, "exchange-1", &ask)
            };
            let asked: Vec<&str> = read.iter().map(|name| &**name).collect();
            assert_eq!(rank(&asked), rank(&ALL), "{strategy} {quantile} {streaming}");
        }
    }
}
