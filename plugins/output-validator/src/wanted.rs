//! The configuration, and what it and a request together want of an answer.
//!
//! Invariants: the operator's schema is compiled once, at `configure`; a request's schema travels in the
//! exchange's scratch and is compiled when the answer is there. Both must hold where both are given.
//! It never fetches a schema from anywhere: a `$ref` to elsewhere makes a schema unusable.

use crate::judge::Wish;
use crate::policy::OnInvalid;
use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// What the operator writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Every chat answer must be JSON.
    json: bool,
    /// Every chat answer must satisfy this schema.
    schema: Option<Value>,
    /// Whether the request's own `response_format` is enforced.
    response_format: bool,
    /// What to do with an answer that cannot be mended.
    on_invalid: OnInvalid,
    /// How often the model is asked again.
    max_retries: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            json: false,
            schema: None,
            response_format: true,
            on_invalid: OnInvalid::Retry,
            max_retries: 2,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, PartialEq)]
pub struct ConfigIssue {
    /// A JSON pointer into the configuration.
    pub pointer: &'static str,
    /// What is wrong.
    pub message: String,
}

/// A configuration, ready for use.
pub struct Settings {
    config: Config,
    schema: Option<Validator>,
}

/// What one exchange's answer must be, as it is kept in the scratch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    object: bool,
    schema: Option<Value>,
}

impl Settings {
    /// Checks and prepares a configuration.
    ///
    /// # Errors
    /// When the schema is not one.
    pub fn new(config: Config) -> Result<Self, ConfigIssue> {
        let schema = match &config.schema {
            None => None,
            Some(schema) => {
                Some(compile(schema).map_err(|message| ConfigIssue { pointer: "/schema", message })?)
            }
        };
        if config.max_retries > 5 {
            let message = "must be at most 5: every retry is a paid call".to_owned();
            return Err(ConfigIssue { pointer: "/max_retries", message });
        }
        Ok(Self { config, schema })
    }

    /// What to do with an answer that cannot be mended.
    pub fn on_invalid(&self) -> OnInvalid {
        self.config.on_invalid
    }

    /// How often the model is asked again.
    pub fn max_retries(&self) -> u32 {
        self.config.max_retries
    }

    /// What the answer to a request with this `response_format` must be; `None` when it may be anything.
    pub fn wanted(&self, response_format: Option<&str>) -> Option<Wanted> {
        let from_request = response_format
            .filter(|_| self.config.response_format)
            .and_then(|format| serde_json::from_str::<Value>(format).ok())
            .and_then(|format| match format.get("type").and_then(Value::as_str) {
                Some("json_object") => Some(Wanted { object: true, schema: None }),
                Some("json_schema") => {
                    Some(Wanted { object: false, schema: format.pointer("/json_schema/schema").cloned() })
                }
                _ => None,
            });
        let always = self.config.json || self.schema.is_some();
        from_request.or_else(|| always.then_some(Wanted { object: false, schema: None }))
    }

    /// What the answer is held against.
    ///
    /// # Errors
    /// When the request's schema is not one.
    pub fn wish(&self, wanted: &Wanted) -> Result<Wish<'_>, String> {
        let mut schemas: Vec<Cow<'_, Validator>> = self.schema.iter().map(Cow::Borrowed).collect();
        if let Some(schema) = &wanted.schema {
            schemas.push(Cow::Owned(compile(schema)?));
        }
        Ok(Wish { object: wanted.object, schemas })
    }
}

impl Wanted {
    /// For the scratch.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From the scratch.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::validator_for(schema).map_err(|error| format!("not a usable JSON Schema: {error}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Config, Settings, Wanted};
    use serde_json::{Value, json};

    fn settings(config: Value) -> Settings {
        Settings::new(serde_json::from_value::<Config>(config).unwrap())
            .map_err(|issue| issue.message)
            .unwrap()
    }

    #[test]
    fn a_request_says_what_it_wants() {
        let s = settings(json!({}));
        assert_eq!(s.wanted(None), None);
        assert_eq!(s.wanted(Some(r#"{"type": "text"}"#)), None);
        assert_eq!(s.wanted(Some(r#"{"type": "json_object"}"#)), Some(Wanted { object: true, schema: None }));
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}});
        let wanted = s.wanted(Some(&format.to_string())).unwrap();
        assert_eq!(wanted.schema, Some(json!({"type": "array"})));
        assert_eq!(Wanted::from_bytes(&wanted.to_bytes()), Some(wanted));
    }

    #[test]
    fn the_operator_may_want_more_or_less() {
        let s = settings(json!({"schema": {"type": "object"}}));
        assert!(s.wanted(None).is_some());
        let wanted = Wanted { object: false, schema: Some(json!({"required": ["a"]})) };
        assert_eq!(s.wish(&wanted).map(|wish| wish.schemas.len()), Ok(2));
        assert!(settings(json!({"json": true})).wanted(Some("not json")).is_some());
        let off = settings(json!({"response_format": false}));
        assert_eq!(off.wanted(Some(r#"{"type": "json_object"}"#)), None);
    }

    #[test]
    fn bad_schemas_are_refused_with_their_place() {
        let issue = |config: Value| Settings::new(serde_json::from_value(config).unwrap()).err().unwrap();
        assert_eq!(issue(json!({"schema": {"type": "nonsense"}})).pointer, "/schema");
        assert_eq!(issue(json!({"max_retries": 50})).pointer, "/max_retries");
        let s = settings(json!({}));
        let wanted =
            Wanted { object: false, schema: Some(json!({"$ref": "https://example.com/schema.json"})) };
        assert!(s.wish(&wanted).is_err());
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../config.schema.json")).unwrap();
        let properties = schema.get("properties").and_then(|all| all.as_object()).unwrap();
        let told: serde_json::Map<_, _> = properties
            .iter()
            .map(|(name, property)| (name.clone(), property.get("default").unwrap().clone()))
            .collect();
        let told: Config = serde_json::from_value(told.into()).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", Config::default()));
    }
}
