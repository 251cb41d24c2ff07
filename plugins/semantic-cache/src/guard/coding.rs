//! Details as a text that is kept beside a vector: five letters for the whole, four for each word, and behind a point
//! four for each small word.
//!
//! Invariant: what was encoded is decoded to the same; anything else is no details, never wrong ones.
//! Of a word, 21 bits of a digest leave, never the word.

use super::{Ask, Details, Word, WordKind};

/// Six bits a letter.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Details {
    /// As a text.
    pub fn encode(&self) -> String {
        let mut text = String::with_capacity(6 + 4 * (self.words.len() + self.small.len()));
        text.push(char::from(self.ask as u8));
        text.push(match (self.question, self.negated) {
            (false, false) => '.',
            (false, true) => '!',
            (true, false) => '?',
            (true, true) => '-',
        });
        text.push(char::from(self.language));
        text.push(letter(u32::from(self.stance)));
        text.push(letter(u32::from(self.frame)));
        for word in &self.words {
            push(&mut text, (u32::from(word.kind as u8) << 21) | (word.class & 0x1f_ffff));
        }
        if !self.small.is_empty() {
            text.push('.');
            self.small.iter().for_each(|class| push(&mut text, *class));
        }
        text
    }

    /// From a text that [`Details::encode`] made.
    pub fn decode(text: &str) -> Option<Self> {
        let (head, rest) = text.as_bytes().split_at_checked(5)?;
        let [ask, form, language, stance, frame] = *head else { return None };
        let ask = Ask::of(ask)?;
        let mut lists = rest.splitn(2, |byte| *byte == b'.');
        let (words, small) = (lists.next().unwrap_or_default(), lists.next().unwrap_or_default());
        if words.len() % 4 != 0 || small.len() % 4 != 0 {
            return None;
        }
        let words = words.chunks_exact(4).map(word).collect::<Option<Vec<Word>>>()?;
        let small = small.chunks_exact(4).map(bits).collect::<Option<Vec<u32>>>()?;
        let (question, negated) = match form {
            b'.' => (false, false),
            b'!' => (false, true),
            b'?' => (true, false),
            b'-' => (true, true),
            _ => return None,
        };
        let six = |letter: u8| bits_of(letter).and_then(|bits| u8::try_from(bits).ok());
        let (stance, frame) = (six(stance)?, six(frame)?);
        Some(Self { ask, question, negated, stance, language, frame, words, small })
    }
}

/// Appends twenty-four bits.
fn push(text: &mut String, bits: u32) {
    [18, 12, 6, 0].into_iter().for_each(|shift| text.push(letter(bits >> shift)));
}

/// The letter of the lowest six bits.
fn letter(bits: u32) -> char {
    let at = usize::try_from(bits & 63).unwrap_or(0);
    char::from(LETTERS.get(at).copied().unwrap_or(b'A'))
}

fn bits_of(letter: u8) -> Option<u32> {
    let six = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(six))
}

/// The bits of four letters.
fn bits(letters: &[u8]) -> Option<u32> {
    letters.iter().try_fold(0, |bits, letter| Some((bits << 6) | bits_of(*letter)?))
}

fn word(letters: &[u8]) -> Option<Word> {
    let bits = bits(letters)?;
    let kind = match bits >> 21 {
        0 => WordKind::Soft,
        1 => WordKind::Hard,
        2 => WordKind::Name,
        3 => WordKind::Number,
        4 => WordKind::Goal,
        5 => WordKind::Figure,
        _ => return None,
    };
    Some(Word { kind, class: bits & 0x1f_ffff })
}
