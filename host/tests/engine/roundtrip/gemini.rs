//! Requests of the Gemini API.
//!
//! Left out, because the canonical form has no place for it: thoughts of earlier turns and signatures of texts (see the
//! format), text behind a call, fields of media and of declarations beyond those here, media types that an address does not
//! tell, `AUTO` and `VALIDATED` with names and several names for `ANY` (the others are not declared), the API's own dialect
//! of schemas (it becomes JSON Schema), other media types of answers, log probabilities.

use super::words::{arguments, base64, fields, fraction, id, one_of, schema, text, with};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// One that does not insist on signatures.
pub const MODEL: &str = "gemini-2.5-flash";

const TOOLS: [&str; 3] = ["look", "hear", "get_weather"];

fn words() -> impl Strategy<Value = Value> {
    text().prop_map(|text| json!({ "text": text }))
}

fn inline() -> impl Strategy<Value = Value> {
    let media = select(vec![
        "image/png",
        "image/jpeg",
        "audio/wav",
        "audio/mp3",
        "application/pdf",
        "video/mp4",
        "text/csv",
    ]);
    (media, base64()).prop_map(|(media, data)| json!({ "inlineData": { "mimeType": media, "data": data } }))
}

fn elsewhere() -> impl Strategy<Value = Value> {
    let kinds = vec![
        ("image/png", "png"),
        ("image/jpeg", "jpg"),
        ("application/pdf", "pdf"),
        ("video/mp4", "mp4"),
        ("audio/wav", "wav"),
    ];
    let scheme = select(vec!["https://files.test/v1beta", "gs://bucket"]);
    (scheme, id(), select(kinds)).prop_map(|(scheme, id, (media, ending))| {
        json!({ "fileData": { "mimeType": media, "fileUri": format!("{scheme}/{id}.{ending}") } })
    })
}

fn user() -> impl Strategy<Value = Value> {
    let parts = prop::collection::vec(prop_oneof![4 => words(), 1 => inline(), 1 => elsewhere()], 1..4);
    parts.prop_map(|parts| json!({ "role": "user", "parts": parts }))
}

/// A call without its id, and what its function responded.
fn call() -> impl Strategy<Value = (Value, Value)> {
    let signature = prop::option::weighted(0.3, base64());
    let response =
        prop_oneof![arguments().prop_map(Value::from), text().prop_map(|text| json!({ "output": text }))];
    let things = prop::option::weighted(0.3, prop::collection::vec(inline(), 1..3));
    let all = (select(TOOLS.to_vec()), arguments(), signature, response, things);
    all.prop_map(|(name, args, signature, response, things)| {
        let call = json!({ "functionCall": { "name": name, "args": args } });
        let response =
            with(json!({ "name": name, "response": response }), [("parts", things.map(Value::from))]);
        (
            with(call, [("thoughtSignature", signature.map(Value::from))]),
            json!({ "functionResponse": response }),
        )
    })
}

/// What a model said and called, and what the user says after the responses.
type Exchange = (Vec<Value>, Vec<(Value, Value)>, Option<Value>);

fn exchange() -> impl Strategy<Value = Exchange> {
    (prop::collection::vec(words(), 0..3), prop::collection::vec(call(), 0..3), prop::option::of(user()))
}

fn contents(first: Value, exchanges: Vec<Exchange>) -> Vec<Value> {
    let mut contents = vec![first];
    for (turn, (mut said, calls, next)) in exchanges.into_iter().enumerate() {
        if said.is_empty() && calls.is_empty() {
            said.push(json!({ "text": "Yes." }));
        }
        let mut responses = Vec::new();
        for (number, (mut call, mut response)) in calls.into_iter().enumerate() {
            let id = format!("c{turn}_{number}");
            call["functionCall"]["id"] = id.clone().into();
            response["functionResponse"]["id"] = id.into();
            said.push(call);
            responses.push(response);
        }
        contents.push(json!({ "role": "model", "parts": said }));
        let silent = responses.is_empty();
        if !silent {
            contents.push(json!({ "role": "user", "parts": responses }));
        }
        let word = || json!({ "role": "user", "parts": [{ "text": "Go on." }] });
        contents.extend(next.or_else(|| silent.then(word)));
    }
    contents
}

