//! The configuration, and what it and a request together want of an answer.
//!
//! Invariants: the operator's schemas are compiled once, at `configure`; a request's schema is checked before
//! anything is sent, and travels in the exchange's scratch. All must hold where several are given.
//! It never fetches a schema from anywhere: a `$ref` to what was not configured makes a schema unusable.

use crate::judge::Wish;
use crate::policy::OnInvalid;
use crate::rules::{Rules, RulesConfig};
use crate::schema::{Compiler, Draft};
use crate::toplevel::TopLevel;
use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the operator writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Every chat answer must be JSON.
    json: bool,
    /// Every chat answer must satisfy this schema.
    schema: Option<Value>,
    /// By route, a schema that its chat answers must satisfy besides.
    routes: BTreeMap<String, Value>,
    /// By URI, the documents that schemas may refer to.
    documents: BTreeMap<String, Value>,
    /// What a schema without `$schema` is read as.
    draft: Draft,
    /// Whether `format` is checked.
    formats: bool,
    /// Whether the request's own `response_format` is enforced.
    response_format: bool,
    /// What the text of every chat answer must satisfy.
    rules: RulesConfig,
    /// What to do with an answer that cannot be mended.
    on_invalid: OnInvalid,
    /// How often the model is asked again.
    max_retries: u32,
    /// Whether what was mended by leaving out or guessing will do.
    accept_lossy: bool,
    /// What the client is given instead of a refusal.
    fallback: Option<Value>,
    /// Whether streams are checked as they pass, instead of being held until they are judged.
    check_streams: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            json: false,
            schema: None,
            routes: BTreeMap::new(),
            documents: BTreeMap::new(),
            draft: Draft::default(),
            formats: false,
            response_format: true,
            rules: RulesConfig::default(),
            on_invalid: OnInvalid::Retry,
            max_retries: 2,
            accept_lossy: false,
            fallback: None,
            check_streams: false,
        }
    }
}

/// What is wrong with a configuration.
#[derive(Debug, PartialEq)]
pub struct ConfigIssue {
    /// A JSON pointer into the configuration.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

/// A configuration, ready for use.
pub struct Settings {
    config: Config,
    compiler: Compiler,
    schema: Option<Arc<Validator>>,
    routes: BTreeMap<String, Arc<Validator>>,
    rules: Option<Rules>,
    fallback: Option<String>,
}

/// What one exchange's answer must be, as it is kept in the scratch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wanted {
    /// Whether it must be JSON at all.
    json: bool,
    object: bool,
    /// The text of the request's schema.
    schema: Option<String>,
    /// The route whose schema holds.
    route: Option<String>,
}

impl Settings {
    /// Checks and prepares a configuration.
    ///
    /// # Errors
    /// When a schema is not one, a rule is not one, or a bound is out of its range.
    pub fn new(mut config: Config) -> Result<Self, ConfigIssue> {
        if config.max_retries > 5 {
            let message = "must be at most 5: every retry is a paid call".to_owned();
            return Err(ConfigIssue { pointer: "/max_retries".to_owned(), message });
        }
        let compiler = Compiler::new(std::mem::take(&mut config.documents), config.formats, config.draft);
        let compile = |pointer: String, schema: &Value| {
            compiler.compile(schema).map(Arc::new).map_err(|message| ConfigIssue { pointer, message })
        };
        let schema =
            config.schema.as_ref().map(|schema| compile("/schema".to_owned(), schema)).transpose()?;
        let mut routes = BTreeMap::new();
        for (route, schema) in &config.routes {
            let pointer = format!("/routes/{}", route.replace('~', "~0").replace('/', "~1"));
            routes.insert(route.clone(), compile(pointer, schema)?);
        }
        let rules = Rules::new(config.rules.clone())
            .map_err(|(pointer, message)| ConfigIssue { pointer, message })?;
        let fallback = config.fallback.as_ref().map(|fallback| match fallback {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        });
        if let (Some(text), Some(schema)) = (&fallback, &schema)
            && !serde_json::from_str(text).is_ok_and(|value: Value| schema.is_valid(&value))
        {
            let message = "must satisfy `schema` itself".to_owned();
            return Err(ConfigIssue { pointer: "/fallback".to_owned(), message });
        }
        Ok(Self { config, compiler, schema, routes, rules, fallback })
    }

    /// What to do with an answer that cannot be mended.
    pub fn on_invalid(&self) -> OnInvalid {
        self.config.on_invalid
    }

    /// How often the model is asked again.
    pub fn max_retries(&self) -> u32 {
        self.config.max_retries
    }

    /// What the client is given instead of a refusal.
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Whether a stream of this exchange passes through, checked as it comes: nothing but its form is wanted, and
    /// what is wrong with it ends it.
    pub fn checks_stream(&self, wanted: &Wanted) -> bool {
        let ends = self.config.on_invalid != OnInvalid::Flag;
        self.config.check_streams && wanted.json && self.rules.is_none() && ends
    }

