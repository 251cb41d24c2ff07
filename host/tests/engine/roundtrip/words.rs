//! What requests and answers are made of.

use proptest::prelude::*;
use proptest::strategy::Union;
use serde_json::{Map, Value, json};

/// A text that is not blank.
pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z]{1,8}( [a-zéß🙂\"\\\\{}<>]{1,6}){0,3}",
        1 => "\\PC{0,10}x",
        1 => prop::sample::select(vec!["a\nb", "{\"a\":1}x", "\u{1}\u{2028}.", "data: x\n\ndata: y", "</s>"]).prop_map(str::to_owned),
    ]
}

/// A name.
pub fn name() -> impl Strategy<Value = String> {
    "[a-z][a-zA-Z0-9_]{0,8}"
}

/// An id that every provider takes.
pub fn id() -> impl Strategy<Value = String> {
    "[a-z]{2,5}_[a-zA-Z0-9]{1,8}"
}

/// Bytes as base64.
pub fn base64() -> impl Strategy<Value = String> {
    "([A-Za-z0-9+/]{4}){1,5}"
}

/// Arguments of a call: an object. Numbers are what JSON readers agree on: whole ones of 64 bits, and fractions.
pub fn arguments() -> impl Strategy<Value = Map<String, Value>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
        Just("".into()),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..3)
                .prop_map(|fields| fields.into_iter().collect::<Map<_, _>>().into()),
        ]
    });
    prop::collection::vec((name(), value), 0..4).prop_map(|fields| fields.into_iter().collect())
}

/// A JSON Schema of an object.
pub fn schema() -> impl Strategy<Value = Value> {
    prop::collection::vec(
        (name(), prop::sample::select(vec!["string", "integer", "boolean", "null"]), text()),
        0..3,
    )
    .prop_map(|fields| {
        let required: Vec<String> = fields.iter().map(|(name, ..)| name.clone()).collect();
        let fields: Map<String, Value> = fields
            .into_iter()
            .map(|(name, kind, about)| (name, json!({ "type": kind, "description": about })))
            .collect();
        json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
    })
}

/// Fractions from 0 to 1.
pub fn fraction() -> impl Strategy<Value = Value> {
    (0_u8..=8).prop_map(|eighths| (f64::from(eighths) / 8.0).into())
}

/// Some of these fields.
pub fn fields(all: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Map<String, Value>> {
    let each: Vec<_> = all
        .into_iter()
        .map(|(name, value)| {
            prop::option::weighted(0.4, value)
                .prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    each.prop_map(|fields| fields.into_iter().flatten().collect())
}

/// One of these, as JSON.
pub fn one_of(values: Vec<Value>) -> BoxedStrategy<Value> {
    Union::new(values.into_iter().map(Just)).boxed()
}

/// An object with fields that may be missing.
pub fn with(mut value: Value, more: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    if let Value::Object(map) = &mut value {
        map.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    value
}
