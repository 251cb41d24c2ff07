//! Answers that a judge of the chain finds wanting: who is asked next and when, what the client is told, and who is charged.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::stage::{PRICE, Provider, Stage, ask, binding, late, near, streamed, told, words};
use lockgate::ledger::Record;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use std::time::Duration;

/// Words that are no JSON: three tokens.
const PROSE: &str = "Bern, of course.";
/// What the client asks for: one token.
const GOOD: &str = "{\"city\":\"Bern\"}";
/// What a token costs of the target that is named for wanting answers.
const DEAR: f64 = 10.0 * PRICE;

/// A client that wants an object of a shape, whole and streamed.
fn asking() -> [Value; 2] {
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "city", "schema": {
        "type": "object", "required": ["city"], "properties": { "city": { "type": "string" } },
    } } });
    [ask("which city?"), streamed("which city?")].map(|mut body| {
        body["response_format"] = schema.clone();
        body
    })
}

/// A route of two targets, and others that are named for wanting answers, whose validator is configured so.
async fn stage(
    first: &Provider,
    second: &Provider,
    named: &[(&str, &Provider)],
    validator: Value,
    resilience: Value,
) -> Stage {
    let all: Vec<_> =
        [("first", first), ("second", second)].into_iter().chain(named.iter().copied()).collect();
    Stage::configured(&all, |config| {
        let mut judge = binding("builtin:output-validator", &validator);
        judge["streams"] = json!("on-demand");
        config["chains"] = json!({ "checked": [judge] });
        let named: Vec<String> = named.iter().map(|(name, _)| format!("{name}/m")).collect();
        for target in &named {
            config["prices"]["overrides"][target] =
                json!({ "input_cost_per_token": DEAR, "output_cost_per_token": DEAR, "mode": "chat" });
        }
        let route = &mut config["routes"]["smart"];
        route["targets"] = json!(["first/m", "second/m"]);
        route["chain"] = json!("checked");
        route["attempts"] = json!(6);
        route["resilience"] = resilience;
        if !named.is_empty() {
            route["resilience"]["fallback"] = json!({ "invalid_output": named });
        }
    })
    .await
}

/// What each request of a provider said.
fn messages(provider: &Provider) -> Vec<Vec<Value>> {
    let messages = |request: &Recorded| request.json()["messages"].as_array().cloned().unwrap_or_default();
    provider.requests().iter().map(messages).collect()
}

/// Words of all that a provider was asked.
fn input(provider: &Provider) -> u64 {
    provider.requests().iter().map(words).sum()
}

