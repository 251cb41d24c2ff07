//! One collection: rows of flat arrays, and what belongs to each row.
//!
//! A row is kept in two parts. The product of the first parts and the lengths of the second bound what the
//! whole product can be, so a search reads a sixth of a row that cannot be among its results.
//! Source: the inequality of Cauchy and Schwarz.
//!
//! Invariant: row `n` of the arrays belongs to entry `n`, and every entry stands once in the group of its
//! fields; a removal moves the last row into the gap. Expired entries are never found, and are the first to
//! be evicted. Never normalises: that was done before.

use super::search::{Best, Search};
use super::{Hit, VectorError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

/// What an entry costs besides its numbers and texts: the entry, the index, reference counts, rounded up.
const ENTRY_OVERHEAD: usize = 192;

/// Numbers that are multiplied side by side.
const LANES: usize = 16;

/// Numbers in the first part of a row that is long enough to have two.
const HEAD: usize = 64;

/// How far rounding may take a bound below the product that it bounds.
const ROUNDING: f32 = 1e-4;

/// What an entry was stored with.
type Fields = Arc<[(String, String)]>;

#[derive(Debug, Default)]
pub(super) struct Collection {
    dimensions: usize,
    /// The first part of each row.
    heads: Vec<f32>,
    /// The rest of each row.
    rests: Vec<f32>,
    /// The length of the rest of each row.
    lengths: Vec<f32>,
    entries: Vec<Entry>,
    /// The rows of each set of fields.
    groups: HashMap<Fields, Vec<usize>, foldhash::quality::RandomState>,
    index: HashMap<Arc<str>, usize, foldhash::quality::RandomState>,
    hand: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: Arc<str>,
    fields: Fields,
    /// Its place in the group of its fields.
    place: usize,
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

    /// Entries that a search would look at.
    pub fn candidates(&self, among: Option<&[(String, String)]>) -> usize {
        among.map_or(self.len(), |fields| self.groups.get(fields).map_or(0, Vec::len))
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

    /// Numbers in the first part of a row.
    const fn head(&self) -> usize {
        if self.dimensions > 2 * HEAD { HEAD } else { self.dimensions }
    }

    /// Adds an entry whose id is not there yet.
    pub fn push(&mut self, id: &str, unit: &[f32], expires: Option<Instant>, fields: Fields) {
        let id: Arc<str> = id.into();
        let bytes = Self::bytes_of(&id, unit.len(), &fields);
        self.dimensions = unit.len();
        self.bytes += bytes;
        let at = self.entries.len();
        self.index.insert(id.clone(), at);
        let (head, rest) = unit.split_at(self.head());
        self.heads.extend_from_slice(head);
        self.rests.extend_from_slice(rest);
        self.lengths.push(dot(rest, rest).sqrt());
        // Entries with the same fields share them.
        let fields = self.groups.get_key_value(&*fields).map_or(fields, |(known, _)| known.clone());
        let group = self.groups.entry(fields.clone()).or_default();
        let place = group.len();
        group.push(at);
        self.entries.push(Entry { id, fields, place, expires, bytes, used: AtomicBool::new(false) });
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

    /// What is nearest, best first; of equals, the one that came first.
    pub fn nearest(&self, unit: &[f32], search: &Search<'_>, now: Instant) -> Result<Vec<Hit>, VectorError> {
        self.accept(unit.len())?;
        if self.entries.is_empty() {
            return Ok(Vec::new());
        }
        let query = Query::new(unit, self.head());
        let mut best = Best::new(search);
        let mut consider = |row: usize| {
            let live = |row: usize| self.entries.get(row).is_some_and(|entry| !entry.expired(now));
            if let Some(similarity) = self.similarity(row, &query, &best).filter(|_| live(row)) {
                best.insert(similarity, row);
            }
        };
        match search.among {
            None => (0..self.entries.len()).for_each(consider),
            Some(fields) => self.groups.get(fields).into_iter().flatten().for_each(|row| consider(*row)),
        }
        let hit = |(similarity, row): (f32, usize)| {
            let entry = self.entries.get(row)?;
            entry.used.store(true, Ordering::Relaxed);
            let similarity = similarity.clamp(-1.0, 1.0);
            Some(Hit { id: entry.id.clone(), similarity, fields: entry.fields.clone() })
        };
        Ok(best.into_rows().filter_map(hit).collect())
    }

    /// A row's similarity, where it is among the best; of most other rows only the first part is read.
    fn similarity(&self, row: usize, query: &Query<'_>, best: &Best) -> Option<f32> {
        let first = dot(part(&self.heads, query.head.len(), row)?, query.head);
        let bound = first + self.lengths.get(row)? * query.length + ROUNDING;
        if !best.admits(bound) {
            return None;
        }
        let similarity = first + dot(part(&self.rests, query.rest.len(), row)?, query.rest);
        best.admits(similarity).then_some(similarity)
    }

    fn remove_at(&mut self, row: usize) -> usize {
        let Some(last) = self.entries.len().checked_sub(1).filter(|last| row <= *last) else { return 0 };
        self.leave_group(row);
        self.rename_in_group(last, row);
        let gone = self.entries.swap_remove(row);
        self.index.remove(&gone.id);
        if let Some(moved) = self.entries.get(row) {
            self.index.insert(moved.id.clone(), row);
        }
        let head = self.head();
        close_gap(&mut self.heads, head, row);
        close_gap(&mut self.rests, self.dimensions - head, row);
        close_gap(&mut self.lengths, 1, row);
        self.bytes -= gone.bytes;
        gone.bytes
    }

    /// Takes a row out of its group, whose last takes its place.
    fn leave_group(&mut self, row: usize) {
        let Some(Entry { fields, place, .. }) = self.entries.get(row) else { return };
        let (fields, place) = (fields.clone(), *place);
        let Some(group) = self.groups.get_mut(&*fields) else { return };
        group.swap_remove(place);
        if let Some(follower) = group.get(place).and_then(|row| self.entries.get_mut(*row)) {
            follower.place = place;
        }
        if group.is_empty() {
            self.groups.remove(&*fields);
        }
    }

    /// Tells a row's group of the row's new number. A row that has left its group is not in it any more.
    fn rename_in_group(&mut self, row: usize, new: usize) {
        let Some(entry) = self.entries.get(row).filter(|_| row != new) else { return };
        if let Some(named) = self.groups.get_mut(&*entry.fields).and_then(|group| group.get_mut(entry.place))
        {
            *named = new;
        }
    }
}

/// A query, in two parts as the rows are.
struct Query<'a> {
    head: &'a [f32],
    rest: &'a [f32],
    /// The length of the rest.
    length: f32,
}

impl<'a> Query<'a> {
    fn new(unit: &'a [f32], head: usize) -> Self {
        let (head, rest) = unit.split_at(head);
        Self { head, rest, length: dot(rest, rest).sqrt() }
    }
}

/// Row `row` of an array of rows of `width` numbers.
fn part(rows: &[f32], width: usize, row: usize) -> Option<&[f32]> {
    rows.get(row * width..(row + 1) * width)
}

/// Moves the last row of `width` numbers into the place of row `row`, which is gone.
fn close_gap(rows: &mut Vec<f32>, width: usize, row: usize) {
    let last = rows.len() - width;
    rows.copy_within(last.., row * width);
    rows.truncate(last);
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
