//! The thread that writes the journal: it takes what has come and writes it as one group.
//!
//! Invariants: the only one to touch the file; a group that could not be written is kept and tried again before anything
//! later; the bounds hold after every group.

use super::{BACKLOG, CHANGE_OVERHEAD, Kind, Row};
use crate::store::Limits;
use crate::store::file::{self, Lasts, OpenError, Readers, Tables};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tokio::sync::oneshot;

/// The first pause after a failure; it doubles up to the longest.
const RETRY: Duration = Duration::from_millis(50);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// Failures after which a closing journal gives up.
const LAST_TRIES: u32 = 5;
/// Bounds of what is not an answer.
const SMALL: Limits = Limits { entries: 100_000, bytes: 64 * 1024 * 1024 };
/// Pages of the log at which they are moved to the file; that is when the disk is waited for.
const LOG_PAGES: i64 = 4_000;

const TABLES: Tables = Tables {
    create: "
CREATE TABLE rows (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    expires INTEGER,
    UNIQUE (kind, key)
) STRICT;
CREATE INDEX rows_by_age ON rows (kind, seq);
CREATE INDEX rows_by_end ON rows (expires) WHERE expires IS NOT NULL;
PRAGMA user_version = 1;
",
    upgrades: &[],
};

/// Something to be written.
#[derive(Debug)]
pub(super) enum Change {
    Put { kind: Kind, row: Row, done: Option<oneshot::Sender<()>> },
    Remove { kind: Kind, key: Vec<u8> },
}

impl Change {
    pub fn bytes(&self) -> usize {
        CHANGE_OVERHEAD
            + match self {
                Self::Put { row, .. } => row.key.len() + row.value.len(),
                Self::Remove { key, .. } => key.len(),
            }
    }
}

#[derive(Debug)]
pub(super) enum Message {
    Change(Change),
    Sweep(u64),
    Close(oneshot::Sender<()>),
}

/// Rows of a kind, and the bytes of their keys and values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Size {
    rows: usize,
    bytes: usize,
}

type Sizes = HashMap<Kind, Size>;

/// What the thread works with.
pub(super) struct Desk {
    connection: Connection,
    answers: Limits,
    sizes: Sizes,
    waiting: Arc<AtomicUsize>,
}

impl Desk {
    /// Opens the file; gives what is in it and not over, the oldest first.
    pub fn open(
        path: &Path,
        answers: Limits,
        now: u64,
        waiting: Arc<AtomicUsize>,
    ) -> Result<(Self, Vec<(Kind, Row)>), OpenError> {
        let connection = file::open(path, TABLES, Readers::Owner, Lasts::Kill)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        let mut desk = Self { connection, answers, sizes: Sizes::new(), waiting };
        desk.sweep(now)?;
        let begun = desk.connection.transaction()?;
        let mut sizes = sizes(&begun)?;
        for kind in Kind::ALL {
            shrink(&begun, &mut sizes, kind, bound(kind, answers))?;
        }
        begun.commit()?;
        desk.sizes = sizes;
        desk.compact()?;
        let found = desk.read()?;
        Ok((desk, found))
    }

    /// Makes the file smaller where most of it is free.
    fn compact(&self) -> Result<(), rusqlite::Error> {
        let pages = |name| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (all, free) = (pages("page_count")?, pages("freelist_count")?);
        if all > LOG_PAGES && free > all / 2 {
            self.connection.execute_batch("VACUUM")?;
        }
        Ok(())
    }

    fn read(&self) -> Result<Vec<(Kind, Row)>, rusqlite::Error> {
        let mut query = self.connection.prepare("SELECT kind, key, value, expires FROM rows ORDER BY seq")?;
        let rows = query.query_map([], |row| {
            let number: i64 = row.get(0)?;
            let expires: Option<i64> = row.get(3)?;
            let expires = expires.map(|seconds| u64::try_from(seconds).unwrap_or(0));
            let kind = Kind::ALL.into_iter().find(|kind| kind.number() == number);
            Ok(kind.zip(Some(Row { key: row.get(1)?, value: row.get(2)?, expires })))
        })?;
        rows.filter_map(Result::transpose).collect()
    }

    pub fn work(mut self, inbox: &Receiver<Message>) {
        while let Ok(first) = inbox.recv() {
            let (mut group, mut sweep, mut closing) = (Vec::new(), None, Vec::new());
            let mut bytes = 0;
            for message in std::iter::once(first).chain(inbox.try_iter()) {
                match message {
                    Message::Change(change) => {
                        bytes += change.bytes();
                        group.push(change);
                    }
                    Message::Sweep(now) => {
                        sweep = Some(now);
                        // What comes after it finds the room.
                        break;
                    }
                    Message::Close(done) => closing.push(done),
                }
                // What waits is bounded; a group is, so that who came first is not kept for who came last.
                if bytes > BACKLOG / 16 {
                    break;
                }
            }
            let written = self.insist(&group, !closing.is_empty());
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            for change in group {
                if let (Change::Put { done: Some(done), .. }, true) = (change, written) {
                    // Who no longer waits need not be told.
                    let _ = done.send(());
                }
            }
            if let Some(Err(error)) = sweep.map(|now| self.sweep(now)) {
                tracing::warn!(%error, "what is over could not be forgotten; it is tried again");
            }
            if !closing.is_empty() {
                for done in closing {
                    let _ = done.send(());
                }
                return;
            }
        }
    }

