//! What the gateway does when a target fails: it is asked again, others are, it is left alone; and what a client gets when
//! nobody answers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, soon, with, with_provider};
use lockgate_client::Answer;
use lockgate_upstream::{Handler, Recorded, Reply, Script, Upstream};
use serde_json::{Value, json};
use std::time::Duration;

/// A gateway with this one provider, and these settings of the route.
async fn one(handler: impl Handler, resilience: Value) -> Stage {
    Stage::configured(handler, json!([]), |mut config| {
        config["routes"]["*"]["resilience"] = resilience;
        config
    })
    .await
}

/// A gateway that asks `first/a` and then `openai/b`, with these settings of the route.
async fn two(first: impl Handler, second: impl Handler, resilience: Value) -> (Upstream, Stage) {
    let upstream = Upstream::start(first).await.unwrap();
    let stage = Stage::configured(second, json!([]), |config| {
        let mut config = with_provider(config, "first", &upstream);
        config["routes"]["*"]["targets"] = json!(["first/a", "openai/b"]);
        config["routes"]["*"]["resilience"] = resilience;
        config
    })
    .await;
    (upstream, stage)
}

fn saying(text: &'static str) -> impl Handler {
    move |_: &Recorded| Reply::text(text)
}

fn failing(status: u16) -> impl Handler {
    move |_: &Recorded| Reply::error(status, "oops")
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.error("code"))
}

fn flags(answer: &Answer) -> Vec<String> {
    answer.header("x-lockgate-flags").split(',').map(str::to_owned).collect()
}

/// Retries without a pause to speak of.
fn at_once() -> Value {
    json!({ "retries": { "pause_ms": 1, "max_pause_ms": 5 } })
}

#[tokio::test]
async fn an_only_target_is_asked_again_and_the_client_sees_no_error() {
    for body in [ask("hi"), ask_streamed("hi")] {
        for failure in [Reply::error(500, "oops"), Reply::error(429, "slow down"), Reply::reset()] {
            let script = Script::new([failure.clone(), failure, Reply::text("at last")]);
            let stage = one(script, at_once()).await;
            let answer = stage.chat(&body).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, "at last".into()), "{}", answer.body);
            assert_eq!(answer.header("x-lockgate-attempts"), "3");
        }
    }
}

#[tokio::test]
async fn what_does_not_pass_and_what_would_take_too_long_is_not_asked_for_again() {
    let quota = json!({ "error": { "message": "no credit", "type": "insufficient_quota", "code": "insufficient_quota" } });
    for reply in [
        Reply::status(429, quota),
        Reply::error(429, "slow down").with_header("retry-after", "7"),
        Reply::error(401, "bad key"),
        Reply::error(404, "no such model"),
    ] {
        let stage = one(Script::new([reply]), at_once()).await;
        assert!(!stage.chat(&ask("hi")).await.status.is_success());
        assert_eq!(stage.upstream.requests().len(), 1);
    }
}

