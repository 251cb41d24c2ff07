//! Access tokens of Google Cloud: for a service account, a user who logged in, or the machine itself.
//!
//! Without settings, credentials are looked for where Google's own libraries look ("Application Default Credentials"):
//! the file that `GOOGLE_APPLICATION_CREDENTIALS` names, the one that `gcloud` writes, then the metadata service.
//! Source: Google, "Using OAuth 2.0 for Server to Server Applications"; RFC 7523.

use super::renewed::{Fetched, Source};
use super::{SignError, fetch};
use crate::clock::unix_seconds;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;
use std::path::PathBuf;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// Seconds that an assertion is good for, the most that Google allows.
const ASSERTION: u64 = 3_600;

/// Where Google's credentials are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoogleSettings {
    /// The JSON of a key or login itself.
    pub credentials: Option<Secret>,
}

/// Access tokens.
#[derive(Debug)]
pub struct Google(GoogleSettings);

/// A credentials file.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Credentials {
    ServiceAccount {
        client_email: String,
        private_key: Secret,
        #[serde(default)]
        private_key_id: String,
        #[serde(default)]
        token_uri: Option<String>,
    },
    AuthorizedUser {
        client_id: String,
        client_secret: Secret,
        refresh_token: Secret,
        #[serde(default)]
        token_uri: Option<String>,
    },
    #[serde(other)]
    Other,
}

impl Google {
    /// A source with these settings.
    #[must_use]
    pub fn new(settings: GoogleSettings) -> Self {
        Self(settings)
    }

    async fn credentials(&self) -> Result<Option<Credentials>, SignError> {
        let text = match &self.0.credentials {
            Some(text) => text.clone(),
            None => match well_known().await? {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        // The parser's own words might repeat a part of it.
        let unreadable =
            |_| SignError::Settings("Google's credentials are not the JSON that Google writes".into());
        serde_json::from_str(text.expose()).map(Some).map_err(unreadable)
    }
}

impl Source for Google {
    type Value = Secret;

    async fn fetch(&self) -> Result<Fetched<Secret>, SignError> {
        match self.credentials().await? {
            Some(Credentials::ServiceAccount { client_email, private_key, private_key_id, token_uri }) => {
                let url = token_uri.as_deref().unwrap_or(TOKEN_URL);
                let assertion = assertion(&client_email, &private_key_id, &private_key, url)?;
                let form = [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", assertion.expose()),
                ];
                fetch::post(url, &form).await
            }
            Some(Credentials::AuthorizedUser { client_id, client_secret, refresh_token, token_uri }) => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", &client_id),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ];
                fetch::post(token_uri.as_deref().unwrap_or(TOKEN_URL), &form).await
            }
            Some(Credentials::Other) => {
                let message =
                    "Google's credentials must be of the type `service_account` or `authorized_user`";
                Err(SignError::Settings(message.into()))
            }
            None => {
                let host = variable("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".into());
                let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
                fetch::get(&url, "metadata-flavor", "Google").await
            }
        }
    }
}

/// The file that Google's own libraries would read.
async fn well_known() -> Result<Option<Secret>, SignError> {
    let named = variable("GOOGLE_APPLICATION_CREDENTIALS").map(PathBuf::from);
    let usual =
        || Some(PathBuf::from(variable("HOME")?).join(".config/gcloud/application_default_credentials.json"));
    let Some(file) = named.clone().or_else(usual) else { return Ok(None) };
    match tokio::fs::read_to_string(&file).await {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(_) if named.is_none() => Ok(None),
        Err(error) => Err(SignError::Unavailable(format!("{}: {}", file.display(), error.kind()))),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A signed statement of who asks for what (RFC 7523, section 3).
fn assertion(email: &str, key_id: &str, key: &Secret, audience: &str) -> Result<Secret, SignError> {
    let unusable = || SignError::Settings("the private key of Google's credentials is no RSA key".into());
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| unusable())?;
    let pair = match &key {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(unusable()),
    };
    let pair = pair.map_err(|_| unusable())?;
    let now = unix_seconds();
    let head = json!({ "alg": "RS256", "typ": "JWT", "kid": key_id });
    let claims = json!({ "iss": email, "scope": SCOPE, "aud": audience, "iat": now, "exp": now + ASSERTION });
    let encoded = |value: String| URL_SAFE_NO_PAD.encode(value);
    let signed = format!("{}.{}", encoded(head.to_string()), encoded(claims.to_string()));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| unusable())?;
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}
