//! Tokens of Microsoft Entra ID, for Azure.
//!
//! Source: Microsoft identity platform, "OAuth 2.0 client credentials flow"; Azure, "How to use managed identities".

use super::renewed::{Fetched, Source};
use super::{SignError, fetch};
use crate::secret::Secret;
use std::path::PathBuf;

/// Who the gateway is to Entra, and what it wants a token for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntraSettings {
    /// Where tokens are had: `https://login.microsoftonline.com`.
    pub authority: String,
    /// What for: `https://cognitiveservices.azure.com/.default`.
    pub scope: String,
    /// How it shows who it is.
    pub proof: Proof,
}

/// How an application shows who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// By a secret.
    ClientSecret {
        /// The directory.
        tenant: String,
        /// The application.
        client: String,
        /// Its secret.
        secret: Secret,
    },
    /// By a token that the platform writes into a file: workload identity.
    Federated {
        /// The directory.
        tenant: String,
        /// The application.
        client: String,
        /// The file, which is read for each token.
        file: PathBuf,
    },
    /// By the machine it runs on: managed identity.
    Managed {
        /// The identity service.
        url: String,
        /// The application, where the machine has several.
        client: Option<String>,
    },
}

/// Tokens by client credentials.
#[derive(Debug)]
pub struct Entra(EntraSettings);

impl Entra {
    /// A source with these settings.
    #[must_use]
    pub fn new(settings: EntraSettings) -> Self {
        Self(settings)
    }

    fn url(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.0.authority.trim_end_matches('/'))
    }
}

impl Source for Entra {
    type Value = Secret;

    async fn fetch(&self) -> Result<Fetched<Secret>, SignError> {
        let scope = self.0.scope.as_str();
        match &self.0.proof {
            Proof::ClientSecret { tenant, client, secret } => {
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client),
                    ("client_secret", secret.expose()),
                    ("scope", scope),
                ];
                fetch::post(&self.url(tenant), &form).await
            }
            Proof::Federated { tenant, client, file } => {
                let assertion = tokio::fs::read_to_string(file).await.map_err(|error| {
                    SignError::Unavailable(format!("{}: {}", file.display(), error.kind()))
                })?;
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", client),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", assertion.trim()),
                    ("scope", scope),
                ];
                fetch::post(&self.url(tenant), &form).await
            }
            Proof::Managed { url, client } => {
                let client = client.as_deref().map(|client| ("client_id", client));
                let asked =
                    [("api-version", "2018-02-01"), ("resource", scope.trim_end_matches("/.default"))];
                let query: String = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(asked.into_iter().chain(client))
                    .finish();
                fetch::get(&format!("{url}?{query}"), "metadata", "true").await
            }
        }
    }
}