    /// What the answer to a request with this `response_format`, on this route, must be; `None` when it may be
    /// anything.
    pub fn wanted(&self, response_format: Option<&str>, route: Option<&str>) -> Option<Wanted> {
        let route = route.filter(|route| self.routes.contains_key(*route)).map(str::to_owned);
        let always = self.config.json || self.schema.is_some() || route.is_some();
        let mut wanted = Wanted { json: always, route, ..Wanted::default() };
        let format = response_format
            .filter(|_| self.config.response_format)
            .and_then(|format| serde_json::from_str::<Value>(format).ok());
        match format.as_ref().and_then(|format| format.get("type")).and_then(Value::as_str) {
            Some("json_object") => (wanted.json, wanted.object) = (true, true),
            Some("json_schema") => {
                wanted.json = true;
                let schema = format.as_ref().and_then(|format| format.pointer("/json_schema/schema"));
                wanted.schema = schema.filter(|schema| !schema.is_null()).map(Value::to_string);
            }
            _ => {}
        }
        (wanted.json || self.rules.is_some()).then_some(wanted)
    }

    /// What the answer is held against.
    ///
    /// # Errors
    /// When the request's schema is not one.
    pub fn wish(&self, wanted: &Wanted) -> Result<Wish<'_>, String> {
        let route = wanted.route.as_ref().and_then(|route| self.routes.get(route));
        let mut schemas: Vec<Arc<Validator>> = self.schema.iter().chain(route).cloned().collect();
        if let Some(schema) = &wanted.schema {
            schemas.push(self.compiler.cached(schema)?);
        }
        let (json, object, accept_lossy) = (wanted.json, wanted.object, self.config.accept_lossy);
        Ok(Wish { json, object, schemas, rules: self.rules.as_ref(), accept_lossy, cut_off: false })
    }

    /// What is known of the top of the answer.
    pub fn tops(&self, wanted: &Wanted) -> Vec<TopLevel> {
        let route = wanted.route.as_ref().and_then(|route| self.config.routes.get(route));
        let own = wanted.schema.as_ref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let schemas = self.config.schema.iter().chain(route).chain(&own).map(TopLevel::of);
        schemas.chain(wanted.object.then(TopLevel::object)).collect()
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
        assert_eq!(s.wanted(None, None), None);
        assert_eq!(s.wanted(Some(r#"{"type": "text"}"#), None), None);
        assert_eq!(
            s.wanted(Some(r#"{"type": "json_object"}"#), None),
            Some(Wanted { json: true, object: true, ..Wanted::default() })
        );
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "array"}}});
        let wanted = s.wanted(Some(&format.to_string()), None).unwrap();
        assert_eq!(wanted.schema, Some(json!({"type": "array"}).to_string()));
        assert_eq!(Wanted::from_bytes(&wanted.to_bytes()), Some(wanted));
    }

    #[test]
    fn the_operator_may_want_more_or_less() {
        let s = settings(json!({"schema": {"type": "object"}}));
        assert!(s.wanted(None, None).is_some());
        let wanted = Wanted { schema: Some(json!({"required": ["a"]}).to_string()), ..Wanted::default() };
        assert_eq!(s.wish(&wanted).map(|wish| wish.schemas.len()), Ok(2));
        assert!(settings(json!({"json": true})).wanted(Some("not json"), None).is_some());
        let off = settings(json!({"response_format": false}));
        assert_eq!(off.wanted(Some(r#"{"type": "json_object"}"#), None), None);
    }

    #[test]
    fn a_route_has_a_schema_of_its_own() {
        let s = settings(json!({"routes": {"cities": {"type": "object"}}}));
        assert_eq!(s.wanted(None, Some("others")), None);
        let wanted = s.wanted(Some(r#"{"type": "json_object"}"#), Some("cities")).unwrap();
        assert_eq!(s.wish(&wanted).map(|wish| wish.schemas.len()), Ok(1));
        assert_eq!(s.tops(&wanted).len(), 2);
    }

    #[test]
    fn rules_hold_without_json_and_keep_streams_held() {
        let s = settings(json!({"rules": {"max_words": 3}, "check_streams": true}));
        let wanted = s.wanted(None, None).unwrap();
        assert!(s.wish(&wanted).is_ok_and(|wish| !wish.json && wish.rules.is_some()));
        assert!(!s.checks_stream(&wanted));
        let json = Wanted { json: true, ..Wanted::default() };
        assert!(!s.checks_stream(&json));
        assert!(settings(json!({"check_streams": true})).checks_stream(&json));
        assert!(!settings(json!({"check_streams": true, "on_invalid": "flag"})).checks_stream(&json));
    }

    #[test]
    fn bad_schemas_are_refused_with_their_place() {
        let issue = |config: Value| Settings::new(serde_json::from_value(config).unwrap()).err().unwrap();
        assert_eq!(issue(json!({"schema": {"type": "nonsense"}})).pointer, "/schema");
        assert_eq!(issue(json!({"max_retries": 50})).pointer, "/max_retries");
        assert_eq!(issue(json!({"schema": {"type": "object"}, "fallback": "sorry"})).pointer, "/fallback");
        assert_eq!(settings(json!({"schema": {}, "fallback": {"a": 1}})).fallback(), Some("{\"a\":1}"));
        assert_eq!(issue(json!({"routes": {"a/b": {"$ref": "https://x/"}}})).pointer, "/routes/a~1b");
        assert_eq!(issue(json!({"rules": {"must_match": ["("]}})).pointer, "/rules/must_match/0");
        let s = settings(json!({}));
        let schema = Some(json!({"$ref": "https://example.com/schema.json"}).to_string());
        let wanted = Wanted { schema, ..Wanted::default() };
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
