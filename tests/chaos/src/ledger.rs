//! What the gateway wrote down, read from the ledger's file.

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// One exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// The status that the client got.
    pub status: u16,
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// What it cost, in billionths of a dollar; none where that is unknown.
    pub nanodollars: Option<u64>,
    /// Attempts made.
    pub attempts: u64,
    /// Whether it says that a part of its usage is an estimate: nobody told it.
    pub estimated: bool,
}

/// Every exchange of a ledger.
///
/// # Errors
/// The file is no ledger.
pub fn read(file: &Path) -> Result<Vec<Entry>> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("{} cannot be opened", file.display()))?;
    let mut select = connection.prepare(
        "SELECT id, status, tokens_input, tokens_output, cost_nano_usd, attempts, flags FROM exchanges ORDER BY seq",
    )?;
    let number = |value: i64| u64::try_from(value).unwrap_or_default();
    let rows = select.query_map([], |row| {
        Ok(Entry {
            id: row.get(0)?,
            status: row.get(1)?,
            input: number(row.get(2)?),
            output: number(row.get(3)?),
            nanodollars: row.get::<_, Option<i64>>(4)?.map(number),
            attempts: number(row.get(5)?),
            estimated: row.get::<_, Option<String>>(6)?.is_some_and(|flags| flags.contains("estimated")),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
