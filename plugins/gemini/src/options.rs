//! The adapter's settings: from its configuration, and per provider from the target's `option.*`.
//!
//! Invariant: a provider's option wins over the configuration.

use adapter_kit::option::{each, put, word};
use serde::Deserialize;

/// How the credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// In `x-goog-api-key`, as Google wants it.
    #[default]
    #[serde(rename = "x-goog-api-key")]
    ApiKey,
    /// In `authorization: Bearer`.
    Bearer,
    /// Not at all.
    None,
}

/// Where the thought signature of a tool call is kept between the turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signatures {
    /// In the id of the call, which every client sends back.
    #[default]
    InId,
    /// Nowhere.
    None,
}

/// Who serves the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// The Gemini API, with a key.
    #[default]
    Gemini,
    /// Vertex AI, in a project of Google Cloud.
    Vertex,
}

/// The settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The first part of the path.
    pub api_version: String,
    /// How the credential is sent.
    pub auth: Auth,
    /// Drop what cannot be expressed instead of refusing the request.
    pub drop_params: bool,
    /// Where thought signatures are kept.
    pub signatures: Signatures,
    /// Who serves the models.
    pub platform: Platform,
    /// The project, on Vertex AI.
    pub project: String,
    /// Where in it, on Vertex AI.
    pub location: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_version: "v1beta".into(),
            auth: Auth::ApiKey,
            drop_params: false,
            signatures: Signatures::InId,
            platform: Platform::Gemini,
            project: String::new(),
            location: "global".into(),
        }
    }
}

impl Options {
    /// What is wrong with a configuration: a JSON pointer and a message.
    pub fn issue(&self) -> Option<(&'static str, &'static str)> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let dots = self.api_version.chars().all(|c| c == '.');
        (dots || !self.api_version.chars().all(fine)).then_some(("/api_version", "must be like `v1beta`"))
    }

    /// The settings for one target, whose attributes `option.*` win.
    ///
    /// # Errors
    /// When an option is unknown or unreadable.
    pub fn for_target(&self, target: &[(String, String)]) -> Result<Self, String> {
        let mut options = self.clone();
        each(target, |name, value| match name {
            "api_version" => put(&mut options.api_version, Some(value.to_owned())),
            "auth" => put(&mut options.auth, word(value)),
            "drop_params" => put(&mut options.drop_params, value.parse().ok()),
            "signatures" => put(&mut options.signatures, word(value)),
            "platform" => put(&mut options.platform, word(value)),
            "project" => put(&mut options.project, Some(value.to_owned())),
            "location" => put(&mut options.location, Some(value.to_owned())),
            _ => None,
        })?;
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

    use super::{Auth, Options, Signatures};
    use adapter_kit::testing::told_defaults;

    fn with(options: &[(&str, &str)]) -> Result<Options, String> {
        let target: Vec<_> = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Options::default().for_target(&target)
    }

    #[test]
    fn a_providers_options_win() {
        let options = with(&[
            ("provider", "gemini"),
            ("option.api_version", "v1"),
            ("option.auth", "bearer"),
            ("option.drop_params", "true"),
            ("option.signatures", "none"),
        ])
        .unwrap();
        assert_eq!((options.api_version.as_str(), options.auth), ("v1", Auth::Bearer));
        assert_eq!((options.drop_params, options.signatures), (true, Signatures::None));
    }

    #[test]
    fn mistakes_are_named() {
        for (key, value) in [
            ("option.api_version", "../x"),
            ("option.auth", "x"),
            ("option.api_version", ".."),
            ("option.x", "1"),
        ] {
            let error = with(&[(key, value)]).unwrap_err();
            assert!(error.contains(key.trim_start_matches("option.")), "{error}");
        }
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let told = told_defaults(include_str!("../config.schema.json"));
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(7));
        let told: Options = serde_json::from_value(told).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", Options::default()));
    }
}
