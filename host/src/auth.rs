//! Who asks: from the credential that a client shows to a tenant, a key's name, and what it may be used for.
//!
//! Credentials are keys of the configuration (`configured`), keys made at run time (`keys`), tokens of an identity
//! provider (`issuer`) and verified client certificates (`certificate`).
//!
//! Invariants: only hashes of keys are held; they are compared whole and in constant time; the answer to a wrong
//! credential says nothing about those there are, and who shows too many of them waits (`lockout`). No credential is
//! ever logged, shown or stored, and no type here that could hold one can be printed.

pub mod admin;
mod certificate;
mod configured;
pub mod issuer;
mod keys;
mod lockout;
mod permissions;
mod pinned;
mod presented;
mod said;
#[cfg(test)]
mod tests;

pub use certificate::{CertificateRule, Field, HolderField};
pub use configured::{KeyError, TenantKey, hash_key, parse_hash};
pub use keys::{
    HolderSettings, KeyChangeError, KeyFile, KeyId, KeyRecord, KeySettings, KeyStore, KeyStoreError, Keys,
    NewKey, Page,
};
pub use lockout::{Lockout, LockoutSettings};
pub use permissions::{ClientFormat, Permissions};
pub use pinned::Pinned;
pub use said::{Priority, Tags};

use crate::server::ClientIdentity;
use configured::{Configured, Hash, digest};
use http::header::{HeaderMap, HeaderName};
use issuer::Issuers;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Who has a key, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// A team.
    pub team: Option<Arc<str>>,
    /// A person.
    pub user: Option<Arc<str>>,
    /// An application.
    pub service: Option<Arc<str>>,
    /// An agent.
    pub agent: Option<Arc<str>>,
    /// For whom it acts, as it says itself.
    pub on_behalf_of: Option<Arc<str>>,
    /// Whether its requests may say of which user and agent they are.
    pub delegates: bool,
    /// What its requests are told apart by.
    pub tags: Tags,
    /// Whether its requests go before others where they wait.
    pub priority: Priority,
    /// The models that it leads to one target, where a key was made with some at run time.
    pub pinned: Pinned,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The tenant.
    pub tenant: Arc<str>,
    /// The name of the key, of the issuer, or of the rule for certificates; `anonymous` where none was needed.
    pub key: Arc<str>,
    /// Who has the key.
    pub holder: Holder,
    /// What may be asked for.
    pub permissions: Arc<Permissions>,
}

/// The headers in which a request says of whom it is.
const SAYS_USER: HeaderName = HeaderName::from_static("x-lockgate-user");
const SAYS_AGENT: HeaderName = HeaderName::from_static("x-lockgate-agent");
const SAYS_FOR: HeaderName = HeaderName::from_static("x-lockgate-on-behalf-of");

/// Bytes of a name in such a header.
const MAX_NAME: usize = 128;

impl Principal {
    /// Its key, with the user and the agent where they are known: what is one's own is not for others of the same key, nor
    /// of the same identity provider.
    #[must_use]
    pub fn own_name(&self) -> Cow<'_, str> {
        let Holder { user, agent, on_behalf_of, .. } = &self.holder;
        if [user, agent, on_behalf_of].iter().all(|name| name.is_none()) {
            return Cow::Borrowed(&self.key);
        }
        let mut name = self.key.to_string();
        for part in [user, agent, on_behalf_of] {
            let part = part.as_deref().unwrap_or_default();
            // The length before each: no two lists of names give the same.
            name.push_str(&format!("/{}:{part}", part.len()));
        }
        Cow::Owned(name)
    }

    /// What a request says of itself, where its key may.
    ///
    /// # Errors
    /// It says something that its key may not, or that is no name.
    pub fn told(mut self, headers: &HeaderMap) -> Result<Self, AuthError> {
        let holder = &mut self.holder;
        let places = [
            (SAYS_USER, &mut holder.user),
            (SAYS_AGENT, &mut holder.agent),
            (SAYS_FOR, &mut holder.on_behalf_of),
        ];
        for (name, place) in places {
            let Some(said) = headers.get(&name) else { continue };
            if !holder.delegates {
                return Err(AuthError::NotDelegated);
            }
            let visible = |text: &&str| {
                (1..=MAX_NAME).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
            };
            *place = Some(said.to_str().ok().filter(visible).ok_or(AuthError::NoName)?.into());
        }
        said::read(&mut self.holder, headers)?;
        Ok(self)
    }
}

/// A request is not let in. Its text is what the client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It came without a key.
    #[error("No API key was given. Send it as 'Authorization: Bearer <key>', or in 'x-api-key'.")]
    Missing,
    /// It came with something that is no key of ours.
    #[error("The API key is not valid.")]
    Invalid,
    /// Too many wrong credentials came from its address.
    #[error("Too many wrong API keys came from this address. Try again later.")]
    Locked(Duration),
    /// Its token cannot be verified, since the identity provider's keys cannot be had.
    #[error("The identity provider cannot be reached, so the token cannot be verified. Try again later.")]
    Unavailable,
    /// It says of whom it is, with a key that may not.
    #[error("This API key may not say for whom it asks.")]
    NotDelegated,
    /// It says of whom it is, in a way that is no name.
    #[error("The name of a user or an agent is 1 to 128 printable ASCII characters.")]
    NoName,
    /// It says tags that are none.
    #[error(
        "Tags are up to 16 of 'name=value' between commas, each of letters, digits and '-_.:/', 64 at most."
    )]
    NoTags,
    /// It says how urgent it is, in a way that is no priority.
    #[error("The priority is 'high', 'normal' or 'low'.")]
    NoPriority,
}

