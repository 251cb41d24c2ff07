//! The language of a question, as far as a script or small words tell it.
//!
//! Invariant: `?` where nothing is told; it agrees with everything. Never guesses from a single word.

use super::tokens::Token;

/// Small words of languages in Latin letters that the others do not have, sorted.
const SMALL: &[(u8, &[&str])] = &[
    (
        b'd',
        &[
            "auf", "das", "der", "die", "ein", "eine", "für", "ich", "ist", "mit", "mein", "und", "von",
            "was", "welche", "wie", "wo", "zu",
        ],
    ),
    (
        b'e',
        &[
            "and", "are", "can", "do", "does", "for", "how", "is", "my", "of", "the", "what", "which",
            "with", "you",
        ],
    ),
    (
        b'f',
        &[
            "avec", "comment", "dans", "des", "du", "est", "et", "je", "la", "le", "les", "mon", "quel",
            "quelle", "une", "pour",
        ],
    ),
    (b'i', &["che", "come", "con", "della", "di", "gli", "il", "mio", "per", "qual", "sono", "una"]),
    (b'p', &["como", "com", "do", "em", "meu", "não", "os", "para", "qual", "que", "uma", "é"]),
    (
        b's',
        &[
            "como", "cómo", "con", "cuál", "del", "el", "es", "la", "las", "los", "mi", "para", "qué", "una",
            "y",
        ],
    ),
];

/// Those words, each with the bit of its language: a word of several comes several times.
pub(super) fn small() -> impl Iterator<Item = (&'static str, u8)> {
    (0_u8..).zip(SMALL).flat_map(|(bit, (_, words))| words.iter().map(move |word| (*word, 1 << bit)))
}

/// A letter for the language.
pub(super) fn of(text: &str, tokens: &[Token]) -> u8 {
    if text.is_ascii() {
        let letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        return if letters { latin(tokens) } else { b'?' };
    }
    let mut scripts = [0_usize; 128];
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        let script = script(c);
        if let Some(count) = scripts.get_mut(usize::from(script)) {
            *count += 1;
        }
    }
    // Japanese is written in Han, too: any kana tells it.
    if scripts.get(usize::from(b'J')).is_some_and(|count| *count > 0) {
        return b'J';
    }
    let most = (0_u8..128).max_by_key(|script| scripts.get(usize::from(*script)).copied().unwrap_or(0));
    match most.filter(|script| scripts.get(usize::from(*script)).is_some_and(|count| *count > 0)) {
        Some(b'L') => latin(tokens),
        Some(script) => script,
        None => b'?',
    }
}

const fn script(c: char) -> u8 {
    match c {
        '\u{0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => b'L',
        '\u{370}'..='\u{3ff}' => b'G',
        '\u{400}'..='\u{52f}' => b'C',
        '\u{590}'..='\u{5ff}' => b'H',
        '\u{600}'..='\u{6ff}' => b'A',
        '\u{900}'..='\u{dff}' => b'I',
        '\u{e00}'..='\u{e7f}' => b'T',
        '\u{3040}'..='\u{30ff}' => b'J',
        '\u{ac00}'..='\u{d7af}' | '\u{1100}'..='\u{11ff}' => b'K',
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' => b'Z',
        _ => b'O',
    }
}

fn latin(tokens: &[Token]) -> u8 {
    let mut counts = [0; SMALL.len()];
    for languages in tokens.iter().take(100).map(|token| token.known.form.languages) {
        let spoken = (0..).zip(&mut counts).filter(|(language, _)| languages >> language & 1 == 1);
        spoken.for_each(|(_, count)| *count += 1);
    }
    let (mut best, mut most, mut second) = (b'?', 0, 0);
    for ((language, _), count) in SMALL.iter().zip(counts) {
        if count > most {
            (second, most, best) = (most, count, *language);
        } else {
            second = second.max(count);
        }
    }
    if most >= 2 && most > second { best } else { b'?' }
}
