//! Plain words are read in one pass; what they are is what the general way says.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::{FNV, LINE_END, Lexicon, NUMBER, SIGN, Word, cut, hash, is_joined, spell, stirred, word};
use proptest::prelude::*;
use std::sync::LazyLock;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::built_in().unwrap());

/// The words of a text by the general way, character by character.
fn generally(text: &str) -> Vec<Word> {
    let (mut out, mut lower, mut spaced) = (Vec::new(), Vec::new(), true);
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c.is_alphanumeric() {
            let mut end = start + c.len_utf8();
            while let Some((at, next)) = chars.next_if(|(_, c)| c.is_alphanumeric() || is_joined(*c)) {
                end = at + next.len_utf8();
            }
            out.push(word(&LEXICON, text, start, end, spaced, &mut lower));
        }
        spaced = c.is_whitespace();
    }
    out
}

/// What is compared: all but how the line is written, which is not the word's own.
fn told(word: &Word) -> (usize, usize, u32, [u32; 4], u8, u16, bool) {
    (word.start, word.end, word.hash, word.affixes, word.shape, word.entry.cluster, word.spaced)
}

fn check(text: &str) {
    let mut words = Vec::new();
    cut(&LEXICON, text, &mut words);
    words.iter_mut().for_each(|word| spell(text, word));
    let is_word = |word: &&Word| text[word.start..word.end].starts_with(char::is_alphanumeric);
    let quick: Vec<_> = words.iter().filter(is_word).map(told).collect();
    assert_eq!(quick, generally(text).iter().map(told).collect::<Vec<_>>(), "{text:?}");
    assert!(words.iter().all(|word| !word.plain));
}

#[test]
fn plain_words_are_what_all_words_are() {
    check(
        "Maria KELLER lives at 12b Baker Street, I think; e-mail a@b.example\n\nO'Neil née Brânză 傻逼 3rd x1",
    );
    check(&format!("{} {}", "a".repeat(60), "Ab1".repeat(30)));
    assert_eq!(hash(b""), stirred(FNV));
    let mut words = Vec::new();
    cut(&LEXICON, "a\n\n12", &mut words);
    assert_eq!(words.iter().map(|word| word.shape).skip(1).collect::<Vec<_>>(), [LINE_END, NUMBER + 1]);
    spell("a", words.get_mut(1).unwrap());
    assert_eq!(words.get(1).unwrap().affixes, [0; 4]);
    assert_ne!(words.first().unwrap().shape, SIGN);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_words_are(text in "([a-z]{1,7}|[A-Z][a-z]{0,6}|[A-Z0-9]{1,5}|[ .,'\n-]{1,2}|[éßДब傻\u{301}]{1,2}){0,14}") {
        check(&text);
    }
}
