//! Providers that are known by name: their adapter, base URL, and the variable that usually holds their key.
//!
//! They are data, `data/providers.json`: whoever speaks the OpenAI API is one more line there.

use serde::Deserialize;
use std::sync::LazyLock;

/// A provider that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// Its adapter.
    pub adapter: String,
    /// Its base URL.
    pub base_url: String,
    /// The variable of the environment that usually holds its key; none for servers of one's own.
    pub key: Option<String>,
    /// What the price list calls it, where that is another name.
    pub prices: Option<String>,
}

static PRESETS: LazyLock<Vec<Preset>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../data/providers.json")).unwrap_or_default());

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
    use super::all;

    #[test]
    fn every_preset_is_whole() {
        assert!(all().len() > 10, "the file cannot be read");
        for (place, preset) in all().iter().enumerate() {
            assert!(!all().iter().skip(place + 1).any(|other| other.name == preset.name), "{}", preset.name);
            let url: http::Uri = preset.base_url.parse().unwrap_or_default();
            let local = url.host() == Some("127.0.0.1");
            assert_eq!(url.scheme_str(), Some(if local { "http" } else { "https" }), "{}", preset.name);
            assert_eq!(preset.key.is_none(), local, "{}", preset.name);
            let builtin = preset.adapter.strip_prefix("builtin:").unwrap_or_default();
            assert!(lockgate_bundle::find(builtin, None).is_some(), "{}", preset.name);
        }
    }
}
