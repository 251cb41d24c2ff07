//! What one exchange has gathered so far, and its settlement.
//!
//! Invariant: every exchange that was admitted is settled exactly once, however it ends: [`Life`] settles
//! when it is dropped, so a client that goes away, a panic and a cancelled future are accounted for too.

use super::booking::Booked;
use super::course::{self, Course};
use super::detour::Detours;
use super::failover::Resume;
use super::hedge::Left;
use super::plan::Plan;
use super::{Gateway, mirror, quota};
use crate::auth::Principal;
use crate::balance::Observation;
use crate::chat::{Prompt, Usage};
use crate::error::{Error, Party};
use crate::exchange::{Exchange, Keep};
use crate::format::Format;
use crate::ledger::{Record, Who};
use crate::limit::Grant;
use crate::route::{Route, Target};
use crate::secret::Secret;
use crate::tokens::Sizes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Where the answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// No plugin spoke of a cache.
    None,
    /// The answer was asked from a provider.
    Miss,
    /// A kept answer.
    Hit,
}

/// The course of one exchange.
pub struct Life {
    /// The configuration it started on, and finishes on.
    pub gateway: Arc<Gateway>,
    /// The client's API.
    pub format: Format,
    /// The exchange as plugins see it.
    pub exchange: Arc<Exchange>,
    /// What the client sent, before any plugin changed it.
    pub asked: Arc<Prompt>,
    /// Who asks.
    pub principal: Principal,
    /// The route it is on.
    pub route: Arc<Route>,
    /// When it was accepted.
    pub started: Instant,
    started_at: SystemTime,
    /// Time spent waiting for providers.
    pub waited: Duration,
    /// Attempts made.
    pub attempts: u32,
    /// The target that answered or failed last: its place among the route's.
    pub target: Option<usize>,
    /// Tokens of the attempt under way.
    pub usage: Usage,
    /// Where limits send it.
    pub detours: Detours,
    /// The approval that it came with.
    pub approval: Option<Secret>,
    /// The lengths of what was asked, where they were looked at.
    pub sizes: Option<Sizes>,
    /// Bytes of text that the provider produced: the base of an estimate.
    pub produced_bytes: u64,
    /// The marks to keep the answer by.
    pub keeps: Vec<Keep>,
    /// What is reserved of the limits.
    pub grants: Vec<Grant>,
    /// How many of them are the request's; the others are of the target that was asked last.
    pub entered: usize,
    /// Who is asked next.
    pub(super) plan: Plan,
    /// What earlier attempts are charged for.
    pub booked: Booked,
    /// Whether the attempt that was made last is charged for.
    pub owes: bool,
    /// Those who are being asked at the same time.
    pub(super) left: Option<Arc<Left>>,
    /// How the target does that answers now.
    pub(super) watch: Option<Observation>,
    /// The answer that another target is to go on with.
    pub resume: Option<Arc<Resume>>,
    /// What stands in for an answer as asked.
    pub degraded: Option<&'static str>,
    /// Becomes whether the answer is to be kept for who asks for the same again.
    pub keep: Option<Arc<AtomicBool>>,
    /// Whether an answer came from the cache.
    pub cache: Cache,
    /// The id of the kept answer that it was, or that it is to be kept by.
    pub cache_id: Option<String>,
    /// When the first byte of the answer was ready for the client.
    pub first_byte: Option<Instant>,
    /// Where it may go, and why.
    pub course: Course,
    status: u16,
    outcome: &'static str,
}

impl Life {
    /// The life of an exchange from here on.
    #[must_use]
    pub fn new(
        gateway: Arc<Gateway>,
        format: Format,
        exchange: Arc<Exchange>,
        principal: Principal,
        route: Arc<Route>,
        started: Instant,
    ) -> Self {
        gateway.metrics.in_flight(1);
        Self {
            gateway,
            format,
            asked: exchange.prompt(),
            exchange,
            principal,
            route,
            started,
            started_at: crate::clock::now(),
            waited: Duration::ZERO,
            attempts: 0,
            target: None,
            usage: Usage::default(),
            detours: Detours::default(),
            approval: None,
            sizes: None,
            produced_bytes: 0,
            keeps: Vec::new(),
            grants: Vec::new(),
            entered: 0,
            plan: Plan::default(),
            booked: Booked::default(),
            owes: false,
            left: None,
            watch: None,
            resume: None,
            degraded: None,
            keep: None,
            cache: Cache::None,
            cache_id: None,
            first_byte: None,
            course: Course::default(),
            status: 499,
            outcome: "abandoned",
        }
    }

