//! The adapter's settings: from its configuration, and per provider from the target's `option.*`.
//!
//! Invariants: a provider's option wins over the configuration; an unknown option is refused; nothing is
//! copied for a target without options of its own.

use serde::Deserialize;
use std::borrow::Cow;

/// How the credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// In `authorization: Bearer`.
    #[default]
    Bearer,
    /// In `api-key`, as Azure wants it.
    ApiKey,
    /// As a token of Microsoft Entra, which the host gets and sends.
    Entra,
    /// Not at all: a local server.
    None,
}

/// The settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// How the credential is sent.
    pub auth: Auth,
    /// Header `openai-organization`.
    pub organization: Cow<'static, str>,
    /// Header `openai-project`.
    pub project: Cow<'static, str>,
    /// Query parameter `api-version`, which Azure wants.
    pub api_version: Cow<'static, str>,
    /// Whether a model is a deployment of Azure's, which stands in the path.
    pub deployments: bool,
    /// The name of Azure's resource: it stands in the base URL, and is not needed here.
    pub resource: Cow<'static, str>,
}

impl Options {
    /// The settings for one target, whose attributes `option.*` win.
    ///
    /// # Errors
    /// When an option is unknown or cannot be what it is.
    pub fn for_target(&self, target: &[(String, String)]) -> Result<Cow<'_, Self>, String> {
        let mut options = Cow::Borrowed(self);
        for (key, value) in target {
            let Some(name) = key.strip_prefix("option.") else { continue };
            let options = options.to_mut();
            match name {
                "auth" => {
                    options.auth = match value.as_str() {
                        "bearer" => Auth::Bearer,
                        "api-key" => Auth::ApiKey,
                        "entra" => Auth::Entra,
                        "none" => Auth::None,
                        _ => {
                            return Err(format!(
                                "option `auth` cannot be `{value}`: bearer, api-key, entra or none"
                            ));
                        }
                    }
                }
                "organization" => options.organization = value.clone().into(),
                "project" => options.project = value.clone().into(),
                "api_version" => options.api_version = value.clone().into(),
                "deployments" => {
                    options.deployments =
                        value.parse().map_err(|_| format!("option `deployments` cannot be `{value}`"))?;
                }
                "resource" => options.resource = value.clone().into(),
                _ => return Err(format!("there is no option `{name}`")),
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Auth, Options};
    use std::borrow::Cow;

    #[test]
    fn configuration_and_options_use_the_same_words() {
        for (word, auth) in [
            ("bearer", Auth::Bearer),
            ("api-key", Auth::ApiKey),
            ("entra", Auth::Entra),
            ("none", Auth::None),
        ] {
            let configured: Options = serde_json::from_value(serde_json::json!({ "auth": word })).unwrap();
            assert_eq!(configured.auth, auth);
            let option = [("option.auth".to_owned(), word.to_owned())];
            assert_eq!(Options::default().for_target(&option).unwrap().auth, auth);
        }
    }

    #[test]
    fn without_options_nothing_is_copied() {
        let target = [("provider".to_owned(), "openai".to_owned())];
        assert!(matches!(Options::default().for_target(&target), Ok(Cow::Borrowed(_))));
        assert!(Options::default().for_target(&[("option.orgnization".to_owned(), "x".to_owned())]).is_err());
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
