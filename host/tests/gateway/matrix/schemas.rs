//! What is said in OpenAI's format, held against OpenAI's published schemas.
//!
//! The document is not ours to ship: `cargo xtask schemas FILE` names it in `LOCKGATE_OPENAPI`. Without it nothing is
//! checked here, and the official packages' own types are the judges.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use lockgate_client::Answer;
use lockgate_upstream::Recorded;
use serde_json::{Value, json};
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Option<Value>> = LazyLock::new(|| {
    let file = std::env::var_os("LOCKGATE_OPENAPI")?;
    let mut document = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    allow_null(&mut document);
    Some(document)
});

/// Says `nullable`, an OpenAPI 3.0 word that the document still uses, in JSON Schema.
fn allow_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        Value::Object(fields) => {
            fields.values_mut().for_each(allow_null);
            if fields.remove("nullable") == Some(json!(true)) {
                let strict = std::mem::take(schema);
                *schema = json!({ "anyOf": [strict, { "type": "null" }] });
            }
        }
        _ => {}
    }
}

/// Checks a row: what the client got, and what a provider of the OpenAI API was sent.
pub fn check(name: &str, path: &str, answer: &Answer, sent: Option<&Recorded>) {
    let Some(document) = DOCUMENT.as_ref() else { return };
    let whole = if answer.status == 200 { None } else { Some("ErrorResponse") };
    let streams = answer.header("content-type").starts_with("text/event-stream");
    let (document_schema, event_schema) = match path {
        "/v1/chat/completions" => ("CreateChatCompletionResponse", "CreateChatCompletionStreamResponse"),
        "/v1/responses" => ("Response", "ResponseStreamEvent"),
        _ => return,
    };
    if streams {
        for event in answer.events() {
            // The end of a stream that broke off is an error, for which there is no schema.
            if event.get("error").is_none_or(Value::is_null) {
                hold(document, event_schema, &event, name);
            }
        }
    } else {
        hold(document, whole.unwrap_or(document_schema), &answer.json(), name);
    }
    if let Some(sent) = sent.filter(|sent| sent.path.ends_with("/chat/completions")) {
        hold(document, "CreateChatCompletionRequest", &sent.json(), name);
    }
}

fn hold(document: &Value, schema: &str, value: &Value, name: &str) {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{schema}"), "components": document.get("components"),
    });
    let validator = jsonschema::validator_for(&root).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    if !faults.is_empty() {
        panic!("{name}: this is no {schema}: {}\n{value}", faults.join("; "));
    }
}
