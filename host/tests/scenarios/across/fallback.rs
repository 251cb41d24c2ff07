//! A failure of one API's provider leads to one of the other, and the client reads the API it asked in.
#![expect(clippy::indexing_slicing, reason = "tests")]

use super::{ALL, Api, asked_properly, before, resilient};
use crate::stage::{Provider, near};
use lockgate_upstream::Reply;
use serde_json::json;
use std::time::Duration;

/// What a provider of OpenAI's API fails with, why, and after how long.
fn failures_of_openai() -> Vec<(&'static str, Reply, u64)> {
    let too_long = json!({ "error": { "code": "context_length_exceeded", "type": "invalid_request_error",
        "message": "This model's maximum context length is 8 tokens." } });
    let refused =
        json!({ "error": { "code": "content_filter", "message": "No.", "type": "invalid_request_error" } });
    vec![
        ("rate_limit", Reply::error(429, "slow down"), 0),
        ("timeout", Reply::hang(), 900),
        ("server_error", Reply::error(500, "oops"), 0),
        ("server_error", Reply::reset(), 0),
        ("context_window", Reply::status(400, too_long), 0),
        ("refused", Reply::status(400, refused), 0),
    ]
}

/// The same of Anthropic's.
fn failures_of_anthropic() -> Vec<(&'static str, Reply, u64)> {
    let refusal = json!({ "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [], "stop_reason": "refusal", "stop_sequence": null,
        "usage": { "input_tokens": 1, "output_tokens": 1 } });
    let too_long = "prompt is too long: 208310 tokens > 200000 maximum";
    vec![
        ("rate_limit", Reply::error(429, "This would exceed your rate limit."), 0),
        ("timeout", Reply::hang(), 900),
        ("server_error", Reply::error(500, "Internal server error"), 0),
        ("server_error", Reply::error(529, "Overloaded"), 0),
        ("server_error", Reply::raw(200, "application/json", "<html>Please sign in.</html>"), 0),
        ("context_window", Reply::error(400, too_long), 0),
        ("refused", Reply::status(200, refusal), 0),
    ]
}

/// Each failure, for each client: the target that is named for its cause answers, one that is not is not asked.
async fn each_leads_to_the_other(
    failures: Vec<(&'static str, Reply, u64)>,
    [fails, answers]: [(&'static str, Api); 2],
) {
    for (cause, reply, after) in failures {
        for (api, stream) in ALL {
            let first = Provider::always(reply.clone());
            let named = Provider::always(Reply::text("the other one"));
            let (next, unnamed) = ("next", Provider::always(Reply::text("never")));
            let providers = [(fails.0, &first), (next, &unnamed), (answers.0, &named)];
            let stage = before(&providers, |config| {
                let route = &mut config["routes"]["smart"];
                route["targets"] = json!([format!("{}/m", fails.0), format!("{next}/m")]);
                route["resilience"] = json!({ "timeouts": { "first_token_ms": 900 },
                    "fallback": { cause: [format!("{}/m", answers.0)] } });
            })
            .await;
            let (answer, took) = api.ask(&stage, "hi there", stream).await;
            let told = (api.text(&answer), api.is_whole(&answer, stream));
            assert_eq!(told, ("the other one".to_owned(), true), "{cause} {api:?} {stream}: {}", answer.body);
            near(took, after);
            assert_eq!((first.count(), unnamed.count(), named.count()), (1, 0, 1), "{cause} {api:?}");
            asked_properly(&first, fails.1);
            asked_properly(&named, answers.1);
            assert_eq!(answer.header("x-lockgate-provider"), answers.0);
            let record = stage.record().await;
            assert_eq!((record.status, record.attempts), (200, 2));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_openai_by_its_cause_is_answered_by_anthropic() {
    let sides = [("gpt", Api::OpenAi), ("claude", Api::Anthropic)];
    each_leads_to_the_other(failures_of_openai(), sides).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_anthropic_by_its_cause_is_answered_by_openai() {
    let sides = [("claude", Api::Anthropic), ("gpt", Api::OpenAi)];
    // A refusal of a stream is told at its end, and looks the same as of a whole answer where nothing was said.
    each_leads_to_the_other(failures_of_anthropic(), sides).await;
}

#[tokio::test(start_paused = true)]
async fn when_both_fail_the_client_is_told_by_the_last_in_the_words_of_its_own_api() {
    let cases = [
        (("claude", Reply::error(529, "Overloaded")), ("gpt", Reply::error(500, "oops")), 500),
        (("gpt", Reply::error(500, "oops")), ("claude", Reply::error(529, "Overloaded")), 529),
        (("gpt", Reply::error(500, "oops")), ("claude", Reply::error(429, "slow down")), 429),
    ];
    for ((first, fails), (second, last), status) in cases {
        for (api, stream) in ALL {
            let (one, other) = (Provider::always(fails.clone()), Provider::always(last.clone()));
            let no_more = json!({ "retries": { "share": 0, "per_second": 0 } });
            let stage = resilient(&[(first, &one), (second, &other)], no_more).await;
            let (answer, _) = api.ask(&stage, "hi there", stream).await;
            let kind = match (api, status) {
                (Api::OpenAi, 429) => "rate_limit_error",
                (Api::OpenAi, _) => "server_error",
                (Api::Anthropic, 429) => "rate_limit_error",
                (Api::Anthropic, 529) => "overloaded_error",
                (Api::Anthropic, _) => "api_error",
            };
            assert_eq!(
                (answer.status.as_u16(), api.error(&answer)),
                (status, kind.into()),
                "{}",
                answer.body
            );
            assert_eq!((one.count(), other.count()), (1, 1));
            let record = stage.record().await;
            assert_eq!((record.status, record.basis, record.usage.input), (status, "none", 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_target_cannot_express_is_asked_of_the_other() {
    let (claude, gpt) = (Provider::always(Reply::text("never")), Provider::always(Reply::text("both")));
    let stage = resilient(&[("claude", &claude), ("gpt", &gpt)], json!({})).await;
    let mut body = crate::stage::ask("hi");
    body["n"] = json!(2);
    let (answer, took) = stage.timed(&body).await;
    assert_eq!((answer.text().as_str(), claude.count(), gpt.count()), ("both", 0, 1), "{}", answer.body);
    near(took, 0);
    assert_eq!(gpt.requests()[0].json()["n"], 2, "as it was asked");
    assert!(stage.health("claude/m").error_rate().is_none(), "nobody was asked there");
}

#[tokio::test(start_paused = true)]
async fn all_of_them_together_have_the_time_that_the_route_allows() {
    let late = Reply::text("too late").after(Duration::from_millis(700));
    for (api, stream) in ALL {
        let (gpt, claude) = (Provider::always(Reply::hang()), Provider::always(late.clone()));
        let budget =
            json!({ "timeouts": { "first_token_ms": 900 }, "latency_budget": { "first_token_ms": 1_500 } });
        let stage = resilient(&[("gpt", &gpt), ("claude", &claude)], budget).await;
        let (answer, took) = api.ask(&stage, "hi", stream).await;
        let kind = if api == Api::Anthropic { "timeout_error" } else { "server_error" };
        assert_eq!((answer.status.as_u16(), api.error(&answer)), (504, kind.into()), "{}", answer.body);
        near(took, 1_500);
        claude.was_left(1).await;
        let record = stage.record().await;
        assert_eq!((record.attempts, record.basis), (2, "estimate"), "both were at work on it");
    }
}
