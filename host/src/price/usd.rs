//! Money, in whole nano-dollars: sums are exact, and a price of a fraction of a micro-dollar is not lost.
//!
//! Never a floating-point number, except where one is asked for to be shown.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

const NANOS: u64 = 1_000_000_000;

/// An amount of US dollars, never negative. Sums stop at the largest amount (18 billion dollars).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Usd(u64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many billionths of a dollar.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// In billionths of a dollar.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// An amount of dollars; none where it is negative, not finite, or above 18 billion.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    pub fn from_f64(usd: f64) -> Option<Self> {
        (usd.is_finite() && (0.0..=18e9).contains(&usd)).then(|| Self((usd * 1e9).round() as u64))
    }

    /// In dollars, rounded to what a float holds; for metrics and reports only.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "for display; the exact figure stays in nanos")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / NANOS as f64
    }

    /// The difference, or nothing where the other is more.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Six decimals; up to nine where the amount has them.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / NANOS, self.0 % NANOS);
        if rest % 1_000 == 0 {
            return write!(f, "{whole}.{:06}", rest / 1_000);
        }
        let digits = format!("{rest:09}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// The text is not an amount of dollars: digits, and up to nine decimals behind a point.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is not an amount of US dollars, such as 12.50")]
pub struct NotAnAmount(String);

impl FromStr for Usd {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let bad = || NotAnAmount(text.to_owned());
        let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 9 {
            return Err(bad());
        }
        let whole: u64 = whole.parse().map_err(|_| bad())?;
        let decimals: u64 = format!("{decimals:0<9}").parse().map_err(|_| bad())?;
        whole.checked_mul(NANOS).and_then(|nanos| nanos.checked_add(decimals)).map(Self).ok_or_else(bad)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_show_six_decimals_and_more_where_they_have_them() {
        for (nanos, shown) in [
            (0, "0.000000"),
            (1, "0.000000001"),
            (1_000, "0.000001"),
            (1_250_000, "0.001250"),
            (1_234_500_067, "1.234500067"),
            (12_500_000_000, "12.500000"),
            (10, "0.00000001"),
        ] {
            assert_eq!(Usd::from_nanos(nanos).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", ".5", "-1", "+1", "1e3", "1.0000000001", "NaN", "99999999999999999999", "1,5"] {
            assert!(text.parse::<Usd>().is_err(), "{text}");
        }
        assert_eq!("100".parse::<Usd>().unwrap(), Usd::from_nanos(100 * NANOS));
        assert_eq!(" 0.5 ".parse::<Usd>().unwrap(), Usd::from_nanos(NANOS / 2));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(nanos: u64) {
            prop_assert_eq!(Usd::from_nanos(nanos).to_string().parse::<Usd>().unwrap(), Usd::from_nanos(nanos));
        }
    }
}
