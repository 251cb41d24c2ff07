//! Every client API before every provider: what each is sent, and what the client gets, as snapshots.
//!
//! A row is a thing that an application does; the provider answers it in its own language. What must not differ
//! between providers is asserted; what each exchange looks like is for the reader of the snapshot.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod chat;
mod responses;
mod schemas;

use crate::support::{CREDENTIAL, Stage, ask, ask_streamed, soon, with};
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// A red pixel.
const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/// A thing that an application does, and how the provider answers.
struct Row {
    name: &'static str,
    path: &'static str,
    request: Value,
    reply: Reply,
    check: fn(&Answer),
}

fn completions() -> Vec<Row> {
    let row = |name, request, reply, check| Row { name, path: "/v1/chat/completions", request, reply, check };
    let weather = json!([{ "type": "function", "function": {
        "name": "weather", "description": "The weather of a place.",
        "parameters": { "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] },
    } }]);
    let conversation = json!({ "model": "gpt-test", "tools": weather, "messages": [
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": "How is the weather in Bern and in Basel?" },
        { "role": "assistant", "content": null, "tool_calls": [
            { "id": "call_a", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Bern\"}" } },
            { "id": "call_b", "type": "function", "function": { "name": "weather", "arguments": "{\"city\":\"Basel\"}" } },
        ] },
        { "role": "tool", "tool_call_id": "call_a", "content": "Rain." },
        { "role": "tool", "tool_call_id": "call_b", "content": "Sun." },
        { "role": "user", "content": "And tomorrow?" },
    ] });
    let mut parameters = ask("Name a colour.");
    for (name, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("max_completion_tokens", json!(50)),
        ("stop", json!(["END"])),
        ("tool_choice", json!("required")),
        ("tools", weather.clone()),
    ] {
        parameters[name] = value;
    }
    let image = json!({ "model": "gpt-test", "messages": [{ "role": "user", "content": [
        { "type": "text", "text": "Which colour?" }, { "type": "image_url", "image_url": { "url": PIXEL } },
    ] }] });
    let schema = json!({ "type": "json_schema", "json_schema": { "name": "place", "schema": {
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
        "additionalProperties": false,
    } } });
    let usage = with(ask_streamed("Say hello."), "stream_options", json!({ "include_usage": true }));
    vec![
        row("text", ask("Say hello."), Reply::text("Hello there."), |answer| {
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "Hello there."));
            assert_eq!(answer.json()["choices"][0]["finish_reason"], "stop");
            assert_eq!(answer.json()["usage"]["total_tokens"], 4);
        }),
        row("text, streamed with usage", usage, Reply::text("Hello there."), |answer| {
            assert_eq!(answer.deltas(), ["Hello ", "there."]);
            assert_eq!(answer.events().last().unwrap()["usage"]["total_tokens"], 4, "{}", answer.body);
            assert!(answer.is_done());
        }),
        row("a conversation with tools", conversation, Reply::text("Snow."), |answer| {
            assert_eq!(answer.text(), "Snow.");
        }),
        row(
            "a call of a tool",
            with(ask("Weather in Bern?"), "tools", weather.clone()),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let call = &answer.json()["choices"][0]["message"]["tool_calls"][0]["function"];
                assert_eq!(call, &json!({ "name": "weather", "arguments": r#"{"city":"Bern"}"# }));
                assert_eq!(answer.json()["choices"][0]["finish_reason"], "tool_calls");
            },
        ),
        row(
            "a call of a tool, streamed",
            with(ask_streamed("Weather in Bern?"), "tools", weather),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let events = answer.events();
                let calls =
                    || events.iter().filter_map(|event| event.pointer("/choices/0/delta/tool_calls/0"));
                let arguments: String =
                    calls().filter_map(|call| call["function"]["arguments"].as_str()).collect();
                assert_eq!(arguments, r#"{"city":"Bern"}"#);
                assert_eq!(calls().filter(|call| call["function"]["name"] == "weather").count(), 1);
                assert!(answer.is_done());
            },
        ),
        row("parameters", parameters, Reply::text("Red."), |answer| assert_eq!(answer.text(), "Red.")),
        row("an image", image, Reply::text("Red."), |answer| assert_eq!(answer.text(), "Red.")),
        row(
            "an answer of a schema",
            with(ask("A city?"), "response_format", schema),
            Reply::text(r#"{"city":"Bern"}"#),
            |answer| {
                assert_eq!(answer.text(), r#"{"city":"Bern"}"#);
            },
        ),
        row("an error", ask("Say hello."), Reply::error(429, "Slow down."), |answer| {
            assert_eq!((answer.status.as_u16(), answer.error("message").as_str()), (429, "Slow down."));
        }),
        row("a truncated stream", ask_streamed("Say hello."), Reply::truncated(["Hello ", "th"]), |answer| {
            assert_eq!((answer.text().as_str(), answer.is_done()), ("Hello th", false));
            assert_eq!(answer.error("code"), "upstream_truncated");
        }),
    ]
}

fn messages() -> Vec<Row> {
    let row = |name, request, reply, check| Row { name, path: "/v1/messages", request, reply, check };
    let hello = || json!({ "model": "m", "max_tokens": 100, "messages": [{ "role": "user", "content": "Say hello." }] });
    let weather = json!([{ "name": "weather", "description": "The weather of a place.", "input_schema": {
        "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"],
    } }]);
    let conversation = json!({ "model": "m", "max_tokens": 100, "system": "Be brief.", "tools": weather, "messages": [
        { "role": "user", "content": "How is the weather in Bern and in Basel?" },
        { "role": "assistant", "content": [
            { "type": "text", "text": "Let me see." },
            { "type": "tool_use", "id": "toolu_a", "name": "weather", "input": { "city": "Bern" } },
            { "type": "tool_use", "id": "toolu_b", "name": "weather", "input": { "city": "Basel" } },
        ] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "toolu_a", "content": "Rain." },
            { "type": "tool_result", "tool_use_id": "toolu_b", "content": [{ "type": "text", "text": "Sun." }] },
            { "type": "text", "text": "And tomorrow?" },
        ] },
    ] });
    let data = PIXEL.split_once(',').unwrap().1;
    let image = with(
        hello(),
        "messages",
        json!([{ "role": "user", "content": [
        { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": data } },
        { "type": "text", "text": "Which colour?" },
    ] }]),
    );
    fn streamed(answer: &Answer, delta: &str) -> String {
        let events = answer.events();
        assert_eq!(events.last().unwrap()["type"], "message_stop", "{}", answer.body);
        events.iter().filter_map(|event| event["delta"][delta].as_str()).collect()
    }
    let mut parameters = with(hello(), "thinking", json!({ "type": "enabled", "budget_tokens": 2048 }));
    parameters["max_tokens"] = json!(4096);
    parameters["stop_sequences"] = json!(["END"]);
    parameters["metadata"] = json!({ "user_id": "u1" });
    parameters["system"] =
        json!([{ "type": "text", "text": "Be brief.", "cache_control": { "type": "ephemeral" } }]);
    vec![
        row("text", hello(), Reply::text("Hello there."), |answer| {
            let message = answer.json();
            assert_eq!(message["content"], json!([{ "type": "text", "text": "Hello there." }]));
            assert_eq!(
                (&message["stop_reason"], &message["usage"]["input_tokens"]),
                (&json!("end_turn"), &json!(2))
            );
        }),
        row("text, streamed", with(hello(), "stream", json!(true)), Reply::text("Hello there."), |answer| {
            assert_eq!(streamed(answer, "text"), "Hello there.");
            let events = answer.events();
            let end = events.iter().find(|event| event["type"] == "message_delta").unwrap();
            assert_eq!(end["usage"]["output_tokens"], 2, "{}", answer.body);
        }),
        row("a conversation with tools", conversation, Reply::text("Snow."), |answer| {
            assert_eq!(answer.json()["content"][0]["text"], "Snow.");
        }),
        row(
            "a call of a tool",
            with(hello(), "tools", weather.clone()),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let message = answer.json();
                // Some models plan aloud before.
                let call = message["content"].as_array().unwrap().last().unwrap();
                assert_eq!((&call["name"], &call["input"]), (&json!("weather"), &json!({ "city": "Bern" })));
                assert_eq!(message["stop_reason"], "tool_use");
            },
        ),
        row(
            "a call of a tool, streamed",
            with(with(hello(), "tools", weather), "stream", json!(true)),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| assert_eq!(streamed(answer, "partial_json"), r#"{"city":"Bern"}"#),
        ),
        row("an image", image, Reply::text("Red."), |answer| {
            assert_eq!(answer.json()["content"][0]["text"], "Red.");
        }),
        row("parameters", parameters, Reply::text("Red."), |answer| {
            assert_eq!(answer.json()["content"][0]["text"], "Red.", "{}", answer.body);
        }),
        row("an error", hello(), Reply::error(429, "Slow down."), |answer| {
            assert_eq!((answer.status.as_u16(), answer.error("message").as_str()), (429, "Slow down."));
            assert_eq!(
                (answer.json()["type"].clone(), answer.error("type").as_str()),
                (json!("error"), "rate_limit_error")
            );
        }),
        row(
            "a truncated stream",
            with(hello(), "stream", json!(true)),
            Reply::truncated(["Hello ", "th"]),
            |answer| {
                let events = answer.events();
                assert_eq!(events.last().unwrap()["type"], "error");
                assert!(answer.body.contains("event: error") && !answer.body.contains("message_stop"));
                assert_eq!(answer.error("code"), "upstream_truncated");
            },
        ),
    ]
}

