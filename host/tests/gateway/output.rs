//! Answers that must be JSON: mended where that is enough, asked for again where it is not.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, with, with_provider};
use lockgate_upstream::{Recorded, Reply, Script, Upstream};
use serde_json::{Value, json};

fn chain() -> Value {
    let mut validator = binding("builtin:output-validator", json!({}));
    validator["streams"] = json!("on-demand");
    json!([binding("builtin:pii-mask", json!({})), validator])
}

fn schema() -> Value {
    json!({ "type": "json_schema", "json_schema": { "name": "city", "schema": {
        "type": "object", "required": ["city"], "properties": { "city": { "type": "string" }, "mail": {} },
    } } })
}

fn city(body: Value) -> Value {
    with(body, "response_format", schema())
}

#[tokio::test]
async fn near_json_is_mended_whole_and_streamed() {
    let stage =
        Stage::start(|_: &Recorded| Reply::text("Sure!\n```json\n{'city': 'Bern',}\n```"), chain()).await;
    for body in [city(ask("which city?")), city(ask_streamed("which city?"))] {
        let answer = stage.chat(&body).await;
        let text: Value = serde_json::from_str(&answer.text()).unwrap_or_else(|_| json!(answer.body));
        assert_eq!(text, json!({ "city": "Bern" }));
        assert_eq!(answer.header("x-lockgate-attempts"), "1");
    }
}

#[tokio::test]
async fn prose_is_asked_for_again_with_what_was_wrong() {
    for body in [
        city(ask("which city? I am ada@example.org")),
        city(ask_streamed("which city? I am ada@example.org")),
    ] {
        let replies = [
            Reply::text("Bern, of course."),
            Reply::text("{\"town\":1}"),
            Reply::text("{\"city\":\"Bern\",\"mail\":\"<EMAIL_1>\"}"),
        ];
        let stage = Stage::start(Script::new(replies), chain()).await;
        let answer = stage.chat(&body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text: Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(text, json!({ "city": "Bern", "mail": "ada@example.org" }));
        let seen = stage.upstream.requests();
        assert_eq!(seen.len(), 3);
        let messages = seen[2].json()["messages"].as_array().unwrap().clone();
        assert_eq!(messages.len(), 5, "{messages:?}");
        assert!(messages[4]["content"].as_str().unwrap().contains("city"), "{messages:?}");
        assert!(seen.iter().all(|seen| !seen.text().contains("ada@")));
    }
}

#[tokio::test]
async fn what_never_becomes_json_is_refused() {
    let stage = Stage::start(|_: &Recorded| Reply::text("I'd rather not."), chain()).await;
    for body in [city(ask("which city?")), city(ask_streamed("which city?"))] {
        let answer = stage.chat(&body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error("code").as_str()),
            (502, "output_invalid"),
            "{}",
            answer.body
        );
    }
    assert_eq!(stage.upstream.requests().len(), 6);
}

#[tokio::test]
async fn the_target_that_answered_is_asked_again_first() {
    let down = Upstream::start(|_: &Recorded| Reply::error(500, "down")).await.unwrap();
    let script = Script::new([Reply::text("prose"), Reply::text("{\"city\":\"Bern\"}")]);
    let stage = Stage::configured(script, chain(), |config| {
        let mut config = with_provider(config, "down", &down);
        config["routes"]["*"] =
            json!({ "targets": ["down/a", "openai/b"], "chain": "tested", "attempts": 3 });
        config
    })
    .await;
    assert_eq!(stage.chat(&city(ask("which city?"))).await.text(), "{\"city\":\"Bern\"}");
    assert_eq!((down.requests().len(), stage.upstream.requests().len()), (1, 2));
}

#[tokio::test]
async fn a_gathered_stream_that_breaks_off_fails_over() {
    let cut = Upstream::start(|_: &Recorded| Reply::truncated(["{\"city\":"])).await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("{\"city\":\"Bern\"}"),
        chain(),
        |config| {
            let mut config = with_provider(config, "cut", &cut);
            config["routes"]["*"] = json!({ "targets": ["cut/a", "openai/b"], "chain": "tested" });
            config
        },
    )
    .await;
    let answer = stage.chat(&city(ask_streamed("which city?"))).await;
    assert_eq!(answer.text(), "{\"city\":\"Bern\"}");
    assert!(answer.is_done());
}
