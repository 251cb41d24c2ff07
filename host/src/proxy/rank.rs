//! The order in which the targets of an exchange are tried.
//!
//! The course says which there are, a plugin (or the configuration) which is the best of them, and affinity which of them
//! knows the exchange already. Never adds a target to those that may be asked.

use super::candidates::{Ranking, TASK};
use super::course;
use super::life::{Cache, Life};
use crate::error::Error;
use crate::plugin::Ranked;
use crate::route::affinity::{Affinity, By};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The order in which the targets are tried.
///
/// # Errors
/// When the router fails closed, or nothing may be asked.
pub async fn rank(life: &mut Life) -> Result<Vec<usize>, Error> {
    let (own, first) = course::decide(life)?;
    let mut order = ranked(life, own).await?;
    let route = life.route.clone();
    if let Some(affinity) = route.policy.as_ref().and_then(|policy| policy.affinity.as_ref()) {
        let marks = affinity.marks(&owner(life, affinity), &life.asked);
        let free = route.router.is_none() && life.course.plan.is_none();
        affinity.prefer(&marks, &mut order, &route.targets, free);
        life.course.marks = Some(marks);
    }
    if !first.is_empty() {
        order.retain(|place| !first.contains(place));
        order.splice(0..0, first);
    }
    Ok(order)
}

/// What must not be mixed: a provider keeps prompts for an account, but a conversation is a key's.
fn owner<'a>(life: &'a Life, affinity: &Affinity) -> Vec<&'a str> {
    let shared = [life.exchange.tenant().as_ref(), life.route.name.as_ref()];
    let own = (affinity.by == By::Conversation).then_some(life.principal.key.as_ref());
    shared.into_iter().chain(own).collect()
}

async fn ranked(life: &Life, places: Vec<usize>) -> Result<Vec<usize>, Error> {
    let targets = &life.route.targets;
    let in_order = |mut places: Vec<usize>| {
        places.sort_by_key(|&place| targets.get(place).is_some_and(|target| target.health.cooling_down()));
        places
    };
    let (Some(router), true) = (&life.route.router, places.len() > 1) else { return Ok(in_order(places)) };
    let rankings = &life.route.rankings;
    let streaming = life.exchange.prompt().streaming();
    // What a rule weighs is this exchange's alone.
    let alike = life.course.plan.as_ref().is_none_or(|plan| plan.weights.is_empty());
    if let Some(order) = alike.then(|| rankings.held(&places, streaming)).flatten() {
        return Ok(order);
    }
    let ranking = Arc::new(Ranking::new(life, places.clone()));
    match router.binding.rank(&life.exchange, ranking).await {
        Ok(ranked) if ranked.order.is_empty() => Ok(in_order(places)),
        Ok(Ranked { order, holds }) => {
            let place = |at: u32| places.get(at as usize).copied();
            let order: Vec<usize> = order.into_iter().filter_map(place).collect();
            if alike && !holds.is_zero() {
                rankings.hold(&places, streaming, &order, holds);
            }
            Ok(order)
        }
        Err(failure) => crate::pipeline::gate::open_or_closed(router, failure).map(|()| in_order(places)),
    }
}

impl Life {
    /// Its answer may be spoken of, where that could change who is asked.
    pub(super) fn may_be_spoken_of(&self, target: &str) {
        let matters = self.route.rankings.by_quality.load(Ordering::Relaxed);
        if self.cache == Cache::Hit || self.course.mirrors || !matters {
            return;
        }
        let (tenant, key) = (self.exchange.tenant(), self.principal.own_name());
        let task = self.exchange.flagged(TASK);
        self.gateway.feedback.answered(tenant, &key, self.exchange.id(), target, task.as_deref());
    }
}
