//! Embeddings without a model or a service: the words and letters of a text, hashed into a vector.
//!
//! Words, pairs of words, and runs of three to five letters each add to a place of the vector that their hash
//! names, with a sign that it names too, so that collisions cancel out on average. Texts that share words, or
//! word stems, lie close together; meaning beyond that is not seen.
//! Source: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009.
//!
//! Invariant: the same text gives the same vector on every machine and in every run. Never reads more than
//! the first 32 KiB of a text.

use super::{EmbedError, Embedder, normalise};
use async_trait::async_trait;
use foldhash::fast::RandomState;
use std::collections::HashMap;

const DIMENSIONS: usize = 384;
/// Bytes of a text that are looked at.
const MAX_BYTES: usize = 32 * 1024;
/// Letters of a word that are looked at.
const MAX_WORD: usize = 64;

/// What a feature of each kind weighs. Runs of letters are many to a word, so each weighs little.
const WORD: f32 = 1.0;
const PAIR: f32 = 0.45;
const LETTERS: f32 = 0.22;
/// What is left of the weight of a word that says little.
const FILLER: f32 = 0.15;

/// English words that say little about what a text asks for, sorted.
const FILLERS: [&str; 62] = [
    "a", "about", "am", "an", "and", "are", "as", "at", "be", "by", "can", "could", "did", "do", "does",
    "for", "from", "get", "have", "how", "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or",
    "our", "please", "s", "should", "some", "tell", "that", "the", "their", "them", "there", "these", "they",
    "this", "to", "us", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with",
    "would", "you", "your", "yours",
];

/// Bytes of the longest of them.
const LONGEST_FILLER: usize = 6;

/// The embedder that needs nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct HashedEmbedder;

#[async_trait]
impl Embedder for HashedEmbedder {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|text| Self::vector(text)).collect())
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }
}

impl HashedEmbedder {
    /// The vector of one text; about a microsecond per hundred letters.
    #[must_use]
    pub fn vector(text: &str) -> Vec<f32> {
        let words = Words::of(text);
        let mut seen = Counts::with_capacity_and_hasher(words.ends.len(), RandomState::default());
        let mut pairs = Counts::with_capacity_and_hasher(words.ends.len(), RandomState::default());
        let mut before: Option<Hash> = None;
        for (at, marked) in words.iter().enumerate() {
            let hash = Hash::of(b'w').with(inner(marked).as_bytes());
            seen.entry(hash.finish()).or_insert(Count { first: at, times: 0 }).times += 1;
            if let Some(before) = before.replace(hash) {
                let pair = Hash::of(b'p').with(&before.finish().to_le_bytes());
                let pair = pair.with(&hash.finish().to_le_bytes());
                pairs.entry(pair.finish()).or_insert(Count { first: at, times: 0 }).times += 1;
            }
        }
        let mut sums = Sums([0; DIMENSIONS]);
        for (hash, count) in seen {
            let marked = words.get(count.first);
            let word = inner(marked);
            let filler = word.len() <= LONGEST_FILLER && FILLERS.binary_search(&word).is_ok();
            let rank = if filler { FILLER } else { 1.0 };
            sums.add(hash, count.value(WORD * rank));
            let letters = count.value(LETTERS * rank);
            each_run(marked, |run| sums.add(run, letters));
        }
        for (hash, count) in pairs {
            sums.add(hash, count.value(PAIR));
        }
        sums.into_vector()
    }
}

/// Words, or pairs of words, by their hash. The map's own hash is seeded: a text cannot be made so that its words
/// collide there.
type Counts = HashMap<u64, Count, RandomState>;

/// How often something stands in a text.
struct Count {
    /// The word where it first did.
    first: usize,
    times: u32,
}

impl Count {
    /// What it adds to its place, in units of 2^-24. What is repeated says more, but less each time. Only
    /// operations that IEEE 754 rounds exactly: a logarithm may differ from one machine to the next.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "at most 2^15 words")]
    fn value(&self, weight: f32) -> i64 {
        const UNIT: f32 = (1 << 24) as f32;
        (weight * (self.times as f32).sqrt() * UNIT) as i64
    }
}

