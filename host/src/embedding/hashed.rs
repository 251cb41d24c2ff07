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
    /// The vector of one text; some microseconds per hundred words.
    #[must_use]
    pub fn vector(text: &str) -> Vec<f32> {
        let words = words(text);
        let mut features: HashMap<u64, Feature, foldhash::fast::RandomState> = HashMap::default();
        let mut add = |hash: u64, weight: f32| {
            let feature = features.entry(hash).or_insert(Feature { weight, count: 0 });
            feature.count += 1;
        };
        for word in &words {
            let filler = FILLERS.binary_search(&word.as_str()).is_ok();
            let rank = if filler { FILLER } else { 1.0 };
            add(hash(b'w', word.bytes()), WORD * rank);
            each_run(word, |run| add(hash(b'l', run.bytes()), LETTERS * rank));
        }
        for (word, next) in words.iter().zip(words.iter().skip(1)) {
            add(hash(b'p', word.bytes().chain([b' ']).chain(next.bytes())), PAIR);
        }
        // Sums of floats depend on their order, and a map's order differs from run to run.
        let mut features: Vec<_> = features.into_iter().collect();
        features.sort_unstable_by_key(|(hash, _)| *hash);
        let mut vector = vec![0.0; DIMENSIONS];
        for (hash, feature) in features {
            let (place, sign) = place_of(hash);
            if let Some(number) = vector.get_mut(place) {
                *number += sign * feature.value();
            }
        }
        normalise(&mut vector);
        vector
    }
}

struct Feature {
    weight: f32,
    count: u32,
}

impl Feature {
    /// A repeated feature says more, but less each time. Only operations that IEEE 754 rounds exactly: a
    /// logarithm may differ from one machine to the next.
    fn value(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "at most the number of bytes looked at")]
        let count = self.count as f32;
        self.weight * count.sqrt()
    }
}

/// Lower-case words: runs of letters and digits; of a script without spaces, single characters.
fn words(text: &str) -> Vec<String> {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.get(..end).unwrap_or_default().chars().flat_map(char::to_lowercase) {
        let stands_alone = is_ideograph(c);
        if (!c.is_alphanumeric() || stands_alone || word.len() >= MAX_WORD) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if stands_alone {
            words.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Han, Hiragana, Katakana: written without spaces between words.
const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

/// The runs of three to five letters of a word whose ends are marked; a word of one or two letters has none
/// besides itself.
fn each_run(word: &str, mut see: impl FnMut(&str)) {
    let marked = format!("<{word}>");
    let starts: Vec<usize> = marked.char_indices().map(|(at, _)| at).chain([marked.len()]).collect();
    if starts.len() < 6 {
        return;
    }
    for length in 3..=5 {
        for (from, to) in starts.iter().zip(starts.iter().skip(length)) {
            see(marked.get(*from..*to).unwrap_or_default());
        }
    }
}

/// FNV-1a with a kind in front, and MurmurHash3's finaliser so that every bit depends on every byte.
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>, and `fmix64` of MurmurHash3.
fn hash(kind: u8, bytes: impl Iterator<Item = u8>) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let mut hash = std::iter::once(kind)
        .chain(bytes)
        .fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// The place that a feature adds to, and with which sign.
fn place_of(hash: u64) -> (usize, f32) {
    let place = (hash >> 32) % DIMENSIONS as u64;
    (usize::try_from(place).unwrap_or(0), if hash & 1 == 0 { 1.0 } else { -1.0 })
}
