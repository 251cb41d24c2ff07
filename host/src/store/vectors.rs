//! Vectors and their nearest neighbours, by tenant and collection.
//!
//! Vectors whose first fields are the same stand in a group, and a search that says which fields it wants reads that
//! group alone. Up to some ten thousand vectors a group is searched exactly: a scan of flat arrays in eight bits, which
//! the compiler turns into SIMD, then the full product of those that may be among the results. Of a larger group
//! only the cells near the query are scanned: an index of our own, since those that there are have no groups,
//! cannot take an entry back, or need a C++ compiler. A caller on an async thread moves long searches off it (see
//! [`Vectors::effort`]).
//!
//! Invariants: a collection's vectors have one dimension; all are unit vectors; entries per collection and
//! bytes in all are bounded, a collection's own entries being evicted for its new ones. Searches run
//! side by side; a change waits for the searches of its own collection only, and looks for its place beside them.

mod cell;
mod codes;
mod collection;
mod group;
mod search;

use super::bounded::key;
use collection::Collection;
use dashmap::DashMap;
use parking_lot::{RwLock, RwLockUpgradableReadGuard, RwLockWriteGuard};
pub use search::Search;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Dimensions at most.
const MAX_DIMENSIONS: usize = 8_192;
/// Neighbours of one search at most.
const MAX_NEAREST: usize = 1_000;

/// The bounds of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VectorLimits {
    /// Vectors of one collection.
    pub entries_per_collection: usize,
    /// Collections, of all tenants.
    pub collections: usize,
    /// Bytes, of all collections.
    pub bytes: usize,
}

/// Why a vector was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VectorError {
    /// Not the collection's dimension.
    #[error("the vector has {got} dimensions, and the collection has {expected}")]
    Dimensions {
        /// The collection's.
        expected: usize,
        /// The vector's.
        got: usize,
    },
    /// Nothing that has a direction.
    #[error("the vector is empty, too long, zero, or not finite")]
    Invalid,
    /// No room, and nothing of the same collection to evict.
    #[error("the vector store is full")]
    Full,
}

/// A neighbour.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its id.
    pub id: Arc<str>,
    /// The cosine, from -1 to 1.
    pub similarity: f32,
    /// What was stored with it.
    pub fields: Arc<[(String, String)]>,
}

/// The store.
#[derive(Debug)]
pub struct Vectors {
    limits: VectorLimits,
    collections: DashMap<Vec<u8>, Arc<RwLock<Collection>>, foldhash::quality::RandomState>,
    bytes: AtomicUsize,
}

impl Vectors {
    /// An empty store.
    #[must_use]
    pub fn new(limits: VectorLimits) -> Self {
        Self { limits, collections: DashMap::default(), bytes: AtomicUsize::new(0) }
    }

    /// Adds or replaces a vector. Without a lifetime it stays until it is evicted.
    ///
    /// # Errors
    /// [`VectorError`]; the collection is as it was then.
    pub fn upsert(
        &self,
        tenant: &str,
        collection: &str,
        id: &str,
        vector: &[f32],
        ttl: Option<Duration>,
        fields: Vec<(String, String)>,
    ) -> Result<(), VectorError> {
        let unit = unit(vector)?;
        let expires = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        let shared = self.open(key([tenant, collection]))?;
        let mut own = shared.write();
        own.accept(unit.len())?;
        let needed = Collection::bytes_of(id, unit.len(), &fields);
        if self.bytes().saturating_sub(own.bytes()).saturating_add(needed) > self.limits.bytes {
            return Err(VectorError::Full);
        }
        self.release(own.remove(id));
        let limit = self.limits.entries_per_collection;
        while own.len() >= limit || !self.reserve(needed) {
            match own.evict(Instant::now()) {
                Some(bytes) => self.release(bytes),
                None => return Err(VectorError::Full),
            }
        }
        // Nothing else changes a collection while one looks for its place, and searches go on.
        let own = RwLockWriteGuard::downgrade_to_upgradable(own);
        let cell = own.cell_of(&unit, &fields);
        RwLockUpgradableReadGuard::upgrade(own).push(id, &unit, expires, fields.into(), cell);
        Ok(())
    }

