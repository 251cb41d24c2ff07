//! The timeouts of one request: one timer, set anew for each wait.
//!
//! Setting it to a later time than before, which is what happens with each piece of a stream, is an atomic
//! store in the runtime's timer.

use super::error::Phase;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Waits of decades are cut to this, which the timer can hold.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

pub(super) struct Clock {
    sleep: Pin<Box<Sleep>>,
    end: Instant,
    phase: Phase,
}

impl Clock {
    /// A clock whose total time runs from now.
    pub fn new(total: Duration) -> Self {
        let end = Instant::now() + total.min(LONGEST);
        Self { sleep: Box::pin(sleep_until(end)), end, phase: Phase::Total }
    }

    /// Starts a wait.
    pub fn start(&mut self, phase: Phase, limit: Duration) {
        let due = Instant::now() + limit.min(LONGEST);
        let (due, phase) = if due < self.end { (due, phase) } else { (self.end, Phase::Total) };
        self.phase = phase;
        self.sleep.as_mut().reset(due);
    }

    /// Ready with the phase that took too long.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        self.sleep.as_mut().poll(cx).map(|()| self.phase)
    }

    /// Waits for a future within a limit.
    pub async fn wait<T>(
        &mut self,
        phase: Phase,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Phase> {
        self.start(phase, limit);
        tokio::select! {
            biased;
            done = work => Ok(done),
            late = std::future::poll_fn(|cx| self.poll(cx)) => Err(late),
        }
    }
}
