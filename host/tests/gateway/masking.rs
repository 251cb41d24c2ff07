//! Private data leaves masked and comes back restored: whole, streamed, in tool calls.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Stage, ask, ask_streamed, binding, with};
use lockgate_upstream::{Recorded, Reply};
use serde_json::{Value, json};

const TEXT: &str = "Write to ada@example.org or call +1 202 555 0143.";

fn pii() -> Value {
    json!([binding("builtin:pii-mask", json!({}))])
}

#[tokio::test]
async fn the_provider_sees_placeholders_and_the_client_its_own_words() {
    let stage = Stage::start(|_: &Recorded| Reply::echo(), pii()).await;
    for body in [ask(TEXT), ask_streamed(TEXT)] {
        let answer = stage.chat(&body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.text(), TEXT);
        assert!(answer.header("x-lockgate-flags").contains("pii.email=1"), "{:?}", answer.headers);
    }
    for seen in stage.upstream.requests() {
        assert_eq!(seen.last_user_text(), "Write to <EMAIL_1> or call <PHONE_1>.");
        assert!(!seen.text().contains("ada@"));
    }
}

#[tokio::test]
async fn names_leave_masked_and_come_back() {
    let text = "My name is Maria Gonzalez and I live in Hamburg. Best regards, Maria Gonzalez";
    let stage = Stage::start(|_: &Recorded| Reply::echo(), pii()).await;
    for body in [ask(text), ask_streamed(text)] {
        assert_eq!(stage.chat(&body).await.text(), text);
    }
    for seen in stage.upstream.requests() {
        let masked = "My name is <PERSON_1> and I live in <LOCATION_1>. Best regards, <PERSON_1>";
        assert_eq!(seen.last_user_text(), masked);
    }
}

#[tokio::test]
async fn a_placeholder_cut_in_pieces_by_the_stream_is_restored() {
    let pieces = ["Sure: <", "EM", "AIL", "_", "1", ">", " and <EMAIL_", "9> and <", "b>."];
    let stage = Stage::start(move |_: &Recorded| Reply::chunks(pieces), pii()).await;
    let answer = stage.chat(&ask_streamed("I am ada@example.org")).await;
    assert_eq!(answer.text(), "Sure: ada@example.org and <EMAIL_9> and <b>.");
    assert!(answer.is_done());
}

#[tokio::test]
async fn tool_arguments_are_restored_as_json() {
    let reply = |_: &Recorded| Reply::tool_call("send", r#"{"to":"<EMAIL_1>","note":"\u003cEMAIL_1\u003e"}"#);
    let stage = Stage::start(reply, pii()).await;
    let tool = json!([{ "type": "function", "function": { "name": "send", "parameters": {} } }]);
    let whole =
        stage.chat(&with(ask("mail \"ada\"@example.org and ada@example.org"), "tools", tool.clone())).await;
    let call = whole.json()["choices"][0]["message"]["tool_calls"][0].clone();
    assert_eq!(call["function"]["name"], "send");
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({ "to": "ada@example.org", "note": "ada@example.org" }));

    let streamed = stage.chat(&with(ask_streamed("mail ada@example.org"), "tools", tool)).await;
    let pieces = streamed.events();
    let pieces = pieces.iter().filter_map(|event| {
        event.pointer("/choices/0/delta/tool_calls/0/function/arguments")?.as_str().map(str::to_owned)
    });
    let arguments: Value = serde_json::from_str(&pieces.collect::<String>()).unwrap();
    assert_eq!(arguments["to"], "ada@example.org");
    let finish = streamed
        .events()
        .iter()
        .find_map(|event| event.pointer("/choices/0/finish_reason")?.as_str().map(str::to_owned));
    assert_eq!(finish.as_deref(), Some("tool_calls"));
}

#[tokio::test]
async fn every_role_and_part_is_masked() {
    let stage = Stage::start(|_: &Recorded| Reply::text("ok"), pii()).await;
    let body = json!({ "model": "m", "messages": [
        { "role": "system", "content": "The owner is eve@example.org." },
        { "role": "user", "content": [{ "type": "text", "text": "I am ada@example.org" }] },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "c1", "type": "function", "function": { "name": "find", "arguments": "{\"who\":\"ada@example.org\"}" } }
        ] },
        { "role": "tool", "tool_call_id": "c1", "content": "{\"mail\":\"bob@example.org\"}" },
    ] });
    let answer = stage.chat(&body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let seen = stage.upstream.last_request().unwrap();
    assert!(!seen.text().contains("@example.org"), "{}", seen.text());
    let messages = &seen.json()["messages"];
    let arguments = messages[2]["tool_calls"][0]["function"]["arguments"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(arguments).unwrap()["who"],
        messages[1]["content"][0]["text"].as_str().unwrap().trim_start_matches("I am ")
    );
}

#[tokio::test]
async fn exchanges_do_not_share_placeholders() {
    let stage = Stage::start(|_: &Recorded| Reply::text("<EMAIL_1>"), pii()).await;
    assert_eq!(stage.chat(&ask("I am ada@example.org")).await.text(), "ada@example.org");
    assert_eq!(stage.chat(&ask("I am bob@example.org")).await.text(), "bob@example.org");
    assert_eq!(stage.chat(&ask("I am nobody")).await.text(), "<EMAIL_1>");
}

#[tokio::test]
async fn what_identifies_nobody_is_reported_and_stays() {
    let text = "What is the capital of France, as of 2026-05-12? See https://example.org/france.";
    let flags = async |config: Value| {
        let stage =
            Stage::start(|_: &Recorded| Reply::echo(), json!([binding("builtin:pii-mask", config)])).await;
        let answer = stage.chat(&ask(text)).await;
        assert_eq!(answer.text(), text);
        let seen = stage.upstream.requests();
        (answer.header("x-lockgate-flags").to_owned(), seen[0].last_user_text().to_owned())
    };
    let (shown, sent) = flags(json!({})).await;
    assert!(shown.contains("impersonal=date_time+url+public_place") && !shown.contains("pii."), "{shown}");
    assert_eq!(sent, text);
    let (shown, sent) = flags(json!({ "actions": { "date_time": "mask" } })).await;
    assert!(shown.contains("pii.date_time=1") && shown.contains("impersonal=url+public_place"), "{shown}");
    assert_eq!(sent, text.replace("2026-05-12", "<DATE_TIME_1>"));
}
