//! Texts to the words that BERT's uncased tokeniser makes of them, and words to pieces of a vocabulary.
//!
//! Lower case without accents, white space and controls dropped, punctuation and ideographs words of their own;
//! then of each word, from its start, the longest piece that the vocabulary has. Behind a word's start, pieces
//! are written with `##` before them. Source: Devlin et al., "BERT", 2018, and its `tokenization.py`.
//!
//! Invariant: a word of which any part is in no piece gives no piece at all. Never knows what a piece means.

use foldhash::fast::FixedState;
use std::collections::HashMap;
use unicode_general_category::{GeneralCategory as G, get_general_category};
use unicode_normalization::UnicodeNormalization;

/// Characters of a word that has pieces; longer words have none.
const MAX_CHARACTERS: usize = 100;
/// Bytes of the longest piece at most.
const MAX_PIECE: usize = 64;

/// FNV-1a over 32 bits. Source: <http://www.isthe.com/chongo/tech/comp/fnv/>.
const BASIS: u32 = 0x811c_9dc5;

/// Where the rows of pieces are looked up.
pub(super) trait Vocabulary {
    /// The row of a piece, whose hash this is; `continues` where `##` is written before it.
    fn row(&self, hash: u32, continues: bool, piece: &[u8]) -> Option<usize>;

    /// Asks for the memory that the pieces with these hashes are looked up in, all at once: one after another each would
    /// be waited for.
    fn touch(&self, _hashes: impl Iterator<Item = u32>) {}
}

/// Calls `see` with the rows of a text's pieces, in order.
pub(super) fn each_row(text: &str, vocabulary: &impl Vocabulary, mut see: impl FnMut(usize)) {
    let mut rows = Vec::with_capacity(16);
    each_word(text, |word| {
        rows.clear();
        if pieces(word.as_bytes(), hash(word.as_bytes()), vocabulary, &mut rows).is_some() {
            rows.iter().copied().for_each(&mut see);
        }
    });
}

/// A row, and how often.
pub(super) type Counted = (usize, u32);

/// The rows of a text's pieces with how often they stand there, in no order that says anything but the same for the same
/// text: most words of a text stand there again, and are looked up once.
pub(super) fn counted_rows(text: &str, vocabulary: &impl Vocabulary) -> Vec<Counted> {
    let words = Words::of(text);
    vocabulary.touch(words.all.iter().map(|word| word.hash));
    let mut rows = Vec::with_capacity(16);
    let mut counted = Vec::with_capacity(words.all.len() + words.all.len() / 4);
    let mut start = 0;
    for word in &words.all {
        let letters = words.letters.get(start..word.end).unwrap_or_default();
        start = word.end;
        rows.clear();
        if pieces(letters.as_bytes(), word.hash, vocabulary, &mut rows).is_some() {
            counted.extend(rows.iter().map(|row| (*row, word.count)));
        }
    }
    counted
}

/// The words of a text, each once.
struct Words {
    /// One behind another.
    letters: String,
    all: Vec<Word>,
}

struct Word {
    /// Where it ends in the letters.
    end: usize,
    hash: u32,
    count: u32,
}

impl Words {
    fn of(text: &str) -> Self {
        // As many as most texts say, so that nothing grows.
        let most = text.len() / 8;
        let mut words =
            Self { letters: String::with_capacity(text.len() / 2), all: Vec::with_capacity(most) };
        let mut met = HashMap::with_capacity_and_hasher(most, FixedState::default());
        each_word(text, |word| {
            let mut key = [0; size_of::<u128>()];
            let short = key.get_mut(..word.len()).map(|place| place.copy_from_slice(word.as_bytes()));
            let at = short.map(|()| *met.entry(u128::from_le_bytes(key)).or_insert(words.all.len()));
            match at.and_then(|at| words.all.get_mut(at)) {
                Some(again) => again.count += 1,
                // It is new, or too long for a key: such words are counted one by one.
                None => {
                    words.letters.push_str(word);
                    words.all.push(Word { end: words.letters.len(), hash: hash(word.as_bytes()), count: 1 });
                }
            }
        });
        words
    }
}

