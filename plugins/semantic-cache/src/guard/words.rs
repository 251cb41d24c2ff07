//! The word lists of the guard.
//!
//! Invariants: each list is in lower case and sorted; no word stands in two of those that say what a word is.

use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What a word is to the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It turns a statement around.
    Negation,
    /// Another word in its place means something else.
    Telling(&'static str),
    /// A number, in digits.
    Number(&'static str),
}

/// Most words of a question are in no list: one look-up says so. The hash is not seeded, as the words are ours.
static KINDS: LazyLock<HashMap<&str, Kind, FixedState>> = LazyLock::new(|| {
    let negations = NEGATIONS.iter().map(|word| (*word, Kind::Negation));
    let telling = TELLING.iter().map(|word| (*word, Kind::Telling(word)));
    let numbers = NUMBERS.iter().map(|(word, digits)| (*word, Kind::Number(digits)));
    negations.chain(telling).chain(numbers).collect()
});

/// What a word in lower case is, where it is anything.
pub fn kind(word: &str) -> Option<Kind> {
    KINDS.get(word).copied()
}

/// Whether a word in lower case starts a sentence with a capital and is no name.
pub fn starts_sentences(word: &str) -> bool {
    STARTERS.binary_search(&word).is_ok()
}

/// Makes the table of words.
pub fn prepare() {
    LazyLock::force(&KINDS);
}

/// Words that turn a statement around; contractions in n't count as well.
#[rustfmt::skip]
const NEGATIONS: &[&str] = &[
    "cannot", "cant", "doesnt", "dont", "except", "isnt", "jamais", "kein", "keine", "mai", "neither",
    "never", "nicht", "nie", "no", "nobody", "non", "none", "nor", "not", "nothing", "nowhere", "nunca",
    "ohne", "pas", "sans", "senza", "sin", "unless", "without", "wont",
];

/// Words of which another, at much the same place in a sentence, means something else.
#[rustfmt::skip]
const TELLING: &[&str] = &[
    "above", "accept", "add", "advantages", "after", "all", "allow", "any", "ascending", "autumn", "before",
    "below", "best", "biggest", "both", "bottom", "buy", "cheapest", "close", "cons", "create", "day",
    "decode", "decrease", "decrypt", "delete", "deny", "descending", "disable", "disadvantages", "divide",
    "download", "each", "east", "enable", "encode", "encrypt", "end", "export", "fastest", "female",
    "first", "forbid", "from", "greater", "high", "higher", "highest", "import", "increase", "insert",
    "install", "largest", "last", "least", "left", "less", "long", "longer", "longest", "lose", "low",
    "lower", "lowest", "male", "max", "maximum", "min", "minimum", "month", "more", "most", "multiply",
    "negative", "new", "newest", "next", "north", "off", "old", "oldest", "open", "optional", "over",
    "positive", "previous", "private", "pros", "public", "pull", "push", "receive", "reject", "remove",
    "required", "right", "sell", "send", "short", "shorter", "shortest", "slowest", "smallest", "south",
    "spring", "start", "stop", "subtract", "summer", "today", "tomorrow", "top", "under", "uninstall",
    "update", "upload", "week", "west", "when", "where", "who", "whom", "why", "win", "winter", "worst",
    "year", "yesterday",
];

/// Words that start a sentence with a capital and are not names.
#[rustfmt::skip]
const STARTERS: &[&str] = &[
    "a", "about", "an", "and", "are", "as", "at", "but", "by", "can", "could", "define", "describe", "did",
    "do", "does", "explain", "find", "for", "from", "get", "give", "had", "has", "have", "hello", "help",
    "hey", "hi", "how", "i", "i'm", "if", "in", "is", "it", "let", "list", "make", "may", "me", "my", "of",
    "on", "or", "please", "say", "shall", "should", "show", "so", "summarise", "summarize", "tell",
    "thanks", "that", "the", "then", "there", "these", "they", "this", "to", "translate", "was", "we",
    "were", "what", "what's", "when", "where", "which", "who", "who's", "whose", "why", "will", "with",
    "would", "write", "you", "your",
];

/// Numbers in words.
#[rustfmt::skip]
const NUMBERS: &[(&str, &str)] = &[
    ("eight", "8"), ("eleven", "11"), ("five", "5"), ("four", "4"), ("hundred", "100"),
    ("million", "1000000"), ("nine", "9"), ("one", "1"), ("seven", "7"), ("six", "6"), ("ten", "10"),
    ("thousand", "1000"), ("three", "3"), ("twelve", "12"), ("twenty", "20"), ("two", "2"), ("zero", "0"),
];

#[cfg(test)]
mod tests {
    use super::{KINDS, NEGATIONS, NUMBERS, STARTERS, TELLING};

    #[test]
    fn lists_are_sorted_and_in_lower_case() {
        for list in [NEGATIONS, STARTERS, TELLING] {
            assert!(list.is_sorted_by(|a, b| a < b), "{list:?}");
            assert!(list.iter().all(|word| *word == word.to_lowercase()));
        }
        assert!(NUMBERS.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(KINDS.len(), NEGATIONS.len() + TELLING.len() + NUMBERS.len(), "a word is in two lists");
    }
}
