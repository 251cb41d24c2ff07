//! What one token, or one piece of what is not text, costs.
//!
//! Invariant: an unknown rate is `None`, never zero; a rate is exact to a trillionth of a dollar.

use std::fmt;
use std::num::NonZeroU64;

const PICOS: u64 = 1_000_000_000_000;

/// The price of one token, in whole trillionths of a dollar. Held with one more, so that none takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// A rate of so many dollars per token; none for what is not a price (negative, not finite, or above
    /// a dollar a token).
    #[must_use]
    pub fn from_usd_per_token(usd: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&usd) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "between 0 and 1e12, checked above"
        )]
        let picos = (usd * PICOS as f64).round() as u64;
        Some(Self(NonZeroU64::MIN.saturating_add(picos)))
    }

    /// In dollars per token.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 1e12")]
    pub fn usd_per_token(self) -> f64 {
        self.picos() as f64 / PICOS as f64
    }

    /// In trillionths of a dollar per token.
    #[must_use]
    pub const fn picos(self) -> u64 {
        self.0.get() - 1
    }
}

/// US dollars per token, in decimal notation without an exponent.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.picos() / PICOS, self.picos() % PICOS);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{rest:012}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// The rates that a request is billed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of a token of the prompt.
    pub input: Option<Rate>,
    /// Of a token of the answer.
    pub output: Option<Rate>,
    /// Of a token of the prompt that was read from the provider's cache.
    pub cache_read: Option<Rate>,
    /// Of a token of the prompt that was written to the provider's cache.
    pub cache_write: Option<Rate>,
    /// Of one that was written there for an hour.
    pub cache_hour: Option<Rate>,
}

impl Rates {
    /// These, and others where these say nothing.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            input: self.input.or(other.input),
            output: self.output.or(other.output),
            cache_read: self.cache_read.or(other.cache_read),
            cache_write: self.cache_write.or(other.cache_write),
            cache_hour: self.cache_hour.or(other.cache_hour),
        }
    }

    /// Of a token that was written to the cache for an hour. A price that tells writing apart and not for how long does not
    /// tell this.
    pub(super) fn for_an_hour(&self) -> Option<Rate> {
        self.cache_hour.or(self.input.filter(|_| self.cache_write.is_none()))
    }
}

/// The rates of what is not text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediaRates {
    /// Of a token of sound in the prompt; the input's rate where it is not named.
    pub audio_input: Option<Rate>,
    /// Of a token of sound in the answer; the output's rate where it is not named.
    pub audio_output: Option<Rate>,
    /// Of a token of an image in the prompt; the input's rate where it is not named.
    pub image_input: Option<Rate>,
    /// Of a token of an image in the answer; the output's rate where it is not named.
    pub image_output: Option<Rate>,
    /// Of an image that is made.
    pub image: Option<Rate>,
    /// Of a character that is spoken.
    pub character: Option<Rate>,
    /// Of a second of sound that is listened to.
    pub second: Option<Rate>,
    /// Of a search.
    pub query: Option<Rate>,
    /// Of a search of the web, where it costs the same whatever its size.
    pub web_search: Option<Rate>,
    /// Of a pixel of an image that is made.
    pub pixel: Option<Rate>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn rates_are_shown_without_exponents_and_nonsense_is_no_rate() {
        for (usd, shown) in [(2.5e-6, "0.0000025"), (1.25e-7, "0.000000125"), (0.0, "0"), (1.0, "1")] {
            assert_eq!(Rate::from_usd_per_token(usd).unwrap().to_string(), shown);
        }
        for bad in [-1e-6, f64::NAN, f64::INFINITY, 1.1] {
            assert_eq!(Rate::from_usd_per_token(bad), None);
        }
    }
}
