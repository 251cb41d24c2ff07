//! What a schema says of the top of a value, in a form that can be held against a value that is still coming:
//! the kinds it may be of, the names it may have, and the scalars that these may be.
//!
//! Invariants: it only ever says no where the schema surely does; whatever is not understood is allowed.
//! It never replaces validation of the whole (see `judge`), and never follows a reference out of the schema.

use crate::prefix::Seen;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many references in a row are followed.
const MAX_REFS: usize = 8;
/// How many alternatives of an `enum` are held.
const MAX_VALUES: usize = 256;

const OBJECT: u8 = 1;
const ARRAY: u8 = 2;
const STRING: u8 = 4;
const NUMBER: u8 = 8;
const INTEGER: u8 = 16;
const BOOLEAN: u8 = 32;
const NULL: u8 = 64;
const ANY: u8 = OBJECT | ARRAY | STRING | NUMBER | INTEGER | BOOLEAN | NULL;

/// What one value may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    kinds: u8,
    /// The values of an `enum` or a `const`.
    values: Option<Vec<Value>>,
}

/// What the value at the top may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopLevel {
    own: Shape,
    properties: BTreeMap<String, Shape>,
    /// Whether other names are refused.
    closed: bool,
}

impl TopLevel {
    /// What a schema says; `draft7` where one without `$schema` is read as that.
    pub fn of(schema: &Value) -> Self {
        let mut top = Self { own: shape(schema, schema), properties: BTreeMap::new(), closed: false };
        let Some(target) = resolved(schema, schema).filter(|_| understood(schema)) else { return top };
        if let Some(properties) = target.get("properties").and_then(Value::as_object) {
            top.properties =
                properties.iter().map(|(name, inner)| (name.clone(), shape(schema, inner))).collect();
        }
        top.closed = target.get("additionalProperties") == Some(&Value::Bool(false))
            && target.get("patternProperties").is_none();
        top
    }

    /// Any object.
    pub fn object() -> Self {
        let own = Shape { kinds: OBJECT, values: None };
        Self { own, properties: BTreeMap::new(), closed: false }
    }

    /// Whether what is seen may be; `key` is the last key seen, where it is known.
    pub fn allows(&self, seen: Seen<'_>, key: &Position) -> bool {
        let shape = match key {
            Position::Top => Some(&self.own),
            Position::Property(name) => self.properties.get(name),
            Position::Unknown => None,
        };
        match seen {
            Seen::Begins { first, .. } => shape.is_none_or(|shape| shape.kinds & kinds_of(first) != 0),
            Seen::Scalar(Some(text)) => shape.is_none_or(|shape| shape.allows(text)),
            Seen::Key(Some(text)) if self.closed => {
                serde_json::from_str::<String>(text).map_or(true, |name| self.properties.contains_key(&name))
            }
            Seen::Key(_) | Seen::Scalar(None) => true,
        }
    }
}

/// Where the value that is coming stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Position {
    /// At the top.
    #[default]
    Top,
    /// Under this name of the object at the top.
    Property(String),
    /// Under a name that was too long to be kept.
    Unknown,
}

impl Position {
    /// Moves on with what was seen.
    pub fn follow(&mut self, seen: Seen<'_>) {
        if let Seen::Key(text) = seen {
            let name = text.and_then(|text| serde_json::from_str(text).ok());
            *self = name.map_or(Self::Unknown, Self::Property);
        }
    }
}

impl Shape {
    fn allows(&self, text: &str) -> bool {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return true };
        if let Value::Number(number) = &value
            && self.kinds & NUMBER == 0
            && number.as_f64().is_some_and(|number| number.fract() != 0.0)
        {
            return false;
        }
        self.values.as_ref().is_none_or(|values| values.iter().any(|one| same(one, &value)))
    }
}

/// Whether two scalars are equal as JSON Schema has it: `1` is `1.0`.
fn same(a: &Value, b: &Value) -> bool {
    a == b || (a.is_number() && b.is_number() && a.as_f64() == b.as_f64())
}

fn kinds_of(first: u8) -> u8 {
    match first {
        b'{' => OBJECT,
        b'[' => ARRAY,
        b'"' => STRING,
        b't' | b'f' => BOOLEAN,
        b'n' => NULL,
        _ => NUMBER | INTEGER,
    }
}

fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Object(_) => OBJECT,
        Value::Array(_) => ARRAY,
        Value::String(_) => STRING,
        Value::Number(_) => NUMBER | INTEGER,
        Value::Bool(_) => BOOLEAN,
        Value::Null => NULL,
    }
}

