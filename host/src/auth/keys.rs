//! Keys that are made, changed and revoked while the gateway runs.
//!
//! Invariants: a key's secret is shown once and held nowhere, only its salted hash; a look-up reads memory alone, takes
//! one shard's lock for its length, and costs the same for a key that does not exist; a change is written through
//! before it is acknowledged, and holds from then on for every request; changes come one after another.

mod file;
mod record;
#[cfg(test)]
mod tests;
mod text;

pub use file::KeyFile;
pub use record::{HolderSettings, KeyRecord, KeySettings, Page};
pub use text::{KeyId, NewKey};

use super::{Principal, Rejected};
use crate::clock::unix_seconds;
use dashmap::DashMap;
use parking_lot::Mutex;
use record::Hashed;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use subtle::Choice;

/// Where keys are kept. Its calls may take as long as a disk does.
pub trait KeyStore: Send {
    /// Gives every key that is not revoked, in no order. One that cannot be read is told and left out.
    ///
    /// # Errors
    /// The store fails.
    fn load(&mut self, each: &mut dyn FnMut(KeyRecord)) -> Result<(), KeyStoreError>;

    /// A key, revoked or not.
    ///
    /// # Errors
    /// The store fails.
    fn get(&mut self, id: KeyId) -> Result<Option<KeyRecord>, KeyStoreError>;

    /// Keys in the order in which they were made, each with its place.
    ///
    /// # Errors
    /// The store fails.
    fn list(&mut self, page: &Page) -> Result<Vec<(u64, KeyRecord)>, KeyStoreError>;

    /// Keeps a new key, or what has changed of one. It has survived a loss of power when this returns.
    ///
    /// # Errors
    /// [`KeyStoreError::NameTaken`] where another key of the tenant that is not revoked has its name; the store fails.
    fn put(&mut self, record: &KeyRecord) -> Result<(), KeyStoreError>;
}

/// A store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// Another key of the tenant has the name.
    #[error("the tenant has a key of this name")]
    NameTaken,
    /// The store fails.
    #[error("the keys cannot be read or written")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyChangeError {
    /// There is nowhere to keep keys.
    #[error("no file is configured to keep keys in (`keys: {{ file }}`)")]
    NotKept,
    /// There is no such key, or it is revoked.
    #[error("there is no such key")]
    Unknown,
    /// The system has no randomness to give.
    #[error("the system gives no randomness")]
    NoRandomness,
    /// The store.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
    /// The thread that wrote went away.
    #[error("the change was broken off")]
    BrokenOff,
}

/// What a look-up needs of a key.
#[derive(Debug)]
struct Known {
    principal: Principal,
    current: Hashed,
    /// The secret before the last rotation, and when it ends, in seconds since the Unix epoch.
    previous: Option<(Hashed, u64)>,
    expires: Option<u64>,
}

/// What look-ups see.
type Table = DashMap<KeyId, Arc<Known>, foldhash::quality::RandomState>;

/// The keys of all tenants.
#[derive(Default)]
pub struct Keys {
    table: Arc<Table>,
    /// None where there is nowhere to keep a key. Whoever changes one holds it from what is read to what look-ups see.
    store: Option<Arc<Mutex<dyn KeyStore>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("keys", &self.table.len()).finish_non_exhaustive()
    }
}

impl Keys {
    /// The keys of a store.
    ///
    /// # Errors
    /// The store fails.
    pub fn load(mut store: impl KeyStore + 'static) -> Result<Self, KeyStoreError> {
        let keys = Self::default();
        // A tenant's name is in memory once.
        let mut tenants: HashMap<Arc<str>, Arc<str>> = HashMap::new();
        store.load(&mut |record| {
            let tenant = tenants.entry(record.tenant.clone()).or_insert_with(|| record.tenant.clone());
            learn(&keys.table, &KeyRecord { tenant: tenant.clone(), ..record });
        })?;
        keys.table.shrink_to_fit();
        Ok(Self { store: Some(Arc::new(Mutex::new(store))), ..keys })
    }

    /// Whether keys can be made.
    #[must_use]
    pub const fn are_kept(&self) -> bool {
        self.store.is_some()
    }

    /// How many there are that are not revoked.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Whether a credential says that it is such a key.
    #[must_use]
    pub fn claim(credential: &[u8]) -> bool {
        text::claims(credential)
    }

    /// Whose key this is.
    ///
    /// # Errors
    /// It is nobody's, or no longer.
    pub fn identify(&self, credential: &[u8]) -> Result<Principal, Rejected> {
        self.identify_at(credential, unix_seconds())
    }

    fn identify_at(&self, credential: &[u8], now: u64) -> Result<Principal, Rejected> {
        let (id, secret) = text::parse(credential).ok_or(Rejected::Unknown)?;
        let known = self.table.get(&id).map(|entry| entry.value().clone());
        let nothing = Hashed::default();
        // Two hashes are made and compared for whatever comes, a key that does not exist included.
        let (current, previous, previous_ends) = match known.as_deref() {
            Some(Known { current, previous: Some((previous, ends)), .. }) => (current, previous, *ends),
            Some(Known { current, previous: None, .. }) => (current, &nothing, 0),
            None => (&nothing, &nothing, 0),
        };
        let is_current = current.is_of(secret);
        let is_previous = previous.is_of(secret);
        let old_counts = Choice::from(u8::from(now < previous_ends));
        let same = is_current | (is_previous & old_counts);
        match known {
            Some(known) if bool::from(same) => match known.expires {
                Some(expires) if expires <= now => Err(Rejected::Ended),
                _ => Ok(known.principal.clone()),
            },
            // A secret that was rotated away is no guess.
            Some(_) if bool::from(is_previous) => Err(Rejected::Ended),
            _ => Err(Rejected::Unknown),
        }
    }

