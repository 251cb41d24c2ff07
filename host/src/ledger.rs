//! The one record of every exchange: what was asked, of whom, how it ended, and what it cost.
//!
//! [`Ledger::append`] never waits and never drops: it adds to the totals and hands the record to a thread of
//! its own, which commits records in groups. Backpressure is applied where an exchange begins, not where it
//! ends: [`Ledger::room`] waits while more records than the bound are not yet on disk, so what is held in
//! memory is bounded by that and by the exchanges that were already let in.
//!
//! Invariants: a record is written exactly once; the totals on disk are those of the records on disk; records
//! whose [`Ledger::flush`] returned `Ok` survive a kill of the process and a loss of power. A full or failing
//! disk delays, it does not lose: the writer keeps the group and tries again. Without a path, the totals are
//! all there is. Observers ([`Ledger::subscribe`]) are told what happened; a slow one misses records, counted,
//! and never delays the ledger.

mod feed;
mod record;
mod report;
mod sqlite;
#[cfg(test)]
mod tests;
mod totals;
mod writer;

pub use record::{MIRROR, MIRROR_FAILED, Record, Who};
pub use report::{Column, Query, Sums};
pub use totals::TenantTotals;

use crate::store::file::OpenError;
use arc_swap::ArcSwap;
use feed::Feed;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use totals::Totals;
use writer::Writer;

/// Where the ledger is kept.
#[derive(Debug, Clone, Default)]
pub struct LedgerSettings {
    /// The SQLite file; without one, only totals are kept, in memory.
    pub path: Option<PathBuf>,
    /// Records that may be waiting for the disk before new exchanges wait for it too; 0 means 65,536.
    pub backlog: usize,
}

const DEFAULT_BACKLOG: usize = 65_536;

/// Why the ledger could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database refused.
    #[error("the ledger's database failed")]
    Database(#[from] rusqlite::Error),
    /// The file cannot be opened.
    #[error("the ledger's file cannot be used")]
    Open(#[from] OpenError),
    /// The writer's thread could not be started.
    #[error("the ledger's writer could not be started")]
    Thread(#[from] std::io::Error),
    /// The group could not be committed; it is kept and will be tried again.
    #[error("the ledger could not be written: {0}")]
    Write(String),
    /// The ledger was closed before.
    #[error("the ledger is closed")]
    Closed,
}

/// The ledger.
#[derive(Debug)]
pub struct Ledger {
    totals: Totals,
    feeds: ArcSwap<Vec<Feed>>,
    missed: Arc<AtomicU64>,
    writer: Option<Writer>,
    backlog: Arc<Backlog>,
    path: Option<PathBuf>,
}

/// How many records are not on disk yet.
#[derive(Debug)]
struct Backlog {
    waiting: AtomicUsize,
    bound: usize,
    shrunk: Notify,
}

impl Ledger {
    /// Opens the ledger. Reads and writes the disk once, without an async runtime's help.
    ///
    /// # Errors
    /// When the file cannot be opened or was written by a newer version.
    pub fn open(settings: LedgerSettings) -> Result<Self, LedgerError> {
        let bound = if settings.backlog == 0 { DEFAULT_BACKLOG } else { settings.backlog };
        let backlog = Arc::new(Backlog { waiting: AtomicUsize::new(0), bound, shrunk: Notify::new() });
        let totals = Totals::default();
        let path = settings.path;
        let writer = match &path {
            None => None,
            Some(path) => {
                let database = sqlite::Database::open(path)?;
                database.totals()?.into_iter().for_each(|known| totals.start_from(known));
                Some(Writer::start(database, backlog.clone())?)
            }
        };
        Ok(Self { totals, feeds: ArcSwap::default(), missed: Arc::default(), writer, backlog, path })
    }

    /// A ledger that keeps totals only.
    #[must_use]
    pub fn in_memory() -> Self {
        let backlog = Backlog { waiting: AtomicUsize::new(0), bound: DEFAULT_BACKLOG, shrunk: Notify::new() };
        Self {
            totals: Totals::default(),
            feeds: ArcSwap::default(),
            missed: Arc::default(),
            writer: None,
            backlog: Arc::new(backlog),
            path: None,
        }
    }

    /// Waits until there is room for the records of further exchanges. To be awaited before an exchange is
    /// let in; at once ready unless the disk has fallen far behind.
    ///
    /// # Cancel safety
    /// May be dropped at any time.
    pub async fn room(&self) {
        loop {
            let shrunk = self.backlog.shrunk.notified();
            if self.backlog.waiting.load(Ordering::Acquire) < self.backlog.bound {
                return;
            }
            shrunk.await;
        }
    }

    /// Adds a record. Never waits, so that it may be called where an exchange is dropped.
    pub fn append(&self, record: Record) {
        self.totals.add(&record);
        let record = Arc::new(record);
        for feed in self.feeds.load().iter() {
            feed.offer(&record);
        }
        if let Some(writer) = &self.writer {
            self.backlog.waiting.fetch_add(1, Ordering::AcqRel);
            writer.append(record);
        }
    }

    /// Waits until everything that was appended before is on disk.
    ///
    /// # Errors
    /// When it could not be written; it is kept, and will be tried again.
    pub async fn flush(&self) -> Result<(), LedgerError> {
        match &self.writer {
            Some(writer) => writer.flush().await,
            None => Ok(()),
        }
    }

    /// Writes what is left and stops. What is appended later counts in the totals only.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn close(&self) -> Result<(), LedgerError> {
        match &self.writer {
            Some(writer) => writer.close().await,
            None => Ok(()),
        }
    }

    /// What every tenant has used since the ledger began, by name.
    #[must_use]
    pub fn totals(&self) -> Vec<TenantTotals> {
        self.totals.all()
    }

    /// What one tenant has used.
    #[must_use]
    pub fn totals_of(&self, tenant: &str) -> Option<TenantTotals> {
        self.totals.of(tenant)
    }

    /// Sums of the records there are, by what is asked; none where they are not kept in a file. Reads the disk in a thread
    /// of its own.
    ///
    /// # Errors
    /// The file could not be written or read.
    pub async fn report(&self, query: Query) -> Result<Option<Vec<Sums>>, LedgerError> {
        let Some(path) = self.path.clone() else { return Ok(None) };
        self.flush().await?;
        let read = tokio::task::spawn_blocking(move || report::report(&path, &query)).await;
        read.unwrap_or(Err(LedgerError::Closed)).map(Some)
    }

    /// Hands over records from now on, in batches of `batch_size`, or fewer when the first of a batch has
    /// waited for `max_delay`. Ends when the receiver is dropped. Needs a tokio runtime.
    pub fn subscribe(&self, batch_size: usize, max_delay: Duration) -> mpsc::Receiver<Vec<Arc<Record>>> {
        let (feed, batches) = Feed::start(batch_size.max(1), max_delay, self.missed.clone());
        self.feeds.rcu(|feeds| {
            let open = feeds.iter().filter(|feed| feed.is_open()).cloned();
            open.chain([feed.clone()]).collect::<Vec<_>>()
        });
        batches
    }

    /// Records that a subscriber was too slow for, of all subscribers.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Records that are not on disk yet.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.backlog.waiting.load(Ordering::Relaxed)
    }
}

impl Backlog {
    fn shrink(&self, by: usize) {
        self.waiting.fetch_sub(by, Ordering::AcqRel);
        self.shrunk.notify_waiters();
    }
}
