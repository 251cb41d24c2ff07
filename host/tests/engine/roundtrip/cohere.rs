//! Requests of the Cohere API.
//!
//! Left out, because the canonical form has no place for it or the adapter says it otherwise: citations of earlier turns
//! (no guard would see their texts), thoughts where the model does not think and plans where it does, system messages
//! behind others and several of them (they are joined in front), bounds that change nothing (`k` and penalties of 0).

use super::words::{arguments, base64, fields, fraction, id, one_of, schema, text, with};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// One that thinks only when told to.
pub const MODEL: &str = "command-a";

const TOOLS: [&str; 3] = ["look", "hear", "get_weather"];

fn words() -> impl Strategy<Value = Value> {
    text().prop_map(|text| json!({ "type": "text", "text": text }))
}

fn image() -> impl Strategy<Value = Value> {
    let url = prop_oneof![
        base64().prop_map(|data| format!("data:image/png;base64,{data}")),
        id().prop_map(|id| format!("https://pictures.test/{id}")),
    ];
    (url, prop::option::of(select(vec!["low", "high", "auto"]))).prop_map(|(url, detail)| {
        json!({ "type": "image_url", "image_url": with(json!({ "url": url }), [("detail", detail.map(Value::from))]) })
    })
}

/// A document: a text, or data with or without an id.
fn document() -> impl Strategy<Value = Value> {
    let data = prop_oneof![text().prop_map(Value::from), arguments().prop_map(Value::from)];
    prop_oneof![
        text().prop_map(Value::from),
        (data, prop::option::of(id()))
            .prop_map(|(data, id)| with(json!({ "data": data }), [("id", id.map(Value::from))])),
    ]
}

fn user() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        prop::collection::vec(prop_oneof![2 => words(), 1 => image()], 1..4).prop_map(Value::from),
    ]
}

fn result() -> impl Strategy<Value = Value> {
    let document = document().prop_map(|document| json!({ "type": "document", "document": document }));
    prop_oneof![
        text().prop_map(Value::from),
        prop::collection::vec(prop_oneof![words(), document], 1..3).prop_map(Value::from),
    ]
}

/// What the assistant thought, said and called, with the results; and what the user says next.
type Exchange = (Option<String>, Vec<Value>, Vec<(Value, Value)>, Option<Value>);

fn exchange() -> impl Strategy<Value = Exchange> {
    let call = (id(), select(TOOLS.to_vec()), arguments()).prop_map(|(id, name, arguments)| {
        let arguments = Value::from(arguments).to_string();
        json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    });
    let said = prop::collection::vec(words(), 0..3);
    (prop::option::of(text()), said, prop::collection::vec((call, result()), 0..3), prop::option::of(user()))
}

fn messages(system: Option<Value>, first: Value, exchanges: Vec<Exchange>, thinks: bool) -> Vec<Value> {
    let mut all: Vec<Value> =
        system.map(|content| json!({ "role": "system", "content": content })).into_iter().collect();
    all.push(json!({ "role": "user", "content": first }));
    for (thought, mut said, calls, next) in exchanges {
        if said.is_empty() && calls.is_empty() {
            said.push(json!({ "type": "text", "text": "Yes." }));
        }
        let plan = thought.clone().filter(|_| !thinks && !calls.is_empty());
        let thought =
            thought.filter(|_| thinks).map(|thought| json!({ "type": "thinking", "thinking": thought }));
        let content: Vec<Value> = thought.into_iter().chain(said).collect();
        let (calls, results): (Vec<Value>, Vec<Value>) = calls.into_iter().unzip();
        let more = [
            ("content", (!content.is_empty()).then(|| content.into())),
            ("tool_plan", plan.map(Value::from)),
            ("tool_calls", (!calls.is_empty()).then(|| calls.clone().into())),
        ];
        all.push(with(json!({ "role": "assistant" }), more));
        for (call, content) in calls.into_iter().zip(results) {
            all.push(json!({ "role": "tool", "tool_call_id": call["id"], "content": content }));
        }
        all.extend(next.map(|content| json!({ "role": "user", "content": content })));
    }
    all
}

fn tools() -> impl Strategy<Value = Value> {
    let function = |name: &'static str| {
        (prop::option::of(text()), schema()).prop_map(move |(about, schema)| {
            let function = with(
                json!({ "name": name, "parameters": schema }),
                [("description", about.map(Value::from))],
            );
            json!({ "type": "function", "function": function })
        })
    };
    TOOLS.map(function).prop_map(|tools| tools.to_vec().into())
}

