//! Providers, as they stand in the file.

use crate::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// An upstream account.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The adapter: `builtin:openai`, `builtin:anthropic`, or a plugin's name.
    pub adapter: String,
    /// Its base URL; the provider's own where the adapter ships with Lockgate.
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
    /// The base URL: the one in the file, or the provider's own.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        let own = self.adapter.split('@').next().unwrap_or_default();
        self.base_url.as_deref().or(match own {
            "builtin:openai" => Some("https://api.openai.com/v1"),
            "builtin:anthropic" => Some("https://api.anthropic.com"),
            _ => None,
        })
    }
}
