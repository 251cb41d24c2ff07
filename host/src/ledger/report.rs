//! Sums over the records in the ledger's file, by whatever they are told apart by.
//!
//! Invariants: a connection of its own that cannot write; what is asked for by name is one of a fixed list, and values
//! are bound, so that no text of a client becomes SQL. Reads the disk: never on the way of an exchange.

use super::LedgerError;
use crate::price::Usd;
use rusqlite::{Connection, OpenFlags, params};
use std::path::Path;
use std::time::Duration;

/// Sums at most; those that cost least are left out.
const MOST: u32 = 10_000;

/// What records are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// The tenant.
    Tenant,
    /// The key.
    Key,
    /// The team.
    Team,
    /// The user.
    User,
    /// The service.
    Service,
    /// The agent.
    Agent,
    /// For whom an agent acted.
    OnBehalfOf,
    /// The tag `feature`.
    Feature,
    /// The route.
    Route,
    /// The provider's name of the model.
    Model,
    /// `provider/model`.
    Target,
    /// What tokens and cost are based on.
    UsageBasis,
    /// How exchanges ended.
    Outcome,
    /// The day, in UTC.
    Day,
}

impl Column {
    /// All there are.
    pub const ALL: [Self; 14] = [
        Self::Tenant,
        Self::Key,
        Self::Team,
        Self::User,
        Self::Service,
        Self::Agent,
        Self::OnBehalfOf,
        Self::Feature,
        Self::Route,
        Self::Model,
        Self::Target,
        Self::UsageBasis,
        Self::Outcome,
        Self::Day,
    ];

    /// Its name in queries and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Key => "key",
            Self::Team => "team",
            Self::User => "user",
            Self::Service => "service",
            Self::Agent => "agent",
            Self::OnBehalfOf => "on_behalf_of",
            Self::Feature => "feature",
            Self::Route => "route",
            Self::Model => "model",
            Self::Target => "target",
            Self::UsageBasis => "usage_basis",
            Self::Outcome => "outcome",
            Self::Day => "day",
        }
    }

    const fn sql(self) -> &'static str {
        match self {
            Self::Feature => "json_extract(tags, '$.feature')",
            Self::Day => "date(started_ms / 1000, 'unixepoch')",
            other => other.name(),
        }
    }
}

/// What is asked of the records.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// A sum for each value of these; one sum of all where there are none.
    pub by: Vec<Column>,
    /// Of one tenant alone.
    pub tenant: Option<String>,
    /// Accepted at this time or later, in milliseconds since the Unix epoch.
    pub since_ms: Option<u64>,
    /// Accepted before this time.
    pub until_ms: Option<u64>,
}

/// A sum of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sums {
    /// What it is of, in the order that was asked for; none where it is not known.
    pub group: Vec<Option<String>>,
    /// Exchanges.
    pub requests: u64,
    /// Exchanges of which the cost is unknown: they are not in `cost`.
    pub unpriced: u64,
    /// Exchanges whose tokens were not all reported by the provider.
    pub estimated: u64,
    /// Tokens of prompts; those of kept answers are not counted again.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// What is known to have been spent.
    pub cost: Usd,
}

/// Sums the records of a file.
///
/// # Errors
/// The file cannot be read.
pub(super) fn report(path: &Path, query: &Query) -> Result<Vec<Sums>, LedgerError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let columns: String = query.by.iter().map(|column| format!("{}, ", column.sql())).collect();
    let groups: Vec<String> = (1..=query.by.len()).map(|place| place.to_string()).collect();
    let group = if groups.is_empty() { String::new() } else { format!("GROUP BY {}", groups.join(", ")) };
    let sql = format!(
        "SELECT {columns} count(*), count(*) - count(cost_nano_usd),
            count(*) FILTER (WHERE usage_basis IN ('estimate', 'tokenizer')),
            coalesce(sum(tokens_input) FILTER (WHERE cache <> 'hit'), 0),
            coalesce(sum(tokens_output) FILTER (WHERE cache <> 'hit'), 0),
            coalesce(sum(cost_nano_usd), 0) AS cost
         FROM exchanges
         WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR started_ms >= ?2) AND (?3 IS NULL OR started_ms < ?3)
         {group} ORDER BY cost DESC, {order} LIMIT {MOST}",
        order = if groups.is_empty() { "1".to_owned() } else { groups.join(", ") },
    );
    let width = query.by.len();
    let time = |ms: Option<u64>| ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
    let mut prepared = connection.prepare(&sql)?;
    let rows =
        prepared.query_map(params![query.tenant, time(query.since_ms), time(query.until_ms)], |row| {
            let count =
                |at: usize| row.get::<_, i64>(width + at).map(|count| u64::try_from(count).unwrap_or(0));
            Ok(Sums {
                group: (0..width).map(|at| row.get(at)).collect::<Result<_, _>>()?,
                requests: count(0)?,
                unpriced: count(1)?,
                estimated: count(2)?,
                input_tokens: count(3)?,
                output_tokens: count(4)?,
                cost: Usd::from_nanos(count(5)?),
            })
        })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
