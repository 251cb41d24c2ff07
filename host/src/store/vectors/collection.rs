//! One collection: rows of a flat array, and what belongs to each row.
//!
//! Invariant: row `n` of the array belongs to entry `n`; a removal moves the last row into the gap. Expired
//! entries are never found, and are the first to be evicted. Never normalises: that was done before.

use super::{Hit, VectorError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

/// What an entry costs besides its numbers and texts: the entry, the index, reference counts, rounded up.
const ENTRY_OVERHEAD: usize = 192;

/// Numbers that are multiplied side by side.
const LANES: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Collection {
    dimensions: usize,
    rows: Vec<f32>,
    entries: Vec<Entry>,
    index: HashMap<Arc<str>, usize, foldhash::quality::RandomState>,
    hand: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: Arc<str>,
    fields: Arc<[(String, String)]>,
    expires: Option<Instant>,
    bytes: usize,
    used: AtomicBool,
}

impl Entry {
    fn expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Collection {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What all its entries count for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether vectors of this dimension may join; an empty collection takes any.
    pub fn accept(&self, dimensions: usize) -> Result<(), VectorError> {
        if self.entries.is_empty() || self.dimensions == dimensions {
            return Ok(());
        }
        Err(VectorError::Dimensions { expected: self.dimensions, got: dimensions })
    }

    /// What an entry counts for.
    pub fn bytes_of(id: &str, dimensions: usize, fields: &[(String, String)]) -> usize {
        let texts: usize =
            fields.iter().map(|(k, v)| k.len() + v.len() + size_of::<(String, String)>()).sum();
        ENTRY_OVERHEAD + id.len() + dimensions * size_of::<f32>() + texts
    }

    /// Adds an entry whose id is not there yet.
    pub fn push(
        &mut self,
        id: &str,
        unit: &[f32],
        expires: Option<Instant>,
        fields: Arc<[(String, String)]>,
    ) {
        let id: Arc<str> = id.into();
        let bytes = Self::bytes_of(&id, unit.len(), &fields);
        self.dimensions = unit.len();
        self.bytes += bytes;
        self.index.insert(id.clone(), self.entries.len());
        self.rows.extend_from_slice(unit);
        self.entries.push(Entry { id, fields, expires, bytes, used: AtomicBool::new(false) });
    }

    /// Removes an entry; the bytes it counted for, or 0.
    pub fn remove(&mut self, id: &str) -> usize {
        self.index.get(id).copied().map_or(0, |at| self.remove_at(at))
    }

    /// Removes everything; the bytes it counted for.
    pub fn clear(&mut self) -> usize {
        std::mem::take(self).bytes
    }

    /// Makes room by one entry: one that has expired or was not found since the hand last came by.
    pub fn evict(&mut self, now: Instant) -> Option<usize> {
        loop {
            if self.hand >= self.entries.len() {
                self.hand = 0;
            }
            let entry = self.entries.get(self.hand)?;
            if entry.expired(now) || !entry.used.swap(false, Ordering::Relaxed) {
                return Some(self.remove_at(self.hand));
            }
            self.hand += 1;
        }
    }

    /// The nearest, best first; of equals, in the order of the rows.
    pub fn nearest(&self, unit: &[f32], limit: usize, now: Instant) -> Result<Vec<Hit>, VectorError> {
        self.accept(unit.len())?;
        let mut best: Vec<(f32, usize)> = Vec::with_capacity(limit.min(64) + 1);
        if limit == 0 || self.entries.is_empty() {
            return Ok(Vec::new());
        }
        for (at, (row, entry)) in self.rows.chunks_exact(self.dimensions).zip(&self.entries).enumerate() {
            let similarity = dot(row, unit);
            let beaten = best.len() == limit && best.last().is_some_and(|(worst, _)| similarity <= *worst);
            if beaten || entry.expired(now) {
                continue;
            }
            best.truncate(limit - 1);
            let place = best.partition_point(|(other, _)| *other >= similarity);
            best.insert(place, (similarity, at));
        }
        let hit = |(similarity, at): (f32, usize)| {
            let entry = self.entries.get(at)?;
            entry.used.store(true, Ordering::Relaxed);
            let similarity = similarity.clamp(-1.0, 1.0);
            Some(Hit { id: entry.id.clone(), similarity, fields: entry.fields.clone() })
        };
        Ok(best.into_iter().filter_map(hit).collect())
    }

    fn remove_at(&mut self, at: usize) -> usize {
        if at >= self.entries.len() {
            return 0;
        }
        let gone = self.entries.swap_remove(at);
        self.index.remove(&gone.id);
        self.bytes -= gone.bytes;
        let last = self.entries.len() * self.dimensions;
        if let Some(moved) = self.entries.get(at) {
            self.index.insert(moved.id.clone(), at);
            self.rows.copy_within(last.., at * self.dimensions);
        }
        self.rows.truncate(last);
        gone.bytes
    }
}

/// The inner product, in lanes that need not wait for one another.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    let mut lanes = [0.0_f32; LANES];
    for (x, y) in a.zip(b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(x.iter().zip(y)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f32>() + rest
}
