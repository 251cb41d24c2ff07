//! Clients of the Cohere API: what only this API has, through the guards.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{CREDENTIAL, Stage, ask, binding, soon, with};
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

/// A gateway that masks, before Cohere.
async fn stage(reply: Reply) -> Stage {
    let chain = json!([binding("builtin:pii-mask", json!({ "entities": ["email"] }))]);
    let handler = move |_: &Recorded| reply.clone();
    let stage = Stage::configured(handler, chain, |mut config| {
        let origin = config["providers"]["openai"]["base_url"].as_str().unwrap().replace("/v1", "");
        let provider = json!({ "adapter": "builtin:cohere", "base_url": origin, "credential": CREDENTIAL });
        config["providers"] = json!({ "cohere": provider });
        config["routes"]["*"]["targets"] = json!(["cohere/command-a-03-2025"]);
        config
    });
    stage.await
}

async fn chat(stage: &Stage, body: &Value) -> Answer {
    soon("an answer", stage.gateway.client().post("/v2/chat", body.to_string())).await.unwrap()
}

fn asked() -> Value {
    json!({
        "model": "m", "citation_options": { "mode": "accurate" },
        "documents": [{ "id": "d1", "data": { "snippet": "Ada is at ada@example.org" } }, "Eve is at eve@example.org"],
        "messages": [
            { "role": "user", "content": "Find them." },
            { "role": "assistant", "tool_plan": "I ask ada@example.org.", "tool_calls": [
                { "id": "1", "type": "function", "function": { "name": "f", "arguments": "{\"who\":\"ada@example.org\"}" } },
            ] },
            { "role": "tool", "tool_call_id": "1", "content": [
                { "type": "document", "document": { "id": "t1", "data": { "said": "eve@example.org left" } } },
            ] },
            { "role": "user", "content": "Where is Ada?" },
        ],
    })
}

#[tokio::test]
async fn documents_plans_and_results_reach_the_provider_masked_and_in_their_places() {
    let stage = stage(Reply::text("At <EMAIL_1>.")).await;
    for body in [asked(), with(asked(), "stream", json!(true))] {
        let answer = chat(&stage, &body).await;
        assert!(answer.status == 200 && answer.body.contains("ada@example.org"), "{}", answer.body);
        let seen = stage.upstream.last_request().unwrap();
        assert!(!seen.text().contains("@example.org"), "{}", seen.text());
        let sent = seen.json();
        assert_eq!(sent["documents"][0]["id"], "d1");
        assert!(sent["documents"][0]["data"]["snippet"].as_str().unwrap().starts_with("Ada is at <EMAIL_"));
        assert!(sent["documents"][1].as_str().unwrap().starts_with("Eve is at <EMAIL_"), "{sent}");
        assert!(sent["messages"][1]["tool_plan"].as_str().unwrap().starts_with("I ask <EMAIL_"), "{sent}");
        let result = &sent["messages"][2]["content"][0]["document"];
        assert!(
            result["id"] == "t1" && result["data"]["said"].as_str().unwrap().ends_with("> left"),
            "{sent}"
        );
        assert_eq!((&sent["messages"][3]["content"], sent.get("cohere")), (&json!("Where is Ada?"), None));
        assert_eq!(sent["citation_options"], json!({ "mode": "accurate" }));
    }
}

#[tokio::test]
async fn citations_are_told_where_they_hold() {
    let text = "Ada is tall. She is at <EMAIL_1>.";
    let citation = |start: usize, words: &str| {
        let source = json!({ "type": "document", "id": "d1", "document": { "snippet": "x" } });
        json!({ "start": start, "end": start + words.len(), "text": words, "sources": [source], "type": "TEXT_CONTENT" })
    };
    let citations = [citation(0, "Ada"), citation(23, "<EMAIL_1>")];
    let message =
        json!({ "role": "assistant", "content": [{ "type": "text", "text": text }], "citations": citations });
    let whole = json!({ "id": "c", "finish_reason": "COMPLETE", "message": message });
    let mut frames = String::new();
    let mut event = |data: Value| frames.push_str(&format!("data: {data}\n\n"));
    event(json!({ "type": "message-start", "id": "c", "delta": { "message": { "role": "assistant" } } }));
    event(
        json!({ "type": "content-delta", "index": 0, "delta": { "message": { "content": { "text": text } } } }),
    );
    for citation in citations {
        event(
            json!({ "type": "citation-start", "index": 0, "delta": { "message": { "citations": citation } } }),
        );
    }
    event(json!({ "type": "message-end", "delta": { "finish_reason": "COMPLETE" } }));
    let expected = json!([{ "start": 0, "end": 3, "text": "Ada", "type": "TEXT_CONTENT",
                            "sources": [{ "type": "document", "id": "d1" }] }]);
    let before = stage(Reply::status(200, whole)).await;
    let told = chat(&before, &asked()).await.json();
    assert_eq!(told["message"]["content"][0]["text"], "Ada is tall. She is at ada@example.org.", "{told}");
    assert_eq!(told["message"]["citations"], expected, "what a filter put back is not quoted");
    let before = stage(Reply::raw(200, "text/event-stream", frames)).await;
    let told = chat(&before, &with(asked(), "stream", json!(true))).await;
    let quoted: Vec<Value> =
        told.events().iter().filter_map(|event| event.pointer("/delta/message/citations").cloned()).collect();
    assert_eq!(json!(quoted), json!([[], expected[0]]), "{}", told.body);
}

#[tokio::test]
async fn nothing_passes_the_guards_under_the_word_of_the_api() {
    let stage = stage(Reply::text("ok")).await;
    let hidden = json!({ "messages": [{ "role": "user", "content": "I am ada@example.org" }], "documents": ["ada@example.org"] });
    let answer = stage.chat(&with(ask("hi"), "cohere", hidden)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let seen = stage.upstream.last_request().unwrap();
    assert!(seen.text().contains("hi") && !seen.text().contains("@example.org"), "{}", seen.text());
}
