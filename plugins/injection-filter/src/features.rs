//! What the classifier sees of a text: pieces (about a sentence each) and, for each, hashed features.
//!
//! Features are words, beginnings of words, pairs, pairs that skip a word, triples, how the piece begins and
//! ends. Invariants: a pure function of the tokens, the same in training and in use; one pass, and nothing is
//! allocated per feature. Changing anything here makes the shipped weights worthless: train again.

use crate::tokens::{Edge, Token};

/// A piece is cut here, whatever stands there.
const LONGEST: usize = 40;

/// A run of words that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'t> {
    tokens: &'t [Token],
    end: Edge,
}

impl Piece<'_> {
    /// How many words it has.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }
}

/// The pieces of a text; `end` is what stands after its last word.
pub fn pieces(tokens: &[Token], end: Edge) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = tokens;
    std::iter::from_fn(move || {
        let most = rest.len().min(LONGEST);
        if most == 0 {
            return None;
        }
        let boundary = |token: &Token| token.edge > Edge::Colon;
        let len = rest.iter().take(most).skip(1).position(boundary).map_or(most, |at| at + 1);
        let (tokens, later) = rest.split_at(len);
        rest = later;
        Some(Piece { tokens, end: later.first().map_or(end, |token| token.edge) })
    })
}

/// Calls `each` with every feature of a piece.
pub fn features(piece: &Piece<'_>, mut each: impl FnMut(u32)) {
    let (mut word1, mut word2, mut stem1, mut stem2) = (1, 1, 1, 1);
    for (at, token) in piece.tokens.iter().enumerate() {
        each(mix(1, token.word, 0));
        each(mix(2, token.stem, stem1));
        each(mix(3, token.word, word1));
        each(mix(4, token.word, word2));
        each(mix(5, mix(0, token.stem, stem1), stem2));
        if token.word != token.stem {
            each(mix(6, token.stem, 0));
        }
        if at == 0 {
            each(mix(7, token.word, 0));
            each(mix(8, token.word, piece.end as u32));
        }
        (word2, word1, stem2, stem1) = (word1, token.word, stem1, token.stem);
    }
    each(mix(9, word1, 2));
    each(mix(10, piece.end as u32, 0));
}

/// Mixes two hashes into one of a kind.
fn mix(kind: u32, a: u32, b: u32) -> u32 {
    let x = (a ^ kind.wrapping_mul(0x9E37_79B1)).wrapping_mul(0x85EB_CA6B) ^ b.wrapping_mul(0xC2B2_AE35);
    let x = (x ^ x >> 15).wrapping_mul(0x2C1B_3C6D);
    x ^ x >> 13
}
