//! Thoughts that a provider vouches for: the client gets them, and the provider gets them back, word for word.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, soon, standard_chain};
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

/// What a model that thinks before it calls a tool streams, in Anthropic's format.
fn thinking() -> Reply {
    let events = [
        json!({ "type": "message_start", "message": { "id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude", "content": [], "usage": { "input_tokens": 5, "output_tokens": 1 } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "thinking", "thinking": "" } }),
        json!({ "type": "content_block_delta", "index": 0,
            "delta": { "type": "thinking_delta", "thinking": "The mail of <EMAIL_" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "thinking_delta", "thinking": "1>" } }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "signature_delta", "signature": "sig==" } }),
        json!({ "type": "content_block_stop", "index": 0 }),
        json!({ "type": "content_block_start", "index": 1,
            "content_block": { "type": "redacted_thinking", "data": "opaque" } }),
        json!({ "type": "content_block_stop", "index": 1 }),
        json!({ "type": "content_block_start", "index": 2,
            "content_block": { "type": "tool_use", "id": "toolu_1", "name": "send", "input": {} } }),
        json!({ "type": "content_block_delta", "index": 2,
            "delta": { "type": "input_json_delta", "partial_json": "{\"to\":\"<EMAIL_1>\"}" } }),
        json!({ "type": "content_block_stop", "index": 2 }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 9 } }),
        json!({ "type": "message_stop" }),
    ];
    let frames =
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    Reply::raw(200, "text/event-stream", frames.collect::<String>())
}

async fn stage() -> Stage {
    let handler = |request: &Recorded| match request.json()["messages"].as_array().unwrap().len() {
        1 => thinking(),
        _ => Reply::text("Sent."),
    };
    Stage::configured(handler, standard_chain(), |mut config| {
        let url =
            config["providers"]["openai"]["base_url"].as_str().unwrap().trim_end_matches("/v1").to_owned();
        config["providers"]["claude"] =
            json!({ "adapter": "builtin:anthropic", "base_url": url, "credential": "k" });
        config["routes"]["*"]["targets"] = json!(["claude/claude-sonnet-4-5"]);
        config
    })
    .await
}

fn tools() -> Value {
    json!([{ "name": "send", "input_schema": { "type": "object" } }])
}

/// What the provider must get back as the assistant's turn.
fn turn() -> Value {
    json!([
        { "type": "thinking", "thinking": "The mail of <EMAIL_1>", "signature": "sig==" },
        { "type": "redacted_thinking", "data": "opaque" },
        { "type": "tool_use", "id": "toolu_1", "name": "send", "input": { "to": "<EMAIL_1>" } },
    ])
}

#[tokio::test]
async fn a_client_of_anthropic_goes_on_thinking_in_a_tool_loop() {
    let stage = stage().await;
    let client = stage.gateway.client();
    let thinking = json!({ "type": "enabled", "budget_tokens": 2048 });
    let ask = json!({ "model": "m", "max_tokens": 4096, "thinking": thinking, "tools": tools(), "stream": true,
        "messages": [{ "role": "user", "content": "Write to ada@example.org" }] });
    let answer = soon("an answer", client.post("/v1/messages", ask.to_string())).await.unwrap();
    let events = answer.events();
    let told = |delta: &str| -> String {
        events.iter().filter_map(|event| event["delta"][delta].as_str()).collect()
    };
    assert_eq!(
        (told("thinking").as_str(), told("signature").as_str()),
        ("The mail of ada@example.org", "sig==")
    );
    // The signature follows all of what it signs.
    let place = |kind: &str| events.iter().rposition(|event| event["delta"]["type"] == kind).unwrap();
    assert!(place("thinking_delta") < place("signature_delta"), "{}", answer.body);
    let said = json!([
        { "type": "thinking", "thinking": told("thinking"), "signature": told("signature") },
        { "type": "redacted_thinking", "data": "opaque" },
        { "type": "tool_use", "id": "toolu_1", "name": "send", "input": { "to": "ada@example.org" } },
    ]);
    let result =
        json!([{ "type": "tool_result", "tool_use_id": "toolu_1", "content": "No.", "is_error": true }]);
    let mut next = ask.clone();
    next["messages"] = json!([
        ask["messages"][0], { "role": "assistant", "content": said }, { "role": "user", "content": result },
    ]);
    let answer = soon("an answer", client.post("/v1/messages", next.to_string())).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let seen = stage.upstream.last_request().unwrap().json();
    assert_eq!(seen["messages"][1]["content"], turn());
    assert_eq!(
        (&seen["thinking"], &seen["messages"][2]["content"][0]["is_error"]),
        (&thinking, &json!(true)),
        "{seen}"
    );
}

#[tokio::test]
async fn a_client_of_openai_can_send_them_back_too() {
    let stage = stage().await;
    let tools =
        json!([{ "type": "function", "function": { "name": "send", "parameters": { "type": "object" } } }]);
    let mut ask = json!({ "model": "m", "reasoning_effort": "low", "tools": tools,
        "messages": [{ "role": "user", "content": "Write to ada@example.org" }] });
    let answer = stage.chat(&ask).await;
    let message = answer.json()["choices"][0]["message"].clone();
    assert_eq!(message["reasoning_content"], "The mail of ada@example.org");
    assert_eq!(message["reasoning_details"][0]["signature"], "sig==", "{}", answer.body);
    ask["messages"]
        .as_array_mut()
        .unwrap()
        .extend([message, json!({ "role": "tool", "tool_call_id": "toolu_1", "content": "done" })]);
    assert_eq!(stage.chat(&ask).await.text(), "Sent.");
    let seen = stage.upstream.last_request().unwrap().json();
    assert_eq!(seen["messages"][1]["content"], turn());
    assert_eq!(seen["thinking"]["type"], "enabled", "{seen}");
    // A stream tells them, too.
    ask["messages"] = json!([ask["messages"][0]]);
    ask["stream"] = json!(true);
    let answer = stage.chat(&ask).await;
    let events = answer.events();
    let details =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["reasoning_details"][0].as_object());
    let details: Vec<Value> = details.cloned().map(Value::Object).collect();
    assert_eq!(details.len(), 2, "{}", answer.body);
    assert_eq!((&details[0]["signature"], &details[1]["data"]), (&json!("sig=="), &json!("opaque")));
}
