//! Cuts a text into its words, and says what can be seen of each.
//!
//! Nearly every word is ASCII letters with a mark behind them at most, and is told at a look, once a text. Invariant: what is
//! told of such a word is what the long way would tell of it.

use super::known::{Known, Lookup};
use super::sign;
use text_kit::ascii;
use text_kit::memo::Memo;

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub lower: &'a str,
    /// What else is seen of it.
    pub seen: Seen,
    /// What is known of it.
    pub known: Known,
}

/// What is seen of a word besides its letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub starts_sentence: bool,
    pub capital: bool,
    /// Whether a comma stands behind it.
    pub pauses: bool,
    /// Whether it is ASCII letters and nothing else.
    pub plain: bool,
}

/// The words of a text.
#[derive(Debug)]
pub(super) struct Words {
    /// Them in lower case; those that are said again once.
    lower: String,
    all: Vec<Word>,
    lookup: Lookup,
}

/// A word, in lower case between two bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    start: usize,
    end: usize,
    seen: Seen,
    known: Known,
}

impl Words {
    /// Reads a text.
    pub fn of(text: &str) -> Self {
        Self::read(text, plain)
    }

    /// Reads a text; `plain` tells the words that need no closer look.
    fn read(text: &str, plain: fn(&str) -> Option<&str>) -> Self {
        let mut words = Self {
            lower: String::with_capacity(text.len()),
            all: Vec::with_capacity(text.len() / 4),
            lookup: Lookup::default(),
        };
        let mut met: Memo<Option<Word>> = Memo::for_text(text.len());
        let mut starts_sentence = true;
        let mut left = pieces(text).peekable();
        let mut before = None;
        while let Some(raw) = left.next() {
            let before = before.replace(raw);
            if let Some(word) = *met.of(raw, |raw| Some(words.plain(plain(raw)?, raw.ends_with(',')))) {
                words.all.push(Word { seen: Seen { starts_sentence, ..word.seen }, ..word });
            } else {
                let signs = sign::signs(raw, before, left.peek().copied());
                words.take_apart(raw, starts_sentence);
                signs.into_iter().for_each(|sign| words.add_sign(sign));
            }
            starts_sentence = raw.ends_with(['.', '!', '?', ':']);
        }
        words
    }

    /// One after another.
    pub fn tokens(&self) -> Vec<Token<'_>> {
        let token = |word: &Word| Token {
            lower: self.lower.get(word.start..word.end).unwrap_or_default(),
            seen: word.seen,
            known: word.known,
        };
        self.all.iter().map(token).collect()
    }

    /// A word of ASCII letters.
    fn plain(&mut self, word: &str, pauses: bool) -> Word {
        let start = self.lower.len();
        self.lower.push_str(word);
        let capital = ascii::small_letters(word.as_bytes()) < word.len();
        if capital {
            self.lower.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
        }
        self.word(start, Seen { starts_sentence: false, capital, pauses, plain: true })
    }

    /// Adds the words of what white space does not part.
    fn take_apart(&mut self, raw: &str, mut starts_sentence: bool) {
        let pauses = raw.ends_with(',');
        // "1,000" is one number, though its pieces are taken apart: the digits stand in order either way.
        for piece in raw.split(parts) {
            let dotted = piece.contains('.') && !piece.bytes().any(|byte| byte.is_ascii_digit());
            for word in piece.split(|c| dotted && c == '.') {
                let word = word.trim_matches(ends).trim_end_matches('-');
                if word.is_empty() {
                    continue;
                }
                let start = self.lower.len();
                let quotes = |c: char| if c == '\u{2019}' { '\'' } else { c };
                self.lower.extend(word.chars().flat_map(char::to_lowercase).map(quotes));
                let capital = word.chars().any(char::is_uppercase);
                let plain = word.bytes().all(|byte| byte.is_ascii_alphabetic());
                self.add(start, Seen { starts_sentence, capital, pauses, plain });
                starts_sentence = false;
            }
        }
    }

    fn add_sign(&mut self, sign: char) {
        let start = self.lower.len();
        self.lower.push(sign);
        self.add(start, Seen::default());
    }

    fn add(&mut self, start: usize, seen: Seen) {
        let word = self.word(start, seen);
        self.all.push(word);
    }

    /// The word that begins there, and goes on to the end.
    fn word(&mut self, start: usize, seen: Seen) -> Word {
        let lower = self.lower.get(start..).unwrap_or_default();
        Word { start, end: self.lower.len(), seen, known: self.lookup.known(lower) }
    }
}

/// What white space parts, as `split_whitespace` does.
fn pieces(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        rest = rest.strip_prefix(' ').unwrap_or(rest);
        let mut run = ascii::graphic(rest.as_bytes());
        if run == 0 {
            rest = rest.trim_start();
            run = ascii::graphic(rest.as_bytes());
        }
        if rest.as_bytes().get(run).is_some_and(|next| *next != b' ') {
            let behind = rest.get(run..)?;
            run += behind.find(char::is_whitespace).unwrap_or(behind.len());
        }
        let (piece, behind) = rest.split_at_checked(run).filter(|(piece, _)| !piece.is_empty())?;
        rest = behind;
        Some(piece)
    })
}

/// The letters of a word that is nothing but ASCII letters, and maybe marks behind them.
fn plain(raw: &str) -> Option<&str> {
    let (word, marks) = raw.split_at_checked(ascii::letters(raw.as_bytes()))?;
    let ends = |byte: u8| matches!(byte, b'.' | b',' | b'?' | b'!' | b';' | b':');
    (!word.is_empty() && marks.bytes().all(ends)).then_some(word)
}

/// What stands between words.
const fn parts(c: char) -> bool {
    matches!(
        c,
        '/' | ','
            | ';'
            | '('
            | ')'
            | '"'
            | '`'
            | '='
            | '<'
            | '>'
            | '['
            | ']'
            | '{'
            | '}'
            | '|'
            | '*'
            | '\u{2014}'
            | '\u{201c}'
            | '\u{201d}'
    )
}

/// What is no part of a word at its ends.
fn ends(c: char) -> bool {
    !c.is_alphanumeric() && !matches!(c, '+' | '#' | '-' | '%' | '$' | '€' | '£')
}

#[cfg(test)]
mod tests {
    use super::{Words, pieces};
    use proptest::prelude::*;

    fn check(text: &str) {
        assert_eq!(Words::of(text).tokens(), Words::read(text, |_| None).tokens(), "{text:?}");
    }

    #[test]
    fn what_is_told_at_a_look_is_what_the_long_way_tells() {
        for text in [
            "Hello, World! a I. e.g. U.S.A. x?! one;two three; four: five,; six.,",
            "don't (quoted) \"said\" it's Rome. Paris, Na\u{ef}ve r\u{e9}sum\u{e9} - a-b c++ 1,000 2*3 3 * 4",
            "\u{212a} \u{130}stanbul, end",
        ] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn white_space_parts(text in "([a-z\u{e9}!~]{0,12}[ \t\n\u{a0}\u{1}\u{3000}]{0,3}){0,6}") {
            assert!(pieces(&text).eq(text.split_whitespace()), "{text:?}");
        }

        #[test]
        fn of_any_text(text in "([a-zA-Z]{0,4}[-.,;:?!'()* 0-9\u{e9}\u{2014}]{0,2}){0,12}") {
            check(&text);
        }
    }
}
