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

    fn dimensions(&self) -> usize {
        DIMENSIONS
    }
}

impl HashedEmbedder {
    /// The vector of one text; about two microseconds per hundred letters.
    #[must_use]
    pub fn vector(text: &str) -> Vec<f32> {
        let words = Words::of(text);
        // The map's own hash is seeded: a text cannot be made so that its features collide there.
        let mut features: HashMap<u64, Feature, foldhash::fast::RandomState> = HashMap::default();
        features.reserve(2 * words.marked.len());
        let mut add = |hash: u64, weight: f32| {
            features.entry(hash).or_insert(Feature { weight, count: 0 }).count += 1;
        };
        let mut before = None;
        for marked in words.iter() {
            let word = marked.get(1..marked.len() - 1).unwrap_or_default();
            let filler = word.len() <= LONGEST_FILLER && FILLERS.binary_search(&word).is_ok();
            let rank = if filler { FILLER } else { 1.0 };
            let whole = Hash::of(b'w').with(word.bytes());
            add(whole.finish(), WORD * rank);
            each_run(marked, |hash| add(hash, LETTERS * rank));
            if let Some(before) = before.replace(whole) {
                let pair = Hash::of(b'p').with(before.finish().to_le_bytes());
                add(pair.with(whole.finish().to_le_bytes()).finish(), PAIR);
            }
        }
        // Sums of floats would depend on the map's order, which differs from run to run; these do not.
        let mut sums = [0_i64; DIMENSIONS];
        for (hash, feature) in features {
            let (place, sign) = place_of(hash);
            if let Some(sum) = sums.get_mut(place) {
                *sum += sign * feature.value();
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "what is lost is far below a feature's weight")]
        let mut vector: Vec<f32> = sums.iter().map(|sum| *sum as f32).collect();
        normalise(&mut vector);
        vector
    }
}

struct Feature {
    weight: f32,
    count: u32,
}

impl Feature {
    /// What it adds, in units of 2^-24. A repeated feature says more, but less each time. Only operations that
    /// IEEE 754 rounds exactly: a logarithm may differ from one machine to the next.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "at most 2^15 features")]
    fn value(&self) -> i64 {
        const UNIT: f32 = (1 << 24) as f32;
        (self.weight * (self.count as f32).sqrt() * UNIT) as i64
    }
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
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(from, to)| self.marked.get(from..*to).unwrap_or_default())
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
    for (from, _) in marked.char_indices() {
        let mut hash = Hash::of(b'l');
        for (before, c) in marked.get(from..).unwrap_or_default().chars().take(5).enumerate() {
            hash = hash.with(c.encode_utf8(&mut [0; 4]).bytes());
            if before >= 2 {
                see(hash.finish());
            }
        }
    }
}

/// FNV-1a with a kind in front, and MurmurHash3's finaliser so that every bit depends on every byte.
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>, and `fmix64` of MurmurHash3.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn of(kind: u8) -> Self {
        Self(0xcbf2_9ce4_8422_2325).with([kind])
    }

    fn with(self, bytes: impl IntoIterator<Item = u8>) -> Self {
        let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(bytes.into_iter().fold(self.0, step))
    }

    const fn finish(self) -> u64 {
        let hash = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        hash ^ (hash >> 33)
    }
}

/// The place that a feature adds to, and with which sign.
fn place_of(hash: u64) -> (usize, i64) {
    let place = (hash >> 32) % DIMENSIONS as u64;
    (usize::try_from(place).unwrap_or(0), if hash & 1 == 0 { 1 } else { -1 })
}
