//! One attempt's own state: what it measures and what it leaves behind, whoever wins.
//!
//! Several may be under way for one exchange; none changes the exchange's life before it has won.

use super::life::Life;
use super::plan::Turn;
use crate::balance::Observation;
use crate::exchange::Exchange;
use crate::limit::Grant;
use crate::route::Target;
use crate::upstream::Patience;
use std::sync::Arc;
use std::time::Duration;

/// One attempt's own state.
pub struct Trial {
    /// The exchange as the target's adapter sees it.
    pub exchange: Arc<Exchange>,
    /// What is measured; none once it was told.
    pub watch: Option<Observation>,
    /// Time spent waiting for the provider.
    pub waited: Duration,
    /// Characters that are to be spoken.
    pub characters: u64,
    /// What is reserved of the target's own limits.
    pub grant: Option<Grant>,
    /// Whether the provider may be working on it, and charge for it.
    pub sent: bool,
    /// Whether it was turned away before anybody was asked.
    pub unasked: bool,
}

impl Trial {
    /// An attempt that begins now.
    #[must_use]
    pub fn new(life: &Life, exchange: Arc<Exchange>, turn: Turn) -> Self {
        let mut watch = turn.watch;
        watch.restart();
        if !turn.beside
            && let Some(target) = life.route.targets.get(turn.place)
        {
            target.health.asked(&life.route.resilience.retries.budget);
        }
        Self {
            exchange,
            watch: Some(watch),
            waited: Duration::ZERO,
            characters: 0,
            grant: None,
            sent: false,
            unasked: false,
        }
    }

    /// This, in whose place stays one that asked nobody.
    pub fn take(&mut self) -> Self {
        let nobody = Self {
            exchange: self.exchange.clone(),
            watch: None,
            waited: Duration::ZERO,
            characters: 0,
            grant: None,
            sent: false,
            unasked: true,
        };
        std::mem::replace(self, nobody)
    }
}

/// How long is waited for one target by one exchange.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Of its connection.
    pub patience: Patience,
    /// Of its first token, or of its whole answer.
    pub first_token: Option<Duration>,
    /// Whether that is what is left of the client's time.
    pub is_last: bool,
    /// Between two tokens.
    pub between_tokens: Option<Duration>,
}

impl Bounds {
    /// Those of a target, now.
    #[must_use]
    pub fn of(life: &Life, target: &Target) -> Self {
        let timeouts = target.timeouts.or(life.route.resilience.timeouts);
        let usual = target.provider.upstream.settings().patience();
        let mut patience = Patience {
            connect: timeouts.connect.unwrap_or(usual.connect),
            first_byte: timeouts.first_token.unwrap_or(usual.first_byte),
            idle: timeouts.between_tokens.unwrap_or(usual.idle),
            total: timeouts.total.unwrap_or(usual.total),
        };
        let mut bounds = Self {
            patience,
            first_token: timeouts.first_token,
            is_last: false,
            between_tokens: timeouts.between_tokens,
        };
        if let Some(total) = life.route.resilience.latency.total {
            patience.total = patience.total.min(total.saturating_sub(life.started.elapsed()));
            bounds.patience = patience;
        }
        if let Some(left) = super::plan::first_token_left(life)
            && bounds.first_token.is_none_or(|own| left <= own)
        {
            bounds.first_token = Some(left);
            bounds.is_last = true;
        }
        bounds
    }
}
