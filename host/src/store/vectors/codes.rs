//! Rows of numbers in eight bits, and in eight more: enough to scan by, and enough to be exact.
//!
//! A row is kept as codes of eight bits with a scale, the rest in a second code of eight bits, and the length of that
//! rest. A scan multiplies the first half of the codes, then the second, then all: the lengths of what is not read yet
//! bound what the whole product can be, so most rows that cannot be among the results are read to the half.
//! Source: the inequality of Cauchy and Schwarz.
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
    /// The length of what is behind the head.
    tail: f32,
    /// What rounding the query may take from a product.
    rounding: f32,
}

impl<'a> Query<'a> {
    pub fn new(unit: &'a [f32]) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "at most 8192")]
        let rounding = (unit.len() as f32).sqrt() / QUERY_SCALE + 1e-6;
        let (_, tail) = unit.split_at(head(unit.len()));
        Self { unit, codes: short(unit).collect(), tail: length(tail), rounding }
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

/// Numbers of a row that are read first: embeddings have more of their length there, if anywhere.
const fn head(width: usize) -> usize {
    if width <= 2 * WIDE { width } else { width / (2 * WIDE) * WIDE }
}

fn length(numbers: &[f32]) -> f32 {
    numbers.iter().map(|x| x * x).sum::<f32>().sqrt()
}

/// The rows.
#[derive(Debug, Default)]
pub(super) struct Codes {
    width: usize,
    heads: Vec<i8>,
    tails: Vec<i8>,
    /// The length of each tail.
    lengths: Vec<f32>,
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
            heads: Vec::with_capacity(head(width) * rows),
            tails: Vec::with_capacity((width - head(width)) * rows),
            lengths: Vec::with_capacity(rows),
            fine: Vec::with_capacity(width * rows),
            scales: Vec::with_capacity(rows),
            rests: Vec::with_capacity(rows),
        }
    }

    /// Bytes of one row.
    pub const fn bytes_of(width: usize) -> usize {
        2 * width + 3 * size_of::<f32>()
    }

    pub fn push(&mut self, unit: &[f32]) {
        self.width = unit.len();
        let largest = unit.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        let mut rest = 0.0;
        let (first, second) = unit.split_at(head(unit.len()));
        for (numbers, codes) in [(first, &mut self.heads), (second, &mut self.tails)] {
            for x in numbers {
                let code = byte(x / scale);
                let left = x - f32::from(code) * scale;
                rest += left * left;
                codes.push(code);
                self.fine.push(byte(left / scale * 2.0 * FINE));
            }
        }
        // Of the numbers as they are coded: what is left of them counts in the rest.
        self.lengths.push(
            self.tail(self.scales.len())
                .iter()
                .map(|code| f32::from(*code) * scale)
                .map(|x| x * x)
                .sum::<f32>()
                .sqrt(),
        );
        self.scales.push(scale);
        self.rests.push(rest.sqrt());
    }

    /// Copies a row of another list.
    pub fn push_from(&mut self, other: &Self, row: usize) {
        self.width = other.width;
        self.heads.extend_from_slice(other.head(row));
        self.tails.extend_from_slice(other.tail(row));
        self.lengths.push(other.lengths.get(row).copied().unwrap_or(0.0));
        self.fine.extend_from_slice(part(&other.fine, other.width, row));
        self.scales.push(other.scales.get(row).copied().unwrap_or(1.0));
        self.rests.push(other.rests.get(row).copied().unwrap_or(0.0));
    }

    /// Removes a row; the last takes its place.
    pub fn swap_remove(&mut self, row: usize) {
        close_gap(&mut self.heads, head(self.width), row);
        close_gap(&mut self.tails, self.width - head(self.width), row);
        self.lengths.swap_remove(row);
        close_gap(&mut self.fine, self.width, row);
        self.scales.swap_remove(row);
        self.rests.swap_remove(row);
    }

    /// Calls `see` with each row whose product with the query may reach the bar; what it gives is the bar from then on.
    pub fn scan(&self, query: &Query<'_>, mut bar: f32, mut see: impl FnMut(usize) -> f32) {
        let width = head(self.width);
        let (first, second) = query.codes.split_at(width.min(query.codes.len()));
        let of_rows = self.scales.iter().zip(&self.rests).zip(&self.lengths);
        for (row, (codes, ((scale, rest), length))) in
            self.heads.chunks_exact(width.max(1)).zip(of_rows).enumerate()
        {
            let product = |codes: &[i8], query: &[i16]| {
                #[expect(clippy::cast_precision_loss, reason = "far below the rounding that is allowed for")]
                let product = multiply(codes, query) as f32;
                product * (scale / QUERY_SCALE)
            };
            let so_far = product(codes, first) + rest + query.rounding;
            if so_far + length * query.tail >= bar && so_far + product(self.tail(row), second) >= bar {
                bar = see(row);
            }
        }
    }

    fn head(&self, row: usize) -> &[i8] {
        part(&self.heads, head(self.width), row)
    }

    fn tail(&self, row: usize) -> &[i8] {
        part(&self.tails, self.width - head(self.width), row)
    }

    fn codes(&self, row: usize) -> impl Iterator<Item = i8> {
        self.head(row).iter().chain(self.tail(row)).copied()
    }

    /// A row's product with the query.
    pub fn product(&self, row: usize, query: &Query<'_>) -> f32 {
        let scale = self.scales.get(row).copied().unwrap_or(0.0);
        let (first, second) = query.unit.split_at(head(self.width).min(query.unit.len()));
        let coarse = dot(self.head(row), first) + dot(self.tail(row), second);
        scale * (coarse + dot(part(&self.fine, self.width, row), query.unit) / (2.0 * FINE))
    }

    /// How near a row is to a direction in 16 bits, compared with other directions.
    pub fn likeness(&self, row: usize, direction: &[i16]) -> i32 {
        let (first, second) = direction.split_at(head(self.width).min(direction.len()));
        multiply(self.head(row), first) + multiply(self.tail(row), second)
    }

    /// A row's numbers, as its first codes tell them.
    pub fn numbers(&self, row: usize) -> impl Iterator<Item = f32> {
        let scale = self.scales.get(row).copied().unwrap_or(0.0);
        self.codes(row).map(move |code| f32::from(code) * scale)
    }

    pub fn width(&self) -> usize {
        self.width
    }
}

/// The inner product of codes and numbers, in lanes that need not wait for one another.
fn dot(codes: &[i8], numbers: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    for (codes, numbers) in codes.chunks(LANES).zip(numbers.chunks(LANES)) {
        lanes
            .iter_mut()
            .zip(codes.iter().zip(numbers))
            .for_each(|(lane, (code, x))| *lane += f32::from(*code) * x);
    }
    lanes.iter().sum()
}

#[expect(clippy::cast_possible_truncation, reason = "clamped")]
fn byte(number: f32) -> i8 {
    number.round().clamp(-127.0, 127.0) as i8
}

/// The inner product of codes. Widened first and in pieces of one length: so compilers make the best of SIMD.
#[inline]
fn multiply(row: &[i8], query: &[i16]) -> i32 {
    let (rows, rest) = row.as_chunks::<WIDE>();
    let (queries, query_rest) = query.as_chunks::<WIDE>();
    let mut sum: i32 = rest.iter().zip(query_rest).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum();
    for (row, query) in rows.iter().zip(queries) {
        let mut wide = [0_i16; WIDE];
        wide.iter_mut().zip(row).for_each(|(wide, code)| *wide = i16::from(*code));
        sum += wide.iter().zip(query).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum::<i32>();
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