    /// The nearest by cosine, best first, at most 1,000. Among tens of thousands with the same first field, and of
    /// those without fields, it is approximate: now and then one is missed.
    ///
    /// # Errors
    /// Where the vector has no direction, or not the collection's dimension.
    pub fn nearest(
        &self,
        tenant: &str,
        collection: &str,
        vector: &[f32],
        search: &Search<'_>,
    ) -> Result<Vec<Hit>, VectorError> {
        let unit = unit(vector)?;
        let search = Search { limit: search.limit.min(MAX_NEAREST), ..*search };
        match self.find(tenant, collection) {
            Some(own) => own.read().nearest(&unit, &search, Instant::now()),
            None => Ok(Vec::new()),
        }
    }

    /// Removes a vector and says whether there was one.
    pub fn remove(&self, tenant: &str, collection: &str, id: &str) -> bool {
        let removed = self.find(tenant, collection).map_or(0, |own| own.write().remove(id));
        self.release(removed);
        removed > 0
    }

    /// Removes a tenant's vectors of this id from every collection. Looks at every collection: for an operator's
    /// request, not for every exchange.
    pub fn forget(&self, tenant: &str, id: &str) {
        let tenants = key([tenant]);
        let own: Vec<_> = self
            .collections
            .iter()
            .filter(|one| one.key().starts_with(&tenants))
            .map(|one| one.value().clone())
            .collect();
        own.iter().for_each(|collection| self.release(collection.write().remove(id)));
    }

    /// Removes a whole collection, as after a change of the embedding's dimension.
    pub fn clear(&self, tenant: &str, collection: &str) {
        if let Some(own) = self.find(tenant, collection) {
            let freed = own.write().clear();
            self.release(freed);
        }
    }

    /// Vectors of a collection, expired ones that were not come across yet included.
    #[must_use]
    pub fn len(&self, tenant: &str, collection: &str) -> usize {
        self.find(tenant, collection).map_or(0, |own| own.read().len())
    }

    /// Vectors that a search reads, about: a measure of how long it takes.
    #[must_use]
    pub fn effort(&self, tenant: &str, collection: &str, among: Option<&[(String, String)]>) -> usize {
        self.find(tenant, collection).map_or(0, |own| own.read().effort(among))
    }

    /// Vectors that a search chooses among: those of a collection, or those of it with these fields.
    #[must_use]
    pub fn candidates(&self, tenant: &str, collection: &str, among: Option<&[(String, String)]>) -> usize {
        self.find(tenant, collection).map_or(0, |own| own.read().candidates(among))
    }

    /// Bytes of all collections.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn find(&self, tenant: &str, collection: &str) -> Option<Arc<RwLock<Collection>>> {
        self.collections.get(&key([tenant, collection])).map(|own| own.clone())
    }

    fn open(&self, key: Vec<u8>) -> Result<Arc<RwLock<Collection>>, VectorError> {
        if let Some(own) = self.collections.get(&key) {
            return Ok(own.clone());
        }
        if self.collections.len() >= self.limits.collections {
            // A collection that nobody holds cannot be written to while its shard of the map is locked.
            self.collections.retain(|_, own| Arc::strong_count(own) > 1 || own.read().len() > 0);
        }
        // Racing openers may pass the bound by their own number, no more.
        if self.collections.len() >= self.limits.collections {
            return Err(VectorError::Full);
        }
        Ok(self.collections.entry(key).or_default().clone())
    }

    fn reserve(&self, bytes: usize) -> bool {
        let fits = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= self.limits.bytes);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The vector of length one in the same direction.
fn unit(vector: &[f32]) -> Result<Vec<f32>, VectorError> {
    if vector.len() > MAX_DIMENSIONS {
        return Err(VectorError::Invalid);
    }
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if !length.is_finite() || length <= f64::from(f32::MIN_POSITIVE) {
        return Err(VectorError::Invalid);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a component of a unit vector")]
    Ok(vector.iter().map(|x| (f64::from(*x) / length) as f32).collect())
}

#[cfg(test)]
mod tests;
