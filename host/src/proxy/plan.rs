//! Which target is asked next.
//!
//! Each target is asked once in its turn: first those that a failure's cause names, then as routing ordered them. One that
//! is left alone (its breaker is open, it is cooling down) or that is too slow for what is left of the client's time is
//! passed over while there is another. When all were asked, one that may do better a moment later is asked again, after a
//! pause, as far as its budget goes. Never asks anybody itself, and never waits.

use super::life::Life;
use crate::balance::{Admission, Change, Health, Observation};
use crate::error::{Cause, Error, Party};
use crate::route::{Route, Target};
use http::StatusCode;
use std::time::Duration;
use tokio::time::Instant;

/// One in so many exchanges asks a target that has lately been too slow: nobody else would find out that it no longer is.
const PROBE_SLOW: u32 = 20;
/// A client is told to wait this long when nobody knows better.
const SOON: Duration = Duration::from_secs(1);

/// Who is asked in which order, and who was.
#[derive(Debug, Default)]
pub struct Plan {
    order: Vec<usize>,
    /// Attempts that the exchange may have made in the end.
    pub limit: u32,
    asked: Places,
    /// Those whose failure may pass.
    passing: Places,
    /// Those that alone may be asked, where a failure is no matter for others.
    only: Option<Places>,
    /// How often somebody was asked again.
    again: u32,
    /// Whether somebody was passed over for being too slow.
    too_slow: bool,
}

/// A turn: who is to be asked, after which pause. Dropped, it gives back the place that it holds.
#[derive(Debug)]
pub struct Turn {
    /// The target's place among the route's.
    pub place: usize,
    /// What is waited before.
    pub pause: Duration,
    /// Whether the target's budget of such paid for it: it is asked again, or ahead of time.
    pub beside: bool,
    /// What is measured.
    pub watch: Observation,
}

/// Places of a route; those past the 128th are never in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Places(u128);

impl Places {
    fn of(places: &[usize]) -> Self {
        let mut all = Self::default();
        places.iter().for_each(|place| all.insert(*place));
        all
    }

    fn bit(place: usize) -> u128 {
        u32::try_from(place).ok().and_then(|place| 1_u128.checked_shl(place)).unwrap_or_default()
    }

    fn insert(&mut self, place: usize) {
        self.0 |= Self::bit(place);
    }

    fn remove(&mut self, place: usize) {
        self.0 &= !Self::bit(place);
    }

    fn has(self, place: usize) -> bool {
        self.0 & Self::bit(place) != 0
    }
}

impl Plan {
    /// A plan by the order that routing gave.
    #[must_use]
    pub fn new(order: Vec<usize>, route: &Route) -> Self {
        Self { order, limit: route.attempts, ..Self::default() }
    }

    /// A plan of these alone, each of which may be asked once more.
    pub fn turn_to(&mut self, places: &[usize], made: u32) {
        let limit = made.saturating_add(u32::try_from(places.len()).unwrap_or(u32::MAX));
        *self = Self { order: places.to_vec(), limit, ..Self::default() };
    }

    /// Everybody may be asked anew.
    pub fn start_over(&mut self, made: u32, attempts: u32) {
        let order = std::mem::take(&mut self.order);
        *self = Self { order, limit: made.saturating_add(attempts), ..Self::default() };
    }

    /// The target that is in its turn, or the one that is asked again; none when nobody is left.
    pub fn next(&mut self, life: &Life) -> Option<Turn> {
        if life.attempts >= self.limit {
            return None;
        }
        self.in_turn(life).or_else(|| self.last_resort(life)).or_else(|| self.once_more(life))
    }

    /// Another target than those asked, and one that is well: for who does not wait for a failure.
    pub fn ahead_of_turn(&mut self, life: &Life, made: u32) -> Option<Turn> {
        if made >= self.limit {
            return None;
        }
        let budget = &life.route.resilience.retries.budget;
        let next = *self.order.iter().find(|place| self.is_well(life, **place))?;
        let health = &life.route.targets.get(next)?.health;
        if !health.may_ask_again(budget) {
            return None;
        }
        let turn = self.admitted(life, next, false)?;
        Some(Turn { beside: true, ..turn })
    }