/// Whether a record is of these tokens, at the usual price and at the dear one.
#[track_caller]
fn charges(record: &Record, usual: u64, dear: u64) {
    assert_eq!(record.usage.input + record.usage.output, usual + dear, "{record:?}");
    assert_eq!(record.cost.map(|cost| cost.nanos()), Some(usual * 1_000 + dear * 10_000), "{record:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_for_again_with_a_note_of_the_target_that_is_named_for_that() {
    for body in asking() {
        let (first, second) = (Provider::always(late(PROSE, 300)), Provider::always(Reply::text(GOOD)));
        let strict = Provider::always(late(GOOD, 200));
        let stage = stage(&first, &second, &[("strict", &strict)], json!({}), json!({})).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(answer.text(), GOOD, "{}", answer.body);
        assert_eq!(answer.is_done(), body["stream"] == true);
        assert_eq!(answer.header("x-lockgate-attempts"), "2");
        near(took, 500);
        assert_eq!((first.count(), second.count(), strict.count()), (1, 0, 1));
        let [asked, said, note] = messages(&strict).remove(0).try_into().unwrap();
        assert_eq!((&asked["content"], &said["content"]), (&json!("which city?"), &json!(PROSE)));
        assert!(note["content"].as_str().unwrap().contains("not acceptable"), "{note}");
        let record = stage.record().await;
        assert_eq!((record.status, record.attempts, record.basis), (200, 2, "provider"));
        assert_eq!(record.target, "strict/m");
        charges(&record, 2 + 3, input(&strict) + 1);
        assert_eq!(stage.health("first/m").error_rate(), Some(0.0), "it did answer");
    }
}

#[tokio::test(start_paused = true)]
async fn where_none_is_named_who_answered_is_asked_again_and_then_the_client_is_told() {
    for body in asking() {
        let (first, second) = (Provider::always(late(PROSE, 300)), Provider::always(Reply::text(GOOD)));
        let stage = stage(&first, &second, &[], json!({}), json!({})).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(told(&answer), (502, "output_invalid".into()), "{}", answer.body);
        near(took, 900);
        assert_eq!((first.count(), second.count()), (3, 0));
        let asked: Vec<usize> = messages(&first).iter().map(Vec::len).collect();
        assert_eq!(asked, [1, 3, 5], "each time with what was wrong");
        let record = stage.record().await;
        assert_eq!((record.status, record.outcome, record.attempts), (502, "plugin", 3));
        charges(&record, input(&first) + 3 * 3, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_named_and_found_wanting_too_has_its_tries_and_then_the_client_is_told() {
    for body in asking() {
        let (first, second) = (Provider::always(late(PROSE, 300)), Provider::always(Reply::text(GOOD)));
        let strict = Provider::always(late("Bern.", 200));
        let stage = stage(&first, &second, &[("strict", &strict)], json!({}), json!({})).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(told(&answer), (502, "output_invalid".into()), "{}", answer.body);
        near(took, 300 + 2 * 200);
        assert_eq!((first.count(), second.count(), strict.count()), (1, 0, 2));
        let record = stage.record().await;
        assert_eq!((record.status, record.outcome, record.target.as_str()), (502, "plugin", "strict/m"));
        charges(&record, 2 + 3, input(&strict) + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_without_a_retry_goes_as_it_was_asked_to_those_that_are_named() {
    for body in asking() {
        let (first, second) = (Provider::always(late(PROSE, 300)), Provider::always(Reply::text(GOOD)));
        let (strict, stricter) = (Provider::always(late("Bern.", 200)), Provider::always(late(GOOD, 100)));
        let named = [("strict", &strict), ("stricter", &stricter)];
        let stage = stage(&first, &second, &named, json!({ "on_invalid": "reject" }), json!({})).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(answer.text(), GOOD, "{}", answer.body);
        near(took, 600);
        assert_eq!((first.count(), second.count(), strict.count(), stricter.count()), (1, 0, 1, 1));
        assert_eq!(messages(&stricter)[0].len(), 1, "nobody wrote a note");
        let record = stage.record().await;
        assert_eq!((record.status, record.attempts, record.target.as_str()), (200, 3, "stricter/m"));
        charges(&record, 2 + 3, 2 + 1 + 2 + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_everybody_who_is_named_gets_rejected_is_rejected() {
    for body in asking() {
        let (first, second) = (Provider::always(Reply::text(PROSE)), Provider::always(Reply::text(GOOD)));
        let strict = Provider::always(Reply::text("Bern."));
        let validator = json!({ "on_invalid": "reject" });
        let named = stage(&first, &second, &[("strict", &strict)], validator.clone(), json!({})).await;
        let answer = named.ask(&body).await;
        assert_eq!(told(&answer), (502, "output_invalid".into()), "{}", answer.body);
        assert_eq!((first.count(), second.count(), strict.count()), (1, 0, 1));
        charges(&*named.record().await, 2 + 3, 2 + 1);

        let unnamed = stage(&first, &second, &[], validator, json!({})).await;
        assert_eq!(told(&unnamed.ask(&body).await), (502, "output_invalid".into()));
        assert_eq!((first.count(), second.count()), (2, 0), "without a name, it goes to nobody");
        charges(&*unnamed.record().await, 2 + 3, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_named_and_fails_is_asked_again_and_nobody_in_its_place() {
    for body in asking() {
        let (first, second) = (Provider::always(late(PROSE, 300)), Provider::always(Reply::text(GOOD)));
        let strict = Provider::script([Reply::error(500, "oops"), late(GOOD, 200)]);
        let stage = stage(&first, &second, &[("strict", &strict)], json!({}), json!({})).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(answer.text(), GOOD, "{}", answer.body);
        assert!((600..=710).contains(&took), "a pause is between 100 and 200 ms: {took}");
        assert_eq!((first.count(), second.count(), strict.count()), (1, 0, 2));
        let asked = strict.requests();
        charges(&*stage.record().await, 2 + 3, words(&asked[1]) + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_clients_time_is_over_nobody_is_asked_on_and_what_was_begun_is_charged_for() {
    for body in asking() {
        let (first, second) = (Provider::always(late(PROSE, 600)), Provider::always(Reply::text(GOOD)));
        let strict = Provider::always(late(GOOD, 600));
        let budget = json!({ "latency_budget": { "first_token_ms": 1_000 } });
        let stage = stage(&first, &second, &[("strict", &strict)], json!({}), budget).await;
        let (answer, took) = stage.timed(&body).await;
        assert_eq!(told(&answer), (504, "latency_budget_exceeded".into()), "{}", answer.body);
        near(took, 1_000);
        strict.was_left(1).await;
        assert_eq!((first.count(), second.count(), strict.count()), (1, 0, 1));
        let record = stage.record().await;
        assert_eq!((record.status, record.attempts, record.basis), (504, 2, "estimate"));
        let guessed = record.usage.input - 2;
        assert!(guessed > 0, "what it read is estimated: {record:?}");
        charges(&record, 2 + 3, guessed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_judged_is_held_and_one_that_breaks_off_is_no_wanting_answer() {
    let body = &asking()[1];
    let cut = Reply::truncated(["{\"city\":"]).paced_by(Duration::from_millis(50));
    let (first, second) = (Provider::always(cut), Provider::always(Reply::text(GOOD)));
    let strict = Provider::always(Reply::text("never"));
    let stage = stage(&first, &second, &[("strict", &strict)], json!({}), json!({})).await;
    let answer = stage.ask(body).await;
    assert!(answer.is_done() && answer.text() == GOOD, "{}", answer.body);
    assert_eq!((first.count(), second.count(), strict.count()), (1, 1, 0));
}
