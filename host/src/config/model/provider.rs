//! Providers, as they stand in the file.

use crate::config::preset;
use crate::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An upstream account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// A provider that is known by name, such as `groq`: its adapter and base URL. Without this and `adapter`, the
    /// provider's own name is looked up.
    pub preset: Option<String>,
    /// The adapter: `builtin:openai`, `builtin:anthropic`, `builtin:gemini`, `builtin:mistral`, or a plugin's name.
    #[serde(default)]
    pub adapter: String,
    /// Its base URL; the preset's or the adapter's own where none is given.
    pub base_url: Option<String>,
    /// Its key.
    #[schemars(with = "Option<String>")]
    pub credential: Option<Secret>,
    /// Options of the adapter for this provider.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Its timeouts.
    #[serde(default)]
    pub timeouts: ProviderTimeouts,
    /// Its TLS.
    #[serde(default)]
    pub tls: ProviderTls,
}

/// Timeouts of a provider, in milliseconds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderTimeouts {
    /// To connect.
    pub connect_ms: u64,
    /// To the first byte of the answer.
    pub first_byte_ms: u64,
    /// Between two pieces of the answer.
    pub idle_ms: u64,
    /// For the whole.
    pub total_ms: u64,
}

impl Default for ProviderTimeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 60_000, idle_ms: 60_000, total_ms: 600_000 }
    }
}

/// TLS towards a provider.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProviderTls {
    /// PEM certificates to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM certificate chain of the gateway, for mutual TLS.
    pub client_cert: Option<PathBuf>,
    /// PEM key of the gateway, for mutual TLS.
    pub client_key: Option<PathBuf>,
}

impl Provider {
    /// Fills in what the file leaves to what is known of the provider.
    pub fn complete(&mut self, name: &str) {
        let meant = self.preset.as_deref().or(self.adapter.is_empty().then_some(name));
        let known = meant.and_then(preset::find).or_else(|| preset::find(self.builtin_adapter()?));
        let Some(known) = known else { return };
        if self.adapter.is_empty() {
            self.adapter.clone_from(&known.adapter);
        }
        self.base_url.get_or_insert_with(|| known.base_url.clone());
        self.preset.get_or_insert_with(|| known.name.clone());
    }

    /// What the price list calls it; none where nothing is known of it.
    #[must_use]
    pub fn price_name(&self) -> Option<&'static str> {
        let known = preset::find(self.preset.as_deref()?)?;
        Some(known.prices.as_deref().unwrap_or(&known.name))
    }

    /// The adapter's name, without its version, where it ships with Lockgate.
    fn builtin_adapter(&self) -> Option<&str> {
        self.adapter.strip_prefix("builtin:")?.split('@').next()
    }
}
