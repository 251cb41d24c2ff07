//! The classes of words that the classifier looks at (`data/lexicon.txt`): insults, weapons, parts of the body, …
//!
//! No class is a verdict; what they say together is (see `features`). Words are folded as texts are. A look-up reads
//! each byte of a word once: the hash of a beginning is a step on the way to the next one's.

use text_kit::fold;

/// What ships with the plugin.
const BUILT_IN: &str = include_str!("../data/lexicon.txt");
/// The shortest beginning that `*` may follow.
const SHORTEST: usize = 3;
/// Places for each word that is known, at least.
const ROOM: usize = 8;

/// A word that is known, or a beginning of words.
#[derive(Debug)]
struct Known {
    text: String,
    /// The classes of this very word, a bit a class.
    whole: u64,
    /// The classes of every word that begins so.
    stem: u64,
}

/// So many bytes are the beginning of a word, and the longer one.
pub const HEAD: usize = 3;
pub const STEM: usize = 6;

/// What is known about a word, and the hashes that were met on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Its classes, a bit a class.
    pub classes: u64,
    /// Of the word, of its beginning and of the longer one; 0 where the word is shorter.
    pub hash: u32,
    pub head: u32,
    pub stem: u32,
}

/// Words, beginnings of words, and the classes of each.
#[derive(Debug, Default)]
pub struct Lexicon {
    known: Vec<Known>,
    /// An open hash table: a place in `known` and one more, or 0. Its length is a power of two.
    places: Vec<u16>,
    longest: usize,
}

impl Lexicon {
    /// Reads the built-in classes.
    pub fn built_in() -> Lexicon {
        let mut lexicon = Lexicon::default();
        let mut class = 0_u32;
        for line in BUILT_IN.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with('=') {
                class += 1;
                continue;
            }
            let bit = 1_u64.checked_shl(class.saturating_sub(1)).unwrap_or(0);
            for word in line.split_whitespace() {
                let folded = fold::word(word);
                let stem = word.ends_with('*') && folded.len() >= SHORTEST;
                lexicon.longest = lexicon.longest.max(folded.len());
                lexicon.add(folded, if stem { 0 } else { bit }, if stem { bit } else { 0 });
            }
        }
        lexicon
    }

    fn add(&mut self, text: String, whole: u64, stem: u64) {
        let at = self.find(text.as_bytes(), hash(text.as_bytes()));
        match at.and_then(|at| self.known.get_mut(at)) {
            Some(known) => (known.whole, known.stem) = (known.whole | whole, known.stem | stem),
            None => {
                self.known.push(Known { text, whole, stem });
                self.place();
            }
        }
    }

    /// Gives the newest word its place; all of them new ones where they have become too many.
    fn place(&mut self) {
        let places = (self.known.len() * ROOM).next_power_of_two();
        let first = if places > self.places.len() { 0 } else { self.known.len() - 1 };
        if first == 0 {
            self.places = vec![0; places];
        }
        for (at, known) in self.known.iter().enumerate().skip(first) {
            let mut place = hash(known.text.as_bytes()) as usize;
            // A table with room ends every search.
            while let Some(slot) = self.places.get_mut(place & (places - 1)) {
                if *slot == 0 {
                    *slot = u16::try_from(at + 1).unwrap_or(0);
                    break;
                }
                place += 1;
            }
        }
    }

    /// Where a text with this hash is known.
    fn find(&self, text: &[u8], hash: u32) -> Option<usize> {
        let mask = self.places.len().checked_sub(1)?;
        let mut place = hash as usize;
        loop {
            let at = usize::from(*self.places.get(place & mask)?).checked_sub(1)?;
            if self.known.get(at)?.text.as_bytes() == text {
                return Some(at);
            }
            place += 1;
        }
    }

    /// What a folded word is.
    pub fn look_up(&self, word: &str) -> Looked {
        let bytes = word.as_bytes();
        let of = |len: usize, hash: u32| self.known.get(self.find(bytes.get(..len)?, hash)?);
        let (mut looked, mut state) = (Looked::default(), START);
        for (at, byte) in bytes.iter().enumerate() {
            state = step(state, *byte);
            let (len, hash) = (at + 1, stirred(state));
            match len {
                HEAD => looked.head = hash,
                STEM => looked.stem = hash,
                _ => {}
            }
            if (len >= SHORTEST || len == bytes.len())
                && len <= self.longest
                && let Some(known) = of(len, hash)
            {
                looked.classes |= if len == bytes.len() { known.whole } else { 0 };
                looked.classes |= if len >= SHORTEST { known.stem } else { 0 };
            }
        }
        looked.hash = stirred(state);
        looked
    }
}

/// FNV-1a over 32 bits.
const START: u32 = 0x811C_9DC5;

fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
}

/// The lower bits are those that name a place.
fn stirred(hash: u32) -> u32 {
    hash ^ hash >> 15
}

/// The hash of a text.
pub fn hash(bytes: &[u8]) -> u32 {
    stirred(bytes.iter().fold(START, |hash, byte| step(hash, *byte)))
}

#[cfg(test)]
mod tests;
