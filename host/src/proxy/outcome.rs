//! How attempts change the life of their exchange: who won, who lost, and what the target that answers turns out to be.
//!
//! Invariant: of an attempt that a provider may charge for, [`Life::owes`] is set before anything else is done with it, and
//! it is booked before the next. Of two at the same time, each is known to [`Life::left`] until it is known who answers.

use super::fault;
use super::life::Life;
use super::plan::{Plan, note};
use super::trial::Trial;
use crate::error::{Error, Party};
use crate::exchange::Exchange;
use std::sync::Arc;
use std::time::Duration;

impl Life {
    /// Sets who is to be asked.
    pub fn set_plan(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// Takes the plan, to be set again.
    #[must_use]
    pub fn take_plan(&mut self) -> Plan {
        std::mem::take(&mut self.plan)
    }

    /// Asks or tells the plan.
    pub fn plan<T>(&mut self, with: impl FnOnce(&mut Plan, &Self) -> T) -> T {
        let mut plan = std::mem::take(&mut self.plan);
        let told = with(&mut plan, self);
        self.plan = plan;
        told
    }

    /// The exchange as an attempt at a target sees it.
    #[must_use]
    pub fn exchange_for(&self, place: usize) -> Arc<Exchange> {
        let target = self.route.targets.get(place);
        let resumed = self.resume.as_ref().and_then(|resume| resume.exchange(&self.exchange, target?));
        resumed.map_or_else(|| self.exchange.clone(), Arc::new)
    }

    /// A target is being asked.
    pub fn is_asking(&mut self, place: usize) {
        self.book();
        self.target = Some(place);
        self.owes = true;
    }

    /// An attempt has begun to answer. `goes_on`: how the target does is known when its stream ends.
    pub fn won(&mut self, trial: Trial, goes_on: bool) {
        self.waited += trial.waited;
        self.usage.media.characters = trial.characters;
        self.grants.extend(trial.grant);
        self.watch = trial.watch.filter(|_| goes_on);
        self.owes = true;
        if !Arc::ptr_eq(&trial.exchange, &self.exchange) {
            self.exchange.adopt(&trial.exchange);
        }
    }

    /// An attempt failed. Says whether others may be made.
    pub fn lost(&mut self, place: usize, trial: Trial, error: &Error) -> bool {
        self.waited += trial.waited;
        if trial.unasked {
            self.attempts = self.attempts.saturating_sub(1);
        }
        if let Some(target) = self.route.targets.get(place) {
            if error.party == Party::Upstream {
                self.gateway.metrics.upstream_error(&target.provider.name, &error.code);
            }
            let target = target.id.as_str();
            tracing::warn!(id = self.exchange.id(), target, error = %error.chain(), "attempt failed");
        }
        if trial.sent && fault::owes(error) {
            self.grants.extend(trial.grant);
            self.target = Some(place);
            self.owes = true;
            self.book();
        }
        self.plan(|plan, life| plan.failed(life, place, error))
    }

    /// Tells the operator what was done for it: a flag, and a figure.
    pub fn rescued(&self, flag: &str, value: &str, by: &'static str) {
        self.exchange.flag(flag, value);
        self.gateway.metrics.route(self.exchange.tenant(), &self.route.name).rescue(by);
    }

    /// The target has answered to the end.
    pub fn answered(&mut self) {
        if let (Some(watch), Some(target)) = (self.watch.take(), self.target()) {
            note(self, target, watch.succeeded());
        }
    }

    /// The target has broken off.
    pub fn broke_off(&mut self, status: u16, after: Option<Duration>) {
        if let (Some(watch), Some(target)) = (self.watch.take(), self.target()) {
            note(self, target, watch.failed(status, after));
        }
    }
}
