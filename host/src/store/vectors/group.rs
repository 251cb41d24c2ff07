//! The vectors of one group, in cells of near ones: a small group is scanned whole, of a large one the nearest cells.
//!
//! A cell that grows too large is split in two by 2-means, so cells follow the data as it comes and goes, and nothing
//! is ever built anew. A search of a group of many cells reads those whose middles are nearly as near as the nearest one,
//! which is approximate: how often the nearest vector is found is measured (`vectors/tests/recall.rs`).
//! Source of the idea: the lists of an inverted file (Jégou et al., "Product quantization", 2011), split as they grow
//! (Xu et al., "SPFresh", 2023).
//!
//! Invariants: every row of a group stands in one cell; only the only cell may be empty. The caller learns of
//! every move. Never knows an entry: rows are numbers to it.

use super::cell::Cell;
use super::codes::{Query, rank, short};
use super::search::Best;

/// Rows of a cell at most.
const CELL: usize = 256;
/// Cells of a group that is still searched whole; of a larger one, at least as many are read.
const WHOLE: usize = 32;
/// Cells of a larger group that a search reads at most.
const PROBES: usize = 160;
/// How near a cell's middle must be for the cell to be read, in hundredths of how near the nearest middle is.
const NEAR: i64 = 72;
/// Cells around a split whose rows may belong to another after it.
const AROUND: usize = 24;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub cell: u32,
    pub slot: u32,
}

impl Place {
    fn new(cell: usize, slot: usize) -> Self {
        // A group has fewer rows than a slab of 32-bit numbers.
        Self { cell: u32::try_from(cell).unwrap_or(u32::MAX), slot: u32::try_from(slot).unwrap_or(u32::MAX) }
    }
}

/// The cells.
#[derive(Debug, Default)]
pub(super) struct Group {
    cells: Vec<Cell>,
    /// The direction of the middle of each cell, in 16 bits. Of a lone cell it says nothing.
    middles: Vec<i16>,
    len: usize,
}

impl Group {
    pub fn len(&self) -> usize {
        self.len
    }

    /// Rows that a search reads, about.
    pub fn effort(&self) -> usize {
        if self.cells.len() <= WHOLE { self.len } else { self.len.min(self.cells.len() + PROBES * CELL / 4) }
    }

    /// The cell that a vector belongs to.
    pub fn cell_of(&self, unit: &[f32]) -> usize {
        if self.cells.len() < 2 {
            return 0;
        }
        let codes: Vec<i16> = short(unit).collect();
        let ranked = self.middles.chunks_exact(unit.len()).map(|middle| rank(middle, &codes));
        ranked.enumerate().max_by_key(|(_, rank)| *rank).map_or(0, |(cell, _)| cell)
    }

    /// Adds a row to the cell that [`Group::cell_of`] named, and tells of every row that has another place for it.
    pub fn push(&mut self, cell: usize, row: u32, unit: &[f32], mut moved: impl FnMut(u32, Place)) {
        if self.cells.is_empty() {
            self.cells.push(Cell::default());
            self.middles.extend(short(unit));
        }
        let cell = cell.min(self.cells.len() - 1);
        let Some(own) = self.cells.get_mut(cell) else { return };
        own.codes.push(unit);
        own.rows.push(row);
        self.len += 1;
        moved(row, Place::new(cell, own.rows.len() - 1));
        if own.rows.len() > CELL {
            self.split(cell, moved);
        }
    }

    /// Removes what stands at a place, and tells of every row that has another place for it.
    pub fn remove(&mut self, place: Place, mut moved: impl FnMut(u32, Place)) {
        let (cell, slot) = (place.cell as usize, place.slot as usize);
        let Some(own) = self.cells.get_mut(cell).filter(|own| slot < own.rows.len()) else { return };
        own.swap_remove(slot);
        self.len -= 1;
        if let Some(row) = own.rows.get(slot) {
            moved(*row, place);
        }
        if own.rows.is_empty() && self.cells.len() > 1 {
            let width = self.middles.len() / self.cells.len();
            self.cells.swap_remove(cell);
            let last = self.middles.len() - width;
            self.middles.copy_within(last.., cell * width);
            self.middles.truncate(last);
            self.tell(cell, moved);
        }
    }

