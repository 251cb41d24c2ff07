//! What a route does when a target fails: plain settings, checked where they were read.

use crate::balance::{BreakerSettings, BudgetSettings};
use crate::error::Cause;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// What a route does when a target fails. Targets are named by their places among the route's.
#[derive(Debug, Default)]
pub struct Resilience {
    /// How many of the route's targets are asked in their turn; those behind them only where a policy names them.
    pub ranked: usize,
    /// When a target is left alone.
    pub breaker: BreakerSettings,
    /// How a target is asked again.
    pub retries: Retries,
    /// How long is waited for a target; the provider's own timeouts where nothing is said.
    pub timeouts: Timeouts,
    /// Who is asked first after a failure of a cause.
    pub fallback: Vec<(Cause, Vec<usize>)>,
    /// When another target is asked as well, ahead of any failure.
    pub hedge: Option<Hedge>,
    /// What becomes of an answer that breaks off after its beginning.
    pub mid_stream: MidStream,
    /// How long a client waits at most.
    pub latency: LatencyBudget,
    /// What is done, in this order, when no target answers.
    pub degrade: Vec<Degrade>,
}

/// How a target is asked again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retries {
    /// The pause before the first time; it doubles each time.
    pub pause: Duration,
    /// The longest pause, also where the provider asks for one: past that, nobody waits.
    pub longest: Duration,
    /// How often, as a share of what was asked in turn.
    pub budget: BudgetSettings,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            pause: Duration::from_millis(200),
            longest: Duration::from_secs(2),
            budget: BudgetSettings::default(),
        }
    }
}

impl Retries {
    /// The pause before a target is asked again for the `n`th time, from 0: at random, between half and all of it.
    #[must_use]
    pub fn pause(&self, n: u32) -> Duration {
        let most = self.pause.saturating_mul(1 << n.min(16)).min(self.longest);
        most.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// How long is waited for a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect.
    pub connect: Option<Duration>,
    /// To the first token of a stream, or to a whole answer.
    pub first_token: Option<Duration>,
    /// Between two tokens of a stream.
    pub between_tokens: Option<Duration>,
    /// For the whole.
    pub total: Option<Duration>,
}

impl Timeouts {
    /// These, and those of the route where nothing is said.
    #[must_use]
    pub fn or(self, route: Self) -> Self {
        Self {
            connect: self.connect.or(route.connect),
            first_token: self.first_token.or(route.first_token),
            between_tokens: self.between_tokens.or(route.between_tokens),
            total: self.total.or(route.total),
        }
    }
}

/// When another target is asked as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hedge {
    /// After how long without a token.
    pub after: HedgeAfter,
    /// Never before.
    pub least: Duration,
}

/// After how long without a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HedgeAfter {
    /// This long.
    Fixed(Duration),
    /// As long as this many of a hundred recent first tokens of the target took at most; while nothing is known of it, no
    /// other is asked.
    Share(u32),
}

/// What becomes of an answer that breaks off after its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MidStream {
    /// It ends with the client's format's error.
    #[default]
    Error,
    /// Another target goes on where it broke off, where one can.
    Continue,
}

/// How a target is asked to go on with an answer that another began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefill {
    /// The last message is the assistant's, and it goes on with it.
    Message,
    /// The same, with `"prefix": true` in that message.
    Prefix,
    /// The same, with `"continue_final_message": true` and `"add_generation_prompt": false` beside the messages.
    ContinueFinal,
}

/// How long a client waits at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencyBudget {
    /// For the first token, or for a whole answer.
    pub first_token: Option<Duration>,
    /// For all of an answer.
    pub total: Option<Duration>,
}

/// What is done when no target answers.
#[derive(Debug, Clone)]
pub enum Degrade {
    /// Wait until a target is to be asked again, and ask.
    Wait {
        /// At most.
        longest: Duration,
        /// Exchanges of the route that may wait at the same time.
        most: usize,
        /// How many do.
        waiting: Arc<AtomicUsize>,
    },
    /// Ask these: smaller models, mostly.
    Targets(Vec<usize>),
    /// The last answer to the same request, if it is not older.
    Stale {
        /// How old it may be.
        oldest: Duration,
    },
    /// This text.
    Answer(Arc<str>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pause_is_bounded_and_never_less_than_half(
            pause in 0_u64..10_000,
            longest in 0_u64..100_000,
            n: u32,
        ) {
            let retries = Retries {
                pause: Duration::from_millis(pause),
                longest: Duration::from_millis(longest),
                ..Retries::default()
            };
            let most = retries.pause.saturating_mul(1 << n.min(16)).min(retries.longest);
            let took = retries.pause(n);
            prop_assert!(took <= most && took >= most.mul_f64(0.49), "{took:?} of {most:?}");
        }
    }
}