    /// Writes a group, however often it takes; when the journal closes, not for ever. Says whether it is written.
    fn insist(&mut self, group: &[Change], closing: bool) -> bool {
        let mut pause = RETRY;
        for tried in 1_u32.. {
            let Err(error) = self.write(group) else { return true };
            tracing::error!(%error, changes = group.len(), "what must be remembered cannot be written");
            if closing && tried >= LAST_TRIES {
                break;
            }
            std::thread::park_timeout(pause);
            pause = pause.saturating_mul(2).min(LONGEST_RETRY);
        }
        false
    }

    /// Writes a group, all or nothing.
    fn write(&mut self, group: &[Change]) -> Result<(), rusqlite::Error> {
        if group.is_empty() {
            return Ok(());
        }
        let begun = self.connection.transaction()?;
        let mut sizes = self.sizes.clone();
        for change in group {
            match change {
                Change::Put { kind, row, .. } => {
                    remove(&begun, &mut sizes, *kind, &row.key)?;
                    put(&begun, &mut sizes, *kind, row)?;
                }
                Change::Remove { kind, key } => remove(&begun, &mut sizes, *kind, key)?,
            }
        }
        for kind in Kind::ALL {
            shrink(&begun, &mut sizes, kind, bound(kind, self.answers))?;
        }
        begun.commit()?;
        self.sizes = sizes;
        Ok(())
    }

    fn sweep(&mut self, now: u64) -> Result<(), rusqlite::Error> {
        let begun = self.connection.transaction()?;
        let mut sizes = self.sizes.clone();
        {
            let mut delete = begun.prepare_cached(
                "DELETE FROM rows WHERE expires <= ?1 RETURNING kind, length(key) + length(value)",
            )?;
            let mut gone = delete.query([integer(now)])?;
            while let Some(row) = gone.next()? {
                let (number, bytes): (i64, i64) = (row.get(0)?, row.get(1)?);
                if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.number() == number) {
                    shorter(&mut sizes, kind, bytes);
                }
            }
        }
        begun.commit()?;
        self.sizes = sizes;
        Ok(())
    }
}

const fn bound(kind: Kind, answers: Limits) -> Limits {
    match kind {
        Kind::Answered => answers,
        Kind::Begun | Kind::Canary | Kind::Opinion | Kind::Event | Kind::Given | Kind::Spoken => SMALL,
    }
}

fn sizes(begun: &Transaction<'_>) -> Result<Sizes, rusqlite::Error> {
    let mut query = begun.prepare_cached(
        "SELECT count(*), coalesce(sum(length(key) + length(value)), 0) FROM rows WHERE kind = ?1",
    )?;
    let mut sizes = Sizes::new();
    for kind in Kind::ALL {
        let size = query.query_row([kind.number()], |row| {
            Ok(Size { rows: natural(row.get(0)?), bytes: natural(row.get(1)?) })
        })?;
        sizes.insert(kind, size);
    }
    Ok(sizes)
}

fn put(begun: &Transaction<'_>, sizes: &mut Sizes, kind: Kind, row: &Row) -> Result<(), rusqlite::Error> {
    begun
        .prepare_cached("INSERT INTO rows (kind, key, value, expires) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![kind.number(), row.key, row.value, row.expires.map(integer)])?;
    let size = sizes.entry(kind).or_default();
    size.rows += 1;
    size.bytes += row.key.len() + row.value.len();
    Ok(())
}

fn remove(begun: &Transaction<'_>, sizes: &mut Sizes, kind: Kind, key: &[u8]) -> Result<(), rusqlite::Error> {
    let mut delete = begun.prepare_cached(
        "DELETE FROM rows WHERE kind = ?1 AND key = ?2 RETURNING length(key) + length(value)",
    )?;
    let gone: Option<i64> = delete.query_row(params![kind.number(), key], |row| row.get(0)).optional()?;
    if let Some(bytes) = gone {
        shorter(sizes, kind, bytes);
    }
    Ok(())
}

/// A row of so many bytes is gone.
fn shorter(sizes: &mut Sizes, kind: Kind, bytes: i64) {
    let size = sizes.entry(kind).or_default();
    size.rows = size.rows.saturating_sub(1);
    size.bytes = size.bytes.saturating_sub(natural(bytes));
}

/// Forgets the oldest of a kind until the rest is within its bounds.
fn shrink(
    begun: &Transaction<'_>,
    sizes: &mut Sizes,
    kind: Kind,
    most: Limits,
) -> Result<(), rusqlite::Error> {
    loop {
        let size = sizes.get(&kind).copied().unwrap_or_default();
        if size.rows <= most.entries && size.bytes <= most.bytes {
            return Ok(());
        }
        let mut oldest = begun.prepare_cached("SELECT key FROM rows WHERE kind = ?1 ORDER BY seq LIMIT 1")?;
        let key: Option<Vec<u8>> = oldest.query_row([kind.number()], |row| row.get(0)).optional()?;
        let Some(key) = key else { return Ok(()) };
        remove(begun, sizes, kind, &key)?;
    }
}

/// SQLite's integers are signed.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn natural(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
