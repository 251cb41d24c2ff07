//! Who asks: from the key that a client sends to a tenant and the key's name.
//!
//! Invariants: only hashes of keys are held; a key is compared by its whole hash and in constant time; the
//! answer to a wrong key says nothing about the keys there are. No key is ever logged, shown or stored, and
//! no type here that could hold one can be printed.

mod said;
#[cfg(test)]
mod tests;

pub use said::{Priority, Tags};

use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq};

const PREFIX: &str = "sha256:";

/// The headers that the usual SDKs send their key in, in the order they are looked at.
const KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
];

/// One key of a tenant.
#[derive(Debug, Clone)]
pub struct TenantKey {
    /// Whose it is.
    pub tenant: Arc<str>,
    /// Its name, as the log and the ledger have it.
    pub name: Arc<str>,
    /// What [`hash_key`] gives for it.
    pub hash: String,
    /// Who has it.
    pub holder: Holder,
}

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
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The tenant.
    pub tenant: Arc<str>,
    /// The name of the key; `anonymous` where none was needed.
    pub key: Arc<str>,
    /// Who has the key.
    pub holder: Holder,
}

/// The headers in which a request says of whom it is.
const SAYS_USER: HeaderName = HeaderName::from_static("x-lockgate-user");
const SAYS_AGENT: HeaderName = HeaderName::from_static("x-lockgate-agent");
const SAYS_FOR: HeaderName = HeaderName::from_static("x-lockgate-on-behalf-of");

/// Bytes of a name in such a header.
const MAX_NAME: usize = 128;

impl Principal {
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

/// The configured keys cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a hash.
    #[error("the hash of key '{name}' of tenant '{tenant}' is not 'sha256:' and 64 hexadecimal digits")]
    Malformed {
        /// Whose key.
        tenant: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
    /// The same key twice: it would be unclear who asks.
    #[error("key '{name}' of tenant '{tenant}' is also key '{other_name}' of tenant '{other_tenant}'")]
    Shared {
        /// Whose key.
        tenant: Arc<str>,
        /// Its name.
        name: Arc<str>,
        /// Who has it as well.
        other_tenant: Arc<str>,
        /// Its name there.
        other_name: Arc<str>,
    },
}

type Hash = [u8; 32];

/// Knows the keys of all tenants.
#[derive(Debug)]
pub struct Authenticator {
    /// By the first half of the hash; the rest is compared in constant time.
    keys: HashMap<[u8; 16], (Hash, Principal)>,
    anonymous: Option<Principal>,
}

impl Authenticator {
    /// An authenticator of these keys. With an `anonymous` tenant, a request without any key is that tenant's;
    /// where no keys are configured at all, so is a request with any key, since SDKs insist on sending one.
    ///
    /// # Errors
    /// Every key that cannot be used.
    pub fn new(
        keys: impl IntoIterator<Item = TenantKey>,
        anonymous: Option<Arc<str>>,
    ) -> Result<Self, Vec<KeyError>> {
        let mut known: HashMap<[u8; 16], (Hash, Principal)> = HashMap::new();
        let mut errors = Vec::new();
        for TenantKey { tenant, name, hash, holder } in keys {
            let Some(hash) = parse_hash(&hash) else {
                errors.push(KeyError::Malformed { tenant, name });
                continue;
            };
            match known.entry(half(&hash)) {
                Entry::Vacant(place) => {
                    place.insert((hash, Principal { tenant, key: name, holder }));
                }
                Entry::Occupied(place) => {
                    let (_, other) = place.get();
                    let (other_tenant, other_name) = (other.tenant.clone(), other.key.clone());
                    errors.push(KeyError::Shared { tenant, name, other_tenant, other_name });
                }
            }
        }
        let anonymous =
            anonymous.map(|tenant| Principal { tenant, key: "anonymous".into(), holder: Holder::default() });
        if errors.is_empty() { Ok(Self { keys: known, anonymous }) } else { Err(errors) }
    }

    /// Who sends these headers.
    ///
    /// # Errors
    /// [`AuthError`], with what the client reads.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Principal, AuthError> {
        let nobody = |error| match &self.anonymous {
            Some(anonymous) if self.keys.is_empty() || error == AuthError::Missing => Ok(anonymous.clone()),
            _ => Err(error),
        };
        match presented(headers) {
            Ok(key) => self.identify(key).or_else(nobody),
            Err(error) => nobody(error),
        }
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] for a key that is nobody's.
    pub fn identify(&self, key: &[u8]) -> Result<Principal, AuthError> {
        let hash: Hash = Sha256::digest(key).into();
        let found = self.keys.get(&half(&hash));
        // The comparison is made for an unknown key as well.
        let expected = found.map_or(&[0; 32], |(hash, _)| hash);
        let same = expected.ct_eq(&hash) & Choice::from(u8::from(found.is_some()));
        match found {
            Some((_, principal)) if bool::from(same) => Ok(principal.clone()),
            _ => Err(AuthError::Invalid),
        }
    }
}

/// The form in which a configuration holds a key: `sha256:` and the hexadecimal digits.
#[must_use]
pub fn hash_key(key: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(key.as_bytes()).iter().fold(PREFIX.to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The key in the headers. A header that comes twice is ambiguous, and no key.
fn presented(headers: &HeaderMap) -> Result<&[u8], AuthError> {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(Some(value.as_bytes().trim_ascii())),
            _ => Err(AuthError::Invalid),
        }
    };
    let authorization = one(&AUTHORIZATION)?;
    if let Some(token) = authorization.and_then(bearer) {
        return Ok(token);
    }
    for name in &KEY_HEADERS {
        if let Some(key) = one(name)?.filter(|key| !key.is_empty()) {
            return Ok(key);
        }
    }
    // Something of another scheme is not nothing.
    Err(if authorization.is_some() { AuthError::Invalid } else { AuthError::Missing })
}

/// The token of a `Bearer` credential; the scheme's case does not matter. Source: RFC 9110, 11.1.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let token = rest.strip_prefix(b" ")?.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

fn half(hash: &Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(hash.split_at(16).0);
    half
}

fn parse_hash(text: &str) -> Option<Hash> {
    let digits = text.strip_prefix(PREFIX)?.as_bytes();
    let mut hash = [0; 32];
    if digits.len() != 2 * hash.len() {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(hash)
}