#[tokio::test]
async fn what_is_asked_again_is_a_share_of_what_is_asked() {
    let budget = json!({ "retries": { "pause_ms": 1, "max_pause_ms": 1, "share": 0.1, "per_second": 0 },
        "breaker": { "min_calls": 1000 } });
    let stage = one(failing(500), budget).await;
    for _ in 0..40 {
        assert_eq!(stage.chat(&ask("hi")).await.status, 500);
    }
    let asked = stage.upstream.requests().len();
    assert!((41..=44).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_target_that_fails_is_left_alone_and_tried_again_later() {
    let breaker = json!({ "breaker": { "min_calls": 4, "open_ms": 300, "max_open_ms": 300 } });
    let replies = (0..4).map(|_| Reply::error(500, "oops")).chain([Reply::text("well again")]);
    let (first, stage) = two(Script::new(replies), saying("from the second"), breaker).await;
    // A target that failed three times in a row comes last; its breaker opens when the fourth fails.
    while first.requests().len() < 4 {
        assert_eq!(stage.chat(&ask("hi")).await.text(), "from the second");
        tokio::task::yield_now().await;
    }
    stage.gateway.log.wait_for("a target is left alone").await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-attempts")), ("from the second", "1"));
    let well = soon("the first to be tried again", async {
        loop {
            let answer = stage.chat(&ask("hi")).await;
            if answer.text() == "well again" {
                return answer;
            }
        }
    });
    assert_eq!(well.await.header("x-lockgate-provider"), "first");
    let metrics = stage.gateway.metrics().await;
    for state in ["open", "half_open", "closed"] {
        let labels = ["target=\"first/a\"", &format!("to=\"{state}\"")];
        assert!(metrics.sum("lockgate_breaker_changes_total", &labels) >= 1.0, "{state}: {}", metrics.0);
    }
}

#[tokio::test]
async fn when_nobody_is_well_the_client_is_told_when_to_come_back() {
    let breaker = json!({ "breaker": { "min_calls": 3, "open_ms": 60_000, "probes": 1 },
        "retries": { "share": 0, "per_second": 0 } });
    let stage = one(
        |request: &Recorded| match request.last_user_text().as_str() {
            "hang" => Reply::hang(),
            _ => Reply::error(500, "oops"),
        },
        breaker,
    )
    .await;
    for _ in 0..3 {
        assert_eq!(stage.chat(&ask("hi")).await.status, 500);
    }
    // One probe is under way: nobody else is let through.
    let client = stage.gateway.client();
    let probe = tokio::spawn(async move { client.chat(&ask("hang")).await.map(|answer| answer.status) });
    soon("the probe", stage.upstream.wait_for_requests(4)).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!(told(&answer), (503, "no_target_available".into()));
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((30..=60).contains(&seconds), "{seconds}");
    probe.abort();
    soon("the end of the probe", stage.upstream.wait_for_disconnects(1)).await;
}

#[tokio::test]
async fn a_cause_leads_to_the_targets_that_are_named_for_it() {
    let too_long = json!({ "error": { "message": "This model's maximum context length is 8 tokens.",
        "type": "invalid_request_error", "code": "context_length_exceeded" } });
    let refused = json!({ "error": { "message": "The response was filtered", "code": "content_filter" } });
    let silent = Reply::hang();
    for (cause, reply) in [
        ("rate_limit", Reply::error(429, "slow down")),
        ("server_error", Reply::error(500, "oops")),
        ("timeout", silent),
        ("context_window", Reply::status(400, too_long)),
        ("refused", Reply::status(400, refused)),
        ("refused", Reply::error(403, "Your input was flagged for violence.")),
    ] {
        let settings = json!({ "fallback": { cause: ["openai/named"] },
            "timeouts": { "first_token_ms": 300 } });
        let (first, stage) = two(
            move |request: &Recorded| match request.json()["model"].as_str() {
                Some("a") => reply.clone(),
                _ => Reply::text("?"),
            },
            |request: &Recorded| Reply::text(request.json()["model"].as_str().unwrap_or_default()),
            settings,
        )
        .await;
        let answer = stage.chat(&ask("hi")).await;
        assert_eq!(answer.text(), "named", "{cause}: {}", answer.body);
        assert_eq!((first.requests().len(), stage.upstream.requests().len()), (1, 1), "{cause}");
    }
}

#[tokio::test]
async fn a_request_too_long_for_one_model_is_read_by_the_next_and_else_the_client_is_told() {
    let too_long = || {
        let body = json!({ "error": { "message": "prompt is too long: 9 tokens > 8 maximum",
            "type": "invalid_request_error" } });
        Reply::status(400, body)
    };
    let (_first, stage) = two(move |_: &Recorded| too_long(), saying("I read it"), json!({})).await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "I read it");
    let (_first, stage) = two(move |_: &Recorded| too_long(), failing(500), json!({})).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.error("message").contains("too long"), "{}", answer.body);
}

