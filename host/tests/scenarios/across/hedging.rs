//! A target of one API is asked beside one of the other: when, what the client reads, and what both are paid.

use super::{ALL, Api, asked_properly, resilient};
use crate::stage::{Provider, late, near};
use lockgate_upstream::Reply;
use serde_json::{Value, json};
use tokio::time::Instant;

fn hedge() -> Value {
    json!({ "hedge": { "after_ms": 400 } })
}

#[tokio::test(start_paused = true)]
async fn the_other_answers_at_its_own_time_and_the_one_that_loses_is_let_go() {
    for (slow, fast) in [("gpt", "claude"), ("claude", "gpt")] {
        for (api, stream) in ALL {
            let (first, second) =
                (Provider::always(Reply::hang()), Provider::always(late("fast enough", 150)));
            let stage = resilient(&[(slow, &first), (fast, &second)], hedge()).await;
            let from = Instant::now();
            let (answer, took) = api.ask(&stage, "one two", stream).await;
            assert_eq!(api.text(&answer), "fast enough", "{}", answer.body);
            assert!(api.is_whole(&answer, stream), "{}", answer.body);
            assert_eq!(second.asked_since(from).len(), 1);
            near(took, 550);
            first.was_left(1).await;
            let apis =
                if slow == "gpt" { [Api::OpenAi, Api::Anthropic] } else { [Api::Anthropic, Api::OpenAi] };
            asked_properly(&first, apis[0]);
            asked_properly(&second, apis[1]);
            let record = stage.record().await;
            assert_eq!((record.attempts, record.basis, record.status), (2, "estimate", 200));
            assert_eq!(record.target, format!("{fast}/m"));
            assert!(record.flags.contains(&("hedge".into(), "won".into())), "{:?}", record.flags);
            // The one that lost told nothing: it is an estimate of two tokens. The other counts two words, and two more.
            assert_eq!((record.usage.input, record.usage.output), (4, 2));
            assert_eq!(record.cost.map(|cost| cost.nanos()), Some(6 * 1_000), "both are paid for");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_may_still_win_and_nothing_of_the_others_api_reaches_the_client() {
    for (first, second) in [("gpt", "claude"), ("claude", "gpt")] {
        for (api, stream) in ALL {
            let (one, other) = (Provider::always(late("first", 500)), Provider::always(late("second", 300)));
            let stage = resilient(&[(first, &one), (second, &other)], hedge()).await;
            let (answer, took) = api.ask(&stage, "one two", stream).await;
            assert_eq!(api.text(&answer), "first", "{}", answer.body);
            assert!(api.is_whole(&answer, stream), "{}", answer.body);
            near(took, 500);
            other.was_left(1).await;
            let record = stage.record().await;
            assert_eq!((&record.target, record.usage.input), (&format!("{first}/m"), 4));
            assert!(record.flags.contains(&("hedge".into(), "lost".into())), "{:?}", record.flags);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_overloaded_beside_does_no_harm_and_one_that_fails_first_leaves_it_to_the_other() {
    let overloaded = || Reply::error(529, "Overloaded");
    for (api, stream) in ALL {
        let (gpt, claude) = (Provider::always(late("gpt", 900)), Provider::always(overloaded()));
        let stage = resilient(&[("gpt", &gpt), ("claude", &claude)], hedge()).await;
        let (answer, took) = api.ask(&stage, "hi", stream).await;
        assert_eq!(api.text(&answer), "gpt", "{}", answer.body);
        near(took, 900);
        assert_eq!(stage.record().await.usage.input, 1, "what failed charges nothing");

        let failing = overloaded().after(std::time::Duration::from_millis(600));
        let (claude, gpt) = (Provider::always(failing), Provider::always(late("gpt", 500)));
        let stage = resilient(&[("claude", &claude), ("gpt", &gpt)], hedge()).await;
        let (answer, took) = api.ask(&stage, "hi", stream).await;
        assert_eq!((api.text(&answer).as_str(), claude.count()), ("gpt", 1), "{}", answer.body);
        near(took, 900);
        assert_eq!(stage.record().await.usage.input, 1);
    }
}

/// Both APIs tell of an answer before the model has said anything: a message without content, a role.
#[tokio::test(start_paused = true)]
async fn who_has_only_told_of_an_answer_has_not_begun_it() {
    let within = json!({ "timeouts": { "first_token_ms": 700 } });
    let orders = [("claude", "gpt"), ("gpt", "claude")];
    let settings = [(hedge(), 400), (within, 700)];
    for (api, _) in ALL.into_iter().filter(|(_, stream)| *stream) {
        for ((resilience, after), (silent, other)) in
            settings.iter().flat_map(|setting| orders.map(|order| (setting, order)))
        {
            let nothing: [&str; 0] = [];
            let first = Provider::always(Reply::stalled_after(nothing));
            let second = Provider::always(late("said", 100));
            let stage = resilient(&[(silent, &first), (other, &second)], resilience.clone()).await;
            let (answer, took) = api.ask(&stage, "hi", true).await;
            assert_eq!(api.text(&answer), "said", "{}", answer.body);
            near(took, after + 100);
            first.was_left(1).await;
        }
    }
}
