//! The adapter's settings: from its configuration, and per provider from the target's `option.*`.
//!
//! Invariants: a provider's option wins over the configuration; an option that is unknown or unreadable is
//! refused, so that a typing error never changes what is sent.

use serde::Deserialize;

/// How the credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// In `x-api-key`, as Anthropic wants it.
    #[default]
    #[serde(rename = "x-api-key")]
    ApiKey,
    /// In `authorization: Bearer`.
    Bearer,
    /// Not at all.
    None,
}

/// How `reasoning_effort` is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thinking {
    /// As the model's version wants it: `adaptive` from 4.6 on.
    #[default]
    Auto,
    /// `thinking: {type: adaptive}` and `output_config.effort`.
    Adaptive,
    /// `thinking: {type: enabled, budget_tokens}`.
    Budget,
}

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Header `anthropic-version`.
    pub version: String,
    /// Header `anthropic-beta`.
    pub beta: String,
    /// Appended to the provider's base URL.
    pub path: String,
    /// How the credential is sent.
    pub auth: Auth,
    /// `max_tokens` where the request has none: the API insists on one.
    pub max_tokens: u64,
    /// Drop what cannot be expressed instead of refusing the request.
    pub drop_params: bool,
    /// How `reasoning_effort` is said.
    pub thinking: Thinking,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            version: "2023-06-01".into(),
            beta: String::new(),
            path: "/v1/messages".into(),
            auth: Auth::ApiKey,
            max_tokens: 4096,
            drop_params: false,
            thinking: Thinking::Auto,
        }
    }
}

impl Options {
    /// What is wrong with a configuration: a JSON pointer and a message.
    pub fn issue(&self) -> Option<(&'static str, &'static str)> {
        if !self.path.starts_with('/') {
            return Some(("/path", "must start with a slash"));
        }
        (self.max_tokens == 0).then_some(("/max_tokens", "must be at least 1"))
    }

    /// The settings for one target, whose attributes `option.*` win.
    ///
    /// # Errors
    /// When an option is unknown or unreadable.
    pub fn for_target(&self, target: &[(String, String)]) -> Result<Self, String> {
        let mut options = self.clone();
        for (key, value) in target {
            let Some(name) = key.strip_prefix("option.") else { continue };
            let wrong = || format!("option `{name}` cannot be `{value}`");
            match name {
                "version" => options.version.clone_from(value),
                "beta" => options.beta.clone_from(value),
                "path" => options.path.clone_from(value),
                "auth" => options.auth = word(value).ok_or_else(wrong)?,
                "thinking" => options.thinking = word(value).ok_or_else(wrong)?,
                "max_tokens" => options.max_tokens = value.parse().map_err(|_| wrong())?,
                "drop_params" => options.drop_params = value.parse().map_err(|_| wrong())?,
                _ => return Err(format!("there is no option `{name}`")),
            }
        }
        match options.issue() {
            Some((pointer, message)) => {
                Err(format!("option `{}` {message}", pointer.trim_start_matches('/')))
            }
            None => Ok(options),
        }
    }
}

fn word<T: for<'a> Deserialize<'a>>(value: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(value.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Auth, Options, Thinking};

    fn with(options: &[(&str, &str)]) -> Result<Options, String> {
        let target: Vec<_> = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Options::default().for_target(&target)
    }

    #[test]
    fn a_providers_options_win() {
        let options = with(&[
            ("provider", "anthropic"),
            ("option.version", "2024-01-01"),
            ("option.auth", "bearer"),
            ("option.max_tokens", "100"),
            ("option.drop_params", "true"),
            ("option.thinking", "budget"),
        ])
        .unwrap();
        assert_eq!((options.version.as_str(), options.auth), ("2024-01-01", Auth::Bearer));
        assert_eq!((options.max_tokens, options.drop_params), (100, true));
        assert_eq!(options.thinking, Thinking::Budget);
    }

    #[test]
    fn mistakes_are_named() {
        for (key, value) in [
            ("option.max_tokens", "many"),
            ("option.verison", "1"),
            ("option.max_tokens", "0"),
            ("option.auth", "x"),
        ] {
            let error = with(&[(key, value)]).unwrap_err();
            assert!(error.contains(key.trim_start_matches("option.")), "{error}");
        }
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../config.schema.json")).unwrap();
        let properties = schema.get("properties").and_then(|all| all.as_object()).unwrap();
        let told: serde_json::Map<_, _> = properties
            .iter()
            .map(|(name, property)| (name.clone(), property.get("default").unwrap().clone()))
            .collect();
        let told: Options = serde_json::from_value(told.into()).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", Options::default()));
    }
}