/// Whether the keywords that are read here mean in this schema what they mean since draft-06.
fn understood(root: &Value) -> bool {
    let known = ["2020-12/schema", "2019-09/schema", "draft-07/schema", "draft-06/schema"];
    match root.get("$schema").and_then(Value::as_str) {
        None => true,
        Some(uri) => {
            uri.contains("//json-schema.org/")
                && known.iter().any(|name| uri.trim_end_matches('#').ends_with(name))
        }
    }
}

/// What a schema stands for: itself, or where its reference leads. Beside a reference nothing is read: draft-07
/// ignores it. `None` where that is not known.
fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> Option<&'a Value> {
    for _ in 0..MAX_REFS {
        // A part with an identity of its own has its own root.
        if !std::ptr::eq(root, schema) && schema.get("$id").is_some() {
            return None;
        }
        if schema.get("$dynamicRef").or_else(|| schema.get("$recursiveRef")).is_some() {
            return None;
        }
        let Some(reference) = schema.get("$ref") else { return Some(schema) };
        let pointer = reference.as_str()?.strip_prefix('#')?;
        if pointer.contains('%') || !(pointer.is_empty() || pointer.starts_with('/')) {
            return None;
        }
        schema = root.pointer(pointer)?;
    }
    None
}

fn shape(root: &Value, schema: &Value) -> Shape {
    let mut shape = Shape { kinds: ANY, values: None };
    let Some(schema) = resolved(root, schema).filter(|_| understood(root)) else { return shape };
    if schema == &Value::Bool(false) {
        shape.kinds = 0;
    }
    let names: Vec<&str> = match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !names.is_empty() {
        shape.kinds = names.iter().fold(0, |kinds, name| {
            kinds
                | match *name {
                    "object" => OBJECT,
                    "array" => ARRAY,
                    "string" => STRING,
                    "number" => NUMBER | INTEGER,
                    "integer" => INTEGER,
                    "boolean" => BOOLEAN,
                    "null" => NULL,
                    _ => ANY,
                }
        });
    }
    let options = match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value.clone()]),
        (None, Some(Value::Array(values))) if values.len() <= MAX_VALUES => Some(values.clone()),
        _ => None,
    };
    if let Some(values) = options {
        shape.kinds &= values.iter().fold(0, |kinds, value| kinds | kind_of(value));
        shape.values =
            Some(values.into_iter().filter(|value| !value.is_object() && !value.is_array()).collect());
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::{Position, TopLevel};
    use crate::prefix::{Impossible, Lexer};
    use serde_json::{Value, json};

    /// The byte at which a text is stopped.
    fn stops(schema: &Value, text: &str) -> Option<usize> {
        let top = TopLevel::of(schema);
        let (mut lexer, mut position) = (Lexer::default(), Position::default());
        let told = lexer.feed(text, |seen| {
            position.follow(seen);
            top.allows(seen, &position)
        });
        told.err().map(|Impossible { at, .. }| at)
    }

    #[test]
    fn the_top_is_held_against_the_schema() {
        let schema = json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "kind": {"enum": ["a", "b", 1]}, "n": {"type": "integer"},
                "of": {"$ref": "#/$defs/of"}, "any": true, "none": false,
            },
            "$defs": {"of": {"const": "x"}},
        });
        for (text, at) in [
            (r#"["#, Some(0)),
            (r#" "x""#, Some(1)),
            (r#"{"other": 1}"#, Some(7)),
            (r#"{"kind": "c"}"#, Some(11)),
            (r#"{"kind": {"#, Some(9)),
            (r#"{"kind": 1.0, "n": 2.0}"#, None),
            (r#"{"n": 2.5}"#, Some(9)),
            (r#"{"n": "2""#, Some(6)),
            (r#"{"of": "x", "any": {"other": [1]}, "n": 2}"#, None),
            (r#"{"of": "y""#, Some(9)),
            (r#"{"none": 1"#, Some(9)),
            (r#"{"\u006b\u0069nd": "a"}"#, None),
        ] {
            assert_eq!(stops(&schema, text), at, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_allowed() {
        for schema in [
            json!({"$schema": "http://json-schema.org/draft-04/schema#", "const": 1}),
            json!({"$ref": "https://example.com/s", "type": "string"}),
            json!({"$ref": "#"}),
            json!({"$dynamicRef": "#x", "type": "string"}),
            json!({"anyOf": [{"type": "string"}]}),
            json!({"additionalProperties": false, "patternProperties": {"^o": true}}),
            json!(true),
        ] {
            assert_eq!(stops(&schema, r#"{"other": [1, {"a": null}]}"#), None, "{schema}");
        }
        assert_eq!(stops(&json!(false), " {"), Some(1));
    }
}