/// The rows of the pieces of a word with this hash; none where a part of it is in no piece.
fn pieces(word: &[u8], hash: u32, vocabulary: &impl Vocabulary, rows: &mut Vec<usize>) -> Option<()> {
    let characters = word.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count();
    if characters > MAX_CHARACTERS {
        return None;
    }
    // Most words are a piece.
    if let Some(row) = vocabulary.row(hash, false, word) {
        rows.push(row);
        return Some(());
    }
    let mut rest = word;
    while !rest.is_empty() {
        let continues = rest.len() < word.len();
        let start = if continues { step(step(BASIS, b'#'), b'#') } else { BASIS };
        let mut hashes = [0_u32; MAX_PIECE];
        let mut hash = start;
        for (slot, byte) in hashes.iter_mut().zip(rest) {
            hash = step(hash, *byte);
            *slot = hash;
        }
        let found = (1..=rest.len().min(MAX_PIECE)).rev().find_map(|length| {
            let hash = stirred(*hashes.get(length - 1)?);
            Some((vocabulary.row(hash, continues, rest.get(..length)?)?, length))
        });
        let (row, length) = found?;
        rows.push(row);
        rest = rest.get(length..)?;
    }
    Some(())
}

/// The bits that name a place depend on all of them.
const fn stirred(hash: u32) -> u32 {
    hash ^ (hash >> 16)
}

fn hash(word: &[u8]) -> u32 {
    stirred(word.iter().fold(BASIS, |hash, byte| step(hash, *byte)))
}

const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// Calls `see` with every word.
fn each_word(text: &str, mut see: impl FnMut(&str)) {
    let mut word = String::with_capacity(32);
    let mut end = |word: &mut String| {
        if !word.is_empty() {
            see(word);
            word.clear();
        }
    };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        // Runs of plain letters: what nearly all of most texts is.
        let run = rest.bytes().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if run > 0 {
            let (letters, behind) = rest.split_at(run);
            let from = word.len();
            word.push_str(letters);
            word.get_mut(from..).unwrap_or_default().make_ascii_lowercase();
            rest = behind;
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if is_space(c) {
            end(&mut word);
        } else if c.is_ascii_punctuation() || is_ideograph(c) {
            end(&mut word);
            word.push(c);
            end(&mut word);
        } else if !c.is_ascii() && !is_dropped(c) {
            for part in std::iter::once(c).nfd().filter(|part| !is_accent(*part)) {
                for small in part.to_lowercase() {
                    if is_punctuation(small) {
                        end(&mut word);
                        word.push(small);
                        end(&mut word);
                    } else {
                        word.push(small);
                    }
                }
            }
        }
    }
    end(&mut word);
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
        || (!c.is_ascii()
            && matches!(
                c,
                '\u{85}' | '\u{a0}' | '\u{1680}' | '\u{2000}'
                    ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
            ))
}

/// What is neither written nor ends a word.
fn is_dropped(c: char) -> bool {
    let nothing =
        |c| matches!(get_general_category(c), G::Control | G::Format | G::Unassigned | G::PrivateUse);
    c == char::REPLACEMENT_CHARACTER || nothing(c)
}

fn is_accent(c: char) -> bool {
    !c.is_ascii() && get_general_category(c) == G::NonspacingMark
}

fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    let category = get_general_category(c);
    matches!(
        category,
        G::ConnectorPunctuation
            | G::DashPunctuation
            | G::OpenPunctuation
            | G::ClosePunctuation
            | G::InitialPunctuation
            | G::FinalPunctuation
            | G::OtherPunctuation
    )
}

/// The blocks that BERT writes apart: Han, not Hiragana, Katakana or Hangul.
const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}')
}
