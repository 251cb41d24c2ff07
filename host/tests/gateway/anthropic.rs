//! An OpenAI client before a provider of another format.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{CREDENTIAL, Stage, ask, ask_streamed, binding, soon, with};
use bytes::Bytes;
use http::Method;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};
use tokio::sync::mpsc;

async fn stage(reply: Reply) -> Stage {
    let chain = json!([binding("builtin:pii-mask", json!({}))]);
    let upstream = move |_: &Recorded| reply.clone();
    let stage = Stage::configured(upstream, chain, |mut config| {
        let origin =
            config["providers"]["openai"]["base_url"].as_str().unwrap().trim_end_matches("/v1").to_owned();
        config["providers"] = json!({ "claude": { "adapter": "builtin:anthropic", "base_url": origin, "credential": CREDENTIAL } });
        config["routes"]["*"]["targets"] = json!(["claude/claude-sonnet-4-5"]);
        config
    });
    stage.await
}

#[tokio::test]
async fn texts_whole_and_streamed() {
    let stage = stage(Reply::text("Good day, <EMAIL_1>!")).await;
    let mut body = ask("I am ada@example.org");
    body["messages"].as_array_mut().unwrap().insert(0, json!({ "role": "system", "content": "Be brief." }));
    for body in [body.clone(), with(body, "stream", json!(true))] {
        let answer = stage.chat(&body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.text(), "Good day, ada@example.org!");
        assert_eq!(answer.header("x-lockgate-provider"), "claude");
        let seen = stage.upstream.last_request().unwrap();
        assert_eq!(seen.path, "/v1/messages");
        assert_eq!(seen.header("x-api-key"), Some(CREDENTIAL));
        assert!(seen.header("authorization").is_none() && seen.header("anthropic-version").is_some());
        let sent = seen.json();
        assert_eq!((&sent["model"], &sent["system"]), (&json!("claude-sonnet-4-5"), &json!("Be brief.")));
        assert!(!seen.text().contains("ada@"));
    }
}

#[tokio::test]
async fn usage_and_finish_are_those_of_the_openai_format() {
    let stage = stage(Reply::text("two words")).await;
    let whole = stage.chat(&ask("hello there")).await.json();
    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    for (figure, tokens) in [("prompt_tokens", 2), ("completion_tokens", 2), ("total_tokens", 4)] {
        assert_eq!(whole["usage"][figure], tokens, "{whole}");
    }
    let body = with(ask_streamed("hello there"), "stream_options", json!({ "include_usage": true }));
    let streamed = stage.chat(&body).await;
    assert!(streamed.is_done());
    let events = streamed.events();
    assert!(events.iter().all(|event| event["object"] == "chat.completion.chunk"), "{}", streamed.body);
    assert_eq!(events.last().unwrap()["usage"]["total_tokens"], 4);
}

#[tokio::test]
async fn tools_both_ways() {
    let stage = stage(Reply::tool_call("find", "{\"who\":\"<EMAIL_1>\"}")).await;
    let tools = json!([{ "type": "function", "function": { "name": "find", "description": "Finds.", "parameters": { "type": "object" } } }]);
    for body in [ask("find ada@example.org"), ask_streamed("find ada@example.org")] {
        let answer = stage.chat(&with(body, "tools", tools.clone())).await;
        let whole = answer.json().pointer("/choices/0/message/tool_calls/0/function/arguments").cloned();
        let arguments = match whole {
            Some(whole) => whole.as_str().unwrap().to_owned(),
            None => answer
                .events()
                .iter()
                .filter_map(|event| {
                    Some(
                        event
                            .pointer("/choices/0/delta/tool_calls/0/function/arguments")?
                            .as_str()?
                            .to_owned(),
                    )
                })
                .collect(),
        };
        let arguments: Value = serde_json::from_str(&arguments).unwrap();
        assert_eq!(arguments, json!({ "who": "ada@example.org" }), "{}", answer.body);
        assert_eq!(stage.upstream.last_request().unwrap().json()["tools"][0]["name"], "find");
    }
}

#[tokio::test]
async fn errors_come_in_the_clients_format() {
    let stage = stage(Reply::error(529, "Overloaded")).await;
    for body in [ask("hi"), ask_streamed("hi")] {
        let answer = stage.chat(&body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error("code").as_str()),
            (529, "overloaded_error"),
            "{}",
            answer.body
        );
        assert_eq!(
            (answer.error("type").as_str(), answer.error("message").as_str()),
            ("server_error", "Overloaded")
        );
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_the_clients_formats_error() {
    let frame = |event: &str, data: Value| Bytes::from(format!("event: {event}\ndata: {data}\n\n"));
    let start = json!({ "type": "message_start", "message": { "id": "m", "usage": { "input_tokens": 1 } } });
    let block =
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } });
    let delta = json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "Well" } });
    let error = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
    let (provider, receiver) = mpsc::channel(4);
    let stage = stage(Reply::paced(receiver)).await;
    for (event, data) in
        [("message_start", start), ("content_block_start", block), ("content_block_delta", delta)]
    {
        provider.send(frame(event, data)).await.unwrap();
    }
    let client = stage.gateway.client();
    let request = client.request(Method::POST, "/v1/chat/completions");
    let mut open = soon("the head", client.open(request, ask_streamed("hi").to_string())).await.unwrap();
    // What came before the error must have reached the client, or the exchange would fail over as a whole.
    soon("the first piece", open.until("Well")).await.unwrap();
    provider.send(frame("error", error)).await.unwrap();
    let answer = soon("the end", open.rest()).await.unwrap();
    assert_eq!(answer.text(), "Well");
    assert_eq!(answer.error("code"), "overloaded_error", "{}", answer.body);
    assert!(!answer.is_done());
}

#[tokio::test]
async fn what_the_provider_cannot_express_is_refused_by_name() {
    let stage = stage(Reply::text("hi")).await;
    let answer = stage.chat(&with(ask("hi"), "n", json!(2))).await;
    assert_eq!((answer.status.as_u16(), answer.error("code").as_str()), (400, "unsupported_parameter"));
    assert!(answer.error("message").contains('n'), "{}", answer.body);
    assert!(stage.upstream.requests().is_empty());
}
