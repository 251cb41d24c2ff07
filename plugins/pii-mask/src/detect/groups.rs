//! Runs of digits joined by single separators: what cards, social security numbers and phones share.
//!
//! Invariant: `Groups::parse` reads at most [`MOST`] runs, so its cost is bounded. Never allocates.

use super::cursor::{at, digits_end, separator};

/// More runs than any shape we know has.
const MOST: usize = 8;

/// One run of digits.
#[derive(Clone, Copy, Default)]
pub struct Group {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// The separator after it that leads to another run; 0 when there is none.
    pub then: u8,
}

impl Group {
    /// How many digits.
    pub fn len(&self) -> usize {
        self.end - self.start
    }
}

/// The runs from one starting point.
pub struct Groups {
    all: [Group; MOST],
    count: usize,
    /// Whether a number that is no find stands before these with a space between: they may be its tail.
    pub continued: bool,
}

impl Groups {
    /// Reads the runs that start with the digit at `i`.
    pub fn parse(b: &[u8], i: usize) -> Groups {
        let mut groups = Groups { all: [Group::default(); MOST], count: 0, continued: false };
        let mut start = i;
        for slot in &mut groups.all {
            let end = digits_end(b, start);
            let next = separator(b, end).filter(|&(_, len)| at(b, end + len).is_ascii_digit());
            *slot = Group { start, end, then: next.map_or(0, |(kind, _)| kind) };
            groups.count += 1;
            match next {
                Some((_, len)) => start = end + len,
                None => break,
            }
        }
        groups
    }

    /// The runs.
    pub fn as_slice(&self) -> &[Group] {
        self.all.get(..self.count).unwrap_or_default()
    }

    /// The first run; [`Groups::parse`] always reads one.
    pub fn first(&self) -> Group {
        self.all.first().copied().unwrap_or_default()
    }

    /// The end, when the runs begin with these lengths.
    pub fn shaped(&self, lens: &[usize]) -> Option<&[Group]> {
        let head = self.as_slice().get(..lens.len())?;
        head.iter().zip(lens).all(|(g, len)| g.len() == *len).then_some(head)
    }
}

/// Whether the separators between these runs are all `kind`.
pub fn joined_by(groups: &[Group], kind: u8) -> bool {
    groups.iter().rev().skip(1).all(|g| g.then == kind)
}
