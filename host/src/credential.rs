//! What the gateway shows providers: keys, tokens, signatures.
//!
//! [`Credentials`] are one provider's. A key goes where an adapter names it; a signer takes a request that is complete
//! and makes it one that the provider believes. Invariants: nothing here is shown by `Debug`, an error or a log line;
//! whatever has to be fetched is fetched once for all who wait, and before it runs out.

mod aws;
mod entra;
mod fetch;
mod google;
mod keyring;
mod refusal;
mod renewed;
#[cfg(test)]
mod tests;

pub use aws::AwsSettings;
pub use entra::{EntraSettings, Proof};
pub use google::GoogleSettings;
pub use keyring::{Key, Keyring, Pick};
pub use refusal::Refusal;

use aws::Aws;
use bytes::Bytes;
use entra::Entra;
use google::Google;
use http::{HeaderValue, Request, header};
use renewed::Renewed;
use std::fmt;

/// Why a request could not be signed. Never holds what is secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SignError {
    /// The adapter asks for a signer that there is not.
    #[error("there is no signer `{0}`: `aws-sigv4`, `google-oauth` or `entra`")]
    Unknown(String),
    /// The configuration lacks what the signer needs.
    #[error("{0}")]
    Settings(String),
    /// What signs could not be had.
    #[error("no credential could be had: {0}")]
    Unavailable(String),
}

/// How the signers get what they sign with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignerSettings {
    /// Amazon's.
    pub aws: AwsSettings,
    /// Google's.
    pub google: GoogleSettings,
    /// Microsoft's; none where it is not configured.
    pub entra: Option<EntraSettings>,
}

/// The credentials of one provider.
pub struct Credentials {
    /// Its keys.
    pub keys: Keyring,
    settings: SignerSettings,
    aws: Aws,
    google: Renewed<Google>,
    entra: Option<Renewed<Entra>>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Credentials {
    /// The credentials of these keys and settings. Fetches nothing yet.
    #[must_use]
    pub fn new(keys: Keyring, settings: SignerSettings) -> Self {
        Self {
            keys,
            aws: Aws::new(settings.aws.clone()),
            google: Renewed::new(Google::new(settings.google.clone())),
            entra: settings.entra.clone().map(|entra| Renewed::new(Entra::new(entra))),
            settings,
        }
    }

    /// Whether they are of these keys and settings: then they may stay, with what was fetched and learnt.
    #[must_use]
    pub fn are(&self, keys: &Keyring, settings: &SignerSettings) -> bool {
        self.keys.same(keys) && self.settings == *settings
    }

    /// Signs a request that is otherwise complete.
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn sign(&self, signer: &str, request: &mut Request<Bytes>) -> Result<(), SignError> {
        let token = match signer {
            "aws-sigv4" => return self.aws.sign(request).await,
            "google-oauth" => self.google.get().await?,
            "entra" => match &self.entra {
                Some(entra) => entra.get().await?,
                None => return Err(SignError::Settings("the provider has no `entra` settings".into())),
            },
            other => return Err(SignError::Unknown(other.to_owned())),
        };
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| SignError::Unavailable("the token is not a header value".into()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        Ok(())
    }
}
