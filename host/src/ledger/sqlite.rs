//! The ledger's file: its schema, and how a group of records is committed.
//!
//! Invariants: a group is one transaction, with the totals it adds; `synchronous = FULL` makes a commit survive
//! a loss of power. One connection, used by one thread. Money is stored in whole nano-dollars, times in
//! milliseconds; an unknown cost is NULL.

use super::totals::TenantTotals;
use super::{LedgerError, Record};
use crate::price::Usd;
use crate::store::file::{self, Lasts, Readers, Tables};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const TABLES: Tables = Tables { create: CREATE, upgrades: &UPGRADES };

/// The tables as the first version had them; [`UPGRADES`] follow.
const CREATE: &str = "
CREATE TABLE exchanges (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    route TEXT NOT NULL,
    target TEXT NOT NULL,
    model TEXT NOT NULL,
    status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    tokens_cache_read INTEGER NOT NULL,
    tokens_cache_write INTEGER NOT NULL,
    tokens_reasoning INTEGER NOT NULL,
    cost_nano_usd INTEGER,
    attempts INTEGER NOT NULL,
    cache TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    ttft_us INTEGER,
    flags TEXT
) STRICT;
CREATE INDEX exchanges_by_tenant ON exchanges (tenant, started_ms);
CREATE TABLE totals (
    tenant TEXT PRIMARY KEY,
    requests INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    tokens_input INTEGER NOT NULL,
    tokens_output INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
";

/// What leads from each version of the tables to the next.
const UPGRADES: [&str; 1] = ["
ALTER TABLE exchanges ADD COLUMN team TEXT;
ALTER TABLE exchanges ADD COLUMN user TEXT;
ALTER TABLE exchanges ADD COLUMN service TEXT;
ALTER TABLE exchanges ADD COLUMN agent TEXT;
ALTER TABLE exchanges ADD COLUMN on_behalf_of TEXT;
ALTER TABLE exchanges ADD COLUMN tags TEXT;
ALTER TABLE exchanges ADD COLUMN usage_basis TEXT;
CREATE INDEX exchanges_by_time ON exchanges (started_ms);
PRAGMA user_version = 2;
"];

const INSERT: &str = "INSERT INTO exchanges (id, tenant, key, route, target, model, status, outcome,
    tokens_input, tokens_output, tokens_cache_read, tokens_cache_write, tokens_reasoning,
    cost_nano_usd, attempts, cache, started_ms, duration_us, ttft_us, flags,
    team, user, service, agent, on_behalf_of, tags, usage_basis)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
    ?21, ?22, ?23, ?24, ?25, ?26, ?27)";

const SUM: &str =
    "INSERT INTO totals (tenant, requests, unpriced, tokens_input, tokens_output, cost_nano_usd)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT (tenant) DO UPDATE SET
        requests = requests + excluded.requests,
        unpriced = unpriced + excluded.unpriced,
        tokens_input = tokens_input + excluded.tokens_input,
        tokens_output = tokens_output + excluded.tokens_output,
        cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd";

/// The open file.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
}

impl Database {
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { connection: file::open(path, TABLES, Readers::Usual, Lasts::PowerLoss)? })
    }

    /// What was used so far.
    pub fn totals(&self) -> Result<Vec<TenantTotals>, LedgerError> {
        let mut query = self.connection.prepare(
            "SELECT tenant, requests, unpriced, tokens_input, tokens_output, cost_nano_usd FROM totals",
        )?;
        let rows = query.query_map([], |row| {
            let tenant: String = row.get(0)?;
            let count = |at: usize| row.get::<_, i64>(at).map(|count| u64::try_from(count).unwrap_or(0));
            Ok(TenantTotals {
                tenant: Arc::from(tenant),
                requests: count(1)?,
                unpriced: count(2)?,
                input_tokens: count(3)?,
                output_tokens: count(4)?,
                cost: Usd::from_nanos(count(5)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes a group, all or nothing.
    pub fn commit(&mut self, group: &[Arc<Record>]) -> Result<(), rusqlite::Error> {
        let begun = self.connection.transaction()?;
        let mut sums: BTreeMap<&str, TenantTotals> = BTreeMap::new();
        {
            let mut insert = begun.prepare_cached(INSERT)?;
            for record in group {
                write(&mut insert, record)?;
                let more = TenantTotals::of(record);
                match sums.get_mut(&*record.tenant) {
                    Some(sum) => sum.plus(&more),
                    None => drop(sums.insert(&record.tenant, more)),
                }
            }
            let mut add = begun.prepare_cached(SUM)?;
            for sum in sums.values() {
                add.execute(params![
                    &*sum.tenant,
                    integer(sum.requests),
                    integer(sum.unpriced),
                    integer(sum.input_tokens),
                    integer(sum.output_tokens),
                    integer(sum.cost.nanos()),
                ])?;
            }
        }
        begun.commit()
    }
}

fn write(insert: &mut rusqlite::CachedStatement<'_>, record: &Record) -> Result<(), rusqlite::Error> {
    let who = &record.who;
    insert.execute(params![
        record.id,
        &*record.tenant,
        &*record.key,
        &*record.route,
        record.target,
        record.model,
        record.status,
        record.outcome,
        integer(record.usage.input),
        integer(record.usage.output),
        integer(record.usage.cache_read),
        integer(record.usage.cache_write),
        integer(record.usage.reasoning),
        record.cost.map(|cost| integer(cost.nanos())),
        record.attempts,
        record.cache,
        integer(record.started_ms()),
        micros(record.duration),
        record.ttft.map(micros),
        object(&record.flags),
        who.team.as_deref(),
        who.user.as_deref(),
        who.service.as_deref(),
        who.agent.as_deref(),
        who.on_behalf_of.as_deref(),
        object(&who.tags),
        record.basis,
    ])?;
    Ok(())
}

/// Named values as JSON; nothing where there are none.
fn object(pairs: &[(String, String)]) -> Option<String> {
    if pairs.is_empty() {
        return None;
    }
    let map: serde_json::Map<_, _> =
        pairs.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    Some(serde_json::Value::Object(map).to_string())
}

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