    /// Says how it ended. Without this it counts as abandoned by the client (499, as nginx has it).
    pub fn ended(&mut self, status: u16, outcome: &'static str) {
        self.status = status;
        self.outcome = outcome;
        match outcome {
            "answered" => self.answered(),
            "upstream" => self.broke_off(status, None),
            _ => self.watch = None,
        }
    }

    /// The target that answered or failed last.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.route.targets.get(self.target?)
    }

    /// Time that was the gateway's own.
    #[must_use]
    pub fn overhead(&self) -> Duration {
        self.started.elapsed().saturating_sub(self.waited)
    }

    /// Writes an error down once, with its causes; what is left is for the client.
    #[must_use]
    pub fn explain(&self, error: Error) -> Error {
        log_error(self.exchange.id(), &error);
        error
    }
}

impl Cache {
    /// The name used in headers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Miss => "miss",
            Self::Hit => "hit",
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let prompt = self.exchange.prompt();
        self.book_left();
        self.estimate_missing_usage(&prompt);
        quota::settle(self);
        if let Some(keep) = &self.keep {
            let charged = self.owes || !self.booked.is_empty();
            keep.store(charged || self.outcome == "answered", Ordering::Release);
        }
        let duration = self.started.elapsed();
        let ttft = self.first_byte.map(|at| at.duration_since(self.started));
        let (target, provider, model) = match self.target() {
            Some(target) => (
                target.id.clone(),
                target.provider.name.to_string(),
                target.model_for(prompt.model()).to_owned(),
            ),
            None => Default::default(),
        };
        let (cost, usage) = (self.cost(), self.total_usage());
        self.gateway.metrics.in_flight(-1);
        let broke = self.outcome == Party::Upstream.name() && self.first_byte.is_some();
        course::ended(self, self.status, broke);
        if self.outcome == "answered" {
            self.may_be_spoken_of(&target);
        }
        if let Some(heard) = self.course.heard.take() {
            heard.over(&target, self.waited, self.outcome == "answered");
        }
        if self.course.mirrors {
            mirror::count(self, cost, self.status == 200);
        } else {
            let metrics = self.gateway.metrics.route(self.exchange.tenant(), &self.route.name);
            metrics.exchange(self.status, duration, self.overhead(), ttft);
            if self.cache != Cache::None {
                metrics.cache(self.cache.name());
            }
            if let Some(cost) = cost {
                metrics.cost(cost.as_f64());
            }
            if self.cache != Cache::Hit {
                metrics.tokens(&provider, self.usage.input, self.usage.output, self.usage.cache_read);
            }
        }
        tracing::info!(
            id = self.exchange.id(),
            tenant = %self.exchange.tenant(),
            route = %self.route.name,
            target,
            status = self.status,
            outcome = self.outcome,
            attempts = self.attempts,
            tokens_in = usage.input,
            tokens_out = usage.output,
            duration_ms = millis(duration),
            overhead_ms = millis(self.overhead()),
            "exchange"
        );
        self.gateway.ledger.append(Record {
            id: self.exchange.id().to_owned(),
            tenant: self.exchange.tenant().clone(),
            key: self.principal.key.clone(),
            who: who(&self.principal),
            route: self.route.name.clone(),
            target,
            model,
            status: self.status,
            outcome: self.outcome,
            usage,
            basis: self.basis().name(),
            cost,
            attempts: self.attempts,
            cache: self.cache.name(),
            started: self.started_at,
            duration,
            ttft,
            flags: self.exchange.flags(),
        });
    }
}

fn who(principal: &Principal) -> Who {
    let holder = &principal.holder;
    Who {
        team: holder.team.clone(),
        user: holder.user.clone(),
        service: holder.service.clone(),
        agent: holder.agent.clone(),
        on_behalf_of: holder.on_behalf_of.clone(),
        tags: holder.tags.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

/// Logs an error at the boundary, with the chain of its causes.
pub fn log_error(id: &str, error: &Error) {
    let (party, status, code) = (error.party.name(), error.status.as_u16(), error.code.as_ref());
    if error.party == Party::Internal {
        tracing::error!(id, party, status, code, error = error.chain(), "exchange failed");
    } else {
        tracing::info!(id, party, status, code, error = error.chain(), "exchange failed");
    }
}

/// Milliseconds with three decimals.
pub(super) fn millis(duration: Duration) -> String {
    let micros = duration.as_micros();
    format!("{}.{:03}", micros / 1_000, micros % 1_000)
}
