//! Requests of the Anthropic API.
//!
//! Left out, because the canonical form has no place for it: text behind a call in an assistant's turn and results behind a
//! user's text (they are sorted), `context` and `citations` of documents in the request and documents of plain text (guards
//! read those as text), fields of function tools beyond those here, metadata beyond `user_id`, `service_tier` (the
//! gateway's), two turns of one role in a row (they are joined).

use super::words::{arguments, base64, fields, fraction, id, one_of, schema, text, with};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// One that thinks only when told to.
pub const MODEL: &str = "claude-sonnet-4-5";

const TOOLS: [&str; 3] = ["look", "hear", "get_weather"];

fn mark() -> impl Strategy<Value = Option<Value>> {
    prop::option::weighted(
        0.2,
        one_of(vec![json!({ "type": "ephemeral" }), json!({ "type": "ephemeral", "ttl": "1h" })]),
    )
}

fn marked(block: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    (block, mark()).prop_map(|(block, mark)| with(block, [("cache_control", mark)]))
}

fn words() -> impl Strategy<Value = Value> {
    marked(text().prop_map(|text| json!({ "type": "text", "text": text })))
}

fn image() -> impl Strategy<Value = Value> {
    let media = select(vec!["image/png", "image/jpeg", "image/gif", "image/webp"]);
    let source = prop_oneof![
        (media, base64())
            .prop_map(|(media, data)| json!({ "type": "base64", "media_type": media, "data": data })),
        id().prop_map(|id| json!({ "type": "url", "url": format!("https://pictures.test/{id}") })),
        id().prop_map(|id| json!({ "type": "file", "file_id": id })),
    ];
    marked(source.prop_map(|source| json!({ "type": "image", "source": source })))
}

fn document() -> impl Strategy<Value = Value> {
    let elsewhere = prop_oneof![
        id().prop_map(|id| json!({ "type": "url", "url": format!("https://papers.test/{id}.pdf") })),
        id().prop_map(|id| json!({ "type": "file", "file_id": id })),
    ];
    let elsewhere = (elsewhere, text()).prop_map(|(source, context)| {
        json!({ "type": "document", "source": source, "context": context, "citations": { "enabled": true } })
    });
    let here = base64().prop_map(|data| {
        json!({ "type": "document", "source": { "type": "base64", "media_type": "application/pdf", "data": data } })
    });
    let titled = (prop_oneof![elsewhere, here], prop::option::of(text()));
    marked(titled.prop_map(|(document, title)| with(document, [("title", title.map(Value::from))])))
}

fn found() -> impl Strategy<Value = Value> {
    let content =
        prop::collection::vec(text().prop_map(|text| json!({ "type": "text", "text": text })), 1..3);
    marked(content.prop_map(|content| {
        json!({ "type": "search_result", "source": "https://a.test", "title": "t", "content": content })
    }))
}

/// What a tool gave: its content, whether it is an error, and a mark.
fn result() -> impl Strategy<Value = Value> {
    let content = prop_oneof![
        text().prop_map(Value::from),
        prop::collection::vec(prop_oneof![words(), image(), document()], 0..3).prop_map(Value::from),
    ];
    let error = prop::option::weighted(0.3, any::<bool>().prop_map(Value::from));
    (prop::option::of(content), error, mark()).prop_map(|(content, error, mark)| {
        with(
            json!({ "type": "tool_result" }),
            [("content", content), ("is_error", error), ("cache_control", mark)],
        )
    })
}

fn user() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(prop_oneof![4 => words(), 1 => image(), 1 => document(), 1 => found()], 0..3)
}

fn thought() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (prop::option::of(text()), base64()).prop_map(|(text, signature)| {
            json!({ "type": "thinking", "thinking": text.unwrap_or_default(), "signature": signature })
        }),
        1 => base64().prop_map(|data| json!({ "type": "redacted_thinking", "data": data })),
    ]
}

/// A turn of the assistant's, and of the user's after it: thoughts, words, calls with their results, words.
type Exchange = (Vec<Value>, Vec<Value>, Vec<(Value, Value)>, Vec<Value>);

