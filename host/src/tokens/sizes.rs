//! The lengths of texts, by kind of script.

use super::Family;

/// Bytes of texts that are looked at; the kinds of what is behind them are taken to be as before.
const LOOKED_AT: usize = 64 * 1024;

/// The lengths of texts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of all texts.
    bytes: u64,
    /// Bytes that were looked at, by kind.
    kinds: [u64; 5],
}

impl Sizes {
    /// Adds a text.
    pub fn add(&mut self, text: &str) {
        self.bytes += text.len() as u64;
        let looked: u64 = self.kinds.iter().sum();
        let room = LOOKED_AT.saturating_sub(usize::try_from(looked).unwrap_or(LOOKED_AT));
        let text = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        if text.is_ascii() {
            return self.note(0, text.len());
        }
        for letter in text.chars() {
            let kind = match letter.len_utf8() {
                1 => 0,
                2 => 1,
                // Signs and kana, Han, hangul, and their wide forms.
                3 if matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}') => {
                    2
                }
                3 => 3,
                _ => 4,
            };
            self.note(kind, letter.len_utf8());
        }
    }

    fn note(&mut self, kind: usize, bytes: usize) {
        if let Some(sum) = self.kinds.get_mut(kind) {
            *sum += bytes as u64;
        }
    }

    /// Bytes of all texts.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// About how many tokens they are for a family.
    #[must_use]
    pub fn tokens(&self, family: Family) -> u64 {
        rounded(self.hundredths(family))
    }

    /// About how many tokens so many bytes of an answer are, in the same scripts.
    #[must_use]
    pub fn answer(&self, family: Family, bytes: u64) -> u64 {
        match self.hundredths(family) {
            0 => Self { bytes, kinds: [bytes.min(1), 0, 0, 0, 0] }.tokens(family),
            all => rounded(all * u128::from(bytes) / u128::from(self.bytes.max(1))),
        }
    }

    /// Hundredths of tokens, so that what is short is rounded once.
    fn hundredths(&self, family: Family) -> u128 {
        let looked: u64 = self.kinds.iter().sum();
        let each = self.kinds.iter().zip(family.bytes_per_token());
        let of_looked: u128 =
            each.map(|(bytes, per)| u128::from(*bytes) * 10_000 / u128::from(per.max(1))).sum();
        of_looked * u128::from(self.bytes) / u128::from(looked.max(1))
    }
}

fn rounded(hundredths: u128) -> u64 {
    u64::try_from(hundredths.div_ceil(100)).unwrap_or(u64::MAX)
}
