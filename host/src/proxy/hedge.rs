//! Hedging: another target is asked as well when one is slow to begin, and whoever begins first answers.
//!
//! Invariants: a hedge is paid for from the budget of what is asked beside its turn; the one that loses is cancelled, and
//! what it may charge is booked, and where the client goes away, what both may; nothing of it reaches the client. Each has
//! an exchange of its own, so that what their adapters remember does not mix.

use super::attempt::{Opened, attempt};
use super::life::Life;
use super::plan::Turn;
use super::trial::Trial;
use crate::error::Error;
use crate::route::HedgeAfter;
use parking_lot::Mutex;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// After how long another target is asked beside this one; none where none is.
#[must_use]
pub fn delay(life: &Life, place: usize) -> Option<Duration> {
    let hedge = life.route.resilience.hedge?;
    let prompt = life.exchange.prompt();
    // A file is sent while it comes: it cannot be sent to two.
    if prompt.attachment().is_some() || life.resume.is_some() {
        return None;
    }
    let health = &life.route.targets.get(place)?.health;
    let after = match hedge.after {
        HedgeAfter::Fixed(after) => after,
        HedgeAfter::Share(share) if prompt.streaming() => health.first_byte_share(share)?,
        HedgeAfter::Share(share) => health.latency_share(share)?,
    };
    Some(after.max(hedge.least))
}

/// What those leave behind who were being asked when the client went away.
#[derive(Default)]
pub struct Left(Mutex<Vec<(usize, Trial)>>);

/// One who is being asked. Dropped, it was left alone.
struct Asking<'l> {
    place: usize,
    trial: Trial,
    left: &'l Left,
}

impl Asking<'_> {
    /// It is known what came of it.
    fn over(mut self) -> (usize, Trial) {
        (self.place, self.trial.take())
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.trial.sent {
            let mut trial = self.trial.take();
            // How long it would have taken nobody knows.
            trial.watch = None;
            self.left.0.lock().push((self.place, trial));
        }
    }
}

impl Life {
    /// The client went away while several were being asked: each may charge for what it has read.
    pub(super) fn book_left(&mut self) {
        let Some(left) = self.left.take() else { return };
        let left = std::mem::take(&mut *left.0.lock());
        self.attempts += u32::try_from(left.len().saturating_sub(1)).unwrap_or_default();
        for (place, trial) in left {
            self.book_overtaken(place, trial);
        }
    }
}

/// Makes an attempt, and another one beside it when it is slow to begin.
pub async fn race(life: &mut Life, turn: Turn, delay: Duration) -> (usize, Trial, Result<Opened, Error>) {
    let from = Instant::now();
    let first_place = turn.place;
    life.attempts += 1;
    life.exchange.set_attr("attempt", life.attempts.to_string());
    let first = Trial::new(life, life.exchange.clone(), turn);
    let mut plan = life.take_plan();
    life.is_asking(first_place);
    // Until it is known who answers, what they took is with them.
    life.owes = false;
    let left = Arc::<Left>::default();
    life.left = Some(left.clone());
    let mut first = Asking { place: first_place, trial: first, left: &left };
    let mut second: Option<Asking<'_>> = None;
    let (first_ended, second_ended) = {
        let shared = &*life;
        let mut one = pin!(attempt(shared, first_place, &mut first.trial));
        let alone = tokio::select! {
            biased;
            result = &mut one => Some(result),
            () = tokio::time::sleep(delay) => None,
        };
        match alone {
            Some(result) => (Some(result), None),
            None => match plan.ahead_of_turn(shared, shared.attempts) {
                None => (Some(one.await), None),
                Some(turn) => {
                    let place = turn.place;
                    let fork = Arc::new(shared.exchange.fork());
                    fork.set_attr("attempt", (shared.attempts + 1).to_string());
                    let trial = Trial::new(shared, fork, turn);
                    let asking = second.insert(Asking { place, trial, left: &left });
                    let mut other = pin!(attempt(shared, place, &mut asking.trial));
                    tokio::select! {
                        biased;
                        result = &mut one => match result {
                            Ok(opened) => (Some(Ok(opened)), None),
                            Err(error) => (Some(Err(error)), Some(other.await)),
                        },
                        result = &mut other => match result {
                            Ok(opened) => (None, Some(Ok(opened))),
                            Err(error) => (Some(one.await), Some(Err(error))),
                        },
                    }
                }
            },
        }
    };
    life.set_plan(plan);
    life.left = None;
    // They waited at the same time.
    let waited = from.elapsed();
    let (_, mut first) = first.over();
    first.waited = waited;
    let Some((second_place, mut other)) = second.map(Asking::over) else {
        return (first_place, first, first_ended.unwrap_or_else(|| Err(unheard())));
    };
    life.attempts += 1;
    other.waited = Duration::ZERO;
    settle(life, (first_place, first, first_ended), (second_place, other, second_ended), waited)
}

type Runner = (usize, Trial, Option<Result<Opened, Error>>);

/// Whoever began to answer has won; the other one failed, or was overtaken.
fn settle(
    life: &mut Life,
    first: Runner,
    second: Runner,
    waited: Duration,
) -> (usize, Trial, Result<Opened, Error>) {
    let second_won = matches!(second.2, Some(Ok(_))) || matches!(first.2, Some(Err(_)));
    let (winner, loser) = if second_won { (second, first) } else { (first, second) };
    let (value, by) = if second_won { ("won", "hedge_won") } else { ("lost", "hedge_lost") };
    life.rescued("hedge", value, by);
    let (place, mut trial, ended) = winner;
    trial.waited = waited;
    let (loser_place, mut loser_trial, loser_ended) = loser;
    loser_trial.waited = Duration::ZERO;
    match loser_ended {
        // Whether others may be asked is what the last error says.
        Some(Err(error)) => {
            life.lost(loser_place, loser_trial, &error);
        }
        Some(Ok(_)) | None => life.book_overtaken(loser_place, loser_trial),
    }
    (place, trial, ended.unwrap_or_else(|| Err(unheard())))
}

fn unheard() -> Error {
    Error::internal("An attempt ended without a result.")
}