fn exchange() -> impl Strategy<Value = Exchange> {
    let call =
        marked((id(), select(TOOLS.to_vec()), arguments()).prop_map(
            |(id, name, input)| json!({ "type": "tool_use", "id": id, "name": name, "input": input }),
        ));
    let thoughts = prop::collection::vec(thought(), 0..3);
    (thoughts, prop::collection::vec(words(), 0..3), prop::collection::vec((call, result()), 0..3), user())
}

/// The turns of a conversation. Where the model is to go on after results alone, the API takes earlier thoughts only while it
/// thinks, and wants one: `thinks`.
fn turns(first: Vec<Value>, exchanges: Vec<Exchange>, thinks: bool, spare: &Value) -> Vec<Value> {
    let or_spare = |blocks: Vec<Value>| if blocks.is_empty() { vec![spare.clone()] } else { blocks };
    let mut turns = vec![json!({ "role": "user", "content": or_spare(first) })];
    for (mut thoughts, said, calls, next) in exchanges {
        if thinks && thoughts.is_empty() {
            thoughts.push(json!({ "type": "thinking", "thinking": "Hm", "signature": "c2ln" }));
        }
        let (calls, mut answered): (Vec<Value>, Vec<Value>) = calls
            .into_iter()
            .map(|(call, result)| {
                let id = call.get("id").cloned();
                (call, with(result, [("tool_use_id", id)]))
            })
            .unzip();
        let said = if calls.is_empty() { or_spare(said) } else { said };
        let said = [thoughts, said, calls].concat();
        turns.push(json!({ "role": "assistant", "content": said }));
        let silent = answered.is_empty() || !thinks;
        answered.extend(if silent { or_spare(next) } else { next });
        turns.push(json!({ "role": "user", "content": answered }));
    }
    turns
}

