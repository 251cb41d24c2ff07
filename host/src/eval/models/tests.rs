//! Sums of what was judged.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn judged(score: f64, cost: Option<f64>, ms: u64) -> Judged {
    Judged { score, cost, took: Duration::from_millis(ms) }
}

#[test]
fn one_unknown_price_makes_the_mean_unknown() {
    let known = figures(&[judged(1.0, Some(0.5), 10), judged(0.0, Some(1.5), 30)], 1);
    let expected =
        Figures { quality: Some(0.5), judged: 2, failed: 1, cost_usd: Some(1.0), latency_ms: Some(30.0) };
    assert_eq!(known, expected);
    assert_eq!(figures(&[judged(1.0, Some(0.5), 10), judged(1.0, None, 10)], 0).cost_usd, None);
    let none = Figures { quality: None, judged: 0, failed: 3, cost_usd: None, latency_ms: None };
    assert_eq!(figures(&[], 3), none);
}

#[test]
fn a_line_that_is_no_task_is_told() {
    let read = |value: serde_json::Value| Task::read(value, Judge::Exact);
    assert!(read(serde_json::json!({ "task": "code", "prompt": "?", "expect": "x" })).is_ok());
    for wrong in [
        serde_json::json!({ "task": "Code!", "prompt": "?", "expect": "x" }),
        serde_json::json!({ "task": "code", "expect": "x" }),
        serde_json::json!({ "task": "code", "prompt": "?" }),
        serde_json::json!({ "task": "code", "prompt": "?", "expect": { "a": 1 } }),
        serde_json::json!({ "task": "code", "prompt": "?", "messages": [], "expect": "x" }),
        serde_json::json!({ "task": "code", "prompt": "?", "expect": "x", "judge": "dice" }),
    ] {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
    assert_eq!(
        read(serde_json::json!({ "task": "t", "prompt": "?", "judge": "llm" })).unwrap().expect.len(),
        0
    );
}
