//! How much: what everyone may take, in requests, tokens and money, and at the same time.
//!
//! An exchange reserves before it begins what it may come to use, of every limit that it falls under, and settles when it
//! ends. Invariants: it gets all it reserves, or nothing; what is reserved and used together never exceeds a limit, except
//! where an exchange used more than it had reserved; what was reserved is settled exactly once, by [`Grant`]'s drop if by
//! nothing else. Never asks who a principal is: it is told.

mod calendar;
mod counters;
mod durable;
mod file;
mod grant;
mod key;
mod known;
mod local;
mod meter;
mod notice;
mod queue;
mod rule;
#[cfg(test)]
mod tests;

pub use calendar::{Calendar, Part};
pub use counters::{Counters, Demand, Full, Refusal, Settlement};
pub use durable::Durable;
pub use file::FileError;
pub use grant::Grant;
pub use key::Key;
pub use local::Local;
pub use meter::{Counter, Level, Meter, Micros, Short};
pub use notice::{Listener, Notice};
pub use queue::Waiting;
pub use rule::{Dimension, Over, Patience, Rule, Span, Subject, Terms, Unit};

use crate::price::Usd;
use foldhash::quality::RandomState;
use grant::Taken;
use known::{Known, Of};
use notice::Notices;
use queue::{Ticket, Who};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::Instant;

/// What an exchange may come to use, or has used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Tokens, of the request and the answer.
    pub tokens: u64,
    /// What it costs; nothing where nobody knows.
    pub cost: Usd,
}

impl Amounts {
    const fn of(&self, unit: Unit) -> u64 {
        match unit {
            Unit::Requests | Unit::Exchanges => 1,
            Unit::Tokens => self.tokens,
            Unit::Nanodollars => self.cost.nanos(),
        }
    }
}

/// Why an exchange may not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The rule's name.
    pub rule: Arc<str>,
    /// What it counts.
    pub unit: Unit,
    /// Whether it is a budget.
    pub budget: bool,
    /// Why.
    pub refusal: Refusal,
    /// What becomes of the request.
    pub over: Over,
}

impl Denied {
    /// How long to wait; none where nobody knows, or where it never helps.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self.refusal {
            Refusal::Short(short) => short.wait,
            Refusal::Full(_) | Refusal::Unreachable => None,
        }
    }

    /// Whether the request alone asks for more than there ever is.
    #[must_use]
    pub const fn is_hopeless(&self) -> bool {
        matches!(self.refusal, Refusal::Short(Short { wait: None, .. }))
            && !matches!(self.unit, Unit::Exchanges)
    }
}

/// Where everything is counted, and who is to hear of it.
struct Books {
    counters: Arc<dyn Counters>,
    waiting: Arc<Waiting>,
    notices: Notices,
}

/// All limits of a configuration.
pub struct Limits {
    of_request: Vec<Arc<Rule>>,
    of_target: Vec<Arc<Rule>>,
    books: Arc<Books>,
    organisations: HashMap<Arc<str>, Arc<str>, RandomState>,
    known: Known,
}

impl Limits {
    /// These rules, over these counters.
    #[must_use]
    pub fn new(rules: Vec<Rule>, counters: Arc<dyn Counters>) -> Self {
        let (of_target, of_request) = rules.into_iter().map(Arc::new).partition(|rule| rule.is_of_target());
        let notices = Notices::new(counters.clone(), None);
        let books = Arc::new(Books { counters, waiting: Arc::default(), notices });
        Self { of_request, of_target, books, organisations: HashMap::default(), known: Known::default() }
    }

    /// The same, with those who wait already, and with somebody who is told of budgets.
    #[must_use]
    pub fn telling(mut self, waiting: Arc<Waiting>, listener: Arc<dyn Listener>) -> Self {
        let counters = self.books.counters.clone();
        let notices = Notices::new(counters.clone(), Some(listener));
        self.books = Arc::new(Books { counters, waiting, notices });
        self
    }

    /// The same, with the organisations of tenants.
    #[must_use]
    pub fn of_organisations(mut self, organisations: HashMap<Arc<str>, Arc<str>>) -> Self {
        self.organisations = organisations.into_iter().collect();
        self
    }

    /// The organisation of a tenant.
    #[must_use]
    pub fn organisation(&self, tenant: &str) -> Option<&str> {
        self.organisations.get(tenant).map(|name| &**name)
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_request.is_empty() && self.of_target.is_empty()
    }

    /// Whether there are any of targets.
    #[must_use]
    pub fn has_targets(&self) -> bool {
        !self.of_target.is_empty()
    }

    /// Reserves what a request may come to use: `most` is asked where a limit in tokens or money is for it. Limits named in
    /// `passed` are passed over. Waits for its turn where a limit says so.
    ///
    /// # Errors
    /// Of some limit there is less.
    ///
    /// # Cancel safety
    /// Dropped, it gives back what it has, and its place.
    pub async fn enter(
        &self,
        subject: &Subject<'_>,
        passed: &[Arc<str>],
        most: impl FnOnce() -> Amounts,
    ) -> Result<Grant, Denied> {
        self.take(Of::Request, subject, passed, most).await
    }

    /// Reserves what asking one target may come to use.
    ///
    /// # Errors
    /// Of some limit of the target there is less.
    pub async fn ask(&self, subject: &Subject<'_>, most: impl FnOnce() -> Amounts) -> Result<Grant, Denied> {
        self.take(Of::Target, subject, &[], most).await
    }

