//! Passes over the places of a text where no word of the tree can start, by a look at a few letters.
//!
//! Most words of most texts differ from every known one within four letters, and a walk takes long to find that out.
//! Invariant: where this says no, a walk finds nothing and is not open, whatever follows. It says yes wherever it does
//! not know: behind digits and disguises, at letters that are not ASCII, where the text ends. A word may be split, so white
//! space and signs between letters are passed. A letter may be drawn out: where one stands twice in the text, both are one,
//! here and in the words. A `v` may stand for a `u` (see `walk`), so here they are one letter.

use crate::trie::{Letter, Trie, letter};
use crate::walk::readings;

/// Letters of ASCII.
const LETTERS: usize = 26;
/// Bits for the first four letters of words; few enough to stay near the processor, many enough to be mostly empty.
const FOURS: usize = 1 << 15;

/// So far a text is followed: letters that stand again and again tell nothing new, and every one may be followed from.
const FAR: usize = 64;

/// Signs between two letters of a word at most, as in `walk`.
const SIGNS: usize = 3;

/// What words begin with, in bits.
#[derive(Debug, Default)]
pub struct Openings {
    /// Signs and digits that a word may begin with, or be disguised by.
    signs: u128,
    /// Signs that are read as nothing but a gap, wherever they stand.
    gaps: u128,
    /// The beginnings of words as they are written.
    written: Beginnings,
    /// The same with one letter where one stands twice or more.
    single: Beginnings,
}

/// Beginnings of words.
#[derive(Debug, Default)]
struct Beginnings {
    /// By so many letters, from one on: whether any word begins so, whether one is no longer, and whether the space of a
    /// phrase, or a sign, may follow. Those are passed, as they are in a text: the next letters are those behind them.
    begun: [Bits; 3],
    ended: [Bits; 3],
    spaced: [Bits; 3],
    /// By a hash of the first four letters.
    fours: Bits,
}

/// Whether words begin as a text does.
enum Told {
    Yes,
    No,
    /// A letter stands twice.
    Twice,
}

impl Openings {
    /// Those of a tree.
    pub fn of(trie: &Trie) -> Openings {
        let mut openings = Openings::default();
        for sign in (0..128_u8).filter(|sign| !sign.is_ascii_alphabetic()) {
            let c = char::from(sign);
            let begins = readings(c).any(|c| trie.child(0, c).is_some());
            openings.signs |= u128::from(begins) << sign;
            let gap = letter(c) == Letter::Gap && c != '*' && readings(c).count() == 1;
            openings.gaps |= u128::from(gap) << sign;
        }
        openings.written.gather(trie, 0, Letters::default(), false);
        openings.single.gather(trie, 0, Letters::default(), true);
        openings
    }

    /// Whether a walk from the byte `at` may find anything.
    pub fn may_lead_on(&self, text: &[u8], at: usize) -> bool {
        let text = text.get(at..).unwrap_or_default();
        if self.written.has_none_like(text) {
            return false;
        }
        match self.follow(&self.written, text, false) {
            Told::Twice => !matches!(self.follow(&self.single, text, true), Told::No),
            told => !matches!(told, Told::No),
        }
    }

    fn follow(&self, words: &Beginnings, text: &[u8], single: bool) -> Told {
        let (mut path, mut gaps) = (Letters::default(), 0);
        let yes = |yes: bool| if yes { Told::Yes } else { Told::No };
        for byte in text.iter().take(FAR) {
            let Some(letter) = number(*byte) else {
                let of = |signs: u128| byte.is_ascii() && signs >> *byte & 1 == 1;
                let Some(before) = path.count.checked_sub(1) else {
                    return yes(!byte.is_ascii() || of(self.signs));
                };
                let has = |bits: &[Bits; 3]| bits.get(before).is_none_or(|bits| bits.has(path.number));
                if !of(self.gaps) || has(&words.ended) {
                    return Told::Yes;
                }
                gaps += 1;
                if gaps > SIGNS {
                    // The space of a phrase may be of any width.
                    return yes(has(&words.spaced));
                }
                continue;
            };
            if path.last == Some(letter) {
                if !single {
                    return Told::Twice;
                }
                gaps = 0;
                continue;
            }
            path = path.and(letter);
            if path.count > SHORT {
                return yes(words.fours.has(path.four()));
            }
            if !words.begun.get(path.count - 1).is_some_and(|bits| bits.has(path.number)) {
                return Told::No;
            }
            gaps = 0;
        }
        Told::Yes
    }
}

impl Beginnings {
    /// Takes in everything below a place that these letters lead to; with `single`, a letter that stands twice once.
    fn gather(&mut self, trie: &Trie, node: u32, path: Letters, single: bool) {
        if path.count > SHORT {
            return self.fours.set(path.four());
        }
        if let Some(at) = path.count.checked_sub(1) {
            let set =
                |bits: &mut [Bits; 3]| bits.get_mut(at).into_iter().for_each(|bits| bits.set(path.number));
            set(&mut self.begun);
            if trie.node(node).is_some_and(|node| !node.ends.is_empty()) {
                set(&mut self.ended);
            }
            // To what is not ASCII, and to digits, nothing leads that is a gap.
            for (_, child) in
                trie.children(node).iter().filter(|(c, _)| c.is_ascii() && !c.is_ascii_alphanumeric())
            {
                set(&mut self.spaced);
                self.gather(trie, *child, path, single);
            }
        }
        for (c, child) in trie.children(node) {
            if let Some(letter) = u8::try_from(*c).ok().and_then(number) {
                let again = single && path.last == Some(letter);
                self.gather(trie, *child, if again { path } else { path.and(letter) }, single);
            }
        }
    }

    /// Whether the first three letters tell that no word begins so: nearly all of most texts' words are told by these.
    fn has_none_like(&self, text: &[u8]) -> bool {
        let Some([Some(a), Some(b), Some(c)]) = text.first_chunk::<3>().map(|three| three.map(number)) else {
            return false;
        };
        let begun = |bits: &Bits| bits.has((a * LETTERS + b) * LETTERS + c);
        a != b && b != c && !self.begun.last().is_some_and(begun)
    }
}

/// Up to so many letters have a bit of their own; one more, a shared one.
const SHORT: usize = 3;

/// The first letters of a word.
#[derive(Clone, Copy, Debug, Default)]
struct Letters {
    count: usize,
    last: Option<usize>,
    /// All of them as one number.
    number: usize,
}

impl Letters {
    fn and(self, letter: usize) -> Letters {
        Letters { count: self.count + 1, last: Some(letter), number: self.number * LETTERS + letter }
    }

    fn four(self) -> usize {
        (self.number.wrapping_mul(0x9E37_79B1) >> 9) % FOURS
    }
}

/// The number of an ASCII letter in any case.
fn number(byte: u8) -> Option<usize> {
    let letter = match byte | 0x20 {
        b'v' => b'u',
        letter => letter,
    };
    letter.is_ascii_lowercase().then(|| usize::from(letter - b'a'))
}

/// A set of small numbers.
#[derive(Debug, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, n: usize) {
        self.0.resize(self.0.len().max(n / 64 + 1), 0);
        if let Some(word) = self.0.get_mut(n / 64) {
            *word |= 1 << (n % 64);
        }
    }

    fn has(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|word| word >> (n % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests;