    /// A target failed. Says whether others may be asked.
    pub fn failed(&mut self, life: &Life, place: usize, error: &Error) -> bool {
        let cause = Cause::of(error);
        if cause.passes(error) && error.retryable {
            self.passing.insert(place);
        } else {
            self.passing.remove(place);
        }
        let named = self.name(&life.route, cause);
        if error.retryable {
            return true;
        }
        if let Some(named) = named {
            // What one refuses, or finds wanting, is taken to those alone that the operator named for it.
            self.only = Some(named);
            return true;
        }
        cause == Cause::ContextWindow
    }

    /// An answer was found wanting, and is asked for again with a note: of those alone that are named for that, and where none
    /// is, or all of them were asked, first of who gave it.
    pub fn found_wanting(&mut self, route: &Route, place: Option<usize>) {
        if let Some(named) = self.name(route, Cause::InvalidOutput) {
            self.only = Some(named);
            return;
        }
        if let Some(place) = place {
            self.put_first(place);
            self.asked.remove(place);
        }
    }

    /// Those alone may go on; whoever broke off may be asked again.
    pub fn only_those(&mut self, places: &[usize]) {
        for place in places {
            if !self.order.contains(place) {
                self.order.push(*place);
            }
        }
        self.only = Some(Places::of(places));
    }

    /// Whether all that is left is too slow for the client.
    #[must_use]
    pub fn lacks_time(&self) -> bool {
        self.too_slow
    }

    /// Puts those that are named for a cause first. None where none is, or where all of them were asked.
    fn name(&mut self, route: &Route, cause: Cause) -> Option<Places> {
        let (_, named) = route.resilience.fallback.iter().find(|(of, _)| *of == cause)?;
        let fresh: Vec<usize> = named.iter().copied().filter(|place| !self.asked.has(*place)).collect();
        fresh.iter().rev().for_each(|place| self.put_first(*place));
        (!fresh.is_empty()).then(|| Places::of(&fresh))
    }

    fn put_first(&mut self, place: usize) {
        self.order.retain(|other| *other != place);
        self.order.insert(0, place);
    }

    /// Whom the exchange must not be sent to is nobody here: what the others said is what the client is told.
    fn may_be_asked(&self, life: &Life, place: usize) -> bool {
        !self.asked.has(place) && self.only.is_none_or(|only| only.has(place)) && life.allows(place)
    }

    fn in_turn(&mut self, life: &Life) -> Option<Turn> {
        self.too_slow = false;
        for at in 0..self.order.len() {
            let place = *self.order.get(at)?;
            let Some(target) = life.route.targets.get(place).filter(|_| self.may_be_asked(life, place))
            else {
                continue;
            };
            eject(life, target);
            if target.health.pause_left().is_some() {
                continue;
            }
            if !is_in_time(life, &target.health) {
                self.too_slow = true;
                continue;
            }
            if let Some(turn) = self.admitted(life, place, false) {
                return Some(turn);
            }
        }
        None
    }

    /// Nobody is well: of those that are left alone, the one that will be back first.
    fn last_resort(&mut self, life: &Life) -> Option<Turn> {
        let targets = &life.route.targets;
        let resting = |place: &&usize| {
            let health = targets.get(**place).map(|target| &target.health);
            self.may_be_asked(life, **place)
                && health.is_some_and(|health| health.pause_left().is_some() || health.is_broken())
        };
        let mut resting: Vec<usize> = self.order.iter().filter(resting).copied().collect();
        resting.sort_by_key(|place| {
            targets.get(*place).map(|target| (target.health.is_broken(), target.health.pause_left()))
        });
        resting.into_iter().find_map(|place| self.admitted(life, place, true))
    }

    /// Everybody was asked: one that may do better by now is asked again.
    fn once_more(&mut self, life: &Life) -> Option<Turn> {
        let (targets, retries) = (&life.route.targets, &life.route.resilience.retries);
        let may =
            |place: &&usize| self.passing.has(**place) && self.only.is_none_or(|only| only.has(**place));
        let pause = |place: usize| targets.get(place).and_then(|target| target.health.pause_left());
        let place = *self.order.iter().filter(may).min_by_key(|place| pause(**place))?;
        // That it failed a few times in a row is no reason to wait for it here: the budget bounds how often it is asked.
        let asked_for = targets.get(place).and_then(|target| target.health.asked_pause());
        let pause = retries.pause(self.again).max(asked_for.unwrap_or_default());
        let target = targets.get(place)?;
        if pause > retries.longest
            || Some(pause) >= time_left(life)
            || !target.health.may_ask_again(&retries.budget)
        {
            return None;
        }
        self.again += 1;
        let turn = self.admitted(life, place, true)?;
        Some(Turn { pause, beside: true, ..turn })
    }

