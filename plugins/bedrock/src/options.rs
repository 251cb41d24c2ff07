//! The adapter's settings: from its configuration, and per provider from the target's `option.*`.
//!
//! Invariants: a provider's option wins over the configuration; the options of the host's signer are accepted
//! and left to it.

use crate::model::Family;
use adapter_kit::option::{each, put, word};
use serde::Deserialize;

/// How a request proves who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// The host signs it.
    #[default]
    Sigv4,
    /// With a Bedrock API key in `authorization: Bearer`.
    Bearer,
    /// Not at all.
    None,
}

/// How `reasoning_effort` is said to Anthropic's models.
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
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How a request proves who sends it.
    pub auth: Auth,
    /// Drop what cannot be expressed instead of refusing the request.
    pub drop_params: bool,
    /// Whose model it is, where its name does not tell.
    pub family: Named,
    /// How `reasoning_effort` is said.
    pub thinking: Thinking,
}

/// Whose model it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Named {
    /// As its name tells.
    #[default]
    Auto,
    /// This family's.
    #[serde(untagged)]
    As(Family),
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
            "family" => put(&mut options.family, word(value)),
            "thinking" => put(&mut options.thinking, word(value)),
            // The signer's.
            "region" | "service" => Some(true),
            _ => None,
        })?;
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Auth, Named, Options, Thinking};
    use crate::model::Family;
    use adapter_kit::testing::told_defaults;

    fn with(options: &[(&str, &str)]) -> Result<Options, String> {
        let target: Vec<_> = options.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Options::default().for_target(&target)
    }

    #[test]
    fn a_providers_options_win_and_mistakes_are_named() {
        let options = with(&[
            ("provider", "bedrock"),
            ("option.auth", "bearer"),
            ("option.drop_params", "true"),
            ("option.family", "gpt-oss"),
            ("option.thinking", "budget"),
            ("option.region", "eu-central-1"),
            ("option.service", "bedrock"),
        ])
        .unwrap();
        assert_eq!((options.auth, options.drop_params), (Auth::Bearer, true));
        assert_eq!((options.family, options.thinking), (Named::As(Family::GptOss), Thinking::Budget));
        assert_eq!(with(&[("option.family", "auto")]).unwrap().family, Named::Auto);
        for (key, value) in [
            ("option.auth", "x"),
            ("option.family", "llama"),
            ("option.drop_params", "yes"),
            ("option.x", "1"),
        ] {
            let error = with(&[(key, value)]).unwrap_err();
            assert!(error.contains(key.trim_start_matches("option.")), "{error}");
        }
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let told = told_defaults(include_str!("../config.schema.json"));
        assert_eq!(told.as_object().map(serde_json::Map::len), Some(4));
        let told: Options = serde_json::from_value(told).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", Options::default()));
    }
}
