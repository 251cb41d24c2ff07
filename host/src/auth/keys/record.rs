//! What is kept of a key.
//!
//! Never its secret: of that, a salted hash is enough, since nobody can try 238 bits. Times are in seconds since the
//! Unix epoch.

use super::text::KeyId;
use crate::auth::{Holder, Permissions, Pinned, Priority, Tags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use subtle::{Choice, ConstantTimeEq};

/// What is said of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySettings {
    /// Its name in logs and records; no other key of the tenant has it.
    pub name: String,
    /// Who has it.
    pub holder: HolderSettings,
    /// What it may be used for.
    pub permissions: Permissions,
    /// When it ends; none for never.
    pub expires: Option<u64>,
}

/// Who has a key, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HolderSettings {
    /// A team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// A person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// An application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// An agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whether its requests may say of which user and agent they are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delegates: bool,
    /// What its requests are told apart by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Whether its requests go before others where they wait.
    #[serde(skip_serializing_if = "is_normal")]
    pub priority: Priority,
    /// Models that lead to one target for it: the target's id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pins: BTreeMap<String, String>,
}

fn is_normal(priority: &Priority) -> bool {
    *priority == Priority::default()
}

/// A secret's salted hash.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Hashed {
    pub(super) salt: [u8; 16],
    pub(super) hash: [u8; 32],
}

/// Without what it holds.
impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hashed")
    }
}

impl Hashed {
    pub(super) fn of(salt: [u8; 16], secret: &[u8]) -> Self {
        Self { salt, hash: salted(&salt, secret) }
    }

    /// Whether this is the hash of a secret, in constant time.
    pub(super) fn is_of(&self, secret: &[u8]) -> Choice {
        salted(&self.salt, secret).ct_eq(&self.hash)
    }
}

fn salted(salt: &[u8; 16], secret: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(secret).finalize().into()
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Which it is.
    pub id: KeyId,
    /// Whose it is.
    pub tenant: Arc<str>,
    /// What is said of it.
    pub settings: KeySettings,
    pub(super) current: Hashed,
    /// The secret before the last rotation, and when it ends.
    pub(super) previous: Option<(Hashed, u64)>,
    /// When it was made.
    pub created: u64,
    /// When it last got another secret.
    pub rotated: Option<u64>,
    /// When it was revoked.
    pub revoked: Option<u64>,
}

impl KeyRecord {
    pub(super) fn new(id: KeyId, tenant: Arc<str>, settings: KeySettings, current: Hashed, now: u64) -> Self {
        Self { id, tenant, settings, current, previous: None, created: now, rotated: None, revoked: None }
    }

    pub(super) fn rotate(&mut self, to: Hashed, now: u64, overlap: Duration) {
        let old = std::mem::replace(&mut self.current, to);
        self.previous = Some((old, now.saturating_add(overlap.as_secs())));
        self.rotated = Some(now);
    }

    /// When the secret before the last rotation ends, where there was one.
    #[must_use]
    pub fn previous_ends(&self) -> Option<u64> {
        self.previous.map(|(_, ends)| ends)
    }
}

impl KeySettings {
    pub(super) fn holder(&self) -> Holder {
        let name = |name: &Option<String>| name.as_deref().map(Arc::from);
        let HolderSettings { team, user, service, agent, delegates, tags, priority, pins } = &self.holder;
        Holder {
            team: name(team),
            user: name(user),
            service: name(service),
            agent: name(agent),
            on_behalf_of: None,
            delegates: *delegates,
            // They were tags when the key was made.
            tags: Tags::of(texts(tags)).unwrap_or_default(),
            priority: *priority,
            pinned: Pinned::of(texts(pins)),
        }
    }
}

/// Which keys to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Of this tenant alone.
    pub tenant: Option<String>,
    /// Those that are revoked as well.
    pub revoked: bool,
    /// After this place.
    pub after: u64,
    /// How many at most.
    pub limit: u32,
}

/// Names and values, as they are read.
fn texts(map: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    map.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}
