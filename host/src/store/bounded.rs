//! A bounded map with lifetimes: the core of the in-memory stores.
//!
//! Sharded, each shard behind a lock that is held for one look-up or one insertion. Eviction is CLOCK: a
//! hand goes round a shard's slots, takes what has expired and what was not used since it last came by.
//! Source: Corbató, "A Paging Experiment with the Multics System", 1968.
//!
//! Invariant: entries and bytes never exceed the limits, not even for a moment.

#[cfg(test)]
mod tests;

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What an entry costs besides its key and value: slot, index and reference counts, rounded up.
const ENTRY_OVERHEAD: usize = 128;
/// Shards of a large map; a small one has fewer, so that its limits stay meaningful.
const MAX_SHARDS: usize = 16;
const MIN_SHARD_ENTRIES: usize = 256;
const MIN_SHARD_BYTES: usize = 4 * 1024 * 1024;

/// The bounds of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries at most.
    pub entries: usize,
    /// Bytes of keys and values, and of what keeping them costs, at most.
    pub bytes: usize,
}

/// A value is larger than the store takes; nothing was stored.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the value needs {bytes} bytes, and the store takes {limit} at most")]
pub struct TooLarge {
    /// What it needs.
    pub bytes: usize,
    /// The most that one value may need.
    pub limit: usize,
}

/// The map.
#[derive(Debug)]
pub(super) struct Bounded<V> {
    first: Mutex<Shard<V>>,
    others: Box<[Mutex<Shard<V>>]>,
    hasher: foldhash::quality::RandomState,
}

#[derive(Debug)]
struct Shard<V> {
    index: HashMap<Arc<[u8]>, usize, foldhash::quality::RandomState>,
    slots: Vec<Option<Slot<V>>>,
    free: Vec<usize>,
    hand: usize,
    bytes: usize,
    limits: Limits,
}

#[derive(Debug)]
struct Slot<V> {
    key: Arc<[u8]>,
    value: V,
    bytes: usize,
    expires: Option<Instant>,
    used: bool,
}

impl<V: Clone> Bounded<V> {
    /// An empty map.
    pub fn new(limits: Limits) -> Self {
        let fit = (limits.entries / MIN_SHARD_ENTRIES).min(limits.bytes / MIN_SHARD_BYTES);
        let shards = fit.clamp(1, MAX_SHARDS);
        let limits = Limits { entries: limits.entries / shards, bytes: limits.bytes / shards };
        Self {
            first: Mutex::new(Shard::new(limits)),
            others: (1..shards).map(|_| Mutex::new(Shard::new(limits))).collect(),
            hasher: foldhash::quality::RandomState::default(),
        }
    }

    /// The value of a key that has not expired.
    pub fn get(&self, key: &[u8]) -> Option<V> {
        self.shard(key).lock().live(key).map(|slot| {
            slot.used = true;
            slot.value.clone()
        })
    }

    /// Sets a value of this many bytes, for this long; without a lifetime, until it is evicted.
    pub fn insert(&self, key: &[u8], value: V, bytes: usize, ttl: Option<Duration>) -> Result<(), TooLarge> {
        self.shard(key).lock().put(key, value, bytes, ttl.and_then(|ttl| Instant::now().checked_add(ttl)))
    }

    /// Makes a value of this many bytes out of the one there is, in one step as others see it. The lifetime
    /// counts only where there is none yet.
    pub fn change<T, E: From<TooLarge>>(
        &self,
        key: &[u8],
        bytes: usize,
        ttl: Option<Duration>,
        change: impl FnOnce(Option<&V>) -> Result<(V, T), E>,
    ) -> Result<T, E> {
        let mut shard = self.shard(key).lock();
        let (old, expires) = match shard.live(key) {
            Some(slot) => (Some(&slot.value), slot.expires),
            None => (None, ttl.and_then(|ttl| Instant::now().checked_add(ttl))),
        };
        let (value, result) = change(old)?;
        shard.put(key, value, bytes, expires)?;
        Ok(result)
    }

    /// Removes a key and says whether it was there.
    pub fn remove(&self, key: &[u8]) -> bool {
        let mut shard = self.shard(key).lock();
        let lived = shard.live(key).is_some();
        shard.take(key);
        lived
    }

