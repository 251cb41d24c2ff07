//! One collection: its entries, by id, and the groups that their vectors stand in.
//!
//! Entries lie in a slab, so that a row's number stays while its vector moves from cell to cell.
//!
//! Invariants: every entry stands once in the group of its first field; freed numbers are used again. Expired
//! entries are never found, and are the first to be evicted. Never normalises: that was done before.

use super::codes::{Codes, Query};
use super::group::{Group, Place};
use super::search::{Best, Search};
use super::{Hit, VectorError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

/// What an entry costs besides its numbers and texts: the entry, the index, reference counts, its share of a cell's
/// middle and of what arrays keep in reserve, rounded up.
const ENTRY_OVERHEAD: usize = 256;

/// What an entry was stored with.
type Fields = Arc<[(String, String)]>;

#[derive(Debug, Default)]
pub(super) struct Collection {
    dimensions: usize,
    entries: Vec<Option<Entry>>,
    /// Numbers of entries that are gone.
    free: Vec<u32>,
    /// By first field.
    groups: HashMap<Fields, Group, foldhash::quality::RandomState>,
    index: HashMap<Arc<str>, u32, foldhash::quality::RandomState>,
    hand: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: Arc<str>,
    fields: Fields,
    /// Where it stands in its group.
    place: Place,
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
        self.index.len()
    }

    /// Entries that a search chooses among.
    pub fn candidates(&self, among: Option<&[(String, String)]>) -> usize {
        match among {
            Some(fields @ [_, ..]) => self.groups.get(group_of(fields)).map_or(0, Group::len),
            _ => self.len(),
        }
    }

    /// Vectors that a search reads, about.
    pub fn effort(&self, among: Option<&[(String, String)]>) -> usize {
        match among {
            Some(fields @ [_]) => self.groups.get(group_of(fields)).map_or(0, Group::effort),
            Some([_, ..]) => self.candidates(among),
            _ => self.groups.values().map(Group::effort).sum(),
        }
    }

    /// What all its entries count for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether vectors of this dimension may join; an empty collection takes any.
    pub fn accept(&self, dimensions: usize) -> Result<(), VectorError> {
        if self.len() == 0 || self.dimensions == dimensions {
            return Ok(());
        }
        Err(VectorError::Dimensions { expected: self.dimensions, got: dimensions })
    }

    /// What an entry counts for.
    pub fn bytes_of(id: &str, dimensions: usize, fields: &[(String, String)]) -> usize {
        let texts: usize =
            fields.iter().map(|(k, v)| k.len() + v.len() + size_of::<(String, String)>()).sum();
        ENTRY_OVERHEAD + id.len() + Codes::bytes_of(dimensions) + texts
    }

    /// The cell that a vector will belong to: asked for apart, since it takes longer than the rest of an addition.
    pub fn cell_of(&self, unit: &[f32], fields: &[(String, String)]) -> usize {
        self.groups.get(group_of(fields)).map_or(0, |group| group.cell_of(unit))
    }

    /// Adds an entry whose id is not there yet to a cell that [`Collection::cell_of`] named.
    pub fn push(&mut self, id: &str, unit: &[f32], expires: Option<Instant>, fields: Fields, cell: usize) {
        let id: Arc<str> = id.into();
        let bytes = Self::bytes_of(&id, unit.len(), &fields);
        self.dimensions = unit.len();
        let place = Place { cell: 0, slot: 0 };
        let entry = Entry {
            id: id.clone(),
            fields: fields.clone(),
            place,
            expires,
            bytes,
            used: AtomicBool::new(false),
        };
        let row = match self.free.pop() {
            Some(row) => row,
            // A slab past its numbers takes nothing more; memory ends long before.
            None => match u32::try_from(self.entries.len()) {
                Ok(row) => {
                    self.entries.push(None);
                    row
                }
                Err(_) => return,
            },
        };
        if let Some(slot) = self.entries.get_mut(row as usize) {
            *slot = Some(entry);
        }
        self.bytes += bytes;
        self.index.insert(id, row);
        let entries = &mut self.entries;
        let moved = |row: u32, place: Place| {
            if let Some(Some(entry)) = entries.get_mut(row as usize) {
                entry.place = place;
            }
        };
        match self.groups.get_mut(group_of(&fields)) {
            Some(group) => group.push(cell, row, unit, moved),
            None => self.groups.entry(group_of(&fields).into()).or_default().push(cell, row, unit, moved),
        }
    }

    /// Removes an entry; the bytes it counted for, or 0.
    pub fn remove(&mut self, id: &str) -> usize {
        self.index.get(id).copied().map_or(0, |row| self.remove_at(row as usize).unwrap_or(0))
    }

    /// Removes everything; the bytes it counted for.
    pub fn clear(&mut self) -> usize {
        std::mem::take(self).bytes
    }

    /// Makes room by one entry: one that has expired or was not found since the hand last came by.
    pub fn evict(&mut self, now: Instant) -> Option<usize> {
        if self.len() == 0 {
            return None;
        }
        loop {
            if self.hand >= self.entries.len() {
                self.hand = 0;
            }
            let row = self.hand;
            match self.entries.get(row)? {
                Some(entry) if entry.expired(now) || !entry.used.swap(false, Ordering::Relaxed) => {
                    return self.remove_at(row);
                }
                _ => self.hand += 1,
            }
        }
    }

    /// What is nearest, best first. In a large group it may miss some, and finds the nearest nearly always.
    pub fn nearest(&self, unit: &[f32], search: &Search<'_>, now: Instant) -> Result<Vec<Hit>, VectorError> {
        self.accept(unit.len())?;
        let query = Query::new(unit);
        let mut best = Best::new(search);
        let entry = |row: u32| self.entries.get(row as usize).and_then(Option::as_ref);
        let live = |row: u32| entry(row).is_some_and(|entry| !entry.expired(now));
        match search.among {
            // All of a group begin with the first field.
            Some(fields @ [_]) => {
                if let Some(group) = self.groups.get(group_of(fields)) {
                    group.search(&query, false, &mut best, live);
                }
            }
            // Of what follows the cells know nothing, so all are read.
            Some(fields @ [_, ..]) => {
                let begins = |row| entry(row).is_some_and(|entry| entry.fields.starts_with(fields));
                if let Some(group) = self.groups.get(group_of(fields)) {
                    group.search(&query, true, &mut best, |row| live(row) && begins(row));
                }
            }
            _ => self.groups.values().for_each(|group| group.search(&query, false, &mut best, live)),
        }
        let hit = |(similarity, row): (f32, u32)| {
            let entry = entry(row)?;
            entry.used.store(true, Ordering::Relaxed);
            let similarity = similarity.clamp(-1.0, 1.0);
            Some(Hit { id: entry.id.clone(), similarity, fields: entry.fields.clone() })
        };
        Ok(best.into_rows().filter_map(hit).collect())
    }

    fn remove_at(&mut self, row: usize) -> Option<usize> {
        let gone = self.entries.get_mut(row)?.take()?;
        self.free.extend(u32::try_from(row));
        self.index.remove(&gone.id);
        self.bytes -= gone.bytes;
        let entries = &mut self.entries;
        if let Some(group) = self.groups.get_mut(group_of(&gone.fields)) {
            group.remove(gone.place, |row, place| {
                if let Some(Some(entry)) = entries.get_mut(row as usize) {
                    entry.place = place;
                }
            });
            if group.len() == 0 {
                self.groups.remove(group_of(&gone.fields));
            }
        }
        Some(gone.bytes)
    }
}

/// What names the group of an entry with these fields: the first of them.
fn group_of(fields: &[(String, String)]) -> &[(String, String)] {
    fields.get(..1).unwrap_or_default()
}
