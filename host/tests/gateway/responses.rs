//! Clients of the Responses API: reasoning on its way out and back, and what the API has beside responses.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{CREDENTIAL, Stage, soon, with};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

/// What Anthropic's model says: thinking that it signs, thinking that it hides, and a call.
fn thinking(request: &Recorded) -> Reply {
    let blocks = [
        json!({ "type": "thinking", "thinking": "Bern, then.", "signature": "signed" }),
        json!({ "type": "redacted_thinking", "data": "hidden" }),
        json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Bern" } }),
    ];
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": blocks,
        "stop_reason": "tool_use", "stop_sequence": null, "usage": { "input_tokens": 3, "output_tokens": 4 },
    });
    if request.json()["stream"] != true {
        return Reply::raw(200, "application/json", message.to_string());
    }
    let start = |index: usize, block: Value| json!({ "type": "content_block_start", "index": index, "content_block": block });
    let delta =
        |index: usize, delta: Value| json!({ "type": "content_block_delta", "index": index, "delta": delta });
    let stop = |index: usize| json!({ "type": "content_block_stop", "index": index });
    let events = [
        json!({ "type": "message_start", "message": with(message, "content", json!([])) }),
        start(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        delta(0, json!({ "type": "thinking_delta", "thinking": "Bern, " })),
        delta(0, json!({ "type": "thinking_delta", "thinking": "then." })),
        delta(0, json!({ "type": "signature_delta", "signature": "signed" })),
        stop(0),
        start(1, json!({ "type": "redacted_thinking", "data": "hidden" })),
        stop(1),
        start(2, json!({ "type": "tool_use", "id": "toolu_1", "name": "weather", "input": {} })),
        delta(2, json!({ "type": "input_json_delta", "partial_json": "{\"city\":\"Bern\"}" })),
        stop(2),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 4 } }),
        json!({ "type": "message_stop" }),
    ];
    let frame = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    Reply::raw(200, "text/event-stream", events.iter().map(frame).collect::<String>())
}

async fn stage() -> Stage {
    let stage = Stage::configured(thinking, json!([]), |mut config| {
        let origin =
            config["providers"]["openai"]["base_url"].as_str().unwrap().trim_end_matches("/v1").to_owned();
        let provider =
            json!({ "adapter": "builtin:anthropic", "base_url": origin, "credential": CREDENTIAL });
        config["providers"] = json!({ "claude": provider });
        config["routes"]["*"]["targets"] = json!(["claude/claude-sonnet-4-5"]);
        config
    });
    stage.await
}

async fn post(stage: &Stage, path: &str, body: &Value) -> Answer {
    let client = stage.gateway.client();
    let open = client.open(client.request(Method::POST, path), body.to_string());
    soon("the rest", soon("the answer", open).await.unwrap().rest()).await.unwrap()
}

fn asking() -> Value {
    json!({
        "model": "smart", "input": [{ "role": "user", "content": "Weather in Bern?" }], "reasoning": { "effort": "low" },
        "include": ["reasoning.encrypted_content"],
        "tools": [{ "type": "function", "name": "weather", "parameters": { "type": "object" } }],
    })
}

#[tokio::test]
async fn reasoning_goes_back_to_who_signed_it() {
    let stage = stage().await;
    for stream in [false, true] {
        let answer = post(&stage, "/v1/responses", &with(asking(), "stream", json!(stream))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let response = match answer.events().last() {
            Some(last) => last["response"].clone(),
            None => answer.json(),
        };
        let output = response["output"].as_array().unwrap();
        let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, ["reasoning", "reasoning", "function_call"], "{response}");
        assert_eq!(output[0]["summary"], json!([{ "type": "summary_text", "text": "Bern, then." }]));
        assert_eq!(output[1]["summary"], json!([]));
        assert!(!answer.body.contains("signed") && !answer.body.contains("hidden"), "{}", answer.body);
        let mut again = asking();
        let input = again["input"].as_array_mut().unwrap();
        input.extend(output.iter().cloned());
        input.push(json!({ "type": "function_call_output", "call_id": "toolu_1", "output": "Rain." }));
        assert_eq!(post(&stage, "/v1/responses", &again).await.status, 200);
        let sent = stage.upstream.last_request().unwrap().json();
        assert_eq!(
            sent["messages"][1]["content"],
            json!([
                { "type": "thinking", "thinking": "Bern, then.", "signature": "signed" },
                { "type": "redacted_thinking", "data": "hidden" },
                { "type": "tool_use", "id": "toolu_1", "name": "weather", "input": { "city": "Bern" } },
            ]),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn who_does_not_ask_for_it_gets_words_alone() {
    let stage = stage().await;
    for stream in [false, true] {
        let asking = with(with(asking(), "stream", json!(stream)), "include", json!([]));
        let answer = post(&stage, "/v1/responses", &asking).await;
        assert!(answer.body.contains("Bern, then."), "{}", answer.body);
        assert!(
            !answer.body.contains("encrypted_content") && !answer.body.contains("signed"),
            "{}",
            answer.body
        );
    }
}

#[tokio::test]
async fn tokens_are_counted_and_nothing_is_kept() {
    let stage = stage().await;
    let counted =
        post(&stage, "/v1/responses/input_tokens", &json!({ "model": "smart", "input": "Hello there." }))
            .await;
    assert_eq!(counted.json(), json!({ "object": "response.input_tokens", "input_tokens": 4 }));
    assert_eq!(counted.header("x-lockgate-flags"), "usage=estimated");
    let client = stage.gateway.client();
    for (method, path, status) in [
        (Method::GET, "/v1/responses/resp_1", 404),
        (Method::DELETE, "/v1/responses/resp_1", 404),
        (Method::POST, "/v1/responses/resp_1/cancel", 404),
        (Method::POST, "/v1/responses/compact", 404),
        (Method::GET, "/v1/responses", 405),
    ] {
        let answer =
            client.open(client.request(method, path), String::new()).await.unwrap().rest().await.unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.error("type"),
            if status == 404 { "not_found_error" } else { "invalid_request_error" }
        );
    }
    assert!(stage.upstream.requests().is_empty());
}