    /// Makes a key. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// It is not kept.
    pub async fn create(
        &self,
        tenant: Arc<str>,
        settings: KeySettings,
    ) -> Result<(KeyRecord, NewKey), KeyChangeError> {
        let (key, hashed) = KeyId::random().and_then(NewKey::random).ok_or(KeyChangeError::NoRandomness)?;
        let record = KeyRecord::new(key.id(), tenant, settings, hashed, unix_seconds());
        let record = self.work(move |store, table| keep(store, table, record)).await?;
        Ok((record, key))
    }

    /// Gives a key another secret. The old one is good for so long, the one before it no longer.
    ///
    /// # Errors
    /// There is no such key, or it is not kept.
    pub async fn rotate(&self, id: KeyId, overlap: Duration) -> Result<(KeyRecord, NewKey), KeyChangeError> {
        let (key, hashed) = NewKey::random(id).ok_or(KeyChangeError::NoRandomness)?;
        let change = move |record: &mut KeyRecord| {
            record.rotate(hashed, unix_seconds(), overlap);
            Ok::<(), KeyChangeError>(())
        };
        Ok((self.change(id, change).await?, key))
    }

    /// Changes what is said of a key.
    ///
    /// # Errors
    /// There is no such key, `change` refuses, or it is not kept.
    pub async fn update<E: From<KeyChangeError> + Send + 'static>(
        &self,
        id: KeyId,
        change: impl FnOnce(&KeyRecord) -> Result<KeySettings, E> + Send + 'static,
    ) -> Result<KeyRecord, E> {
        let change = move |record: &mut KeyRecord| {
            record.settings = change(record)?;
            Ok(())
        };
        self.change(id, change).await
    }

    /// Ends a key at once.
    ///
    /// # Errors
    /// There is no such key, or that is not kept.
    pub async fn revoke(&self, id: KeyId) -> Result<KeyRecord, KeyChangeError> {
        let change = |record: &mut KeyRecord| {
            record.revoked = Some(unix_seconds());
            Ok::<(), KeyChangeError>(())
        };
        self.change(id, change).await
    }

    /// A key, revoked or not.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn get(&self, id: KeyId) -> Result<KeyRecord, KeyChangeError> {
        let found = self.work(move |store, _| store.get(id).map_err(KeyChangeError::from)).await?;
        found.ok_or(KeyChangeError::Unknown)
    }

    /// Keys in the order in which they were made, each with its place.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn list(&self, page: Page) -> Result<Vec<(u64, KeyRecord)>, KeyChangeError> {
        self.work(move |store, _| store.list(&page).map_err(KeyChangeError::from)).await
    }

    async fn change<E: From<KeyChangeError> + Send + 'static>(
        &self,
        id: KeyId,
        change: impl FnOnce(&mut KeyRecord) -> Result<(), E> + Send + 'static,
    ) -> Result<KeyRecord, E> {
        let work = move |store: &mut dyn KeyStore, table: &Table| {
            let found = store.get(id).map_err(KeyChangeError::from)?;
            let alive = found.filter(|record| record.revoked.is_none());
            let mut record = alive.ok_or(KeyChangeError::Unknown)?;
            change(&mut record)?;
            keep(store, table, record).map_err(E::from)
        };
        self.work(work).await
    }

    /// Does something with the store, whole, even where whoever asked for it goes away meanwhile.
    async fn work<T: Send + 'static, E: From<KeyChangeError> + Send + 'static>(
        &self,
        what: impl FnOnce(&mut dyn KeyStore, &Table) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let (store, table) = (self.store.clone().ok_or(KeyChangeError::NotKept)?, self.table.clone());
        let done = tokio::task::spawn_blocking(move || what(&mut *store.lock(), &table)).await;
        done.unwrap_or_else(|_| Err(KeyChangeError::BrokenOff.into()))
    }
}

/// Writes a record through; what look-ups see follows.
fn keep(store: &mut dyn KeyStore, table: &Table, record: KeyRecord) -> Result<KeyRecord, KeyChangeError> {
    store.put(&record)?;
    learn(table, &record);
    Ok(record)
}

fn learn(table: &Table, record: &KeyRecord) {
    if record.revoked.is_some() {
        table.remove(&record.id);
        return;
    }
    let settings = &record.settings;
    let principal = Principal {
        tenant: record.tenant.clone(),
        key: settings.name.as_str().into(),
        holder: settings.holder(),
        permissions: settings.permissions.clone().shared(),
    };
    let known =
        Known { principal, current: record.current, previous: record.previous, expires: settings.expires };
    table.insert(record.id, Arc::new(known));
}
