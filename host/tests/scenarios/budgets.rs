//! Budgets by the calendar: what is spent is spent until the next day, week or month begins where the operator is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, pass, told};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};
use lockgate::clock;
use lockgate_upstream::Reply;
use serde_json::{Value, json};

/// Now, on a clock of this zone.
fn now(zone: &str) -> Zoned {
    Timestamp::try_from(clock::now()).unwrap().to_zoned(TimeZone::get(zone).unwrap())
}

/// The beginning of the next day, week or month.
fn next(per: &str, now: &Zoned) -> Zoned {
    let day = now.start_of_day().unwrap();
    match per {
        "day" => day.checked_add(1.day()).unwrap(),
        "week" => day.nth_weekday(1, Weekday::Monday).unwrap(),
        _ => day.first_of_month().unwrap().checked_add(1.month()).unwrap(),
    }
}

/// Milliseconds until then.
fn until(then: &Zoned) -> u64 {
    u64::try_from(then.timestamp().as_millisecond() - now("UTC").timestamp().as_millisecond()).unwrap()
}

async fn stage(budget: Value) -> (Stage, Provider) {
    let only = Provider::always(Reply::text("two words"));
    let stage = Stage::configured(&[("only", &only)], |config| {
        config["budgets"]["team"] = budget;
        // A word is a thousandth of a dollar.
        config["prices"]["overrides"]["only/m"] =
            json!({ "input_cost_per_token": 0.001, "output_cost_per_token": 0.001, "mode": "chat" });
    })
    .await;
    (stage, only)
}

/// Spends until nothing is left; says how often.
async fn spend(stage: &Stage) -> usize {
    let mut body = ask("hi");
    body["max_tokens"] = json!(3);
    let mut admitted = 0;
    loop {
        let answer = stage.ask(&body).await;
        if answer.status != 200 {
            assert_eq!(told(&answer), (429, "budget_exceeded".into()), "{}", answer.body);
            return admitted;
        }
        admitted += 1;
        assert!(admitted < 100);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_spent_is_spent_until_the_next_one_begins() {
    for (per, zone) in
        [("day", "UTC"), ("day", "Asia/Kathmandu"), ("week", "Europe/Berlin"), ("month", "America/Lima")]
    {
        let budget = json!({ "by": ["tenant"], "usd": 0.03, "per": per, "timezone": zone });
        let (stage, _only) = stage(budget).await;
        let begins = next(per, &now(zone));
        if until(&begins) < 60_000 {
            // It is about to begin, and would be over before it is spent.
            pass(120_000).await;
        }
        // Three words each, of thirty; what the last ones would reserve is a little more than they use.
        let often = spend(&stage).await;
        assert!((8..=10).contains(&often), "{per}: {often}");
        let begins = next(per, &now(zone));
        pass(until(&begins).saturating_sub(5_000)).await;
        assert_eq!(spend(&stage).await, 0, "{per} in {zone}: five seconds before {begins}");
        pass(5_001).await;
        assert_eq!(spend(&stage).await, often, "{per} in {zone}: {begins}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rolling_budget_gives_back_what_was_spent_as_long_ago() {
    let budget = json!({ "by": ["tenant"], "usd": 0.03, "per": "day", "rolling": true });
    let (stage, _only) = stage(budget).await;
    let often = spend(&stage).await;
    pass(23 * 3_600_000).await;
    assert_eq!(spend(&stage).await, 0);
    // A day, and up to a fifteenth of it longer.
    pass(3_600_000 + 24 * 240_000 + 1).await;
    assert_eq!(spend(&stage).await, often);
}

#[tokio::test(start_paused = true)]
async fn the_time_to_wait_that_a_client_is_told_is_the_rest_of_it() {
    let (stage, _only) = stage(json!({ "by": ["tenant"], "usd": 0.03, "per": "day" })).await;
    // In the last minute of a day it is worth trying again: whenever this runs, it is the first hour of one.
    pass(until(&next("day", &now("UTC"))) + 60_000).await;
    spend(&stage).await;
    let mut body = ask("hi");
    body["max_tokens"] = json!(3);
    let refused = stage.ask(&body).await;
    let told: u64 = refused.header("retry-after").parse().unwrap_or_default();
    let left = until(&next("day", &now("UTC"))) / 1_000;
    assert!(told.abs_diff(left) <= 2, "{told} of {left}");
    assert_eq!(refused.header("x-should-retry"), "false");
}
