//! Streams of one API that break off and go on with the other's, before a word was said and after.
#![expect(clippy::indexing_slicing, reason = "tests")]

use super::{Api, before, events, overloaded, said, start};
use crate::stage::{Provider, Stage, near};
use lockgate_upstream::Reply;
use serde_json::{Value, json};
use std::time::Duration;

/// Both orders of the APIs.
const ORDERS: [(&str, &str); 2] = [("gpt", "claude"), ("claude", "gpt")];
const CLIENTS: [Api; 2] = [Api::OpenAi, Api::Anthropic];

async fn stage(first: (&str, &Provider), second: (&str, &Provider), policy: &str) -> Stage {
    before(&[first, second], |config| {
        let route = &mut config["routes"]["smart"];
        let goes_on = json!({ "target": format!("{}/m", second.0), "prefill": "message" });
        route["targets"] = json!([format!("{}/m", first.0), goes_on]);
        route["resilience"] = json!({ "mid_stream": policy, "timeouts": { "between_tokens_ms": 1_000 } });
    })
    .await
}

/// A stream of Anthropic's API that says a text and then fails.
fn fails_after(text: &str) -> Reply {
    events(&[
        start(1),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        json!({ "type": "ping" }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } }),
        overloaded(),
    ])
}

#[tokio::test(start_paused = true)]
async fn the_other_api_goes_on_and_the_client_sees_one_answer_of_its_own() {
    let pieces = ["The capital ", "of France "];
    for (first, second) in ORDERS {
        let mut breaks = vec![
            (Reply::stalled_after(pieces), 1_000),
            (Reply::truncated(pieces), 0),
            (Reply::reset_after(pieces), 0),
            (Reply::stalled_after(pieces).paced_by(Duration::from_millis(300)), 0),
        ];
        // The pieces, and what each API sends before them: a role, or the message, a ping and a block.
        let frames = if first == "gpt" { 3 } else { 5 };
        breaks[3].1 = frames * 300 + 1_000;
        if first == "claude" {
            breaks.push((fails_after("The capital of France "), 0));
        }
        for (reply, after) in breaks {
            for api in CLIENTS {
                let one = Provider::always(reply.clone());
                let other = Provider::always(Reply::chunks(["is ", "Paris."]));
                let stage = stage((first, &one), (second, &other), "continue").await;
                let (answer, took) = api.ask(&stage, "Which?", true).await;
                assert_eq!(
                    api.text(&answer),
                    "The capital of France is Paris.",
                    "{reply:?}: {}",
                    answer.body
                );
                assert!(api.is_whole(&answer, true), "{api:?} {reply:?}: {}", answer.body);
                near(took, after);
                let asked = said(&other.requests()[0]);
                let expected = [("user", "Which?"), ("assistant", "The capital of France")];
                assert_eq!(asked, expected.map(|(role, text)| (role.to_owned(), text.to_owned())));
                let record = stage.record().await;
                assert_eq!((record.status, record.attempts, record.basis), (200, 2, "estimate"));
                assert!(
                    record.flags.contains(&("failover".into(), "continued".into())),
                    "{:?}",
                    record.flags
                );
                if api == Api::Anthropic {
                    let told = api.usage(&answer);
                    assert_eq!(
                        told,
                        (record.usage.input, record.usage.output),
                        "what both took: {}",
                        answer.body
                    );
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn before_a_word_was_said_the_other_answers_anew_whatever_the_policy_is() {
    let nothing: [&str; 0] = [];
    for (first, second) in ORDERS {
        let mut breaks = vec![
            (Reply::stalled_after(nothing), 1_000),
            (Reply::truncated(nothing), 0),
            (Reply::reset_after(nothing), 0),
        ];
        if first == "claude" {
            breaks.push((fails_after(""), 0));
        }
        for (reply, after) in breaks {
            for policy in ["error", "continue"] {
                for api in CLIENTS {
                    let one = Provider::always(reply.clone());
                    let other = Provider::always(Reply::text("all of it"));
                    let stage = stage((first, &one), (second, &other), policy).await;
                    let (answer, took) = api.ask(&stage, "Which?", true).await;
                    assert_eq!(api.text(&answer), "all of it", "{first} {reply:?}: {}", answer.body);
                    assert!(api.is_whole(&answer, true), "{api:?} {reply:?}: {}", answer.body);
                    near(took, after);
                    assert_eq!(said(&other.requests()[0]).len(), 1, "it is asked anew");
                    assert_eq!(stage.record().await.attempts, 2);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_policy_a_stream_ends_with_the_error_of_the_clients_api() {
    let cases = [
        ("gpt", Reply::stalled_after(["The capital "]), 1_000, ["server_error", "timeout_error"]),
        ("claude", Reply::stalled_after(["The capital "]), 1_000, ["server_error", "timeout_error"]),
        ("claude", fails_after("The capital "), 0, ["server_error", "overloaded_error"]),
    ];
    for (first, reply, after, kinds) in cases {
        for (api, kind) in CLIENTS.into_iter().zip(kinds) {
            let (one, other) = (Provider::always(reply.clone()), Provider::always(Reply::text("never")));
            let second = if first == "gpt" { "claude" } else { "gpt" };
            let stage = stage((first, &one), (second, &other), "error").await;
            let (answer, took) = api.ask(&stage, "Which?", true).await;
            assert_eq!(
                (api.text(&answer), api.error(&answer)),
                ("The capital ".into(), kind.into()),
                "{}",
                answer.body
            );
            assert!(!api.is_whole(&answer, true));
            near(took, after);
            assert_eq!(other.count(), 0);
            assert_eq!(stage.record().await.outcome, "upstream");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_stream_that_breaks_off_all_that_was_said_is_charged_for() {
    // Anthropic tells at the beginning of a stream that its answer has one token, and only at its end how many.
    let long: Vec<String> = (0..100).map(|n| format!("word{n} ")).collect();
    for (first, second) in ORDERS {
        let (one, other) =
            (Provider::always(Reply::truncated(long.clone())), Provider::always(Reply::text("never")));
        let stage = stage((first, &one), (second, &other), "error").await;
        let (answer, _) = Api::OpenAi.ask(&stage, "Count.", true).await;
        assert!(answer.text().ends_with("word99 "), "{}", answer.body);
        let record = stage.record().await;
        assert_eq!((record.outcome, record.basis), ("upstream", "estimate"), "{first}: {record:?}");
        assert!(record.usage.output >= 100, "{first}: {:?}", record.usage);
    }
}

#[tokio::test(start_paused = true)]
async fn a_third_goes_on_with_what_two_apis_have_said() {
    let one = Provider::always(Reply::stalled_after(["one ", "two "]));
    let two = Provider::always(Reply::truncated(["three ", "four "]));
    let three = Provider::always(Reply::text("five six"));
    for api in CLIENTS {
        let providers = [("gpt", &one), ("claude", &two), ("other", &three)];
        let stage = before(&providers, |config| {
            let able = |name: &str| json!({ "target": name, "prefill": "message" });
            let route: &mut Value = &mut config["routes"]["smart"];
            route["targets"] = json!(["gpt/m", able("claude/m"), able("other/m")]);
            route["resilience"] =
                json!({ "mid_stream": "continue", "timeouts": { "between_tokens_ms": 1_000 } });
        })
        .await;
        let (answer, took) = api.ask(&stage, "Count.", true).await;
        assert_eq!(api.text(&answer), "one two three four five six", "{}", answer.body);
        assert!(api.is_whole(&answer, true), "{}", answer.body);
        near(took, 1_000);
        let asked = said(three.requests().last().unwrap_or(&three.requests()[0]));
        assert_eq!(asked[1], ("assistant".to_owned(), "one two three four".to_owned()));
        assert_eq!(stage.record().await.attempts, 3);
    }
}