#[tokio::test]
async fn what_a_providers_filter_refuses_is_the_clients_to_know_unless_a_target_is_named() {
    let body = json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "" },
            "finish_reason": "content_filter" }],
        "usage": { "prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7 } });
    let filtered = |body: Value| move |_: &Recorded| Reply::status(200, body.clone());
    let (_first, stage) = two(filtered(body.clone()), saying("never"), json!({})).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!(answer.json()["choices"][0]["finish_reason"], "content_filter");
    let settings = json!({ "fallback": { "refused": ["openai/b"] } });
    let (_first, stage) = two(filtered(body), saying("of course"), settings).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!(answer.text(), "of course");
    // The first one charges for what it read: seven tokens, and one for the second's.
    assert_eq!(answer.header("x-lockgate-tokens-in"), "8");
}

#[tokio::test]
async fn a_target_that_does_not_begin_in_its_time_is_left_for_the_next() {
    let settings = json!({ "timeouts": { "first_token_ms": 200 } });
    let head_alone = Reply::raw(200, "text/event-stream", ": here\n\n");
    for (body, reply) in [(ask("hi"), Reply::hang()), (ask_streamed("hi"), head_alone)] {
        let (_first, stage) =
            two(move |_: &Recorded| reply.clone(), saying("in time"), settings.clone()).await;
        let answer = stage.chat(&body).await;
        assert_eq!((answer.text().as_str(), answer.header("x-lockgate-attempts")), ("in time", "2"));
    }
}

#[tokio::test]
async fn a_stream_that_only_keeps_its_connection_alive_ends_in_time() {
    let settings = json!({ "timeouts": { "between_tokens_ms": 250 } });
    let (sender, receiver) = tokio::sync::mpsc::channel(64);
    let reply = Reply::paced(receiver);
    let stage = one(move |_: &Recorded| reply.clone(), settings).await;
    let chunk = json!({ "choices": [{ "index": 0, "delta": { "content": "one" }, "finish_reason": null }] });
    sender.send(format!("data: {chunk}\n\n").into()).await.unwrap();
    let alive = tokio::spawn(async move {
        while sender.send(": alive\n\n".into()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let answer = stage.chat(&ask_streamed("hi")).await;
    assert!(answer.text() == "one" && answer.body.contains("upstream_timeout"), "{}", answer.body);
    assert!(!answer.is_done());
    soon("the provider to be let go", stage.upstream.wait_for_disconnects(1)).await;
    alive.abort();
}

#[tokio::test]
async fn who_has_no_time_left_is_told_so() {
    let settings = json!({ "latency_budget": { "first_token_ms": 250 } });
    let (first, stage) = two(|_: &Recorded| Reply::hang(), saying("never"), settings).await;
    assert_eq!(told(&stage.chat(&ask("hi")).await), (504, "latency_budget_exceeded".into()));
    assert_eq!((first.requests().len(), stage.upstream.requests().len()), (1, 0));
}

#[tokio::test]
async fn a_target_that_has_lately_been_too_slow_is_passed_over() {
    let slow = |request: &Recorded| match request.last_user_text().as_str() {
        "warm up" => Reply::text("slow").after(Duration::from_millis(400)),
        _ => Reply::hang(),
    };
    let (first, stage) = two(slow, saying("fast"), json!({})).await;
    assert_eq!(stage.chat(&ask("warm up")).await.text(), "slow");
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    // Of two models, it is the budget that decides; what is known of targets outlives the reload.
    config["routes"]["*"]["resilience"] = json!({ "latency_budget": { "first_token_ms": 200 } });
    assert_eq!(stage.gateway.reload(&config).await.status, 200);
    let mut passed_over = 0;
    for _ in 0..10 {
        let answer = stage.chat(&ask("hi")).await;
        passed_over += usize::from(answer.text() == "fast");
    }
    assert_eq!(
        10,
        passed_over + first.requests().len() - 1,
        "one in twenty finds out whether it is still slow"
    );
    assert!(passed_over >= 6, "{passed_over}");
}

#[tokio::test]
async fn another_target_answers_for_one_that_is_slow_to_begin_and_what_it_cost_is_booked() {
    for body in [ask("two words"), ask_streamed("two words")] {
        let hedge = json!({ "hedge": { "after_ms": 150 } });
        let (first, stage) = two(|_: &Recorded| Reply::hang(), saying("fast enough"), hedge).await;
        let answer = stage.chat(&body).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "fast enough".into()));
        assert_eq!((first.requests().len(), stage.upstream.requests().len()), (1, 1));
        // The one that lost is cancelled.
        soon("the first to be let go", first.wait_for_disconnects(1)).await;
        // Nine letters are three tokens, as an estimate, beside the two words that the second counts.
        let line = stage.gateway.log.wait_for("\"message\":\"exchange\"").await;
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["tokens_in"], &line["attempts"]), (&json!(5), &json!(2)), "{line}");
        assert!(answer.body.contains("hedge=won") || flags(&answer).contains(&"hedge=won".to_owned()));
    }
}

