//! How long answers take: distributions, as functions of chance.
//!
//! No dice of their own: who asks brings a number from 0 to 1, so that a seed gives the same times again.

use std::time::Duration;

/// A distribution of times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Anything between two, equally likely.
    Between(Duration, Duration),
    /// Most are near the median, and a few take much longer: log-logistic, by its median and its 99th percentile, and never
    /// more than ten times that.
    LongTailed {
        /// Half of them take no longer.
        median: Duration,
        /// All but one in a hundred take no longer.
        p99: Duration,
    },
}

impl Latency {
    /// The time that this share of all answers does not exceed, from 0 to 1: a time at random, for a share at random.
    #[must_use]
    pub fn at(self, share: f64) -> Duration {
        match self {
            Self::Fixed(time) => time,
            Self::Between(least, most) => least + most.saturating_sub(least).mul_f64(share.clamp(0.0, 1.0)),
            Self::LongTailed { median, p99 } => {
                let share = share.clamp(0.0, 1.0);
                let most = p99.as_secs_f64() * 10.0;
                let spread = (p99.as_secs_f64() / median.as_secs_f64()).ln() / 99_f64.ln();
                let time = median.as_secs_f64() * (share / (1.0 - share)).powf(spread);
                // Past the last share there is no time, and of no median no share of it.
                Duration::try_from_secs_f64(time.min(most)).unwrap_or(p99)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_tail_has_its_median_its_percentile_and_an_end() {
        let ms = Duration::from_millis;
        let tail = Latency::LongTailed { median: ms(100), p99: ms(900) };
        let near = |share, expected: Duration| {
            let time = tail.at(share);
            assert!(time.abs_diff(expected) < ms(1), "{share}: {time:?}");
        };
        near(0.5, ms(100));
        near(0.99, ms(900));
        near(1.0, ms(9_000));
        near(0.0, ms(0));
        assert!(tail.at(0.9) < tail.at(0.95));
        assert_eq!(Latency::Between(ms(10), ms(30)).at(0.5), ms(20));
        assert_eq!(Latency::LongTailed { median: ms(0), p99: ms(0) }.at(0.5), ms(0));
    }
}
