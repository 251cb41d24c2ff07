//! Tests of the strategies.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::{Ask, Config};
use crate::candidate::Candidate;
use serde_json::{Value, json};

fn config(value: Value) -> Config {
    serde_json::from_value(value).unwrap()
}

fn target(id: &str) -> Candidate {
    let provider = id.split('/').next().unwrap_or_default();
    Candidate { id: id.to_owned(), provider: provider.to_owned(), ..Candidate::default() }
}

fn rank(value: Value, candidates: &[Candidate]) -> Vec<u32> {
    config(value).rank(candidates, "exchange-1", Ask { input_tokens: 1000, output_tokens: Some(100) })
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
        let order = config.rank(&all, &id, Ask::default());
        assert_eq!(order, config.rank(&all, &id, Ask::default()));
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
    let long = Ask { input_tokens: 1_000_000, output_tokens: None };
    assert_eq!(config(json!({"strategy": "cost"})).rank(&all, "x", long), [1, 2, 0]);
}

#[test]
fn latency_explores_once_and_then_follows_the_figures() {
    let mut all = [target("a/1"), target("b/1"), target("c/1")];
    all[0].latency_ms = Some(900.0);
    all[2].latency_ms = Some(300.0);
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
    let firsts: Vec<u32> = (0..50).map(|n| config.rank(&idle, &format!("x{n}"), Ask::default())[0]).collect();
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
