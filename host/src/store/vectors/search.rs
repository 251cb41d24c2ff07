//! What a search asks for, and the best that it has found so far.
//!
//! Never reads a vector: it sees similarities, and upper bounds of them.

/// What a search asks for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Neighbours at most.
    pub limit: usize,
    /// The least cosine of a neighbour; the higher it is, the less of the collection is read.
    pub at_least: f32,
    /// Only vectors whose fields begin with these, in this order; the first field is looked up, the others are compared.
    pub among: Option<&'a [(String, String)]>,
}

/// The best rows so far, best first; of equals, the one that came first.
#[derive(Debug)]
pub(super) struct Best {
    limit: usize,
    at_least: f32,
    found: Vec<(f32, u32)>,
}

impl Best {
    pub fn new(search: &Search<'_>) -> Self {
        let found = Vec::with_capacity(search.limit.min(64) + 1);
        Self { limit: search.limit, at_least: search.at_least, found }
    }

    /// Whether a row of this similarity would be among the best.
    pub fn admits(&self, similarity: f32) -> bool {
        match self.found.last() {
            Some((worst, _)) if self.found.len() >= self.limit => similarity > *worst,
            _ => similarity >= self.at_least && self.limit > 0,
        }
    }

    /// What a row's similarity must reach to be among the best.
    pub fn bar(&self) -> f32 {
        match self.found.last() {
            Some((worst, _)) if self.found.len() >= self.limit => *worst,
            _ if self.limit == 0 => f32::INFINITY,
            _ => self.at_least,
        }
    }

    /// Takes a row that was admitted.
    pub fn insert(&mut self, similarity: f32, row: u32) {
        self.found.truncate(self.limit.saturating_sub(1));
        let place = self.found.partition_point(|(other, _)| *other >= similarity);
        self.found.insert(place, (similarity, row));
    }

    /// Similarities and rows, best first.
    pub fn into_rows(self) -> impl Iterator<Item = (f32, u32)> {
        self.found.into_iter()
    }
}
