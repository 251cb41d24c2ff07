//! One collection: rows of flat arrays, and what belongs to each row.
//!
//! Beside each row its first numbers are kept in 16 bits. Their product, and the lengths of what is behind them, bound
//! what the whole product can be, so a search reads a quarter or less of a row that cannot be among its results.
//! Source: the inequality of Cauchy and Schwarz.
//!
//! Invariant: row `n` of the arrays belongs to entry `n`, and every entry stands once in the group of its
//! first field; a removal moves the last row into the gap. Expired entries are never found, and are the first to
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

/// Numbers at the start of a row that are kept in 16 bits as well, at most.
const HEAD: usize = 64;

/// What such a number is multiplied by: the product of two unit vectors stays below 2^31.
const SCALE: f32 = 23_170.0;

/// How far rounding may take a bound below the product that it bounds: half a unit for each of the numbers of two
/// heads, whose sum is at most 8 each.
const ROUNDING: f32 = 5e-4;

/// What an entry was stored with.
type Fields = Arc<[(String, String)]>;

#[derive(Debug, Default)]
pub(super) struct Collection {
    dimensions: usize,
    /// The rows.
    rows: Vec<f32>,
    /// The first numbers of each row, in 16 bits.
    heads: Vec<i16>,
    /// The length of what is behind them.
    lengths: Vec<f32>,
    entries: Vec<Entry>,
    /// The rows of each first field.
    groups: HashMap<Fields, Vec<usize>, foldhash::quality::RandomState>,
    index: HashMap<Arc<str>, usize, foldhash::quality::RandomState>,
    hand: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    id: Arc<str>,
    fields: Fields,
    /// Its place in the group of its first field.
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
        match among {
            Some(fields @ [_, ..]) => self.groups.get(group_of(fields)).map_or(0, Vec::len),
            _ => self.len(),
        }
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
        let numbers = dimensions * size_of::<f32>() + dimensions.min(HEAD) * size_of::<i16>();
        ENTRY_OVERHEAD + id.len() + numbers + texts
    }

    /// Numbers in the head of a row.
    fn head(&self) -> usize {
        self.dimensions.min(HEAD)
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
        self.rows.extend_from_slice(unit);
        self.heads.extend(short(head));
        self.lengths.push(dot(rest, rest).sqrt());
        let place = match self.groups.get_mut(group_of(&fields)) {
            Some(group) => {
                group.push(at);
                group.len() - 1
            }
            None => {
                self.groups.insert(group_of(&fields).into(), vec![at]);
                0
            }
        };
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
            Some(fields @ [_, rest @ ..]) => {
                let begins = |row: &usize| {
                    self.entries.get(*row).is_some_and(|entry| entry.fields.starts_with(fields))
                };
                let rows = self.groups.get(group_of(fields)).into_iter().flatten();
                // All of the group begin with the first field.
                rows.filter(|row| rest.is_empty() || begins(row)).for_each(|row| consider(*row));
            }
            _ => (0..self.entries.len()).for_each(consider),
        }
        let hit = |(similarity, row): (f32, usize)| {
            let entry = self.entries.get(row)?;
            entry.used.store(true, Ordering::Relaxed);
            let similarity = similarity.clamp(-1.0, 1.0);
            Some(Hit { id: entry.id.clone(), similarity, fields: entry.fields.clone() })
        };
        Ok(best.into_rows().filter_map(hit).collect())
    }

    /// A row's similarity, where it is among the best; of most other rows only the head is read.
    fn similarity(&self, row: usize, query: &Query<'_>, best: &Best) -> Option<f32> {
        let first = short_dot(part(&self.heads, query.head.len(), row)?, &query.head);
        let bound = first + self.lengths.get(row)? * query.length + ROUNDING;
        if !best.admits(bound) {
            return None;
        }
        let similarity = dot(part(&self.rows, query.unit.len(), row)?, query.unit);
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
        close_gap(&mut self.rows, self.dimensions, row);
        close_gap(&mut self.lengths, 1, row);
        self.bytes -= gone.bytes;
        gone.bytes
    }

    /// Takes a row out of its group, whose last takes its place.
    fn leave_group(&mut self, row: usize) {
        let Some(Entry { fields, place, .. }) = self.entries.get(row) else { return };
        let (fields, place) = (fields.clone(), *place);
        let Some(group) = self.groups.get_mut(group_of(&fields)) else { return };
        group.swap_remove(place);
        if let Some(follower) = group.get(place).and_then(|row| self.entries.get_mut(*row)) {
            follower.place = place;
        }
        if group.is_empty() {
            self.groups.remove(group_of(&fields));
        }
    }

    /// Tells a row's group of the row's new number. A row that has left its group is not in it any more.
    fn rename_in_group(&mut self, row: usize, new: usize) {
        let Some(entry) = self.entries.get(row).filter(|_| row != new) else { return };
        if let Some(named) =
            self.groups.get_mut(group_of(&entry.fields)).and_then(|group| group.get_mut(entry.place))
        {
            *named = new;
        }
    }
}

/// What names the group of an entry with these fields: the first of them.
fn group_of(fields: &[(String, String)]) -> &[(String, String)] {
    fields.get(..1).unwrap_or_default()
}

/// A query, and its head as the rows have one.
struct Query<'a> {
    unit: &'a [f32],
    head: Vec<i16>,
    /// The length of what is behind the head.
    length: f32,
}

impl<'a> Query<'a> {
    fn new(unit: &'a [f32], head: usize) -> Self {
        let (head, rest) = unit.split_at(head);
        Self { unit, head: short(head).collect(), length: dot(rest, rest).sqrt() }
    }
}

/// Numbers of a unit vector, in 16 bits.
fn short(numbers: &[f32]) -> impl Iterator<Item = i16> {
    #[expect(clippy::cast_possible_truncation, reason = "at most the scale, which fits")]
    numbers.iter().map(|number| (number * SCALE).round() as i16)
}

/// The inner product of two heads.
fn short_dot(a: &[i16], b: &[i16]) -> f32 {
    let sum: i32 = a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
    #[expect(clippy::cast_precision_loss, reason = "far below the rounding that bounds allow for")]
    let sum = sum as f32;
    sum / (SCALE * SCALE)
}

/// Row `row` of an array of rows of `width` numbers.
fn part<T>(rows: &[T], width: usize, row: usize) -> Option<&[T]> {
    rows.get(row * width..(row + 1) * width)
}

/// Moves the last row of `width` numbers into the place of row `row`, which is gone.
fn close_gap<T: Copy>(rows: &mut Vec<T>, width: usize, row: usize) {
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
