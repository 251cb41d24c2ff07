//! The classes of words that the classifier looks at (`data/lexicon.txt`): insults, weapons, parts of the body, …
//!
//! No class is a verdict; what they say together is (see `features`). Words are folded as texts are.

use std::collections::HashMap;
use text_kit::fold;

/// What ships with the plugin.
const BUILT_IN: &str = include_str!("../data/lexicon.txt");
/// The shortest beginning that `*` may follow.
const SHORTEST: usize = 3;

/// Words, beginnings of words, and the classes of each, a bit a class.
#[derive(Debug, Default)]
pub struct Lexicon {
    words: HashMap<String, u64>,
    stems: HashMap<String, u64>,
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
                let map = if stem { &mut lexicon.stems } else { &mut lexicon.words };
                *map.entry(folded).or_default() |= bit;
            }
        }
        lexicon
    }

    /// The classes of a folded word.
    pub fn classes(&self, word: &str) -> u64 {
        let mut classes = self.words.get(word).copied().unwrap_or(0);
        for len in SHORTEST..=word.len().min(self.longest) {
            classes |= word.get(..len).and_then(|stem| self.stems.get(stem)).copied().unwrap_or(0);
        }
        classes
    }
}
