//! Streams that break off after their beginning: the client sees one answer, or an honest error.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask_streamed, binding, soon, with, with_provider};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Handler, Recorded, Reply, Upstream};
use serde_json::{Value, json};

const GO_ON: &str = "continue";

/// A gateway whose first target breaks off, and whose second can go on with an answer.
async fn broken(first: Reply, second: impl Handler, chain: Value, policy: &str) -> (Upstream, Stage) {
    let upstream = Upstream::start(move |_: &Recorded| first.clone()).await.unwrap();
    let stage = Stage::configured(second, chain, |config| {
        let mut config = with_provider(config, "first", &upstream);
        config["routes"]["*"]["targets"] = json!(["first/a", { "target": "openai/b", "prefill": "message" }]);
        config["routes"]["*"]["resilience"] = json!({ "mid_stream": policy });
        config
    })
    .await;
    (upstream, stage)
}

fn pieces() -> [&'static str; 3] {
    ["The capital ", "of France ", "is "]
}

fn goes_on() -> impl Handler {
    |_: &Recorded| Reply::chunks(["Paris", ", of course."])
}

const WHOLE: &str = "The capital of France is Paris, of course.";

fn breaks() -> [Reply; 2] {
    [Reply::reset_after(pieces()), Reply::truncated(pieces())]
}

