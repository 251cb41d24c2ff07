//! Rows of numbers in eight bits, and in eight more: enough to scan by, and enough to be exact.
//!
//! A row is kept as codes of eight bits with a scale, the rest in a second code of eight bits, and the length of that
//! rest. A scan multiplies the first codes alone; the length of the rest bounds what the whole product can be, so only
//! rows that may be among the results are multiplied in full. Source: the inequality of Cauchy and Schwarz.
//!
//! Invariant: entry `n` of each array belongs to row `n`; a removal moves the last row into the gap. A bound is never
//! below the product that it bounds. Never knows what a row stands for.

/// What a number of a query is multiplied by. Products stay below 2^31: that of two such vectors, and that with a row's
/// codes, which are at most `127 * sqrt(8192)` long.
const QUERY_SCALE: f32 = 32_767.0;
/// Steps of the second code in half a step of the first.
const FINE: f32 = 127.0;
/// Numbers that are multiplied side by side.
const LANES: usize = 16;
/// Codes that are multiplied side by side.
const WIDE: usize = 32;

/// A unit vector that rows are compared with.
#[derive(Debug)]
pub(super) struct Query<'a> {
    unit: &'a [f32],
    codes: Vec<i16>,
    /// What rounding the query may take from a product.
    rounding: f32,
}

impl<'a> Query<'a> {
    pub fn new(unit: &'a [f32]) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "at most 8192")]
        let rounding = (unit.len() as f32).sqrt() / QUERY_SCALE + 1e-6;
        Self { unit, codes: short(unit).collect(), rounding }
    }

    pub fn codes(&self) -> &[i16] {
        &self.codes
    }
}

/// Numbers of a unit vector, in 16 bits.
pub(super) fn short(numbers: &[f32]) -> impl Iterator<Item = i16> {
    #[expect(clippy::cast_possible_truncation, reason = "at most the scale, which fits")]
    numbers.iter().map(|number| (number * QUERY_SCALE).round() as i16)
}

/// The inner product of two unit vectors in 16 bits.
pub(super) fn rank(a: &[i16], b: &[i16]) -> i32 {
    let ((a, rest), (b, other)) = (a.as_chunks::<WIDE>(), b.as_chunks::<WIDE>());
    let product =
        |a: &[i16], b: &[i16]| a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>();
    a.iter().zip(b).map(|(a, b)| product(a, b)).sum::<i32>() + product(rest, other)
}

/// The rows.
#[derive(Debug, Default)]
pub(super) struct Codes {
    width: usize,
    codes: Vec<i8>,
    /// What is left of each number, in steps of `scale / (2 * FINE)`.
    fine: Vec<i8>,
    scales: Vec<f32>,
    /// The length of what is left of each row.
    rests: Vec<f32>,
}

impl Codes {
    /// Room for rows of this width.
    pub fn with_capacity(width: usize, rows: usize) -> Self {
        Self {
            width,
            codes: Vec::with_capacity(width * rows),
            fine: Vec::with_capacity(width * rows),
            scales: Vec::with_capacity(rows),
            rests: Vec::with_capacity(rows),
        }
    }

    /// Bytes of one row.
    pub const fn bytes_of(width: usize) -> usize {
        2 * width + 2 * size_of::<f32>()
    }

    pub fn push(&mut self, unit: &[f32]) {
        self.width = unit.len();
        let largest = unit.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        let mut rest = 0.0;
        for x in unit {
            let code = byte(x / scale);
            let left = x - f32::from(code) * scale;
            rest += left * left;
            self.codes.push(code);
            self.fine.push(byte(left / scale * 2.0 * FINE));
        }
        self.scales.push(scale);
        self.rests.push(rest.sqrt());
    }

    /// Copies a row of another list.
    pub fn push_from(&mut self, other: &Self, row: usize) {
        self.width = other.width;
        self.codes.extend_from_slice(part(&other.codes, other.width, row));
        self.fine.extend_from_slice(part(&other.fine, other.width, row));
        self.scales.push(other.scales.get(row).copied().unwrap_or(1.0));
        self.rests.push(other.rests.get(row).copied().unwrap_or(0.0));
    }