#[tokio::test]
async fn a_hedge_that_is_not_needed_is_not_made_and_one_that_fails_harms_nobody() {
    let hedge = json!({ "hedge": { "after_ms": 100 } });
    let late = || |_: &Recorded| Reply::text("late").after(Duration::from_millis(500));
    let (_first, stage) = two(late(), failing(500), hedge.clone()).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-attempts")), ("late", "2"));
    assert_eq!(answer.header("x-lockgate-tokens-in"), "1", "what failed charges nothing");
    let (_first, stage) = two(saying("at once"), saying("never"), hedge).await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "at once");
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test]
async fn hedges_are_paid_for_from_the_budget() {
    let hedge = json!({ "hedge": { "after_ms": 20 }, "retries": { "share": 0, "per_second": 0 } });
    let late = |_: &Recorded| Reply::text("late").after(Duration::from_millis(200));
    let (_first, stage) = two(late, saying("never"), hedge).await;
    assert_eq!(stage.chat(&ask("hi")).await.text(), "late");
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test]
async fn an_old_answer_is_given_where_no_target_answers() {
    let settings = json!({ "degrade": [{ "stale": {} }, { "answer": "We will be back soon." }],
        "retries": { "pause_ms": 1, "max_pause_ms": 1 } });
    let replies = [Reply::text("the answer of yesterday"), Reply::error(500, "oops")];
    let stage = one(Script::new(replies), settings).await;
    let first = stage.chat(&ask("What is it?")).await;
    assert_eq!((first.text().as_str(), first.header("x-lockgate-degraded")), ("the answer of yesterday", ""));
    for body in [ask("What is it?"), ask_streamed("What is it?")] {
        let stale = stage.chat(&body).await;
        assert_eq!((stale.status.as_u16(), stale.text()), (200, first.text()));
        assert_eq!(stale.header("x-lockgate-degraded"), "stale");
        assert!(flags(&stale).contains(&"degraded=stale".to_owned()));
        assert_eq!(stale.is_done(), body["stream"] == true);
    }
    for body in [ask("Something else?"), ask_streamed("Something else?")] {
        let fixed = stage.chat(&body).await;
        assert_eq!(
            (fixed.text().as_str(), fixed.header("x-lockgate-degraded")),
            ("We will be back soon.", "answer")
        );
    }
    let fixed = stage.chat(&ask("Something else?")).await;
    assert_eq!(fixed.header("x-lockgate-cost-usd"), "0.000000");
}

#[tokio::test]
async fn a_smaller_model_answers_where_the_others_do_not() {
    let settings = json!({ "degrade": [{ "targets": ["small/model"] }],
        "retries": { "share": 0, "per_second": 0 } });
    let small = Upstream::start(|_: &Recorded| Reply::text("in short")).await.unwrap();
    let stage = Stage::configured(failing(500), json!([]), |config| {
        let mut config = with_provider(config, "small", &small);
        config["resilience"] = settings;
        config
    })
    .await;
    for body in [ask("hi"), ask_streamed("hi")] {
        let answer = stage.chat(&body).await;
        assert_eq!((answer.text().as_str(), answer.header("x-lockgate-degraded")), ("in short", "target"));
        assert_eq!(answer.header("x-lockgate-provider"), "small");
    }
    assert_eq!(small.last_request().unwrap().json()["model"], "model");
}

