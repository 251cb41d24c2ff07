//! The file that counters are kept in: one row each.
//!
//! Invariant: one connection, used by one thread at a time; a group of rows is one transaction that survives a loss of
//! power.

use super::meter::{Counter, Meter, Micros};
use crate::store::file::{self, Lasts, OpenError, Readers, Tables};
use rusqlite::{Connection, params};
use std::path::Path;

const TABLES: Tables = Tables {
    create: "
CREATE TABLE counters (
    key TEXT PRIMARY KEY,
    meter TEXT NOT NULL,
    counter TEXT NOT NULL,
    margin INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 1;
",
    upgrades: &[],
};

/// Why the counters' file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The database refused.
    #[error("the counters' database failed")]
    Database(#[from] rusqlite::Error),
    /// It cannot be opened.
    #[error("the counters' file cannot be used")]
    Open(#[from] OpenError),
    /// The thread that writes cannot be started.
    #[error("the counters' writer could not be started")]
    Thread(#[from] std::io::Error),
}

/// One counter in the file.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub key: String,
    pub meter: Meter,
    pub counter: Counter,
    /// What may have been taken since.
    pub margin: u64,
}

impl Row {
    /// With its margin counted: when it was taken is not known, so it was now.
    fn counted(mut self, now: Micros) -> Self {
        self.counter.add(&self.meter, std::mem::take(&mut self.margin), now);
        Self { counter: self.counter.abandoned(), ..self }
    }

    /// Whether it is of a time that is over.
    fn is_over(&self, now: Micros) -> bool {
        matches!(self.meter, Meter::Period { to, .. } if now >= to)
    }
}

pub(super) struct File(Connection);

impl File {
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self(file::open(path, TABLES, Readers::Usual, Lasts::PowerLoss)?))
    }

    /// What is in use at this time; the rest is forgotten. A row that cannot be read is told and kept: to forget it would
    /// give what was taken once more.
    pub fn load(&mut self, now: Micros) -> Result<Vec<Row>, FileError> {
        let mut rows = Vec::new();
        let mut query = self.0.prepare("SELECT key, meter, counter, margin FROM counters")?;
        let found = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        for row in found {
            let (key, meter, counter, margin): (String, String, String, i64) = row?;
            match (serde_json::from_str::<Meter>(&meter), serde_json::from_str::<Counter>(&counter)) {
                (Ok(meter), Ok(counter)) => {
                    let (counter, margin) = (counter.abandoned(), u64::try_from(margin).unwrap_or_default());
                    rows.push(Row { key, meter, counter, margin });
                }
                _ => tracing::error!(key, "a counter cannot be read"),
            }
        }
        let (over, used): (Vec<Row>, Vec<Row>) = rows
            .into_iter()
            .partition(|row| row.counter.is_fresh(&row.meter, now) && row.margin == 0 || row.is_over(now));
        for row in over {
            self.0.execute("DELETE FROM counters WHERE key = ?1", [row.key])?;
        }
        drop(query);
        let used: Vec<Row> = used.into_iter().map(|row| row.counted(now)).collect();
        self.write(&used)?;
        Ok(used)
    }

    /// Writes a group, all or nothing.
    pub fn write(&mut self, rows: &[Row]) -> Result<(), rusqlite::Error> {
        let begun = self.0.transaction()?;
        {
            let mut put = begun.prepare_cached(
                "INSERT INTO counters (key, meter, counter, margin) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (key) DO UPDATE
                 SET meter = excluded.meter, counter = excluded.counter, margin = excluded.margin",
            )?;
            for row in rows {
                let (meter, counter) =
                    (serde_json::to_string(&row.meter), serde_json::to_string(&row.counter));
                // Both are plain numbers, which serialize.
                let margin = i64::try_from(row.margin).unwrap_or(i64::MAX);
                put.execute(params![
                    row.key,
                    meter.unwrap_or_default(),
                    counter.unwrap_or_default(),
                    margin
                ])?;
            }
        }
        begun.commit()
    }
}