fn tools() -> impl Strategy<Value = Value> {
    let function = |name: &'static str| {
        (prop::option::of(text()), prop::option::of(schema())).prop_map(move |(about, schema)| {
            with(
                json!({ "name": name }),
                [("description", about.map(Value::from)), ("parametersJsonSchema", schema)],
            )
        })
    };
    let own = prop::option::of(one_of(vec![
        json!({ "googleSearch": {} }),
        json!({ "codeExecution": {} }),
        json!({ "urlContext": {} }),
    ]));
    (TOOLS.map(function), own).prop_map(|(functions, own)| {
        std::iter::once(json!({ "functionDeclarations": functions })).chain(own).collect()
    })
}

fn generation() -> impl Strategy<Value = Value> {
    let thinking = one_of(vec![
        json!({ "thinkingBudget": 0 }),
        json!({ "thinkingBudget": 3_000, "includeThoughts": true }),
        json!({ "thinkingBudget": -1 }),
        json!({ "thinkingLevel": "HIGH" }),
    ]);
    let shape = prop::option::of(prop::option::of(schema()));
    let all = fields(vec![
        ("temperature", fraction().boxed()),
        ("topP", fraction().boxed()),
        ("topK", one_of(vec![1.into(), 40.into()])),
        ("maxOutputTokens", (1_u32..9_000).prop_map(Value::from).boxed()),
        ("stopSequences", prop::collection::vec(text(), 1..3).prop_map(Value::from).boxed()),
        ("candidateCount", one_of(vec![2.into()])),
        ("seed", any::<i32>().prop_map(Value::from).boxed()),
        ("presencePenalty", fraction().boxed()),
        ("frequencyPenalty", fraction().boxed()),
        ("thinkingConfig", thinking),
        ("responseModalities", one_of(vec![json!(["TEXT"])])),
        ("speechConfig", one_of(vec![json!({ "languageCode": "de-DE" })])),
    ]);
    (all, shape).prop_map(|(all, shape)| {
        let kind = shape.is_some().then(|| "application/json".into());
        with(all.into(), [("responseMimeType", kind), ("responseJsonSchema", shape.flatten())])
    })
}

fn parameters() -> impl Strategy<Value = Map<String, Value>> {
    let system = prop::collection::vec(words(), 1..3).prop_map(|parts| json!({ "parts": parts }));
    fields(vec![
        ("systemInstruction", system.boxed()),
        ("generationConfig", generation().boxed()),
        (
            "safetySettings",
            one_of(vec![json!([{ "category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE" }])]),
        ),
        ("cachedContent", id().prop_map(|id| format!("cachedContents/{id}").into()).boxed()),
        ("labels", one_of(vec![json!({ "team": "a" })])),
    ])
}

/// Requests, and what comes back of them.
pub fn requests() -> impl Strategy<Value = (Value, Value)> {
    let choice = prop::option::of(one_of(vec![
        json!({ "mode": "NONE" }),
        json!({ "mode": "ANY" }),
        json!({ "mode": "ANY", "allowedFunctionNames": ["look"] }),
    ]));
    let said = (user(), prop::collection::vec(exchange(), 0..3));
    (said, prop::option::of(tools()), choice, parameters(), any::<bool>()).prop_map(
        |((first, exchanges), tools, choice, mut request, other_spelling)| {
            let choice =
                choice.filter(|_| tools.is_some()).map(|choice| json!({ "functionCallingConfig": choice }));
            request.retain(|_, value| value != &json!({}));
            let request = with(
                request.into(),
                [
                    ("contents", Some(contents(first, exchanges).into())),
                    ("tools", tools),
                    ("toolConfig", choice),
                ],
            );
            (if other_spelling { snaked(request.clone()) } else { request.clone() }, request)
        },
    )
}

/// The same with the other spelling of names; what is data keeps its own.
fn snaked(value: Value) -> Value {
    const DATA: [&str; 6] =
        ["args", "response", "parametersJsonSchema", "responseJsonSchema", "thinkingConfig", "speechConfig"];
    // What the gateway hands on as it stands, it does not spell anew.
    const STANDS: [&str; 6] =
        ["googleSearch", "codeExecution", "urlContext", "responseModalities", "speechConfig", "labels"];
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let value = if DATA.contains(&name.as_str()) { value } else { snaked(value) };
                let name = if STANDS.contains(&name.as_str()) { name } else { snake(&name) };
                (name, value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(snaked).collect(),
        other => other,
    }
}

fn snake(camel: &str) -> String {
    camel
        .chars()
        .flat_map(|c| c.is_ascii_uppercase().then_some('_').into_iter().chain([c.to_ascii_lowercase()]))
        .collect()
}