    fn is_well(&self, life: &Life, place: usize) -> bool {
        let health = life.route.targets.get(place).map(|target| &target.health);
        self.may_be_asked(life, place)
            && health.is_some_and(|health| health.pause_left().is_none() && !health.is_broken())
    }

    fn admitted(&mut self, life: &Life, place: usize, last_resort: bool) -> Option<Turn> {
        let target = life.route.targets.get(place)?;
        let settings = &life.route.resilience.breaker;
        let probe = match target.health.admit(settings, last_resort) {
            Admission::Free => false,
            Admission::Probe => true,
            Admission::Refused => return None,
        };
        let watch = target.health.watch(settings, probe);
        if probe {
            note(life, target, Some(Change::Probing));
        }
        self.asked.insert(place);
        Some(Turn { place, pause: Duration::ZERO, beside: false, watch })
    }
}

/// Tells the operator what has become of a target's breaker.
pub fn note(life: &Life, target: &Target, change: Option<Change>) {
    let Some(change) = change else { return };
    life.gateway.metrics.breaker(&target.id, change.name());
    let (target, state) = (target.id.as_str(), change.name());
    match change {
        Change::Opened => tracing::warn!(target, state, "a target is left alone"),
        Change::Probing => tracing::debug!(target, state, "a target is tried"),
        Change::Closed => tracing::info!(target, state, "a target is well again"),
    }
}

/// Sets a target aside that does much worse than another of the route.
fn eject(life: &Life, target: &Target) {
    let settings = &life.route.resilience.breaker;
    if settings.outlier_rate.is_none() || life.route.ranked().len() < 2 || target.health.is_broken() {
        return;
    }
    for other in life.route.ranked().iter().filter(|other| other.id != target.id) {
        let change = target.health.eject_beside(&other.health, settings);
        if change.is_some() {
            return note(life, target, change);
        }
    }
}

/// Whether a target can be expected to answer within the client's time. Of one that nothing is known of, everything can, as
/// long as there is any.
fn is_in_time(life: &Life, health: &Health) -> bool {
    let Some(left) = first_token_left(life) else { return true };
    if left.is_zero() {
        return false;
    }
    let usual = if life.exchange.prompt().streaming() { health.first_byte() } else { health.latency() };
    let fits = usual.is_none_or(|usual| usual <= left);
    fits || fastrand::u32(..PROBE_SLOW) == 0
}

/// What is left of the route's time to the first token.
#[must_use]
pub fn first_token_left(life: &Life) -> Option<Duration> {
    let latency = &life.route.resilience.latency;
    let budget = latency.first_token.into_iter().chain(latency.total).min()?;
    Some(budget.saturating_sub(life.started.elapsed()))
}

/// What is left of the exchange's time, and of what the route allows to the first token.
#[must_use]
pub fn time_left(life: &Life) -> Option<Duration> {
    let all = life.exchange.deadline().saturating_duration_since(Instant::now());
    Some(first_token_left(life).map_or(all, |left| left.min(all)))
}

/// What the client is told where nobody could be asked.
#[must_use]
pub fn nobody(life: &Life, plan: &Plan) -> Error {
    if plan.lacks_time() {
        return out_of_time();
    }
    if life.attempts >= plan.limit {
        let message = "The route allows no further attempt for this request.";
        return Error::new(Party::Upstream, StatusCode::BAD_GATEWAY, "no_attempts_left", message);
    }
    let back = life.route.ranked().iter().filter_map(|target| target.health.pause_left()).min();
    let message = "No provider of this route is well at the moment. Try again later.";
    Error::new(Party::Upstream, StatusCode::SERVICE_UNAVAILABLE, "no_target_available", message)
        .retry_after(Some(back.unwrap_or(SOON)))
}

/// The route's own time is over, or would be before a target answers.
#[must_use]
pub fn out_of_time() -> Error {
    let message = "No provider answers within the time that this route allows.";
    Error::new(Party::Upstream, StatusCode::GATEWAY_TIMEOUT, "latency_budget_exceeded", message)
}
