//! Settings together with a digest of what the operator wrote: by it they are known again by a later version of the gateway,
//! whose settings may have further fields.
//!
//! Invariants: the digest is of what is written after references were resolved, and of nothing else; the order of keys and how
//! a number is spelt make no difference. What is not written, a default, is no part of it.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Deref;

/// Settings, and a digest of what was written.
#[derive(Debug, Clone)]
pub struct Written<T> {
    settings: T,
    digest: [u8; 32],
}

impl<T> Written<T> {
    /// SHA-256 of what was written, in one form for all that say the same.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}

impl<T> Deref for Written<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.settings
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Value::deserialize(deserializer)?;
        let mut text = String::new();
        canonical(&written, &mut text);
        let digest = Sha256::digest(&text).into();
        let settings = T::deserialize(written).map_err(D::Error::custom)?;
        Ok(Self { settings, digest })
    }
}

impl<T: JsonSchema> JsonSchema for Written<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Writes a value in the one form of all that say the same. Recurses as deep as a document may be nested.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => figure(number, out),
        Value::String(text) => string(text, out),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in members {
                string(name, out);
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

/// 5, 5.0 and 5e0 are one number.
fn figure(number: &Number, out: &mut String) {
    let written = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), ..) => write!(out, "{whole}"),
        (None, Some(whole), _) => write!(out, "{whole}"),
        (None, None, broken) => write!(out, "{}", broken.unwrap_or_default()),
    };
    debug_assert!(written.is_ok(), "a string takes all that is written");
}

fn string(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use serde_json::{from_str, json};
    use std::collections::BTreeMap;

    /// Settings that an operator may write, and those of a later version.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Early {
        percent: f64,
        targets: Vec<String>,
        #[expect(dead_code, reason = "it is written, and nobody reads it")]
        by: Option<String>,
    }

    #[derive(Deserialize)]
    struct Later {
        percent: f64,
        #[serde(default)]
        news: BTreeMap<String, f64>,
    }

    fn digest(text: &str) -> [u8; 32] {
        *from_str::<Written<Early>>(text).unwrap().digest()
    }

    const TEXT: &str = r#"{"targets":["new/model"],"percent":5}"#;

    #[test]
    fn what_says_the_same_is_the_same_however_it_is_written() {
        for same in [
            r#"{"percent":5.0,"targets":["new/model"]}"#,
            r#"{ "percent": 5e0, "targets": [ "n\u0065w/model" ] }"#,
        ] {
            assert_eq!(digest(same), digest(TEXT), "{same}");
        }
        for other in [
            r#"{"targets":["new/model"],"percent":5.5}"#,
            r#"{"targets":["new","model"],"percent":5}"#,
            r#"{"targets":["new/model"],"percent":5,"by":"key"}"#,
            // Where a default is something, nothing is another thing.
            r#"{"targets":["new/model"],"percent":5,"by":null}"#,
            r#"{"targets":["new/model","other/model"],"percent":5}"#,
        ] {
            assert_ne!(digest(other), digest(TEXT), "{other}");
        }
    }

    #[test]
    fn a_version_with_more_settings_knows_it_again() {
        let early: Written<Early> = from_str(TEXT).unwrap();
        let later: Written<Later> = from_str(TEXT).unwrap();
        assert_eq!(early.digest(), later.digest());
        assert!((early.percent - later.percent).abs() < 1e-9 && later.news.is_empty());
        assert_eq!(early.targets.len(), 1);
    }

    #[test]
    fn the_form_is_what_it_was() {
        // What an earlier version wrote down must be known again: this may never change.
        let mut text = String::new();
        canonical(
            &json!({ "b": [1.0, -2, 0.25, true, "\"é"], "a": { "z": null }, "c": 18_446_744_073_709_551_615_u64 }),
            &mut text,
        );
        assert_eq!(text, r#"{"a":{"z":null,},"b":[1,-2,0.25,true,"\"é",],"c":18446744073709551615,}"#);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(from_str::<Written<Early>>(r#"{"percent":5,"targets":[],"unknown":1}"#).is_err());
        assert!(from_str::<Written<Early>>("7").is_err());
    }
}
