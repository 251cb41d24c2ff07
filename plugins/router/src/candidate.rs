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

impl Candidate {
    /// Reads the signals of a target, for an exchange of a category of tasks.
    pub fn new(id: &str, provider: &str, signals: &[(String, String)], task: Option<&str>) -> Self {
        let signal = |name: &str| {
            let (_, value) = signals.iter().find(|(key, _)| key == name)?;
            value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)
        };
        Self {
            id: id.to_owned(),
            provider: provider.to_owned(),
            weight: signal("weight"),
            latency_ms: Quantiles { p50: signal("latency-ms.p50"), p95: signal("latency-ms.p95") },
            ttft_ms: Quantiles { p50: signal("ttft-ms.p50"), p95: signal("ttft-ms.p95") },
            error_rate: signal("error-rate"),
            in_flight: signal("in-flight"),
            price_input: signal("price.input"),
            price_output: signal("price.output"),
            turn: signal("turn"),
            // What is good at one thing may be bad at another: only without a category do all count together.
            quality: task.map_or_else(|| signal("quality"), |task| signal(&format!("quality.{task}"))),
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
        let candidate = Candidate::new("a/b", "a", &signals, None);
        let expected =
            Candidate { id: "a/b".into(), provider: "a".into(), weight: Some(3.0), ..Candidate::default() };
        assert_eq!(candidate, expected);
    }

    #[test]
    fn quality_is_that_of_the_task() {
        let signals = [("quality", "0.5"), ("quality.code", "0.9")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()));
        let quality = |task| Candidate::new("a/b", "a", &signals, task).quality;
        assert_eq!(
            (quality(None), quality(Some("code")), quality(Some("chat"))),
            (Some(0.5), Some(0.9), None)
        );
    }
}
