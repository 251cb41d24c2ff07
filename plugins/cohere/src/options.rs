//! The adapter's settings: from its configuration, and per provider from the target's `option.*`.
//!
//! Invariant: a provider's option wins over the configuration.

use adapter_kit::option::{each, put, word};
use serde::{Deserialize, Serialize};

/// How the credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// In `authorization: Bearer`.
    #[default]
    Bearer,
    /// Not at all: a private deployment.
    None,
}

/// What embeddings are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// To be found by a search.
    #[default]
    SearchDocument,
    /// To search with.
    SearchQuery,
    /// To be classified.
    Classification,
    /// To be clustered.
    Clustering,
    /// Pictures.
    Image,
}

/// The settings.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How the credential is sent.
    pub auth: Auth,
    /// Drop what cannot be expressed instead of refusing the request.
    pub drop_params: bool,
    /// What embeddings are for, where the request does not say.
    pub input_type: InputType,
}

impl Options {
    /// The settings for one target, whose attributes `option.*` win.
    ///
    /// # Errors
    /// When an option is unknown or unreadable.
    pub fn for_target(&self, target: &[(String, String)]) -> Result<Self, String> {
        let mut options = *self;
        each(target, |name, value| match name {
            "auth" => put(&mut options.auth, word(value)),
            "drop_params" => put(&mut options.drop_params, value.parse().ok()),
            "input_type" => put(&mut options.input_type, word(value)),
            _ => None,
        })?;
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Auth, InputType, Options};
    use adapter_kit::testing::told_defaults;

    fn with(options: &[(&str, &str)]) -> Result<Options, String> {
        let target: Vec<_> = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Options::default().for_target(&target)
    }

    #[test]
    fn a_providers_options_win_and_mistakes_are_named() {
        let own =
            [("option.auth", "none"), ("option.drop_params", "true"), ("option.input_type", "search_query")];
        let options = with(&own).unwrap();
        let expected = (Auth::None, true, InputType::SearchQuery);
        assert_eq!((options.auth, options.drop_params, options.input_type), expected);
        for (key, value) in [("option.auth", "x"), ("option.input_type", "query"), ("option.x", "1")] {
            let error = with(&[(key, value)]).unwrap_err();
            assert!(error.contains(key.trim_start_matches("option.")), "{error}");
        }
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let told = told_defaults(include_str!("../config.schema.json"));
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(3));
        let told: Options = serde_json::from_value(told).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", Options::default()));
    }
}
