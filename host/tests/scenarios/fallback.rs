//! Who is asked after a failure, by its cause.
#![expect(clippy::indexing_slicing, reason = "tests")]

use crate::stage::{Provider, Stage, ask, near, streamed};
use lockgate_upstream::Reply;
use serde_json::json;
use std::time::Duration;

/// A gateway whose second target answers, and others that are named for causes alone.
async fn fails(with: Reply) -> (Stage, [Provider; 2], Vec<(&'static str, Provider)>) {
    let (first, second) = (Provider::always(with), Provider::always(Reply::text("second")));
    let causes = ["rate_limit", "timeout", "server_error", "context_window", "refused"];
    let others: Vec<_> =
        causes.into_iter().map(|cause| (cause, Provider::always(Reply::text(cause)))).collect();
    let mut all = vec![("first", &first), ("second", &second)];
    let names = ["limits", "timely", "steady", "large", "lenient"];
    all.extend(names.into_iter().zip(&others).map(|(name, (_, provider))| (name, provider)));
    let stage = Stage::configured(&all, |config| {
        let route = &mut config["routes"]["smart"];
        route["targets"] = json!(["first/m", "second/m"]);
        route["resilience"] = json!({
            "timeouts": { "first_token_ms": 900 },
            "fallback": causes.into_iter().zip(names)
                .map(|(cause, name)| (cause.to_owned(), json!([format!("{name}/m")])))
                .collect::<serde_json::Map<_, _>>(),
        });
    })
    .await;
    (stage, [first, second], others)
}

#[tokio::test(start_paused = true)]
async fn each_cause_leads_to_the_target_that_is_named_for_it() {
    let too_long = json!({ "error": { "code": "context_length_exceeded", "type": "invalid_request_error",
        "message": "This model's maximum context length is 8 tokens." } });
    let refused =
        json!({ "error": { "code": "content_filter", "message": "No.", "type": "invalid_request_error" } });
    let cases = [
        ("rate_limit", Reply::error(429, "slow down"), 0),
        ("timeout", Reply::hang(), 900),
        ("timeout", Reply::text("too late to begin").paced_by(Duration::from_secs(2)), 900),
        ("timeout", Reply::text("nobody waits for this").byte_by_byte(Duration::from_millis(40)), 900),
        ("server_error", Reply::error(500, "oops"), 0),
        ("server_error", Reply::error(529, "overloaded"), 0),
        ("server_error", Reply::reset(), 0),
        ("server_error", Reply::raw(200, "text/html", "<html>Please sign in.</html>"), 0),
        ("context_window", Reply::status(400, too_long), 0),
        ("refused", Reply::status(400, refused), 0),
    ];
    for (cause, reply, after) in cases {
        for body in [ask("hi"), streamed("hi")] {
            let (stage, [first, second], others) = fails(reply.clone()).await;
            let (answer, took) = stage.timed(&body).await;
            assert_eq!(answer.text(), cause, "{reply:?}: {}", answer.body);
            near(took, after);
            assert_eq!((first.count(), second.count()), (1, 0), "{reply:?}");
            let asked = others.iter().filter(|(_, provider)| provider.count() > 0).map(|(cause, _)| *cause);
            assert_eq!(asked.collect::<Vec<_>>(), [cause]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_client_must_mend_leads_nowhere() {
    let (stage, [first, second], others) = fails(Reply::error(400, "max_tokens is too large")).await;
    assert_eq!(stage.ask(&ask("hi")).await.status, 400);
    assert_eq!((first.count(), second.count()), (1, 0));
    assert!(others.iter().all(|(_, provider)| provider.count() == 0));
}

#[tokio::test(start_paused = true)]
async fn who_is_named_and_fails_too_is_followed_by_the_others_in_their_order() {
    let (stage, [first, second], others) = fails(Reply::error(500, "oops")).await;
    drop(stage);
    let limited = Provider::always(Reply::error(429, "slow down"));
    let stage = Stage::configured(
        &[("first", &first), ("second", &second), ("steady", &limited), ("limits", &others[0].1)],
        |config| {
            let route = &mut config["routes"]["smart"];
            route["targets"] = json!(["first/m", "second/m"]);
            route["resilience"] =
                json!({ "fallback": { "server_error": ["steady/m"], "rate_limit": ["limits/m"] } });
        },
    )
    .await;
    let answer = stage.ask(&ask("hi")).await;
    assert_eq!((answer.text().as_str(), answer.header("x-lockgate-attempts")), ("rate_limit", "3"));
    assert_eq!((limited.count(), second.count()), (1, 0), "each failure has its own");
}
