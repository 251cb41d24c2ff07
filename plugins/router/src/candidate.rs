//! A target as the strategies see it: its signals as numbers.
//!
//! Invariants: a missing, unreadable or negative signal is unknown (`None`), never zero.

/// One target of a route.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Candidate<'a> {
    /// `provider/model`.
    pub id: &'a str,
    /// The provider's name.
    pub provider: &'a str,
    /// The share of traffic that the route's configuration gives it.
    pub weight: Option<f64>,
    /// Latency of whole answers in milliseconds: the median, and what 95 of 100 do not exceed.
    pub latency_ms: Quantiles,
    /// The same of the time to the first token.
    pub ttft_ms: Quantiles,
    /// Share of recent attempts that failed, 0 to 1.
    pub error_rate: Option<f64>,
    /// Requests that it is working on.
    pub in_flight: Option<f64>,
    /// USD per input token.
    pub price_input: Option<f64>,
    /// USD per output token.
    pub price_output: Option<f64>,
    /// How often the targets of the route were ranked before: the same for all of them.
    pub turn: Option<f64>,
    /// How good it is at what is asked, as the operator or a benchmark says.
    pub quality: Option<f64>,
}

/// A time, as its median and as what 95 of 100 do not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Quantiles {
    /// The median.
    pub p50: Option<f64>,
    /// What 95 of 100 do not exceed.
    pub p95: Option<f64>,
}

impl<'a> Candidate<'a> {
    /// A target of which nothing is known.
    pub fn new(id: &'a str, provider: &'a str) -> Self {
        Self { id, provider, ..Self::default() }
    }

    /// Notes a signal; one that has no meaning here is passed over.
    pub fn note(&mut self, name: &str, value: Option<f64>) {
        let place = match name {
            "weight" => &mut self.weight,
            "latency-ms.p50" => &mut self.latency_ms.p50,
            "latency-ms.p95" => &mut self.latency_ms.p95,
            "ttft-ms.p50" => &mut self.ttft_ms.p50,
            "ttft-ms.p95" => &mut self.ttft_ms.p95,
            "error-rate" => &mut self.error_rate,
            "in-flight" => &mut self.in_flight,
            "price.input" => &mut self.price_input,
            "price.output" => &mut self.price_output,
            "turn" => &mut self.turn,
            _ if name.starts_with("quality") => &mut self.quality,
            _ => return,
        };
        *place = value.filter(|number| number.is_finite() && *number >= 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::Candidate;

    #[test]
    fn signals_are_numbers_from_zero_or_unknown() {
        let mut candidate = Candidate::new("a/b", "a");
        let signals = [("weight", 3.0), ("latency-ms.p50", f64::NAN), ("error-rate", -1.0), ("region", 7.0)];
        for (name, value) in signals {
            candidate.note(name, Some(value));
        }
        candidate.note("price.input", None);
        let expected = Candidate { id: "a/b", provider: "a", weight: Some(3.0), ..Candidate::default() };
        assert_eq!(candidate, expected);
    }
}