    /// Removes a row; the last takes its place.
    pub fn swap_remove(&mut self, row: usize) {
        close_gap(&mut self.codes, self.width, row);
        close_gap(&mut self.fine, self.width, row);
        self.scales.swap_remove(row);
        self.rests.swap_remove(row);
    }

    /// Calls `see` with each row and what its product with the query is at most.
    pub fn scan(&self, query: &Query<'_>, mut see: impl FnMut(usize, f32)) {
        let of_rows = self.scales.iter().zip(&self.rests);
        for (row, (codes, (scale, rest))) in
            self.codes.chunks_exact(self.width.max(1)).zip(of_rows).enumerate()
        {
            #[expect(clippy::cast_precision_loss, reason = "far below the rounding that is allowed for")]
            let product = multiply(codes, &query.codes) as f32;
            see(row, product * (scale / QUERY_SCALE) + rest + query.rounding);
        }
    }

    /// A row's product with the query.
    pub fn product(&self, row: usize, query: &Query<'_>) -> f32 {
        let scale = self.scales.get(row).copied().unwrap_or(0.0);
        let codes = part(&self.codes, self.width, row).chunks(LANES);
        let fine = part(&self.fine, self.width, row).chunks(LANES);
        let mut lanes = [[0.0_f32; LANES]; 2];
        let [coarse_lanes, fine_lanes] = &mut lanes;
        for ((codes, fine), unit) in codes.zip(fine).zip(query.unit.chunks(LANES)) {
            for (lane, (code, x)) in coarse_lanes.iter_mut().zip(codes.iter().zip(unit)) {
                *lane += f32::from(*code) * x;
            }
            for (lane, (code, x)) in fine_lanes.iter_mut().zip(fine.iter().zip(unit)) {
                *lane += f32::from(*code) * x;
            }
        }
        scale * (coarse_lanes.iter().sum::<f32>() + fine_lanes.iter().sum::<f32>() / (2.0 * FINE))
    }

    /// How near a row is to a direction in 16 bits, compared with other directions.
    pub fn likeness(&self, row: usize, direction: &[i16]) -> i32 {
        multiply(part(&self.codes, self.width, row), direction)
    }

    /// A row's numbers, as its first codes tell them.
    pub fn numbers(&self, row: usize) -> impl Iterator<Item = f32> {
        let scale = self.scales.get(row).copied().unwrap_or(0.0);
        part(&self.codes, self.width, row).iter().map(move |code| f32::from(*code) * scale)
    }

    pub fn width(&self) -> usize {
        self.width
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn byte(number: f32) -> i8 {
    number.round().clamp(-127.0, 127.0) as i8
}

/// The inner product of codes. Widened first and in pieces of one length: so compilers make the best of SIMD.
fn multiply(row: &[i8], query: &[i16]) -> i32 {
    let (rows, rest) = row.as_chunks::<WIDE>();
    let (queries, query_rest) = query.as_chunks::<WIDE>();
    let mut sum: i32 = rest.iter().zip(query_rest).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
    for (row, query) in rows.iter().zip(queries) {
        let row = row.map(i16::from);
        sum += row.iter().zip(query).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>();
    }
    sum
}

/// Row `row` of an array of rows of `width` numbers; nothing where there is no such row.
fn part<T>(rows: &[T], width: usize, row: usize) -> &[T] {
    rows.get(row * width..(row + 1) * width).unwrap_or_default()
}

/// Moves the last row of `width` numbers into the place of row `row`, which is gone.
fn close_gap<T: Copy>(rows: &mut Vec<T>, width: usize, row: usize) {
    let last = rows.len() - width;
    rows.copy_within(last.., row * width);
    rows.truncate(last);
}

/// Makes a vector one of length one; what has no direction stays as it is.
pub(super) fn direct(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
}
