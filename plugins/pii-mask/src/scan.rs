//! Finds the built-in entities in a text, in one pass.
//!
//! The loop stops only at bytes that can belong to an entity (`@`, a digit, `:`, `+`, `(`), so ordinary
//! prose costs a table look-up per byte. Invariant: what is found is in order and does not overlap.
//! Never looks at anything but the text, never allocates beyond the list of finds.

mod card;
mod cursor;
mod email;
mod groups;
mod iban;
mod ip;
mod phone;
mod ssn;

use cursor::{at, before, digits_end};
use groups::Groups;

/// The built-in entities, by the index they have in the settings.
pub const BUILT_IN: [&str; 6] = ["email", "phone", "card", "iban", "ssn", "ip"];
const EMAIL: usize = 0;
const PHONE: usize = 1;
const CARD: usize = 2;
const IBAN: usize = 3;
const SSN: usize = 4;
const IP: usize = 5;

/// A range of a text that is an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// Which entity: an index into the settings' kinds.
    pub kind: usize,
}

/// Which of the built-in entities are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Scanner {
    on: [bool; 6],
}

impl Scanner {
    /// A scanner for these entities.
    pub fn new(on: [bool; 6]) -> Scanner {
        Scanner { on }
    }

    fn looks_for(&self, kind: usize) -> bool {
        self.on.get(kind).copied().unwrap_or(false)
    }

    /// Appends what is found in `text`.
    pub fn scan(&self, text: &str, out: &mut Vec<Found>) {
        let b = text.as_bytes();
        let first = out.len();
        let mut i = 0;
        while let Some(step) = b.get(i..).and_then(|rest| rest.iter().position(|&c| is_trigger(c))) {
            i += step;
            let floor = out.get(first..).and_then(|f| f.last()).map_or(0, |f| f.end);
            let (next, found) = match at(b, i) {
                b'@' => (i + 1, self.address(b, i, first, out)),
                b':' => (i + 1, self.v6(text, i, floor)),
                b'+' => (i + 1, self.phone(i, || phone::international(b, i))),
                b'(' => (i + 1, self.phone(i, || phone::bracketed(b, i))),
                _ => (digits_end(b, i), self.number(b, i, floor)),
            };
            i = found.map_or(next, |f| f.end);
            out.extend(found);
        }
    }

    fn phone(&self, start: usize, find: impl FnOnce() -> Option<usize>) -> Option<Found> {
        let end = self.looks_for(PHONE).then(find).flatten()?;
        Some(Found { start, end, kind: PHONE })
    }

    fn v6(&self, text: &str, i: usize, floor: usize) -> Option<Found> {
        let b = text.as_bytes();
        let possible = self.looks_for(IP) && (at(b, i + 1) == b':' || at(b, i + 1).is_ascii_hexdigit());
        let (start, end) = possible.then(|| ip::v6(text, i, floor)).flatten()?;
        Some(Found { start, end, kind: IP })
    }

    /// An address around `@`; a number that turns out to be part of it is taken back.
    fn address(&self, b: &[u8], i: usize, first: usize, out: &mut Vec<Found>) -> Option<Found> {
        let is_inner = |f: &Found, start: usize| f.start >= start && f.kind != EMAIL;
        let floor = out.get(first..)?.iter().rev().find(|f| f.kind == EMAIL).map_or(0, |f| f.end);
        let (start, end) = self.looks_for(EMAIL).then(|| email::find(b, i, floor)).flatten()?;
        while out.len() > first && out.last().is_some_and(|f| is_inner(f, start)) {
            out.pop();
        }
        let free = out.get(first..).and_then(|f| f.last()).is_none_or(|f| f.end <= start);
        free.then_some(Found { start, end, kind: EMAIL })
    }

    /// Whatever a run of digits starts, or the check digits of an IBAN.
    fn number(&self, b: &[u8], i: usize, floor: usize) -> Option<Found> {
        if before(b, i, 1).is_ascii_alphabetic() {
            let (start, end) = self.looks_for(IBAN).then(|| iban::find(b, i)).flatten()?;
            return (start >= floor).then_some(Found { start, end, kind: IBAN });
        }
        let mut groups = Groups::parse(b, i);
        groups.continued = before(b, i, 1) == b' ' && before(b, i, 2).is_ascii_digit() && floor + 1 != i;
        type Detector = fn(&[u8], usize, &Groups) -> Option<usize>;
        let detectors: [(usize, Detector); 4] =
            [(IP, |b, i, _| ip::v4(b, i)), (CARD, card::find), (SSN, ssn::find), (PHONE, phone::national)];
        detectors.into_iter().find_map(|(kind, find)| {
            let end = self.looks_for(kind).then(|| find(b, i, &groups)).flatten()?;
            Some(Found { start: i, end, kind })
        })
    }
}

/// Whether an entity can begin at, or be recognised by, this byte.
fn is_trigger(c: u8) -> bool {
    matches!(c, b'0'..=b'9' | b':' | b'@' | b'+' | b'(')
}

#[cfg(test)]
mod tests;
