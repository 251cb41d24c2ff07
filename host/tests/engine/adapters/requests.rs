//! Canonical requests, well formed but for slips: odd types in odd places.

use super::spoil::{json_of, slipped, slips};
use lockgate::chat::Operation;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// A request that says something of everything.
fn whole() -> Value {
    let picture = "data:image/png;base64,AA==";
    json!({
        "model": "smart", "stream": true, "stream_options": { "include_usage": true },
        "messages": [
            { "role": "system", "content": "Be kind." },
            { "role": "developer", "content": [{ "type": "text", "text": "And brief.", "cache_control": { "type": "ephemeral" } }] },
            { "role": "user", "name": "ann", "content": [
                { "type": "text", "text": "What is this?" },
                { "type": "image_url", "image_url": { "url": picture, "detail": "low" } },
                { "type": "image_url", "image_url": { "url": "https://pictures.test/a.png" } },
                { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA==" } },
            ] },
            { "role": "assistant", "content": null, "reasoning_content": "Hm", "refusal": null,
              "reasoning_details": [
                { "type": "reasoning.text", "text": "Hm", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0 },
                { "type": "reasoning.encrypted", "data": "eno=", "format": "anthropic-claude-v1", "index": 1 },
              ],
              "tool_calls": [
                { "id": "call_1.sig.AAAA", "type": "function", "function": { "name": "look", "arguments": "{\"at\":1}" },
                  "extra_content": { "google": { "thought_signature": "c2ln" } } },
                { "id": "call_2", "type": "function", "function": { "name": "hear", "arguments": "" } },
              ] },
            { "role": "tool", "tool_call_id": "call_1.sig.AAAA", "content": "{\"seen\":true}" },
            { "role": "tool", "tool_call_id": "call_2", "is_error": true, "content": [{ "type": "text", "text": "Nothing.", "cohere": { "document": { "id": "d" } } }] },
            { "role": "assistant", "content": [{ "type": "refusal", "refusal": "No." }, { "type": "text", "text": "But" }], "refusal": "Never." },
            { "role": "user", "content": [{ "type": "text", "text": "And this?", "cohere": { "document": {} } },
                { "type": "input_audio", "input_audio": { "format": "wav", "data": "AA==" } }, { "type": "text", "text": "So?" }] },
        ],
        "tools": [
            { "type": "function", "cache_control": { "type": "ephemeral" }, "function": { "name": "look", "description": "Looks.", "strict": true,
              "parameters": { "type": "object", "properties": { "at": { "type": ["integer", "null"] } } } } },
            { "type": "function", "function": { "name": "hear" } },
            { "google_search": {} },
        ],
        "tool_choice": { "type": "function", "function": { "name": "look" } },
        "parallel_tool_calls": true,
        "response_format": { "type": "json_schema", "json_schema": { "name": "answer", "strict": true, "schema": { "type": "object" } } },
        "max_completion_tokens": 4_000, "max_tokens": 10, "temperature": 0.5, "top_p": 0.5, "top_k": 3, "n": 1, "seed": 7, "stop": ["END", "STOP"],
        "presence_penalty": 0.5, "frequency_penalty": 0.5, "logit_bias": {}, "user": "u", "metadata": { "a": "b" },
        "reasoning_effort": "low",
        "anthropic": { "thinking": { "type": "enabled", "budget_tokens": 2_000 }, "output_config": { "effort": "low" } },
        "gemini": { "thinking_config": { "thinkingBudget": 100 } },
        "cohere": { "thinking": { "type": "enabled" }, "citation_options": { "mode": "FAST" } },
        "generationConfig": { "speechConfig": {} }, "some_new_parameter": [1],
    })
}

/// Parameters that one provider or another cannot express: a request has some of them.
const DOUBTFUL: [&str; 8] = [
    "response_format",
    "tool_choice",
    "anthropic",
    "gemini",
    "reasoning_effort",
    "generationConfig",
    "presence_penalty",
    "tools",
];

/// Chats: mostly what clients send, with slips; sometimes nothing of the kind.
pub fn chats() -> impl Strategy<Value = Map<String, Value>> {
    let rich = (prop::collection::vec(any::<bool>(), DOUBTFUL.len()), any::<u8>(), slips(4)).prop_map(
        |(kept, said, slips)| {
            let mut body = whole();
            if let Value::Object(body) = &mut body {
                let mut kept = kept.into_iter();
                body.retain(|name, _| !DOUBTFUL.contains(&name.as_str()) || kept.next() == Some(true));
                if let Some(Value::Array(messages)) = body.get_mut("messages") {
                    let mut place = 0;
                    messages.retain(|_| {
                        place += 1;
                        said & (1 << (place - 1)) == 0
                    });
                }
            }
            slipped(body, &slips)
        },
    );
    let bare = (json_of(5), json_of(5))
        .prop_map(|(messages, tools)| json!({ "messages": messages, "tools": tools }));
    let plain = slips(2)
        .prop_map(|slips| slipped(json!({ "messages": [{ "role": "user", "content": "Hi" }] }), &slips));
    prop_oneof![6 => rich, 1 => bare, 2 => plain].prop_map(object)
}

/// What is no chat.
pub fn others() -> impl Strategy<Value = (Operation, Map<String, Value>)> {
    let bodies = prop::sample::select(vec![
        (Operation::Completions, json!({ "prompt": "Once", "max_tokens": 5, "suffix": null, "echo": false })),
        (
            Operation::Embeddings,
            json!({ "input": ["a", "b"], "dimensions": 8, "encoding_format": "base64", "cohere": { "input_type": "x" } }),
        ),
        (Operation::Embeddings, json!({ "input": "a" })),
        (Operation::Rerank, json!({ "query": "q", "documents": ["a", { "text": "b" }], "top_n": 1 })),
        (Operation::Moderations, json!({ "input": "a" })),
        (Operation::Images, json!({ "prompt": "a cat", "n": 2 })),
    ]);
    (bodies, slips(3)).prop_map(|((operation, body), slips)| (operation, object(slipped(body, &slips))))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("messages".to_owned(), other)]),
    }
}
