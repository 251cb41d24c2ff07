//! An event as the fields of a log line, and as JSON for a collector.
//!
//! Invariants: `exchange`, `kind` and `at-ms` are always there, and a field of the event never hides them.

use lockgate_sdk::prelude::ObservedEvent;
use serde_json::{Map, Value};

/// The fields of a log line.
pub fn fields<'a>(event: &'a ObservedEvent, at_ms: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("exchange", event.exchange.as_str()), ("at-ms", at_ms)];
    fields.extend(event.fields.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    fields
}

/// A JSON array of events, one flat object each.
pub fn json(events: &[ObservedEvent]) -> Vec<u8> {
    let objects = events.iter().map(|event| {
        let mut object: Map<String, Value> =
            event.fields.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
        object.insert("exchange".to_owned(), event.exchange.as_str().into());
        object.insert("kind".to_owned(), event.kind.as_str().into());
        object.insert("at-ms".to_owned(), event.at_ms.into());
        Value::Object(object)
    });
    Value::Array(objects.collect()).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{fields, json};
    use lockgate_sdk::prelude::ObservedEvent;
    use serde_json::json;

    fn event() -> ObservedEvent {
        ObservedEvent {
            exchange: "x1".to_owned(),
            kind: "exchange".to_owned(),
            at_ms: 7,
            fields: vec![
                ("status".to_owned(), "200".to_owned()),
                ("kind".to_owned(), "\"odd\"\n".to_owned()),
            ],
        }
    }

    #[test]
    fn a_collector_gets_flat_objects() {
        let value: serde_json::Value = serde_json::from_slice(&json(&[event()])).unwrap();
        assert_eq!(value, json!([{ "exchange": "x1", "kind": "exchange", "at-ms": 7, "status": "200" }]));
        assert_eq!(json(&[]), b"[]");
    }

    #[test]
    fn a_line_starts_with_what_it_is_about() {
        let event = event();
        let fields = fields(&event, "7");
        assert!(fields.starts_with(&[("exchange", "x1"), ("at-ms", "7"), ("status", "200")]));
    }
}