#[tokio::test]
async fn another_target_goes_on_with_what_was_said() {
    for reply in breaks() {
        let (_first, stage) = broken(reply, goes_on(), json!([]), GO_ON).await;
        let body = with(ask_streamed("Which?"), "stream_options", json!({ "include_usage": true }));
        let answer = stage.chat(&with(body, "max_tokens", json!(100))).await;
        assert_eq!(answer.text(), WHOLE, "{}", answer.body);
        assert!(answer.is_done(), "{}", answer.body);
        let asked = stage.upstream.last_request().unwrap().json();
        let last = asked["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last, json!({ "role": "assistant", "content": "The capital of France is" }));
        assert_eq!(asked["max_tokens"], 93, "what was said counts");
        // One answer: one id, one model, one finish, one usage of both.
        let events = answer.events();
        assert!(events.iter().all(|event| event["id"] == events[0]["id"]), "{}", answer.body);
        assert!(events.iter().all(|event| event["model"] == events[0]["model"]), "{}", answer.body);
        let finishes = events.iter().filter(|event| event["choices"][0]["finish_reason"] == "stop");
        assert_eq!(finishes.count(), 1);
        let usage = &events.last().unwrap()["usage"];
        assert!(answer.body.contains("flags=") && answer.body.contains("failover=continued"));
        let told = format!("tokens-in={} tokens-out={}", usage["prompt_tokens"], usage["completion_tokens"]);
        assert!(answer.body.contains(&told), "{told}: {}", answer.body);
        // Six letters are two tokens, and 25 are seven; the second counts its words.
        let read = stage.upstream.last_request().unwrap().text();
        assert!(usage["prompt_tokens"].as_u64() > Some(2) && !read.is_empty(), "{usage}");
        assert!(usage["completion_tokens"].as_u64() >= Some(7), "{usage}");
    }
}

#[tokio::test]
async fn a_target_that_repeats_what_was_said_is_not_heard_twice() {
    let repeats = |_: &Recorded| Reply::text(WHOLE);
    let (_first, stage) = broken(Reply::reset_after(pieces()), repeats, json!([]), GO_ON).await;
    assert_eq!(stage.chat(&ask_streamed("Which?")).await.text(), WHOLE);
}

#[tokio::test]
async fn each_format_sees_one_answer() {
    for (path, body) in [
        (
            "/v1/messages",
            json!({ "model": "m", "max_tokens": 100, "stream": true, "messages": [{ "role": "user", "content": "Which?" }] }),
        ),
        ("/v1/responses", json!({ "model": "m", "stream": true, "input": "Which?" })),
    ] {
        let (_first, stage) = broken(Reply::reset_after(pieces()), goes_on(), json!([]), GO_ON).await;
        let client = stage.gateway.client();
        let answer = soon("an answer", client.post(path, body.to_string())).await.unwrap();
        let text = |event: &Value| match event["type"].as_str() {
            Some("content_block_delta") => event["delta"]["text"].as_str().map(str::to_owned),
            Some("response.output_text.delta") => event["delta"].as_str().map(str::to_owned),
            _ => None,
        };
        let events = answer.events();
        let said: String = events.iter().filter_map(text).collect();
        assert_eq!(said, WHOLE, "{path}: {}", answer.body);
        let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
        let started = count("content_block_start") + count("response.content_part.added");
        let ended = count("message_stop") + count("response.completed");
        assert_eq!((started, ended), (1, 1), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn by_default_it_ends_with_the_error_of_the_format() {
    for (policy, first) in [("error", Reply::reset_after(pieces())), (GO_ON, Reply::truncated(pieces()))] {
        let (_first, stage) =
            broken(first, |_: &Recorded| Reply::error(500, "oops"), json!([]), policy).await;
        let answer = stage.chat(&ask_streamed("Which?")).await;
        assert_eq!(answer.text(), "The capital of France is ");
        assert!(!answer.is_done() && answer.body.contains("\"error\""), "{}", answer.body);
        assert_eq!(stage.upstream.requests().is_empty(), policy == "error");
    }
}

#[tokio::test]
async fn what_has_not_said_a_word_is_asked_for_anew_whatever_the_policy() {
    let role_alone: [&str; 0] = [];
    let (first, stage) = broken(Reply::reset_after(role_alone), goes_on(), json!([]), "error").await;
    let answer = stage.chat(&ask_streamed("Which?")).await;
    assert_eq!((answer.text().as_str(), answer.is_done()), ("Paris, of course.", true), "{}", answer.body);
    assert_eq!((first.requests().len(), stage.upstream.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_call_of_a_tool_is_not_gone_on_with() {
    let call = json!({ "choices": [{ "index": 0, "finish_reason": null, "delta": { "tool_calls": [
        { "index": 0, "id": "c", "type": "function", "function": { "name": "f", "arguments": "{\"a\"" } }] } }] });
    let first = Reply::raw(200, "text/event-stream", format!("data: {call}\n\n"));
    let (_first, stage) = broken(first, goes_on(), json!([]), GO_ON).await;
    let answer = stage.chat(&ask_streamed("Which?")).await;
    assert!(!answer.is_done() && answer.body.contains("upstream_truncated"), "{}", answer.body);
    assert!(stage.upstream.requests().is_empty());
}

#[tokio::test]
async fn no_private_value_that_was_restored_for_the_client_goes_to_the_next_target() {
    let chain = json!([binding("builtin:pii-mask", json!({}))]);
    let masked = |text: &str| text.split_whitespace().find(|word| word.contains("EMAIL")).map(str::to_owned);
    let upstream = Upstream::start(move |request: &Recorded| {
        let placeholder = masked(&request.last_user_text()).unwrap_or_default();
        Reply::reset_after(["I will write to ".to_owned(), placeholder, " as soon as ".to_owned()])
    });
    let upstream = upstream.await.unwrap();
    let stage = Stage::configured(
        |_: &Recorded| Reply::text("I can."),
        chain,
        |config| {
            let mut config = with_provider(config, "first", &upstream);
            config["routes"]["*"]["targets"] =
                json!(["first/a", { "target": "openai/b", "prefill": "message" }]);
            config["routes"]["*"]["resilience"] = json!({ "mid_stream": GO_ON });
            config
        },
    )
    .await;
    let answer = stage.chat(&ask_streamed("Write to jane.doe@example.com now")).await;
    assert_eq!(answer.text(), "I will write to jane.doe@example.com as soon as I can.", "{}", answer.body);
    let asked = stage.upstream.last_request().unwrap().text();
    assert!(asked.contains("I will write to") && !asked.contains("jane.doe"), "{asked}");
}

#[tokio::test]
async fn a_stream_that_its_providers_filter_refuses_is_another_targets_to_answer_where_one_is_named() {
    let chunk = |delta: Value, finish: Value| {
        let chunk =
            json!({ "id": "c", "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] });
        format!("data: {chunk}\n\n")
    };
    let refuses = chunk(json!({ "role": "assistant" }), Value::Null)
        + &chunk(json!({}), json!("content_filter"))
        + "data: [DONE]\n\n";
    for named in [true, false] {
        let reply = Reply::raw(200, "text/event-stream", refuses.clone());
        let (_first, stage) = broken(reply, goes_on(), json!([]), "error").await;
        if named {
            let mut config: Value =
                serde_json::from_str(&std::fs::read_to_string(&stage.gateway.file).unwrap()).unwrap();
            config["routes"]["*"]["resilience"] = json!({ "fallback": { "refused": ["openai/b"] } });
            assert_eq!(stage.gateway.reload(&config).await.status, 200);
        }
        let answer = stage.chat(&ask_streamed("Which?")).await;
        assert_eq!(answer.text(), if named { "Paris, of course." } else { "" }, "{}", answer.body);
        assert!(answer.is_done() && answer.body.contains("content_filter") != named, "{}", answer.body);
    }
}

/// A client's name for its request.
async fn keyed(stage: &Stage, key: &str, body: &Value) -> Answer {
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions").header("idempotency-key", key);
    soon("an answer", async { client.open(request, body.to_string()).await.unwrap().rest().await.unwrap() })
        .await
}

#[tokio::test]
async fn a_broken_answer_that_was_charged_for_is_not_made_again_under_its_key() {
    let never = |_: &Recorded| Reply::text("never");
    let (first, stage) = broken(Reply::truncated(pieces()), never, json!([]), "error").await;
    let one = keyed(&stage, "once", &ask_streamed("Which?")).await;
    let other = keyed(&stage, "once", &ask_streamed("Which?")).await;
    assert!(!one.is_done() && one.body == other.body, "{}", other.body);
    assert_eq!((first.requests().len(), stage.upstream.requests().len()), (1, 0));
}
