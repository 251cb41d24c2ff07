//! A cell: rows that are near one another, scanned together, and cut in two when they are too many.
//!
//! Invariant: row `n` of the codes is row `n` of the numbers. Never knows the other cells.

use super::codes::{Codes, Query, direct};
use super::search::Best;

/// Rounds of 2-means: the halves hardly change after.
const ROUNDS: usize = 5;

/// Rows that are near one another.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pub codes: Codes,
    /// Whose rows these are.
    pub rows: Vec<u32>,
}

impl Cell {
    /// Offers every row that may be among the best and that `admits`.
    pub fn search(&self, query: &Query<'_>, best: &mut Best, admits: impl Fn(u32) -> bool) {
        self.codes.scan(query, best.bar(), |slot| {
            let similarity = self.codes.product(slot, query);
            if let Some(row) = self.rows.get(slot).filter(|row| best.admits(similarity) && admits(**row)) {
                best.insert(similarity, *row);
            }
            best.bar()
        });
    }

    /// The slots of two halves, by 2-means; neither has fewer than a quarter of the rows.
    pub fn halves(&self) -> [Vec<usize>; 2] {
        let rows: Vec<Vec<f32>> =
            (0..self.rows.len()).map(|slot| self.codes.numbers(slot).collect()).collect();
        let farthest = |from: &[f32]| {
            let likeness = |row: &&Vec<f32>| dot(row, from);
            rows.iter().min_by(|a, b| likeness(a).total_cmp(&likeness(b))).cloned().unwrap_or_default()
        };
        // Far from the first row, and far from that: two ends of the cell, the same in every run.
        let one = farthest(rows.first().map_or(&[][..], Vec::as_slice));
        let mut ends = [farthest(&one), one];
        let mut order: Vec<(f32, usize)> = Vec::new();
        let mut cut = rows.len() / 2;
        for _ in 0..ROUNDS {
            let [a, b] = &ends;
            order = rows.iter().enumerate().map(|(slot, row)| (dot(row, b) - dot(row, a), slot)).collect();
            order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            cut = order.partition_point(|(lean, _)| *lean < 0.0).clamp(rows.len() / 4, rows.len() * 3 / 4);
            let (near, far) = order.split_at(cut);
            ends = [near, far].map(|half| {
                let mut middle = vec![0.0; self.codes.width()];
                for row in half.iter().filter_map(|(_, slot)| rows.get(*slot)) {
                    middle.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                }
                direct(&mut middle);
                middle
            });
        }
        let (near, far) = order.split_at(cut.min(order.len()));
        [near, far].map(|half| half.iter().map(|(_, slot)| *slot).collect())
    }

    /// A cell of some of the rows, and the direction of their middle.
    pub fn part(&self, slots: &[usize]) -> (Self, Vec<f32>) {
        let mut part =
            Self { codes: Codes::with_capacity(self.codes.width(), slots.len()), rows: Vec::new() };
        slots.iter().for_each(|slot| part.take(self, *slot));
        let middle = part.middle();
        (part, middle)
    }

    /// The direction of the middle of the rows.
    pub fn middle(&self) -> Vec<f32> {
        let mut middle = vec![0.0; self.codes.width()];
        for slot in 0..self.rows.len() {
            middle.iter_mut().zip(self.codes.numbers(slot)).for_each(|(sum, x)| *sum += x);
        }
        direct(&mut middle);
        middle
    }

    /// Copies a row of another cell.
    pub fn take(&mut self, other: &Self, slot: usize) {
        if let Some(row) = other.rows.get(slot) {
            self.codes.push_from(&other.codes, slot);
            self.rows.push(*row);
        }
    }

    /// Removes a row; the last takes its place.
    pub fn swap_remove(&mut self, slot: usize) {
        self.codes.swap_remove(slot);
        self.rows.swap_remove(slot);
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (x, y))| *lane += x * y);
    }
    lanes.iter().sum()
}
