//! Sums by tenant, kept while exchanges end: atomics behind a sharded map, no lock across tenants.

use super::Record;
use crate::price::Usd;
use dashmap::DashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a tenant has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantTotals {
    /// The tenant.
    pub tenant: Arc<str>,
    /// Exchanges.
    pub requests: u64,
    /// Exchanges of which the cost is unknown: they are not in `cost`.
    pub unpriced: u64,
    /// Tokens of prompts; those of kept answers are not counted again.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// What is known to have been spent.
    pub cost: Usd,
}

#[derive(Debug, Default)]
pub(super) struct Totals {
    tenants: DashMap<Arc<str>, Counters, foldhash::quality::RandomState>,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    unpriced: AtomicU64,
    input: AtomicU64,
    output: AtomicU64,
    cost_nanos: AtomicU64,
}

impl Totals {
    pub fn add(&self, record: &Record) {
        self.sum(&TenantTotals::of(record));
    }

    /// Takes over what was known before.
    pub fn start_from(&self, known: TenantTotals) {
        self.sum(&known);
    }

    pub fn all(&self) -> Vec<TenantTotals> {
        let mut all: Vec<_> = self.tenants.iter().map(|entry| entry.value().read(entry.key())).collect();
        all.sort_by(|a, b| a.tenant.cmp(&b.tenant));
        all
    }

    pub fn of(&self, tenant: &str) -> Option<TenantTotals> {
        self.tenants.get(tenant).map(|entry| entry.value().read(entry.key()))
    }

    fn sum(&self, more: &TenantTotals) {
        match self.tenants.get(&more.tenant) {
            Some(counters) => counters.sum(more),
            None => self.tenants.entry(more.tenant.clone()).or_default().sum(more),
        }
    }
}

impl Counters {
    fn sum(&self, more: &TenantTotals) {
        for (counter, by) in [
            (&self.requests, more.requests),
            (&self.unpriced, more.unpriced),
            (&self.input, more.input_tokens),
            (&self.output, more.output_tokens),
            (&self.cost_nanos, more.cost.nanos()),
        ] {
            counter.fetch_add(by, Ordering::Relaxed);
        }
    }

    fn read(&self, tenant: &Arc<str>) -> TenantTotals {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TenantTotals {
            tenant: tenant.clone(),
            requests: get(&self.requests),
            unpriced: get(&self.unpriced),
            input_tokens: get(&self.input),
            output_tokens: get(&self.output),
            cost: Usd::from_nanos(get(&self.cost_nanos)),
        }
    }
}

impl TenantTotals {
    /// What one record adds. A kept answer took no tokens of any provider; a mirrored request is booked apart.
    pub(super) fn of(record: &Record) -> Self {
        if record.is_mirror() {
            return Self {
                tenant: record.tenant.clone(),
                requests: 0,
                unpriced: 0,
                input_tokens: 0,
                output_tokens: 0,
                cost: Usd::ZERO,
            };
        }
        let asked = record.cache != "hit";
        Self {
            tenant: record.tenant.clone(),
            requests: 1,
            unpriced: u64::from(record.cost.is_none()),
            input_tokens: if asked { record.usage.input } else { 0 },
            output_tokens: if asked { record.usage.output } else { 0 },
            cost: record.cost.unwrap_or_default(),
        }
    }

    /// Both together.
    pub(super) fn plus(&mut self, more: &Self) {
        self.requests += more.requests;
        self.unpriced += more.unpriced;
        self.input_tokens = self.input_tokens.saturating_add(more.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(more.output_tokens);
        self.cost += more.cost;
    }
}
