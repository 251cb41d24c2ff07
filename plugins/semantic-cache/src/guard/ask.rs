//! What a text asks for, and of whom it speaks, told by its small words.
//!
//! Invariant: by words alone, English ones: of a text in another language it says that it asks for anything.
//! Never looks at what the words that carry the meaning say.

use super::MAX_WORDS;
use super::tokens::Token;

/// What a question asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ask {
    /// An order, a statement, "what" or "which".
    What = b'a',
    /// "How", or ways and steps.
    How = b'h',
    /// Yes or no.
    Whether = b'y',
    /// A person.
    Who = b'p',
    /// A time.
    When = b't',
    /// A place.
    Where = b'l',
    /// A reason.
    Why = b'r',
    /// A number or a size.
    HowMuch = b'n',
}

impl Ask {
    /// From its letter.
    pub(super) fn of(letter: u8) -> Option<Self> {
        let all = [
            Self::What,
            Self::How,
            Self::Whether,
            Self::Who,
            Self::When,
            Self::Where,
            Self::Why,
            Self::HowMuch,
        ];
        all.into_iter().find(|ask| *ask as u8 == letter)
    }
}

/// Who is spoken of with a word, and in which mood and time: a bit each.
const STANCES: [&[&str]; 6] = [
    &["i", "my", "me", "mine", "myself", "i'm", "i've", "we", "our", "us"],
    &["you", "your", "yours", "yourself"],
    &["he", "she", "his", "her", "him", "they", "their", "them"],
    &["should", "must", "ought", "shouldn't"],
    &["did", "was", "were", "had", "didn't", "wasn't"],
    &["would", "will", "won't", "wouldn't"],
];

/// The words that have one, and its bit.
pub(super) fn stances() -> impl Iterator<Item = (&'static str, u8)> {
    (0_u8..).zip(STANCES).flat_map(|(bit, words)| words.iter().map(move |word| (*word, 1 << bit)))
}

/// The bits that are told in the first words.
pub(super) fn stance(tokens: &[Token]) -> u8 {
    tokens.iter().take(MAX_WORDS).fold(0, |bits, token| bits | token.known.form.stance)
}

/// Verbs that a question of yes or no begins with.
const AUXILIARIES: &[&str] = &[
    "is",
    "are",
    "was",
    "were",
    "am",
    "do",
    "does",
    "did",
    "can",
    "could",
    "will",
    "would",
    "should",
    "shall",
    "has",
    "have",
    "had",
    "may",
    "might",
    "must",
    "isn't",
    "aren't",
    "don't",
    "doesn't",
    "didn't",
    "can't",
    "won't",
    "shouldn't",
];

/// Whether the first word is one that questions or orders begin with.
pub(super) fn begins_question(tokens: &[Token]) -> bool {
    const ORDERS: &[&str] = &[
        "add",
        "book",
        "build",
        "calculate",
        "change",
        "check",
        "classify",
        "compare",
        "compose",
        "compute",
        "convert",
        "correct",
        "create",
        "define",
        "delete",
        "describe",
        "design",
        "draft",
        "estimate",
        "explain",
        "extract",
        "find",
        "fix",
        "generate",
        "give",
        "help",
        "i",
        "i'd",
        "i'm",
        "implement",
        "improve",
        "let",
        "let's",
        "list",
        "make",
        "my",
        "name",
        "open",
        "order",
        "outline",
        "plan",
        "play",
        "please",
        "recommend",
        "remind",
        "remove",
        "rewrite",
        "say",
        "schedule",
        "search",
        "send",
        "set",
        "show",
        "solve",
        "sort",
        "suggest",
        "summarise",
        "summarize",
        "tell",
        "translate",
        "turn",
        "use",
        "we",
        "write",
    ];
    let first = tokens.first().map_or("", |token| token.lower);
    let asks = [
        "what", "which", "who", "whom", "whose", "where", "why", "how", "what's", "who's", "where's", "how's",
    ];
    asks.contains(&first) || AUXILIARIES.contains(&first) || ORDERS.contains(&first)
}

/// What a question asks for, told by the first words of its question.
pub(super) fn ask(tokens: &[Token], mark: bool) -> Ask {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.lower);
    for at in 0..tokens.len().min(12) {
        let (this, next) = (word(at), word(at + 1));
        let found = match this.strip_suffix("'s").unwrap_or(this) {
            "who" | "whom" | "whose" => Ask::Who,
            "when" if at == 0 || !mark => Ask::When,
            "where" => Ask::Where,
            "why" => Ask::Why,
            "how" => match next {
                "come" => Ask::Why,
                "many" | "much" | "long" | "far" | "old" | "tall" | "big" | "high" | "fast" | "often"
                | "deep" | "large" | "heavy" | "soon" | "late" => Ask::HowMuch,
                _ => Ask::How,
            },
            "what" | "which" | "what're" => behind_what(tokens.get(at + 1..).unwrap_or_default()),
            _ => continue,
        };
        return found;
    }
    if AUXILIARIES.contains(&word(0)) { Ask::Whether } else { Ask::What }
}

/// What "what" asks for.
fn behind_what(tokens: &[Token]) -> Ask {
    for token in tokens.iter().take(5) {
        match token.lower {
            "way" | "ways" | "steps" | "method" | "methods" | "procedure" | "process" => return Ask::How,
            "time" | "year" | "date" | "day"
                if tokens.first().is_some_and(|first| first.lower == token.lower) =>
            {
                return Ask::When;
            }
            "reason" | "reasons" => return Ask::Why,
            _ => {}
        }
    }
    Ask::What
}