/// Why a credential is none. Clients are not told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejected {
    /// It is nobody's: a guess, or a mistake.
    Unknown,
    /// It was somebody's: it has expired, was rotated away, or is for something else.
    Ended,
    /// It cannot be verified now.
    Unavailable,
}

/// What a request shows of who sends it.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The other end of its connection.
    pub peer: IpAddr,
    /// Whom the other end proved to be.
    pub certificate: Option<&'a ClientIdentity>,
}

impl<'a> Asker<'a> {
    /// Who sends a request. The identity of its connection is among its extensions.
    #[must_use]
    pub fn of<B>(request: &'a http::Request<B>, peer: IpAddr) -> Self {
        Self { headers: request.headers(), peer, certificate: request.extensions().get() }
    }
}

/// What an authenticator is made of.
#[derive(Debug, Default)]
pub struct Sources {
    /// The keys of the configuration.
    pub configured: Vec<TenantKey>,
    /// Those made at run time.
    pub keys: Arc<Keys>,
    /// Whose tokens are taken.
    pub issuers: Issuers,
    /// Which certificates are.
    pub certificates: Vec<CertificateRule>,
    /// The tenant of requests without any credential.
    pub anonymous: Option<Arc<str>>,
    /// What is known of addresses, and how patient to be with them; none for endlessly.
    pub lockout: (Arc<Lockout>, Option<LockoutSettings>),
}

/// Knows the keys of all tenants.
#[derive(Debug)]
pub struct Authenticator {
    configured: Configured,
    keys: Arc<Keys>,
    issuers: Issuers,
    certificates: Vec<CertificateRule>,
    anonymous: Option<Principal>,
    lockout: (Arc<Lockout>, Option<LockoutSettings>),
}

impl Authenticator {
    /// An authenticator of these credentials. With an `anonymous` tenant, a request without any is that tenant's;
    /// where nobody has a credential at all, so is a request with any key, since SDKs insist on sending one.
    ///
    /// # Errors
    /// Every key that cannot be used.
    pub fn new(sources: Sources) -> Result<Self, Vec<KeyError>> {
        let Sources { configured, keys, issuers, certificates, anonymous, lockout } = sources;
        let anonymous = anonymous.map(|tenant| Principal {
            tenant,
            key: "anonymous".into(),
            holder: Holder::default(),
            permissions: Permissions::all(),
        });
        let configured = Configured::new(configured)?;
        Ok(Self { configured, keys, issuers, certificates, anonymous, lockout })
    }

    /// Who asks. It waits for nothing but the keys of an identity provider, and for those only when a token names one
    /// that is not known.
    ///
    /// # Errors
    /// [`AuthError`], with what the client reads.
    pub async fn authenticate(&self, asker: Asker<'_>) -> Result<Principal, AuthError> {
        let certified = asker.certificate.and_then(|identity| {
            self.certificates.iter().find_map(|rule| Some((rule.principal(identity)?, rule.outranks_keys)))
        });
        if let Some((principal, true)) = certified {
            return Ok(principal);
        }
        let shown = match presented::presented(asker.headers) {
            Ok(shown) => shown,
            Err(AuthError::Missing) => {
                let nobody = certified.map(|(principal, _)| principal).or_else(|| self.anonymous.clone());
                return nobody.ok_or(AuthError::Missing);
            }
            Err(error) => return Err(error),
        };
        if let Some(anonymous) = self.anonymous.as_ref().filter(|_| self.is_open()) {
            return Ok(anonymous.clone());
        }
        let digest = digest(shown);
        let (lockout, settings) = &self.lockout;
        if let Some(settings) = settings
            && let Some(wait) = lockout.wait(settings, asker.peer, &digest)
        {
            return Err(AuthError::Locked(wait));
        }
        match self.identify(shown, &digest).await {
            Ok(principal) => {
                if settings.is_some() {
                    lockout.succeeded(asker.peer, &digest);
                }
                Ok(principal)
            }
            Err(Rejected::Unavailable) => Err(AuthError::Unavailable),
            Err(Rejected::Ended) => Err(AuthError::Invalid),
            Err(Rejected::Unknown) => {
                lockout.failed(asker.peer);
                Err(AuthError::Invalid)
            }
        }
    }

    /// Prepares what would keep the first requests waiting.
    pub fn warm(&self) {
        self.issuers.warm();
    }

    /// The keys that are made at run time.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether a tenant has a key of this name in the configuration.
    #[must_use]
    pub fn has_key(&self, tenant: &str, name: &str) -> bool {
        self.configured.has(tenant, name)
    }

    async fn identify(&self, shown: &[u8], digest: &Hash) -> Result<Principal, Rejected> {
        if let Some(principal) = self.configured.identify(digest) {
            return Ok(principal.clone());
        }
        if Keys::claim(shown) {
            return self.keys.identify(shown);
        }
        self.issuers.identify(shown, digest).await
    }

    /// Whether nobody has a credential.
    fn is_open(&self) -> bool {
        self.configured.is_empty()
            && !self.keys.are_kept()
            && self.issuers.is_empty()
            && self.certificates.is_empty()
    }
}