#[tokio::test]
async fn a_client_may_wait_for_a_target_to_be_well_again() {
    let settings = json!({ "degrade": [{ "wait": { "max_ms": 5_000 } }],
        "retries": { "pause_ms": 1, "max_pause_ms": 1 } });
    let limited = Reply::error(429, "slow down").with_header("retry-after", "1");
    let stage = one(Script::new([limited, Reply::text("thank you for waiting")]), settings).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!(
        (answer.text().as_str(), answer.header("x-lockgate-degraded")),
        ("thank you for waiting", "wait")
    );
}

#[tokio::test]
async fn what_the_client_can_mend_is_not_papered_over() {
    let settings = json!({ "degrade": [{ "answer": "We will be back soon." }] });
    let refusal =
        json!({ "error": { "message": "max_tokens is too large", "type": "invalid_request_error" } });
    let stage = one(Script::new([Reply::status(400, refusal)]), settings).await;
    let answer = stage.chat(&ask("hi")).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-lockgate-degraded")), (400, ""));
}

#[tokio::test]
async fn what_fails_is_not_charged_for() {
    let (_first, stage) =
        two(failing(500), failing(503), json!({ "retries": { "share": 0, "per_second": 0 } })).await;
    let answer = stage.chat(&ask("some words of a question")).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-lockgate-tokens-in")), (503, "0"));
    assert_eq!(answer.header("x-lockgate-cost-usd"), "0.000000");
}

#[tokio::test]
async fn settings_that_cannot_be_meant_are_refused_with_their_place() {
    let stage = one(saying("hi"), json!({})).await;
    let mut config: Value =
        serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
    config["routes"]["*"]["resilience"] = json!({
        "breaker": { "error_rate": 2, "open_ms": 9, "max_open_ms": 3 },
        "fallback": { "timeout": ["opnai/b"] },
        "degrade": [{ "answer": " " }],
    });
    let refused = stage.gateway.reload(&config).await;
    for fault in ["from 0 to 1", "less than `open_ms`", "no provider `opnai`", "must say something"] {
        assert!(refused.body.contains(fault), "{fault}: {}", refused.body);
    }
}

#[tokio::test]
async fn an_answer_that_is_found_wanting_goes_to_the_targets_named_for_it_and_both_are_charged_for() {
    let mut validator = crate::support::binding("builtin:output-validator", json!({}));
    validator["streams"] = json!("on-demand");
    let prose = |_: &Recorded| Reply::text("Bern, of course.");
    let careful = Upstream::start(|_: &Recorded| Reply::text("{\"city\":\"Bern\"}")).await.unwrap();
    let stage = Stage::configured(prose, json!([validator]), |config| {
        let mut config = with_provider(config, "careful", &careful);
        config["routes"]["*"]["resilience"] = json!({ "fallback": { "invalid_output": ["careful/m"] } });
        config
    })
    .await;
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "city", "schema": {
        "type": "object", "required": ["city"], "properties": { "city": { "type": "string" } } } } });
    let answer = stage.chat(&with(ask("which city?"), "response_format", schema)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (200, "{\"city\":\"Bern\"}".into()),
        "{}",
        answer.body
    );
    assert_eq!((stage.upstream.requests().len(), careful.requests().len()), (1, 1));
    // Three words that were found wanting, and one that was not.
    assert_eq!(answer.header("x-lockgate-tokens-out"), "4");
}

#[tokio::test]
async fn two_exchanges_of_one_adapter_do_not_mix_when_one_is_a_hedge() {
    let slow = |request: &Recorded| match request.json()["model"].as_str() {
        Some("slow") => Reply::text("too late").after(Duration::from_millis(700)),
        _ => Reply::text("in good time"),
    };
    let stage = Stage::configured(slow, json!([]), |mut config| {
        config["providers"]["openai"]["adapter"] = "builtin:anthropic".into();
        config["routes"]["*"]["targets"] = json!(["openai/slow", "openai/fast"]);
        config["routes"]["*"]["resilience"] = json!({ "hedge": { "after_ms": 100 } });
        config
    })
    .await;
    for body in [ask("hi"), ask_streamed("hi")] {
        let answer = stage.chat(&body).await;
        assert_eq!((answer.text().as_str(), answer.header("x-lockgate-model")), ("in good time", "fast"));
        assert_eq!(answer.is_done(), body["stream"] == true);
    }
}