fn parameters() -> impl Strategy<Value = Map<String, Value>> {
    let format = prop_oneof![
        Just(json!({ "type": "json_object" })),
        Just(json!({ "type": "text" })),
        schema().prop_map(|schema| json!({ "type": "json_object", "json_schema": schema })),
    ];
    let part = || (1_u8..8).prop_map(|eighths| (f64::from(eighths) / 8.0).into()).boxed();
    fields(vec![
        ("documents", prop::collection::vec(document(), 0..3).prop_map(Value::from).boxed()),
        ("max_tokens", (1_u32..9_000).prop_map(Value::from).boxed()),
        ("stop_sequences", prop::collection::vec(text(), 0..3).prop_map(Value::from).boxed()),
        ("temperature", fraction().boxed()),
        ("p", part()),
        ("k", one_of(vec![1.into(), 40.into()])),
        ("seed", any::<u32>().prop_map(Value::from).boxed()),
        ("frequency_penalty", part()),
        ("presence_penalty", part()),
        ("response_format", format.boxed()),
        ("citation_options", one_of(vec![json!({ "mode": "FAST" }), json!({ "mode": "OFF" })])),
        ("priority", one_of(vec![3.into()])),
        ("safety_mode", one_of(vec!["STRICT".into()])),
        ("stream", any::<bool>().prop_map(Value::from).boxed()),
        ("logprobs", one_of(vec![json!(false)])),
    ])
}

/// Requests, and what comes back of them.
pub fn requests() -> impl Strategy<Value = (Value, Value)> {
    let thinking = prop::option::of(one_of(vec![
        json!({ "type": "enabled" }),
        json!({ "type": "enabled", "token_budget": 3_000 }),
        json!({ "type": "disabled" }),
    ]));
    let system = prop::option::of(prop_oneof![
        text().prop_map(Value::from),
        prop::collection::vec(words(), 1..3).prop_map(Value::from)
    ]);
    let choice = (prop::option::of(select(vec!["REQUIRED", "NONE"])), any::<bool>());
    let said = (system, user(), prop::collection::vec(exchange(), 0..3));
    (said, prop::option::of((tools(), choice)), thinking, parameters()).prop_map(
        |((system, first, exchanges), tools, thinking, mut request)| {
            let thinks = thinking.as_ref().is_some_and(|thinking| thinking["type"] == "enabled");
            let messages = messages(system, first, exchanges, thinks);
            request.insert("model".into(), "smart".into());
            let (tools, choice) = tools.unzip();
            let more = [
                ("messages", Some(messages.into())),
                ("thinking", thinking),
                ("tools", tools),
                ("tool_choice", choice.as_ref().and_then(|(word, _)| word.map(Value::from))),
                ("strict_tools", choice.filter(|(_, strict)| *strict).map(|_| true.into())),
            ];
            let request = with(request.into(), more);
            (request.clone(), normal(request))
        },
    )
}

/// The one way of several in which the adapter says it.
fn normal(mut request: Value) -> Value {
    request["model"] = MODEL.into();
    for message in request["messages"].as_array_mut().into_iter().flatten() {
        let system = message["role"] == "system";
        let Some(content) = message.get_mut("content") else { continue };
        for part in content.as_array_mut().into_iter().flatten() {
            part.get_mut("document").into_iter().for_each(plain);
        }
        let Some(parts) = content.as_array() else { continue };
        let texts: Option<Vec<&str>> = parts.iter().map(|part| part.get("text")?.as_str()).collect();
        if let Some(texts) = texts.filter(|texts| system || texts.len() == 1) {
            *content = texts.join("\n\n").into();
        }
    }
    if let Some(Value::Array(documents)) = request.get_mut("documents") {
        documents.iter_mut().for_each(plain);
    }
    if let Some(map) = request.as_object_mut() {
        let idle = [
            ("stream", json!(false)),
            ("logprobs", json!(false)),
            ("stop_sequences", json!([])),
            ("documents", json!([])),
            ("response_format", json!({ "type": "text" })),
        ];
        map.retain(|name, value| !idle.iter().any(|(idle, says)| idle == name && value == says));
    }
    request
}

/// A document of a text and nothing else is that text.
fn plain(document: &mut Value) {
    if let Some(text @ Value::String(_)) = document.get("data").filter(|_| document.get("id").is_none()) {
        *document = text.clone();
    }
}
