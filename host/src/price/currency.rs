//! Money in the operator's own currency, at the rate that the configuration says.
//!
//! Everything is counted in dollars; this is how it is said, and how budgets may be written. Never fetches a rate.

use super::Usd;

const NANOS: u128 = 1_000_000_000;

/// A currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Currency {
    code: Box<str>,
    /// What one of it is worth, in billionths of a dollar.
    worth: u64,
}

impl Currency {
    /// A currency of which one is worth so many dollars; none where that is no rate, or the code not three capitals.
    #[must_use]
    pub fn new(code: &str, usd: f64) -> Option<Self> {
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        let worth = Usd::from_f64(usd).map(Usd::nanos).filter(|worth| *worth > 0)?;
        is_code.then(|| Self { code: code.into(), worth })
    }

    /// An amount of it in dollars.
    #[must_use]
    pub fn in_usd(&self, amount: f64) -> Option<Usd> {
        let amount = u128::from(Usd::from_f64(amount)?.nanos());
        u64::try_from(amount * u128::from(self.worth) / NANOS).ok().map(Usd::from_nanos)
    }

    /// Dollars in this currency, such as `0.001250 EUR`.
    #[must_use]
    pub fn show(&self, usd: Usd) -> String {
        let amount = u128::from(usd.nanos()) * NANOS / u128::from(self.worth);
        // To a millionth: what a rate is good for.
        let amount = (amount + 500) / 1_000 * 1_000;
        format!("{} {}", Usd::from_nanos(u64::try_from(amount).unwrap_or(u64::MAX)), self.code)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn dollars_are_said_in_another_currency() {
        let euro = Currency::new("EUR", 1.25).unwrap();
        assert_eq!(euro.show(Usd::from_nanos(1_000_000_000)), "0.800000 EUR");
        assert_eq!(euro.show(Usd::from_nanos(1)), "0.000000 EUR");
        assert_eq!(euro.in_usd(100.0), Some(Usd::from_nanos(125_000_000_000)));
        let yen = Currency::new("JPY", 0.0064).unwrap();
        assert_eq!(yen.show(Usd::from_nanos(64_000_000)), "10.000000 JPY");
        for (code, usd) in [("euro", 1.0), ("EUR", 0.0), ("EUR", -1.0), ("EUR", f64::NAN), ("", 1.0)] {
            assert_eq!(Currency::new(code, usd), None);
        }
    }
}
