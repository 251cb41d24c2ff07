//! The tokenizers of OpenAI's models: a pattern cuts a text into pieces, and each piece is byte pairs.
//!
//! Made when it is first asked for, which takes a second or two and some 40 MB, and kept. Invariant: linear in the text,
//! whatever stands in it. Source of the patterns: <https://github.com/openai/tiktoken>, with the look-ahead for the end of
//! white space written as patterns of their own, as the crate `bpe-openai` has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bpe::byte_pair_encoding::BytePairEncoding;
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Tells the pieces of both vocabularies apart without a collision. Source: the crate `bpe-openai`.
const HASH_FACTOR: u64 = 17_846_336_922_010_275_747;

/// White space before something else: its last character belongs to what follows. The number is its place below.
const BEFORE: &str = r"\s+\s";
const BEFORE_AT: usize = 1;
const SPACE: &str = r"\s+";

static CL100K: LazyLock<Option<Tokenizer>> = LazyLock::new(|| {
    let words = [
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)",
        r"[^\r\n\p{L}\p{N}]?\p{L}+",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n]*",
        r"\s*[\r\n]+",
        r"\s+$",
    ];
    Tokenizer::new(include_bytes!("../../data/cl100k.bin"), &words.join("|"))
});

static O200K: LazyLock<Option<Tokenizer>> = LazyLock::new(|| {
    let words = [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+$",
    ];
    Tokenizer::new(include_bytes!("../../data/o200k.bin"), &words.join("|"))
});

/// One of the tokenizers.
pub(super) struct Tokenizer {
    pairs: BytePairEncoding,
    pattern: Regex,
}

/// The tokenizer of OpenAI's models since GPT-4o.
pub(super) fn o200k() -> Option<&'static Tokenizer> {
    O200K.as_ref()
}

/// The one before.
pub(super) fn cl100k() -> Option<&'static Tokenizer> {
    CL100K.as_ref()
}

impl Tokenizer {
    fn new(mut data: &[u8], words: &str) -> Option<Self> {
        let pattern = Regex::new_many(&[words, BEFORE, SPACE]).ok()?;
        // As the crate reads it: what it makes of a list would be compiled here, without its optimisations.
        let mut pieces = String::with_capacity(data.len() * 2);
        let mut rank = 0_u32;
        while let Some((length, rest)) = data.split_first() {
            let (piece, rest) = rest.split_at_checked(usize::from(*length))?;
            STANDARD.encode_string(piece, &mut pieces);
            let _ = writeln!(pieces, " {rank}");
            rank += 1;
            data = rest;
        }
        let pairs = BytePairEncoding::from_tiktoken(&pieces, Some(HASH_FACTOR)).ok()?;
        Some(Self { pairs, pattern })
    }

    /// The tokens of a text.
    pub fn count(&self, mut text: &str) -> u64 {
        let mut tokens = 0;
        while let Some(found) = self.pattern.find(Input::new(text).anchored(Anchored::Yes)) {
            let mut end = found.end();
            if found.pattern().as_usize() == BEFORE_AT {
                let last = text.get(..end).and_then(|piece| piece.chars().next_back());
                end -= last.map_or(0, char::len_utf8);
            }
            let Some((piece, rest)) = text.split_at_checked(end).filter(|(piece, _)| !piece.is_empty())
            else {
                break;
            };
            tokens += self.pairs.count(piece.as_bytes()) as u64;
            text = rest;
        }
        // The patterns leave nothing; should they, it counts as if they did not.
        tokens + (text.len() as u64).div_ceil(4)
    }
}