fn content() -> Vec<Row> {
    const WHOLE: &str = "/v1beta/models/smart:generateContent";
    const STREAMED: &str = "/v1beta/models/smart:streamGenerateContent?alt=sse";
    const LISTED: &str = "/v1beta/models/smart:streamGenerateContent";
    let row = |name, path, request, reply, check| Row { name, path, request, reply, check };
    let said = |parts: Value| json!({ "contents": [{ "role": "user", "parts": parts }] });
    let hello = || said(json!([{ "text": "Say hello." }]));
    let weather = json!([{ "functionDeclarations": [{ "name": "weather", "description": "The weather of a place.",
        "parameters": { "type": "OBJECT", "properties": { "city": { "type": "STRING" } }, "required": ["city"] },
    }] }]);
    let conversation = json!({
        "systemInstruction": { "parts": [{ "text": "Be brief." }] }, "tools": weather, "contents": [
            { "role": "user", "parts": [{ "text": "How is the weather in Bern and in Basel?" }] },
            { "role": "model", "parts": [
                { "functionCall": { "name": "weather", "args": { "city": "Bern" } } },
                { "functionCall": { "name": "weather", "args": { "city": "Basel" } } },
            ] },
            { "role": "user", "parts": [
                { "functionResponse": { "name": "weather", "response": { "output": "Rain." } } },
                { "functionResponse": { "name": "weather", "response": { "output": "Sun." } } },
                { "text": "And tomorrow?" },
            ] },
        ],
    });
    let data = PIXEL.split_once(',').unwrap().1;
    let image = said(json!([
        { "inlineData": { "mimeType": "image/png", "data": data } }, { "text": "Which colour?" },
    ]));
    let parameters = with(
        hello(),
        "generationConfig",
        json!({
            "temperature": 1.0, "topP": 0.9, "maxOutputTokens": 4096, "stopSequences": ["END"],
            "thinkingConfig": { "thinkingBudget": 2048, "includeThoughts": true },
        }),
    );
    fn text(answer: &Answer) -> String {
        let mut partial = answer.events();
        partial.push(answer.json());
        let texts = partial.iter().filter_map(|part| part["candidates"][0]["content"]["parts"].as_array());
        texts.flatten().filter_map(|part| part["text"].as_str()).collect()
    }
    vec![
        row("text", WHOLE, hello(), Reply::text("Hello there."), |answer| {
            assert_eq!(text(answer), "Hello there.", "{}", answer.body);
            assert_eq!(answer.json()["usageMetadata"]["totalTokenCount"], 4);
            assert_eq!(answer.json()["candidates"][0]["finishReason"], "STOP");
        }),
        row("text, streamed", STREAMED, hello(), Reply::text("Hello there."), |answer| {
            assert_eq!(text(answer), "Hello there.", "{}", answer.body);
            assert_eq!(answer.events().last().unwrap()["usageMetadata"]["totalTokenCount"], 4);
        }),
        row("text, streamed as a list", LISTED, hello(), Reply::text("Hello there."), |answer| {
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
            let list = answer.json();
            let texts = list.as_array().unwrap().iter();
            let texts = texts.filter_map(|item| item.pointer("/candidates/0/content/parts/0/text")?.as_str());
            assert_eq!(texts.collect::<String>(), "Hello there.", "{}", answer.body);
        }),
        row("a truncated stream of a list", LISTED, hello(), Reply::truncated(["Hello ", "th"]), |answer| {
            let list = answer.json();
            assert_eq!(list.as_array().unwrap().last().unwrap()["error"]["code"], 502, "{}", answer.body);
        }),
        row("a conversation with tools", WHOLE, conversation, Reply::text("Snow."), |answer| {
            assert_eq!(text(answer), "Snow.", "{}", answer.body);
        }),
        row(
            "a call of a tool, streamed",
            STREAMED,
            with(hello(), "tools", weather),
            Reply::tool_call("weather", r#"{"city":"Bern"}"#),
            |answer| {
                let events = answer.events();
                let call = &events.last().unwrap()["candidates"][0]["content"]["parts"][0]["functionCall"];
                assert_eq!((&call["name"], &call["args"]), (&json!("weather"), &json!({ "city": "Bern" })));
            },
        ),
        row("an image", WHOLE, image, Reply::text("Red."), |answer| assert_eq!(text(answer), "Red.")),
        row("parameters", WHOLE, parameters, Reply::text("Red."), |answer| assert_eq!(text(answer), "Red.")),
        row("an error", WHOLE, hello(), Reply::error(429, "Slow down."), |answer| {
            assert_eq!((answer.status.as_u16(), answer.error("message").as_str()), (429, "Slow down."));
            assert_eq!(answer.error("status"), "RESOURCE_EXHAUSTED");
        }),
        row("a truncated stream", STREAMED, hello(), Reply::truncated(["Hello ", "th"]), |answer| {
            assert_eq!((text(answer).as_str(), answer.error("status").as_str()), ("Hello th", "INTERNAL"));
            assert!(!answer.body.contains("finishReason"));
        }),
    ]
}

/// One exchange, as a reader wants to see it.
fn shown(row: &Row, seen: &Recorded, answer: &Answer) -> String {
    let mut out = format!("## {}\n\n{} {}\n", row.name, seen.method, seen.path);
    for name in ["authorization", "x-api-key", "x-goog-api-key", "anthropic-version"] {
        if let Some(value) = seen.header(name) {
            let _ = writeln!(out, "{name}: {}", value.replace(CREDENTIAL, "<credential>"));
        }
    }
    let pixel = PIXEL.split_once(',').unwrap().1;
    let sent = serde_json::to_string_pretty(&seen.json()).unwrap().replace(pixel, "<pixel>");
    let _ = writeln!(out, "{sent}\n\n{}", answer.status.as_u16());
    let mut told = answer.events();
    let whole = told.is_empty();
    told.extend(whole.then(|| answer.json()));
    for mut document in told {
        // Where the provider says no date, it is today's.
        for date in ["/created", "/created_at", "/response/created_at"] {
            if let Some(created) = document.pointer_mut(date) {
                *created = "<date>".into();
            }
        }
        let text =
            if whole { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let _ = writeln!(out, "{}", text.unwrap());
    }
    out.push_str(if answer.is_done() { "[DONE]\n\n" } else { "\n" });
    out
}

/// Runs all rows against a provider, whose base URL ends in `path`.
async fn run(rows: Vec<Row>, adapter: &str, path: &str, model: &str) -> String {
    let next = Arc::new(Mutex::new(Reply::hang()));
    let reply = next.clone();
    let handler = move |_: &Recorded| reply.lock().clone();
    let stage = Stage::configured(handler, json!([]), |mut config| {
        let url = config["providers"]["openai"]["base_url"].as_str().unwrap().replace("/v1", path);
        let provider =
            json!({ "adapter": format!("builtin:{adapter}"), "base_url": url, "credential": CREDENTIAL });
        config["providers"] = json!({ "tested": provider });
        if adapter == "bedrock" {
            config["providers"]["tested"]["options"] = json!({ "auth": "bearer" });
        }
        config["routes"]["*"]["targets"] = json!([format!("tested/{model}")]);
        config
    });
    let stage = stage.await;
    let mut shows = String::new();
    for row in rows {
        *next.lock() = row.reply.clone();
        let client = stage.gateway.client();
        let request = client.request(Method::POST, row.path).header("x-request-id", "exchange");
        let open = soon(row.name, client.open(request, row.request.to_string())).await.unwrap();
        let answer = soon(row.name, open.rest()).await.unwrap();
        let seen = stage.upstream.last_request().unwrap_or_else(|| panic!("{}: {}", row.name, answer.body));
        assert!(!answer.body.contains(CREDENTIAL) && !seen.text().contains(CREDENTIAL), "{}", row.name);
        let sent = seen.json();
        for (api, exact) in [
            ("anthropic", "/thinking/budget_tokens"),
            ("gemini", "/thinking_config"),
            ("cohere", "/thinking/token_budget"),
            ("responses", "/summary"),
        ] {
            assert!(sent.get(api).is_none(), "what only an adapter reads went out: {sent}");
            assert!(adapter == api || sent.pointer(exact).is_none(), "another API's word went out: {sent}");
        }
        shows += &shown(&row, &seen, &answer);
        if answer.status != 200 {
            assert_eq!(row.name, "an error", "{}", answer.body);
        }
        (row.check)(&answer);
        schemas::check(row.name, row.path, &answer, Some(&seen).filter(|_| adapter == "openai"));
    }
    shows
}

#[tokio::test]
async fn completions_before_openai() {
    insta::assert_snapshot!(run(completions(), "openai", "/v1", "gpt-5").await);
}

#[tokio::test]
async fn completions_before_anthropic() {
    insta::assert_snapshot!(run(completions(), "anthropic", "", "claude-sonnet-4-5").await);
}

#[tokio::test]
async fn completions_before_gemini() {
    insta::assert_snapshot!(run(completions(), "gemini", "", "gemini-2.5-flash").await);
}

#[tokio::test]
async fn completions_before_mistral() {
    insta::assert_snapshot!(run(completions(), "mistral", "/mistral/v1", "mistral-large-latest").await);
}

#[tokio::test]
async fn completions_before_bedrock() {
    insta::assert_snapshot!(
        run(completions(), "bedrock", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").await
    );
}

#[tokio::test]
async fn completions_before_cohere() {
    insta::assert_snapshot!(run(completions(), "cohere", "", "command-a-03-2025").await);
}

#[tokio::test]
async fn messages_before_openai() {
    insta::assert_snapshot!(run(messages(), "openai", "/v1", "gpt-5").await);
}

#[tokio::test]
async fn messages_before_anthropic() {
    insta::assert_snapshot!(run(messages(), "anthropic", "", "claude-sonnet-4-5").await);
}

#[tokio::test]
async fn messages_before_gemini() {
    insta::assert_snapshot!(run(messages(), "gemini", "", "gemini-2.5-flash").await);
}

#[tokio::test]
async fn messages_before_mistral() {
    insta::assert_snapshot!(run(messages(), "mistral", "/mistral/v1", "mistral-large-latest").await);
}

#[tokio::test]
async fn messages_before_bedrock() {
    insta::assert_snapshot!(
        run(messages(), "bedrock", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").await
    );
}

#[tokio::test]
async fn messages_before_cohere() {
    insta::assert_snapshot!(run(messages(), "cohere", "", "command-a-03-2025").await);
}

#[tokio::test]
async fn content_before_openai() {
    insta::assert_snapshot!(run(content(), "openai", "/v1", "gpt-5").await);
}

#[tokio::test]
async fn content_before_anthropic() {
    insta::assert_snapshot!(run(content(), "anthropic", "", "claude-sonnet-4-5").await);
}

#[tokio::test]
async fn content_before_gemini() {
    insta::assert_snapshot!(run(content(), "gemini", "", "gemini-2.5-flash").await);
}

#[tokio::test]
async fn content_before_mistral() {
    insta::assert_snapshot!(run(content(), "mistral", "/mistral/v1", "mistral-large-latest").await);
}

#[tokio::test]
async fn content_before_bedrock() {
    insta::assert_snapshot!(
        run(content(), "bedrock", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").await
    );
}

#[tokio::test]
async fn responses_before_openai() {
    insta::assert_snapshot!(run(responses::rows(), "openai", "/v1", "gpt-5").await);
}

#[tokio::test]
async fn responses_before_anthropic() {
    insta::assert_snapshot!(run(responses::rows(), "anthropic", "", "claude-sonnet-4-5").await);
}

#[tokio::test]
async fn responses_before_gemini() {
    insta::assert_snapshot!(run(responses::rows(), "gemini", "", "gemini-2.5-flash").await);
}

#[tokio::test]
async fn responses_before_mistral() {
    insta::assert_snapshot!(run(responses::rows(), "mistral", "/mistral/v1", "mistral-large-latest").await);
}

#[tokio::test]
async fn content_before_cohere() {
    insta::assert_snapshot!(run(content(), "cohere", "", "command-a-03-2025").await);
}

#[tokio::test]
async fn chat_before_openai() {
    insta::assert_snapshot!(run(chat::rows(), "openai", "/v1", "gpt-5").await);
}

#[tokio::test]
async fn chat_before_anthropic() {
    insta::assert_snapshot!(run(chat::rows(), "anthropic", "", "claude-sonnet-4-5").await);
}

#[tokio::test]
async fn chat_before_gemini() {
    insta::assert_snapshot!(run(chat::rows(), "gemini", "", "gemini-2.5-flash").await);
}

#[tokio::test]
async fn chat_before_mistral() {
    insta::assert_snapshot!(run(chat::rows(), "mistral", "/mistral/v1", "mistral-large-latest").await);
}

#[tokio::test]
async fn chat_before_cohere() {
    insta::assert_snapshot!(run(chat::rows(), "cohere", "", "command-a-reasoning-08-2025").await);
}

#[tokio::test]
async fn responses_before_bedrock() {
    insta::assert_snapshot!(
        run(responses::rows(), "bedrock", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").await
    );
}

#[tokio::test]
async fn responses_before_cohere() {
    insta::assert_snapshot!(run(responses::rows(), "cohere", "", "command-a-03-2025").await);
}

#[tokio::test]
async fn chat_before_bedrock() {
    insta::assert_snapshot!(
        run(chat::rows(), "bedrock", "", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").await
    );
}
