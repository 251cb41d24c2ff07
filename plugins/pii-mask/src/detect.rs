//! Finds personal data in a text. Each subject has a file; all of them yield ranges with a score.
//!
//! [`Scanner`] finds structured values in one pass. Another way of finding (a tagger for names, say) is
//! another [`Detector`] with kinds of its own; the settings join what all of them find. Detectors never look
//! at anything but the text and its lead, never call the host, and never decide what happens to a find.

mod bic;
mod card;
mod check;
mod context;
mod crypto;
pub mod cursor;
pub mod date;
mod email;
pub mod entity;
pub mod groups;
mod iban;
mod ip;
mod mac;
mod national;
mod phone;
mod scan;
mod secret;
mod url;

use context::Words;
pub use entity::BUILT_IN;
use national::Table;

/// A range of a text that is an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// Which entity: an index into the settings' kinds.
    pub kind: usize,
    /// How sure it is, per cent.
    pub score: u8,
}

/// A way of finding entities.
pub trait Detector {
    /// Appends what is found in `text`. `lead` is what comes before it (the key of a JSON value) or empty.
    fn detect(&self, text: &str, lead: &str, out: &mut Vec<Found>);
}

/// Finds the built-in entities.
#[derive(Debug)]
pub struct Scanner {
    on: u128,
    threshold: u8,
    words: Words,
    national: Table,
}

impl Scanner {
    /// A scanner for the entities whose bit is set, which reports what scores `threshold` per cent or more.
    pub fn new(on: u128, threshold: u8) -> Scanner {
        Scanner { on, threshold, words: Words::new(), national: Table::new(|kind| on >> kind & 1 == 1) }
    }

    fn looks_for(&self, kind: usize) -> bool {
        self.on >> kind & 1 == 1
    }
}

impl Detector for Scanner {
    fn detect(&self, text: &str, lead: &str, out: &mut Vec<Found>) {
        scan::Scan::new(self, text, lead, out).run();
    }
}

#[cfg(test)]
mod tests;
