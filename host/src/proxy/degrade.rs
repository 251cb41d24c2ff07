//! What a client gets when no target answers: what the operator wrote down for that, in this order.
//!
//! Never for what the client can mend, and never unsaid: headers, flags and the ledger tell what stood in for an answer as
//! asked.

use super::life::{Cache, Life};
use super::{Delivery, ask, deliver, plan, spoken};
use crate::error::{Cause, Error, Party};
use crate::exchange::Keep;
use crate::route::Degrade;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A target that does not say when it is well again is asked again after this.
const MEANWHILE: Duration = Duration::from_millis(500);

/// Marks the answer that is asked for to be kept, where the route gives old ones when no target answers.
pub fn remember(life: &mut Life) {
    let oldest = life.route.resilience.degrade.iter().find_map(|step| match step {
        Degrade::Stale { oldest } => Some(*oldest),
        Degrade::Wait { .. } | Degrade::Targets(_) | Degrade::Answer(_) => None,
    });
    if let Some(ttl) = oldest.filter(|_| life.exchange.prompt().operation().speaks()) {
        let id = stale_id(life);
        life.keeps.push(Keep { id, ttl, tags: Vec::new() });
    }
}

/// Gives what the route has in place of an answer, or the error.
///
/// # Errors
/// The route has nothing.
pub async fn degrade(life: &mut Life, error: Error, streaming: bool) -> Result<Delivery, Error> {
    let route = life.route.clone();
    let speaks = life.exchange.prompt().operation().speaks();
    let mut error = error;
    for step in &route.resilience.degrade {
        if !nobody_answered(&error) {
            break;
        }
        life.book();
        let asked = match step {
            Degrade::Wait { longest, most, waiting } => {
                let Some(_place) = Place::take(waiting, *most) else { continue };
                if !wait(life, *longest).await {
                    continue;
                }
                let made = life.attempts;
                life.plan(|plan, life| plan.start_over(made, life.route.attempts));
                said(life, "wait");
                ask(life, streaming).await
            }
            Degrade::Targets(places) => {
                let made = life.attempts;
                life.plan(|plan, _| plan.turn_to(places, made));
                said(life, "target");
                ask(life, streaming).await
            }
            Degrade::Stale { .. } if speaks => {
                let Some(kept) = life.gateway.answers.get(life.exchange.tenant(), &stale_id(life)) else {
                    continue;
                };
                said(life, "stale");
                // It is told with what it took when it was made, which is not charged for again.
                life.cache = Cache::Hit;
                life.keeps.clear();
                life.target = None;
                deliver(life, kept.events.clone(), streaming).await
            }
            Degrade::Answer(text) if speaks => {
                said(life, "answer");
                life.keeps.clear();
                life.target = None;
                deliver(life, spoken(text), streaming).await
            }
            Degrade::Stale { .. } | Degrade::Answer(_) => continue,
        };
        match asked {
            Ok(delivery) => return Ok(delivery),
            Err(later) => error = later,
        }
    }
    if life.degraded.take().is_some() {
        life.exchange.flag("degraded", "failed");
    }
    Err(error)
}

/// Whether an error says that there is nobody who answers, and not that the request is at fault.
fn nobody_answered(error: &Error) -> bool {
    error.party == Party::Upstream
        && (matches!(Cause::of(error), Cause::RateLimit | Cause::Timeout | Cause::ServerError)
            || matches!(&*error.code, "credential_refused" | "credential_unavailable"))
}

fn said(life: &mut Life, what: &'static str) {
    life.degraded = Some(what);
    life.rescued("degraded", what, what);
    tracing::warn!(id = life.exchange.id(), degraded = what, "no target answers");
}

/// Waits until a target is to be asked again. Says whether that is soon enough.
async fn wait(life: &Life, longest: Duration) -> bool {
    let back = life.route.ranked().iter().map(|target| target.health.pause_left().unwrap_or(MEANWHILE));
    let time = back.min().unwrap_or(MEANWHILE);
    if time > longest || Some(time) >= plan::time_left(life) {
        return false;
    }
    tokio::time::sleep(time).await;
    true
}

/// A place among those who wait.
struct Place<'a>(&'a Arc<AtomicUsize>);

impl<'a> Place<'a> {
    fn take(waiting: &'a Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let one_more = |now: usize| (now < most).then_some(now + 1);
        waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the last answer to the same request is kept by: the route, and all that a target would be sent.
fn stale_id(life: &Life) -> String {
    let prompt = life.exchange.prompt();
    let mut hash = Sha256::new();
    hash.update((life.route.name.len() as u64).to_le_bytes());
    hash.update(life.route.name.as_bytes());
    hash.update(prompt.operation().name().as_bytes());
    for (name, value) in prompt.body() {
        // Whether it is streamed makes no other answer.
        if !matches!(name.as_str(), "stream" | "stream_options") {
            hash.update(serde_json::to_vec(&(name, value)).unwrap_or_default());
        }
    }
    let digest = hash.finalize();
    digest.iter().fold("stale/".to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}