fn tools() -> impl Strategy<Value = Vec<Value>> {
    let function = |name: &'static str| {
        let more = (prop::option::of(text()), schema(), prop::option::of(any::<bool>()), any::<bool>());
        marked(more.prop_map(move |(about, schema, strict, custom)| {
            let more = [
                ("description", about.map(Value::from)),
                ("strict", strict.map(Value::from)),
                ("type", custom.then(|| "custom".into())),
            ];
            with(json!({ "name": name, "input_schema": schema }), more)
        }))
    };
    let own = one_of(vec![json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": 3 })]);
    (TOOLS.map(function), prop::option::of(own))
        .prop_map(|(tools, own)| tools.into_iter().chain(own).collect())
}

fn parameters() -> impl Strategy<Value = Map<String, Value>> {
    let system =
        prop_oneof![text().prop_map(Value::from), prop::collection::vec(words(), 1..3).prop_map(Value::from)];
    let output = prop_oneof![
        select(vec!["low", "high", "max"]).prop_map(|effort| json!({ "effort": effort })),
        schema().prop_map(|schema| json!({ "format": { "type": "json_schema", "schema": schema } })),
        schema().prop_map(
            |schema| json!({ "effort": "low", "format": { "type": "json_schema", "schema": schema } })
        ),
    ];
    fields(vec![
        ("system", system.boxed()),
        ("temperature", fraction().boxed()),
        ("top_p", fraction().boxed()),
        ("top_k", one_of(vec![1.into(), 40.into()])),
        ("stop_sequences", prop::collection::vec(text(), 0..3).prop_map(Value::from).boxed()),
        ("stream", any::<bool>().prop_map(Value::from).boxed()),
        ("metadata", id().prop_map(|id| json!({ "user_id": id })).boxed()),
        ("output_config", output.boxed()),
        ("cache_control", one_of(vec![json!({ "type": "ephemeral" })])),
        ("context_management", one_of(vec![json!({ "edits": [{ "type": "clear_tool_uses_20250919" }] })])),
        ("container", id().prop_map(Value::from).boxed()),
    ])
}

/// Requests, and what comes back of them.
pub fn requests() -> impl Strategy<Value = (Value, Value)> {
    let thinking = prop::option::of(one_of(vec![
        json!({ "type": "enabled", "budget_tokens": 2_000 }),
        json!({ "type": "enabled", "budget_tokens": 20_000 }),
        json!({ "type": "adaptive" }),
        json!({ "type": "disabled" }),
    ]));
    let free = vec![
        json!({ "type": "auto" }),
        json!({ "type": "auto", "disable_parallel_tool_use": true }),
        json!({ "type": "none" }),
    ];
    let forced = vec![
        json!({ "type": "any" }),
        json!({ "type": "any", "disable_parallel_tool_use": true }),
        json!({ "type": "tool", "name": "look" }),
    ];
    let choice = prop::option::of((one_of(free), one_of(forced), any::<bool>()));
    let said =
        (user(), prop::collection::vec(exchange(), 0..3), words(), prop::option::weighted(0.1, text()));
    (said, thinking, prop::option::weighted(0.7, tools()), choice, parameters(), 1_u32..9_000).prop_map(
        |((first, exchanges, spare, prefill), thinking, tools, choice, mut request, most)| {
            let is = |kind: &str| thinking.as_ref().is_some_and(|thinking| thinking["type"] == kind);
            let (by_budget, thinks) = (is("enabled"), is("enabled") || is("adaptive"));
            let calls = exchanges.iter().any(|(_, _, calls, _)| !calls.is_empty());
            let mut turns = turns(first, exchanges, thinks, &spare);
            turns.extend(prefill.map(|text| json!({ "role": "assistant", "content": text })));
            let tools = tools.or_else(|| {
                calls.then(|| vec![json!({ "name": "look", "input_schema": { "type": "object" } })])
            });
            // A budget to think and a call that is forced exclude one another.
            let choice = choice
                .filter(|_| tools.is_some())
                .map(|(free, forced, force)| if force && !by_budget { forced } else { free });
            let more = [
                ("tool_choice", choice),
                ("tools", tools.map(Value::from)),
                ("thinking", thinking),
                ("messages", Some(turns.into())),
            ];
            request.insert("model".into(), "smart".into());
            request.insert("max_tokens".into(), most.into());
            let request = with(request.into(), more);
            (shortened(request.clone()), normal(request))
        },
    )
}

/// Content that is one plain text, said as a text.
fn shortened(mut request: Value) -> Value {
    for message in list(&mut request, "messages") {
        if let Some([only]) = message["content"].as_array().map(Vec::as_slice)
            && only.as_object().is_some_and(|only| only.len() == 2 && only["type"] == "text")
        {
            message["content"] = only["text"].clone();
        }
    }
    request
}

/// The one way of several in which the adapter says it.
fn normal(mut request: Value) -> Value {
    request["model"] = MODEL.into();
    if let Some(system) = request.get("system").and_then(Value::as_array)
        && system.iter().all(|block| block.get("cache_control").is_none())
    {
        let texts: Vec<&str> = system.iter().filter_map(|block| block["text"].as_str()).collect();
        request["system"] = texts.join("\n\n").into();
    }
    for message in list(&mut request, "messages") {
        blocks(&mut message["content"]);
        for block in list(message, "content") {
            if let Some(content) = block.get_mut("content") {
                blocks(content);
            }
            without(block, &[("is_error", json!(false))]);
            if block["type"] == "tool_result" {
                without(block, &[("content", json!([]))]);
            }
        }
    }
    for tool in list(&mut request, "tools") {
        without(tool, &[("type", json!("custom")), ("strict", json!(false))]);
    }
    without(&mut request, &[("stream", json!(false)), ("stop_sequences", json!([]))]);
    request
}

fn blocks(content: &mut Value) {
    if content.is_string() {
        *content = json!([{ "type": "text", "text": content.take() }]);
    }
}

fn list<'a>(value: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Takes out what says nothing.
fn without(value: &mut Value, idle: &[(&str, Value)]) {
    for (name, says) in idle {
        if let Some(map) = value.as_object_mut().filter(|map| map.get(*name) == Some(says)) {
            map.remove(*name);
        }
    }
}
