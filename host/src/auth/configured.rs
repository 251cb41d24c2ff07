//! The keys that a configuration lists, by their hashes.
//!
//! Invariants: only hashes are held; a key is compared by its whole hash and in constant time, and an unknown one costs
//! as much as a known one.

use super::{Holder, Permissions, Principal};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use subtle::{Choice, ConstantTimeEq};

const PREFIX: &str = "sha256:";

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
    /// What it may be used for.
    pub permissions: Arc<Permissions>,
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

/// SHA-256 of a credential.
pub(super) type Hash = [u8; 32];

/// The keys of all tenants.
#[derive(Debug, Default)]
pub(super) struct Configured {
    /// By the first half of the hash; the rest is compared in constant time.
    keys: HashMap<[u8; 16], (Hash, Principal)>,
}

impl Configured {
    /// # Errors
    /// Every key that cannot be used.
    pub fn new(keys: impl IntoIterator<Item = TenantKey>) -> Result<Self, Vec<KeyError>> {
        let mut known: HashMap<[u8; 16], (Hash, Principal)> = HashMap::new();
        let mut errors = Vec::new();
        for TenantKey { tenant, name, hash, holder, permissions } in keys {
            let Some(hash) = parse_hash(&hash) else {
                errors.push(KeyError::Malformed { tenant, name });
                continue;
            };
            match known.entry(half(&hash)) {
                Entry::Vacant(place) => {
                    place.insert((hash, Principal { tenant, key: name, holder, permissions }));
                }
                Entry::Occupied(place) => {
                    let (_, other) = place.get();
                    let (other_tenant, other_name) = (other.tenant.clone(), other.key.clone());
                    errors.push(KeyError::Shared { tenant, name, other_tenant, other_name });
                }
            }
        }
        if errors.is_empty() { Ok(Self { keys: known }) } else { Err(errors) }
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a tenant has a key of this name.
    pub fn has(&self, tenant: &str, name: &str) -> bool {
        self.keys.values().any(|(_, known)| *known.tenant == *tenant && *known.key == *name)
    }

    /// Whose key has this hash.
    pub fn identify(&self, hash: &Hash) -> Option<&Principal> {
        let found = self.keys.get(&half(hash));
        // The comparison is made for an unknown key as well.
        let expected = found.map_or(&[0; 32], |(hash, _)| hash);
        let same = expected.ct_eq(hash) & Choice::from(u8::from(found.is_some()));
        found.filter(|_| bool::from(same)).map(|(_, principal)| principal)
    }
}

/// SHA-256 of a credential.
pub(super) fn digest(credential: &[u8]) -> Hash {
    Sha256::digest(credential).into()
}

/// The form in which a configuration holds a key: `sha256:` and the hexadecimal digits.
#[must_use]
pub fn hash_key(key: &str) -> String {
    use std::fmt::Write as _;
    digest(key.as_bytes()).iter().fold(PREFIX.to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn half(hash: &Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(hash.split_at(16).0);
    half
}

/// The hash that [`hash_key`] wrote.
#[must_use]
pub fn parse_hash(text: &str) -> Option<[u8; 32]> {
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
