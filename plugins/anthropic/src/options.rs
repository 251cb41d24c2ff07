//! The adapter's settings: from its configuration, and per provider from the target's `option.*`.
//!
//! Invariant: a provider's option wins over the configuration.

use adapter_kit::option::{each, put, word};
use serde::Deserialize;

/// Who serves the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Anthropic, or somebody with the same API.
    #[default]
    Anthropic,
    /// Google Cloud's Vertex AI. The host signs the requests.
    Vertex,
}

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
    /// Who serves the models.
    pub platform: Platform,
    /// The Google Cloud project, for Vertex AI.
    pub project: String,
    /// Where Vertex AI is to compute.
    pub location: String,
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
            platform: Platform::Anthropic,
            project: String::new(),
            location: "global".into(),
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
        each(target, |name, value| match name {
            "platform" => put(&mut options.platform, word(value)),
            "project" => put(&mut options.project, Some(value.to_owned())),
            "location" => put(&mut options.location, Some(value.to_owned())),
            "version" => put(&mut options.version, Some(value.to_owned())),
            "beta" => put(&mut options.beta, Some(value.to_owned())),
            "path" => put(&mut options.path, Some(value.to_owned())),
            "auth" => put(&mut options.auth, word(value)),
            "thinking" => put(&mut options.thinking, word(value)),
            "max_tokens" => put(&mut options.max_tokens, value.parse().ok()),
            "drop_params" => put(&mut options.drop_params, value.parse().ok()),
            _ => None,
        })?;
        if options.platform == Platform::Vertex {
            for (name, value) in [("project", &options.project), ("location", &options.location)] {
                if value.is_empty() {
                    return Err(format!("option `{name}` must be set for the platform `vertex`"));
                }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Auth, Options, Platform, Thinking};
    use adapter_kit::testing::told_defaults;

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
            ("option.platform", "bedrock"),
        ] {
            let error = with(&[(key, value)]).unwrap_err();
            assert!(error.contains(key.trim_start_matches("option.")), "{error}");
        }
    }

    #[test]
    fn vertex_wants_a_project_and_a_location() {
        let vertex = ("option.platform", "vertex");
        let options = with(&[vertex, ("option.project", "p")]).unwrap();
        assert_eq!((options.platform, options.location.as_str()), (Platform::Vertex, "global"));
        assert!(with(&[vertex]).unwrap_err().contains("`project`"));
        let nowhere = [vertex, ("option.project", "p"), ("option.location", "")];
        assert!(with(&nowhere).unwrap_err().contains("`location`"));
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let told = told_defaults(include_str!("../config.schema.json"));
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(10));
        let told: Options = serde_json::from_value(told).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", Options::default()));
    }
}
