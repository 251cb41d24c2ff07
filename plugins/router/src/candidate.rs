//! A target as the strategies see it: its signals as numbers.
//!
//! Invariants: a missing, unreadable or negative signal is unknown (`None`), never zero.

/// One target of a route.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidate {
    /// `provider/model`.
    pub id: String,
    /// The provider's name.
    pub provider: String,
    /// The share of traffic that the route's configuration gives it.
    pub weight: Option<f64>,
    /// Median latency in milliseconds.
    pub latency_ms: Option<f64>,
    /// Share of recent attempts that failed, 0 to 1.
    pub error_rate: Option<f64>,
    /// Requests that it is working on.
    pub in_flight: Option<f64>,
    /// USD per input token.
    pub price_input: Option<f64>,
    /// USD per output token.
    pub price_output: Option<f64>,
}

impl Candidate {
    /// Reads the signals of a target.
    pub fn new(id: &str, provider: &str, signals: &[(String, String)]) -> Self {
        let signal = |name: &str| {
            let (_, value) = signals.iter().find(|(key, _)| key == name)?;
            value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
        };
        Self {
            id: id.to_owned(),
            provider: provider.to_owned(),
            weight: signal("weight"),
            latency_ms: signal("latency-ms.p50"),
            error_rate: signal("error-rate"),
            in_flight: signal("in-flight"),
            price_input: signal("price.input"),
            price_output: signal("price.output"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Candidate;

    #[test]
    fn signals_are_numbers_or_unknown() {
        let signals =
            [("weight", "3"), ("latency-ms.p50", "nan"), ("error-rate", "-1"), ("price.input", "x")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let candidate = Candidate::new("a/b", "a", &signals);
        let expected =
            Candidate { id: "a/b".into(), provider: "a".into(), weight: Some(3.0), ..Candidate::default() };
        assert_eq!(candidate, expected);
    }
}