/// The vector under way. Sums of floats would depend on the maps' order, which differs from run to run.
struct Sums([i64; DIMENSIONS]);

impl Sums {
    /// Adds a feature: its hash names the place, and the sign.
    fn add(&mut self, hash: u64, value: i64) {
        let place = usize::try_from((hash >> 32) % DIMENSIONS as u64).unwrap_or(0);
        if let Some(sum) = self.0.get_mut(place) {
            *sum += if hash & 1 == 0 { value } else { -value };
        }
    }

    fn into_vector(self) -> Vec<f32> {
        #[expect(clippy::cast_precision_loss, reason = "what is lost is far below a feature's weight")]
        let mut vector: Vec<f32> = self.0.iter().map(|sum| *sum as f32).collect();
        normalise(&mut vector);
        vector
    }
}

/// A word without its marks.
fn inner(marked: &str) -> &str {
    marked.get(1..marked.len().saturating_sub(1)).unwrap_or_default()
}

/// Lower-case words: runs of letters and digits; of a script without spaces, single characters.
#[derive(Default)]
struct Words {
    /// All of them, each with a mark at its start and at its end.
    marked: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Words {
    fn of(text: &str) -> Self {
        let text = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
        let mut words = Self { marked: String::with_capacity(text.len() * 3 / 2), ends: Vec::new() };
        for c in text.chars() {
            if c.is_ascii() {
                words.take(c.to_ascii_lowercase());
            } else {
                c.to_lowercase().for_each(|c| words.take(c));
            }
        }
        words.end();
        words
    }

    /// The length in bytes of the word under way, with the mark at its start; 0 where there is none.
    fn under_way(&self) -> usize {
        self.marked.len() - self.ends.last().copied().unwrap_or(0)
    }

    fn take(&mut self, c: char) {
        let stands_alone = is_ideograph(c);
        let in_word = c.is_alphanumeric();
        if !in_word || stands_alone || self.under_way() > MAX_WORD {
            self.end();
        }
        if in_word || stands_alone {
            if self.under_way() == 0 {
                self.marked.push('<');
            }
            self.marked.push(c);
        }
        if stands_alone {
            self.end();
        }
    }

    fn end(&mut self) {
        if self.under_way() > 0 {
            self.marked.push('>');
            self.ends.push(self.marked.len());
        }
    }

    /// The words, each between its marks.
    fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.get(at))
    }

    /// A word between its marks.
    fn get(&self, at: usize) -> &str {
        let end = |at: usize| self.ends.get(at).copied().unwrap_or(0);
        let from = at.checked_sub(1).map_or(0, end);
        self.marked.get(from..end(at)).unwrap_or_default()
    }
}

/// Han, Hiragana, Katakana: written without spaces between words.
const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// The hashes of the runs of three to five characters of a word between its marks; a word of one or two letters
/// has none besides itself.
fn each_run(marked: &str, mut see: impl FnMut(u64)) {
    if marked.chars().nth(4).is_none() {
        return;
    }
    let starts_character = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    for (from, _) in marked.char_indices() {
        let run = marked.as_bytes().get(from..).unwrap_or_default();
        let mut hash = Hash::of(b'l');
        let mut characters = 0;
        for (at, byte) in run.iter().enumerate() {
            hash = hash.and(*byte);
            if run.get(at + 1).is_none_or(starts_character) {
                characters += 1;
                if characters >= 3 {
                    see(hash.finish());
                }
                if characters == 5 {
                    break;
                }
            }
        }
    }
}

/// FNV-1a with a kind in front, and MurmurHash3's finaliser so that every bit depends on every byte.
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>, and `fmix64` of MurmurHash3.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    const fn of(kind: u8) -> Self {
        Self(0xcbf2_9ce4_8422_2325).and(kind)
    }

    const fn and(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    fn with(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |hash, byte| hash.and(*byte))
    }

    const fn finish(self) -> u64 {
        let hash = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}
