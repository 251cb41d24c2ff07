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
    /// Several keys, in place of `credential`: requests are shared among them, and a key that is refused (401, 403) or
    /// exhausted (429) is set aside for a while.
    #[serde(default)]
    pub credentials: Vec<ProviderKey>,
    /// Who the gateway is to Amazon, for adapters that have requests signed `aws-sigv4`. What is not set is found where
    /// Amazon's own tools find it.
    #[serde(default)]
    pub aws: Aws,
    /// Who the gateway is to Google, for adapters that have requests signed `google-oauth`. Without it, Application
    /// Default Credentials.
    #[serde(default)]
    pub google: Google,
    /// Who the gateway is to Microsoft Entra, for adapters that have requests signed `entra`.
    pub entra: Option<Entra>,
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

/// One of several keys.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderKey {
    /// What logs call it; its place in the list where it has none.
    pub name: Option<String>,
    /// The key.
    #[schemars(with = "String")]
    pub key: Secret,
    /// Its share of the requests, beside the others'.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

/// Who the gateway is to Amazon.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Aws {
    /// The region; the option `region` where this is not set.
    pub region: Option<String>,
    /// The service that requests are signed for; `bedrock`.
    pub service: Option<String>,
    /// The id of an access key.
    pub access_key_id: Option<String>,
    /// Its secret.
    #[schemars(with = "Option<String>")]
    pub secret_access_key: Option<Secret>,
    /// The token of its session, where it is temporary.
    #[schemars(with = "Option<String>")]
    pub session_token: Option<Secret>,
    /// A profile of the shared configuration.
    pub profile: Option<String>,
    /// The ARN of a role to take on.
    pub role_arn: Option<String>,
    /// Where Amazon's token service is, instead of its own place.
    pub endpoint_url: Option<String>,
}

/// Who the gateway is to Google.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Google {
    /// The JSON of a service account's key or of a login: `${file:/run/secrets/key.json}`.
    #[schemars(with = "Option<String>")]
    pub credentials: Option<Secret>,
}

/// Who the gateway is to Microsoft Entra: by a secret, by a federated token's file, or by the machine it runs on where
/// neither is set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entra {
    /// The directory.
    pub tenant_id: Option<String>,
    /// The application.
    pub client_id: Option<String>,
    /// Its secret.
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<Secret>,
    /// The file of a federated token, as workload identity writes it.
    pub federated_token_file: Option<PathBuf>,
    /// What tokens are for.
    #[serde(default = "scope")]
    pub scope: String,
    /// Where tokens are had.
    #[serde(default = "authority")]
    pub authority: String,
    /// The machine's identity service.
    #[serde(default = "identity_url")]
    pub identity_url: String,
}

fn scope() -> String {
    "https://cognitiveservices.azure.com/.default".into()
}

fn authority() -> String {
    "https://login.microsoftonline.com".into()
}

fn identity_url() -> String {
    "http://169.254.169.254/metadata/identity/oauth2/token".into()
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
        if self.entra.is_some() {
            self.options.entry("auth".into()).or_insert_with(|| "entra".into());
        }
        for (option, value) in &known.options {
            self.options.entry(option.clone()).or_insert_with(|| value.clone());
        }
        if self.base_url.is_none() {
            self.base_url = known.base_url(&self.options);
        }
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
