//! Tables of classifiers, whose rows are eight signed bytes: where they lie, and their sums without a vector unit.
//!
//! Invariant: a sum is exact up to [`MOST`] rows.

/// Begins where a line of the processor's cache does, so that no row of a table lies in two.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Aligned<Bytes: ?Sized>(pub Bytes);

/// Rows of which a sum is exact, whatever they are.
pub const MOST: usize = 256;

/// Of each number 128 more than it is, so that none is below zero.
const BIAS: u64 = 0x8080_8080_8080_8080;
/// Every other byte.
const EVEN: u64 = 0x00FF_00FF_00FF_00FF;

/// A sum: the bytes of even places and of odd ones, sixteen bits each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    even: u64,
    odd: u64,
    rows: u32,
}

impl Sum {
    /// Adds a row: eight bytes, the first the lowest.
    pub fn add(&mut self, row: u64) {
        let row = row ^ BIAS;
        self.even += row & EVEN;
        self.odd += row >> 8 & EVEN;
        self.rows += 1;
    }

    /// What was added up, a number for each byte.
    pub fn totals(&self) -> [i32; 8] {
        let bias = 128 * self.rows.cast_signed();
        let lane = |four: u64, n: usize| i32::from((four >> (16 * n) & 0xFFFF) as u16) - bias;
        std::array::from_fn(|at| lane(if at % 2 == 0 { self.even } else { self.odd }, at / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Sum};

    #[test]
    fn sums_are_exact_at_their_ends() {
        for byte in [i8::MIN, -1, 0, 1, i8::MAX] {
            let mut row = [byte; 8];
            row[3] = !byte;
            let mut sum = Sum::default();
            (0..MOST).for_each(|_| sum.add(u64::from_le_bytes(row.map(i8::cast_unsigned))));
            let one_by_one = row.map(|byte| std::iter::repeat_n(i32::from(byte), MOST).sum::<i32>());
            assert_eq!(sum.totals(), one_by_one, "{byte}");
        }
        assert_eq!(Sum::default().totals(), [0; 8]);
    }
}