    /// What limits of a request have now, by name: nothing is taken.
    pub fn look<'a>(
        &'a self,
        subject: &Subject<'_>,
        most: Amounts,
    ) -> impl Iterator<Item = (&'a Rule, u64, Option<Level>)> {
        let (at, subject) = (now(), *subject);
        self.of_request.iter().filter_map(move |rule| {
            let demand = demand(rule, rule.counter(&subject)?, most, at);
            Some((&**rule, demand.amount, self.books.counters.level(&demand, at)))
        })
    }

    async fn take(
        &self,
        of: Of,
        subject: &Subject<'_>,
        passed: &[Arc<str>],
        most: impl FnOnce() -> Amounts,
    ) -> Result<Grant, Denied> {
        let mut grant = Grant { books: self.books.clone(), taken: Vec::new(), at: 0 };
        let rules = match of {
            Of::Request => &self.of_request,
            Of::Target => &self.of_target,
        };
        let all = self.known.counters(of, rules, subject);
        let asked: Vec<&(Arc<Rule>, Key)> =
            all.iter().filter(|(rule, _)| !passed.contains(&rule.name)).collect();
        if asked.is_empty() {
            return Ok(grant);
        }
        let heavy = asked.iter().any(|(rule, _)| matches!(rule.unit, Unit::Tokens | Unit::Nanodollars));
        let most = if heavy { most() } else { Amounts::default() };
        let mut turn = Turn { limits: self, subject, ticket: None, until: None };
        if !self.books.waiting.is_empty() {
            turn.stand_behind(&asked, most).await?;
        }
        loop {
            grant.at = now();
            let demands: Vec<Demand> =
                asked.iter().map(|(rule, key)| demand(rule, key.clone(), most, grant.at)).collect();
            match self.books.counters.take(&demands, grant.at).await {
                Ok(levels) => {
                    let rules = asked.iter().map(|(rule, _)| rule.clone());
                    let all = rules.zip(demands).zip(levels);
                    grant.taken = all
                        .map(|((rule, demand), level)| Taken { rule, demand, level, used: most })
                        .collect();
                    turn.served();
                    return Ok(grant);
                }
                Err((place, refusal)) => {
                    let (Some((rule, _)), Some(demand)) = (asked.get(place), demands.get(place)) else {
                        return Err(nobody(refusal));
                    };
                    let denied = denied(rule, refusal);
                    if let Err(denied) = turn.wait(denied, rule, demand).await {
                        if let Refusal::Short(short) = &denied.refusal {
                            self.books.notices.refused(rule, demand, &short.level, grant.at);
                        }
                        return Err(denied);
                    }
                }
            }
        }
    }
}

fn demand(rule: &Rule, key: Key, most: Amounts, at: Micros) -> Demand {
    Demand { key, meter: rule.meter(at), amount: most.of(rule.unit), soft: rule.terms.soft }
}

fn denied(rule: &Rule, refusal: Refusal) -> Denied {
    let over = rule.terms.over.clone();
    Denied { rule: rule.name.clone(), unit: rule.unit, budget: rule.budget, refusal, over }
}

/// What nobody can name.
fn nobody(refusal: Refusal) -> Denied {
    Denied { rule: "".into(), unit: Unit::Requests, budget: false, refusal, over: Over::Reject }
}

/// A request's waiting, as long as it takes.
struct Turn<'a> {
    limits: &'a Limits,
    subject: &'a Subject<'a>,
    ticket: Option<Ticket>,
    until: Option<Instant>,
}

impl Turn<'_> {
    /// Goes behind those who wait for one of its counters already.
    async fn stand_behind(&mut self, asked: &[&(Arc<Rule>, Key)], most: Amounts) -> Result<(), Denied> {
        let now = now();
        let lane = asked.iter().find(|(rule, key)| {
            matches!(rule.terms.over, Over::Queue(_)) && self.limits.books.waiting.has(key)
        });
        let Some((rule, key)) = lane else { return Ok(()) };
        let demand = demand(rule, key.clone(), most, now);
        let level = self.limits.books.counters.level(&demand, now).unwrap_or(Level {
            limit: rule.limit,
            remaining: 0,
            used: 0,
            reset: Duration::ZERO,
        });
        self.wait(
            denied(
                rule,
                Refusal::Short(Short { level, wait: Some(level.reset).filter(|wait| !wait.is_zero()) }),
            ),
            rule,
            &demand,
        )
        .await
    }

    /// Waits until there may be more, where the limit says that one waits.
    async fn wait(&mut self, denied: Denied, rule: &Rule, demand: &Demand) -> Result<(), Denied> {
        let (&Over::Queue(patience), false) = (&denied.over, denied.is_hopeless()) else {
            return Err(denied);
        };
        let Refusal::Short(Short { wait, .. }) = denied.refusal else { return Err(denied) };
        let until = *self.until.get_or_insert_with(|| Instant::now() + patience.wait);
        if self.ticket.as_ref().is_some_and(|ticket| ticket.key != *demand.key.text()) {
            self.ticket = None;
        }
        let mut looks = false;
        if self.ticket.is_none() {
            let tenant = self.subject.get(Dimension::Tenant).unwrap_or_default();
            let who = Who { tenant, class: self.subject.class, amount: demand.amount };
            self.ticket = self.limits.books.waiting.join(&rule.name, demand.key.text(), who, patience.most);
            // Between the refusal and this, something may have been given back that nobody was told of.
            looks = true;
        }
        let Some(ticket) = &self.ticket else { return Err(denied) };
        if looks && ticket.is_first() {
            return Ok(());
        }
        let turn = tokio::time::timeout_at(until, ticket.turn(wait)).await;
        turn.map_err(|_| denied)
    }

    fn served(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            ticket.served();
        }
    }
}

/// Now, as counters have it. Nothing waits by it, so that it may jump costs no more than a window.
#[must_use]
pub fn now() -> Micros {
    let since = crate::clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
