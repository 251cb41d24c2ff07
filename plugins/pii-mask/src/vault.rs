//! The placeholders of one exchange and the values they stand for.
//!
//! Invariants: the same value of the same kind has one placeholder; no placeholder is one that occurs in
//! the request by itself. The encoded form goes into the exchange's scratch and nowhere else.

use crate::restore::lookalikes;
use std::collections::{BTreeMap, BTreeSet};

/// Placeholders and their values.
#[derive(Debug, Default)]
pub struct Vault {
    entries: Vec<(String, String)>,
    known: BTreeMap<(usize, String), usize>,
    next: BTreeMap<usize, u32>,
    taken: BTreeSet<String>,
}

impl Vault {
    /// Keeps every `NAME_1` that the text contains from becoming a placeholder. The brackets are not looked
    /// at: they may be written in some escaped form. With brackets, it may be written in any of the ways that an answer
    /// may, `<name 1>`: what the client wrote must come back as it was.
    pub fn avoid(&mut self, text: &str) {
        self.taken.extend(lookalikes(text));
        let b = text.as_bytes();
        for (i, _) in text.match_indices('_') {
            let digits = b.get(i + 1..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
            if digits == 0 {
                continue;
            }
            let word = |c: &&u8| c.is_ascii_uppercase() || c.is_ascii_digit() || **c == b'_';
            let name = b.get(..i).unwrap_or_default().iter().rev().take(40).take_while(word).count();
            if let Some(core) = text.get(i - name..i + 1 + digits) {
                self.taken.insert(core.to_owned());
            }
        }
    }

    /// The placeholder for a value.
    pub fn placeholder(&mut self, kind: usize, label: &str, value: &str) -> String {
        let key = (kind, value.to_owned());
        if let Some((name, _)) = self.known.get(&key).and_then(|&n| self.entries.get(n)) {
            return name.clone();
        }
        let next = self.next.entry(kind).or_insert(0);
        let core = loop {
            *next += 1;
            let core = format!("{label}_{next}");
            if !self.taken.contains(&core) && !self.taken.contains(&core.to_ascii_uppercase()) {
                break core;
            }
        };
        let name = format!("<{core}>");
        self.known.insert(key, self.entries.len());
        self.entries.push((name.clone(), value.to_owned()));
        name
    }

    /// The fake for a value: the first of `make`'s that stands for no other value and is none.
    pub fn fake(&mut self, kind: usize, value: &str, make: impl Fn(u32) -> String) -> String {
        let key = (kind, value.to_owned());
        if let Some((name, _)) = self.known.get(&key).and_then(|&n| self.entries.get(n)) {
            return name.clone();
        }
        let free = |name: &String| {
            name != value && !self.entries.iter().any(|(other, v)| other == name || v == name)
        };
        let mut made = (0..16).map(&make);
        let name = made.find(free).unwrap_or_else(|| make(16));
        self.known.insert(key, self.entries.len());
        self.entries.push((name.clone(), value.to_owned()));
        name
    }

    /// Whether nothing was masked.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The form that is kept: for each entry two strings, each after its length in four bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for text in self.entries.iter().flat_map(|(name, value)| [name, value]) {
            let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
            out.extend_from_slice(&len.to_le_bytes());
            out.extend_from_slice(text.as_bytes());
        }
        out
    }
}

/// Reads what [`Vault::encode`] wrote. `None` when it is something else.
pub fn decode(mut bytes: &[u8]) -> Option<Vec<(&str, &str)>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        entries.push((take(&mut bytes)?, take(&mut bytes)?));
    }
    Some(entries)
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests;
