//! Tables of classifiers, whose rows are eight signed bytes: where they lie, and their sums, two rows at a time.
//!
//! Invariant: a sum is exact up to [`MOST`] pairs of rows.

/// Begins where a line of the processor's cache does, so that no row of a table lies in two.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct Aligned<Bytes: ?Sized>(pub Bytes);

/// Pairs of rows of which a sum is exact, whatever they are.
pub const MOST: usize = 256;

/// Of each number 128 more than it is, so that none is below zero.
const BIAS: u64 = 0x8080_8080_8080_8080;
/// Every other byte.
const EVEN: u64 = 0x00FF_00FF_00FF_00FF;

/// A sum of rows, two at once: the bytes of even places and of odd ones, sixteen bits each.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    even: [u64; 2],
    odd: [u64; 2],
    pairs: u32,
}

impl Sum {
    /// Adds two rows, each of eight bytes, the first the lowest; a row of zeros adds nothing.
    #[inline]
    pub fn add(&mut self, rows: [u64; 2]) {
        for ((even, odd), row) in self.even.iter_mut().zip(&mut self.odd).zip(rows) {
            let row = row ^ BIAS;
            *even += row & EVEN;
            *odd += row >> 8 & EVEN;
        }
        self.pairs += 1;
    }

    /// What was added up, a number for each byte.
    pub fn totals(&self) -> [i32; 8] {
        let bias = 2 * 128 * self.pairs.cast_signed();
        let lane = |four: u64, n: usize| i32::from((four >> (16 * n) & 0xFFFF) as u16);
        let lanes = |[one, two]: [u64; 2], n: usize| lane(one, n) + lane(two, n) - bias;
        std::array::from_fn(|at| lanes(if at % 2 == 0 { self.even } else { self.odd }, at / 2))
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
            let rows = u64::from_le_bytes(row.map(i8::cast_unsigned));
            (0..MOST).for_each(|_| sum.add([rows; 2]));
            let one_by_one = row.map(|byte| std::iter::repeat_n(i32::from(byte), 2 * MOST).sum::<i32>());
            assert_eq!(sum.totals(), one_by_one, "{byte}");
            for alone in [[rows, 0], [0, rows]] {
                let mut sum = Sum::default();
                sum.add(alone);
                assert_eq!(sum.totals(), row.map(i32::from), "{byte}");
            }
        }
        assert_eq!(Sum::default().totals(), [0; 8]);
    }
}