    /// Offers every row that may be among the best; `admits` says whether a row counts at all. `whole` reads every cell.
    pub fn search(&self, query: &Query<'_>, whole: bool, best: &mut Best, admits: impl Fn(u32) -> bool) {
        if whole || self.cells.len() <= WHOLE {
            self.cells.iter().for_each(|cell| cell.search(query, best, &admits));
            return;
        }
        let width = query.codes().len().max(1);
        let middles = self.middles.chunks_exact(width);
        let mut order: Vec<(i32, usize)> =
            middles.map(|middle| rank(middle, query.codes())).zip(0..self.cells.len()).collect();
        // The nearest first: what they hold sets the bar for the others.
        order.sort_unstable_by_key(|(likeness, cell)| (std::cmp::Reverse(*likeness), *cell));
        let nearest = order.first().map_or(0, |(likeness, _)| i64::from(*likeness));
        let worth = |(place, (likeness, _)): &(usize, &(i32, usize))| {
            *place < WHOLE || i64::from(*likeness) * 100 >= nearest * NEAR
        };
        let read = order.iter().enumerate().take(PROBES).take_while(worth);
        let read = read.filter_map(|(_, (_, cell))| self.cells.get(*cell));
        read.for_each(|cell| cell.search(query, best, &admits));
    }

    /// Splits a cell: one half stays, the other becomes the last cell. Rows around them may have come nearer to another
    /// middle; those move.
    fn split(&mut self, cell: usize, mut moved: impl FnMut(u32, Place)) {
        let Some(whole) = self.cells.get_mut(cell).map(std::mem::take) else { return };
        let width = whole.codes.width();
        let [near, far] = whole.halves();
        let ((one, one_middle), (other, other_middle)) = (whole.part(&near), whole.part(&far));
        let around = self.around(cell, width);
        if let Some(own) = self.cells.get_mut(cell) {
            *own = one;
        }
        if let Some(own) = self.middles.get_mut(cell * width..(cell + 1) * width) {
            own.iter_mut().zip(short(&one_middle)).for_each(|(own, new)| *own = new);
        }
        let last = self.cells.len();
        self.cells.push(other);
        self.middles.extend(short(&other_middle));
        let mut changed = vec![cell, last];
        self.settle(&around, [cell, last], &mut changed);
        for cell in changed {
            self.centre(cell, width);
            self.tell(cell, &mut moved);
        }
    }

    /// Takes the middle of what stands in a cell now.
    fn centre(&mut self, cell: usize, width: usize) {
        let Some(own) = self.cells.get(cell) else { return };
        let middle = own.middle();
        if let Some(own) = self.middles.get_mut(cell * width..(cell + 1) * width) {
            own.iter_mut().zip(short(&middle)).for_each(|(own, new)| *own = new);
        }
    }

    /// The cells nearest to one, without it.
    fn around(&self, cell: usize, width: usize) -> Vec<usize> {
        let own = self.middle(cell, width);
        let others = (0..self.cells.len()).filter(|other| *other != cell);
        let mut order: Vec<(i32, usize)> =
            others.map(|other| (-rank(self.middle(other, width), own), other)).collect();
        if order.len() > AROUND {
            order.select_nth_unstable(AROUND);
            order.truncate(AROUND);
        }
        order.into_iter().map(|(_, other)| other).collect()
    }

    /// Moves rows of two new cells to the nearest of those around, and rows of those to the new where they are nearer.
    fn settle(&mut self, around: &[usize], new: [usize; 2], changed: &mut Vec<usize>) {
        let every: Vec<usize> = new.iter().chain(around).copied().collect();
        for (at, cell) in every.iter().enumerate() {
            let others = if at < new.len() { &every[..] } else { &new[..] };
            let Some(mut own) = self.cells.get_mut(*cell).map(std::mem::take) else { continue };
            let width = own.codes.width();
            for slot in (0..own.rows.len()).rev() {
                let stays = own.codes.likeness(slot, self.middle(*cell, width));
                let nearer = others
                    .iter()
                    .filter(|other| *other != cell)
                    .map(|other| (own.codes.likeness(slot, self.middle(*other, width)), *other));
                let Some((_, to)) = nearer.max().filter(|(likeness, _)| *likeness > stays) else { continue };
                // A full cell is split by its next row, not by this one.
                let room = |to: &&mut Cell| to.rows.len() < 2 * CELL;
                if own.rows.len() > 1
                    && let Some(to_cell) = self.cells.get_mut(to).filter(room)
                {
                    to_cell.take(&own, slot);
                    own.swap_remove(slot);
                    changed.extend([*cell, to]);
                }
            }
            if let Some(place) = self.cells.get_mut(*cell) {
                *place = own;
            }
        }
        changed.sort_unstable();
        changed.dedup();
    }

    fn middle(&self, cell: usize, width: usize) -> &[i16] {
        self.middles.get(cell * width..(cell + 1) * width).unwrap_or_default()
    }

    /// Tells where the rows of a cell stand.
    fn tell(&self, cell: usize, mut moved: impl FnMut(u32, Place)) {
        let rows = self.cells.get(cell).map_or(&[][..], |own| &own.rows);
        rows.iter().enumerate().for_each(|(slot, row)| moved(*row, Place::new(cell, slot)));
    }
}
