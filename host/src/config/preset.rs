//! Providers that are known by name: their adapter, base URL, and the variable that usually holds their key.
//!
//! They are data, `data/providers.json`: whoever speaks the OpenAI API is one more line there.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A provider that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// Its adapter.
    pub adapter: String,
    /// Its base URL. `{NAME}` stands for the option of that name, and `{NAME-}` for the option and a hyphen, or for
    /// nothing where it is `global`: so Google names its hosts.
    pub base_url: String,
    /// Options that it sets where the configuration does not.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The variable of the environment that usually holds its key; none for servers of one's own.
    pub key: Option<String>,
    /// What the price list calls it, where that is another name.
    pub prices: Option<String>,
}

static PRESETS: LazyLock<Vec<Preset>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/providers.json")).unwrap_or_default());

impl Preset {
    /// Its base URL with these options; none where one is missing that the URL needs.
    pub fn base_url(&self, options: &BTreeMap<String, String>) -> Option<String> {
        let mut url = String::new();
        let mut rest = self.base_url.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            url.push_str(before);
            let value = options.get(name.trim_end_matches('-')).filter(|value| is_label(value))?;
            match name.ends_with('-') {
                false => url.push_str(value),
                true if value == "global" => {}
                true => url.extend([value, "-"]),
            }
            rest = after;
        }
        Some(url + rest)
    }

    /// The options that its base URL needs.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let names = self.base_url.split('{').skip(1).filter_map(|part| part.split('}').next());
        names.map(|name| name.trim_end_matches('-'))
    }
}

/// Whether it can stand in the name of a host.
fn is_label(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// All of them, the most usual first.
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The one of a name.
pub fn find(name: &str) -> Option<&'static Preset> {
    all().iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, all, find};

    #[test]
    fn every_preset_is_whole() {
        assert!(all().len() > 10, "the file cannot be read");
        for (place, preset) in all().iter().enumerate() {
            assert!(!all().iter().skip(place + 1).any(|other| other.name == preset.name), "{}", preset.name);
            let options: BTreeMap<_, _> =
                preset.needs().map(|name| (name.to_owned(), "eu-west-1".to_owned())).collect();
            let url: http::Uri = preset.base_url(&options).unwrap_or_default().parse().unwrap_or_default();
            let local = url.host() == Some("127.0.0.1");
            assert_eq!(url.scheme_str(), Some(if local { "http" } else { "https" }), "{}", preset.name);
            let signed = ["bedrock", "vertex", "vertex-anthropic"].contains(&preset.name.as_str());
            assert_eq!(preset.key.is_none(), local || signed, "{}", preset.name);
            let builtin = preset.adapter.strip_prefix("builtin:").unwrap_or_default();
            assert!(lockgate_bundle::find(builtin, None).is_some(), "{}", preset.name);
        }
    }

    #[test]
    fn base_urls_are_filled_in_and_nothing_else_gets_in() {
        let url = |preset: &str, option: &str, value: &str| {
            find(preset)?.base_url(&[(option.to_owned(), value.to_owned())].into())
        };
        assert_eq!(
            url("bedrock", "region", "eu-central-1").as_deref(),
            Some("https://bedrock-runtime.eu-central-1.amazonaws.com")
        );
        assert_eq!(
            url("vertex", "location", "europe-west1").as_deref(),
            Some("https://europe-west1-aiplatform.googleapis.com")
        );
        assert_eq!(url("vertex", "location", "global").as_deref(), Some("https://aiplatform.googleapis.com"));
        for (option, value) in [("region", ""), ("region", "evil.example/"), ("regoin", "eu-central-1")] {
            assert_eq!(url("bedrock", option, value), None, "{option}={value}");
        }
    }
}
