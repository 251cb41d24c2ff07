//! The order in which the targets of an exchange are tried.
//!
//! The course says which there are, a plugin (or the configuration) which is the best of them, and affinity which of them
//! knows the exchange already. Never adds a target to those that may be asked.

use super::course;
use super::life::{Cache, Life};
use crate::error::Error;
use crate::plugin::TargetView;
use crate::route::Target;
use crate::route::affinity::{Affinity, By};
use std::sync::atomic::Ordering;

/// The flag, and the signal, of what kind of task an exchange is.
const TASK: &str = "task";

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
    let prompt = life.exchange.prompt();
    let task = life.exchange.flagged(TASK);
    let turn = life.route.turns.fetch_add(1, Ordering::Relaxed).to_string();
    let views: Vec<TargetView> = places
        .iter()
        .filter_map(|place| {
            Some(view(life, (*place, targets.get(*place)?), prompt.model(), &turn, task.as_deref()))
        })
        .collect();
    match router.binding.rank(&life.exchange, &views).await {
        Ok(ranked) if ranked.is_empty() => Ok(in_order(places)),
        Ok(ranked) => Ok(ranked.into_iter().filter_map(|at| places.get(at as usize).copied()).collect()),
        Err(failure) => crate::pipeline::chain::open_or_closed(router, failure).map(|()| in_order(places)),
    }
}

/// What users said of the target's quality.
fn opinions(life: &Life, target: &Target, task: Option<&str>, signals: &mut Vec<(String, String)>) {
    let (feedback, tenant) = (&life.gateway.feedback, life.exchange.tenant());
    if feedback.is_empty() {
        return;
    }
    for (name, value) in signals.iter_mut() {
        let Some(task) = name.strip_prefix("quality").and_then(|rest| match rest {
            "" => Some(""),
            rest => rest.strip_prefix('.'),
        }) else {
            continue;
        };
        if let Some(said) = feedback.quality(tenant, &target.id, task, value.parse().ok()) {
            *value = format!("{said:.4}");
        }
    }
    let Some(task) = task else { return };
    let name = format!("quality.{task}");
    if !signals.iter().any(|(known, _)| *known == name)
        && let Some(said) = feedback.quality(tenant, &target.id, task, None)
    {
        signals.push((name, format!("{said:.4}")));
    }
}

impl Life {
    /// Its answer may be spoken of, where that could change who is asked.
    pub(super) fn may_be_spoken_of(&self, target: &str) {
        if self.cache == Cache::Hit || self.course.mirrors || self.route.router.is_none() {
            return;
        }
        let (tenant, key) = (self.exchange.tenant(), self.principal.own_name());
        let task = self.exchange.flagged(TASK);
        self.gateway.feedback.answered(tenant, &key, self.exchange.id(), target, task.as_deref());
    }
}

/// A target as the router sees it. `task`: what kind of task it is, where a guard said so.
fn view(
    life: &Life,
    (place, target): (usize, &Target),
    asked: &str,
    turn: &str,
    task: Option<&str>,
) -> TargetView {
    let model = target.model_for(asked);
    let mut signals = target.facts.clone();
    let planned = life.course.plan.iter().flat_map(|plan| &plan.weights);
    if let Some((_, weight)) = planned.into_iter().find(|(at, _)| *at == place) {
        signals.retain(|(name, _)| name != "weight");
        signals.push(("weight".to_owned(), weight.to_string()));
    }
    signals.push(("turn".to_owned(), turn.to_owned()));
    opinions(life, target, task, &mut signals);
    signals.extend(task.map(|task| (TASK.to_owned(), task.to_owned())));
    signals.extend(target.health.signals());
    if let Some(price) = life.gateway.prices.find(&target.provider.name, model) {
        let per_token = [("price.input", price.input), ("price.output", price.output)];
        signals.extend(
            per_token.into_iter().filter_map(|(name, usd)| Some((name.to_owned(), usd?.to_string()))),
        );
    }
    TargetView {
        id: target.id.clone(),
        provider: target.provider.name.to_string(),
        model: model.to_owned(),
        signals,
    }
}
