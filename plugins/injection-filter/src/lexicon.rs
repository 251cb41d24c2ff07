//! The words the rules know, and which sets each of them belongs to.
//!
//! A set is a bit in [`Sets`], so that a rule's step is one test on a token.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The most sets a rule book may use.
pub const MOST: usize = 512;

/// A set of sets of words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets([u64; MOST / 64]);

impl Sets {
    /// Adds the set number `n`.
    pub fn add(&mut self, n: usize) {
        if let Some(bits) = self.0.get_mut(n / 64) {
            *bits |= 1 << (n % 64);
        }
    }

    /// Whether the set number `n` is in it.
    pub fn has(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|bits| bits >> (n % 64) & 1 == 1)
    }

    /// Adds all of `other`.
    pub fn join(&mut self, other: &Sets) {
        for (bits, more) in self.0.iter_mut().zip(other.0) {
            *bits |= more;
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    /// Whether anything is in both.
    pub fn meets(&self, other: &Sets) -> bool {
        self.0.iter().zip(other.0).fold(0, |all, (a, b)| all | a & b) != 0
    }

    /// What is in both, in order.
    pub fn shared<'a>(&'a self, other: &'a Sets) -> impl Iterator<Item = usize> + 'a {
        self.0.iter().zip(other.0).enumerate().flat_map(|(word, (a, b))| {
            let mut bits = a & b;
            std::iter::from_fn(move || {
                let n = (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(n)
            })
        })
    }
}

/// FNV-1a: short words, no need for resistance (the words are ours), and the same in every instance.
#[derive(Clone, Default)]
pub struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte) ^ 0xCBF2_9CE4_8422_2325).wrapping_mul(0x100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Words and their sets.
#[derive(Debug, Default)]
pub struct Lexicon {
    words: HashMap<String, Sets, BuildHasherDefault<Fnv>>,
    longest: usize,
}

impl Lexicon {
    /// Puts a folded word into the set number `set`.
    pub fn add(&mut self, word: &str, set: usize) {
        self.longest = self.longest.max(word.len());
        self.words.entry(word.to_owned()).or_default().add(set);
    }

    /// The sets of a folded word.
    pub fn get(&self, word: &str) -> Option<&Sets> {
        if word.len() > self.longest { None } else { self.words.get(word) }
    }

    /// The longest known word at the start of a text without spaces, of at least `least` bytes.
    pub fn longest_at(&self, text: &str, least: usize) -> Option<(usize, &Sets)> {
        let most = text.len().min(self.longest);
        (least..=most).rev().find_map(|len| Some((len, self.words.get(text.get(..len)?)?)))
    }
}