    /// Keeps what the test holds for, drops the rest and what has expired, and says how many the test dropped.
    pub fn retain(&self, mut keep: impl FnMut(&[u8], &V) -> bool) -> usize {
        let mut dropped = 0;
        for shard in self.shards() {
            let mut shard = shard.lock();
            let now = Instant::now();
            for at in 0..shard.slots.len() {
                let Some(slot) = shard.slots.get(at).and_then(Option::as_ref) else { continue };
                let expired = slot.expired(now);
                if expired || !keep(&slot.key, &slot.value) {
                    dropped += usize::from(!expired);
                    shard.evict(at);
                }
            }
        }
        dropped
    }

    /// Entries and bytes, expired ones that were not come across yet included.
    pub fn size(&self) -> (usize, usize) {
        let sizes = self.shards().map(|shard| {
            let shard = shard.lock();
            (shard.index.len(), shard.bytes)
        });
        sizes.fold((0, 0), |(entries, bytes), (e, b)| (entries + e, bytes + b))
    }

    fn shards(&self) -> impl Iterator<Item = &Mutex<Shard<V>>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    fn shard(&self, key: &[u8]) -> &Mutex<Shard<V>> {
        let shards = self.others.len() as u64 + 1;
        // Not the bits that the shard's own table uses.
        let at = usize::try_from((self.hasher.hash_one(key) >> 32) % shards).unwrap_or_default();
        at.checked_sub(1).and_then(|at| self.others.get(at)).unwrap_or(&self.first)
    }
}

impl<V> Shard<V> {
    fn new(limits: Limits) -> Self {
        Self { index: HashMap::default(), slots: Vec::new(), free: Vec::new(), hand: 0, bytes: 0, limits }
    }

    /// The slot of a key that has not expired; an expired one is removed.
    fn live(&mut self, key: &[u8]) -> Option<&mut Slot<V>> {
        let at = *self.index.get(key)?;
        if self.slots.get(at)?.as_ref()?.expired(Instant::now()) {
            self.evict(at);
            return None;
        }
        self.slots.get_mut(at)?.as_mut()
    }

    fn put(&mut self, key: &[u8], value: V, bytes: usize, expires: Option<Instant>) -> Result<(), TooLarge> {
        let bytes = bytes.saturating_add(key.len()).saturating_add(ENTRY_OVERHEAD);
        if bytes > self.limits.bytes || self.limits.entries == 0 {
            return Err(TooLarge { bytes, limit: self.limits.bytes });
        }
        self.take(key);
        let now = Instant::now();
        while self.index.len() >= self.limits.entries || self.bytes + bytes > self.limits.bytes {
            self.advance(now);
        }
        let key: Arc<[u8]> = key.into();
        let slot = Some(Slot { key: key.clone(), value, bytes, expires, used: false });
        let at = self.free.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(at) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        self.index.insert(key, at);
        self.bytes += bytes;
        Ok(())
    }

    /// One step of the hand.
    fn advance(&mut self, now: Instant) {
        let at = self.hand;
        self.hand = if at + 1 < self.slots.len() { at + 1 } else { 0 };
        let Some(slot) = self.slots.get_mut(at).and_then(Option::as_mut) else { return };
        if slot.used && !slot.expired(now) {
            slot.used = false;
        } else {
            self.evict(at);
        }
    }

    fn take(&mut self, key: &[u8]) {
        if let Some(&at) = self.index.get(key) {
            self.evict(at);
        }
    }

    fn evict(&mut self, at: usize) {
        if let Some(slot) = self.slots.get_mut(at).and_then(Option::take) {
            self.index.remove(&slot.key);
            self.bytes -= slot.bytes;
            self.free.push(at);
        }
    }
}

impl<V> Slot<V> {
    fn expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

/// A key of several parts, of which the first is the tenant: no two lists of parts give the same key.
pub(super) fn key<const N: usize>(parts: [&str; N]) -> Vec<u8> {
    let mut key = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        key.extend_from_slice(&(part.len() as u64).to_le_bytes());
        key.extend_from_slice(part.as_bytes());
    }
    key
}

/// The parts that [`key`] was made of.
pub(super) fn parts(mut key: &[u8]) -> Vec<&str> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = key.split_first_chunk::<8>() {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((part, rest)) = rest.split_at_checked(length) else { break };
        parts.extend(std::str::from_utf8(part));
        key = rest;
    }
    parts
}
