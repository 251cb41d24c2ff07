//! What must be known after the end of the process, however it ends: small rows of a few kinds, in one file.
//!
//! Invariants: rows are written in the order in which they came; what [`Journal::keep`] has waited for survives a kill, and
//! nobody waits for the disk; each kind is bounded in rows and bytes, of which the oldest go first, and what is over is
//! forgotten; what waits to be written is bounded, and what finds no room is refused, or told. The file can be read by its
//! owner alone: there are answers in it. What was there at the start is in memory until somebody takes it.

mod desk;
#[cfg(test)]
mod tests;

use super::Limits;
use super::file::OpenError;
use desk::{Change, Desk, Message};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a request waits for its row before it is refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that may wait to be written.
const BACKLOG: usize = 64 * 1024 * 1024;
/// What a change costs besides its bytes.
const CHANGE_OVERHEAD: usize = 128;

/// What a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A request under a key has begun.
    Begun,
    /// What it was answered.
    Answered,
    /// A canary was rolled back.
    Canary,
    /// What users think of a target.
    Opinion,
    /// An event that somebody is to be told.
    Event,
    /// Answers that users may speak of.
    Given,
    /// An answer was spoken of.
    Spoken,
}

impl Kind {
    pub(super) const ALL: [Self; 7] =
        [Self::Begun, Self::Answered, Self::Canary, Self::Opinion, Self::Event, Self::Given, Self::Spoken];

    /// Its number in the file.
    const fn number(self) -> i64 {
        match self {
            Self::Begun => 1,
            Self::Answered => 2,
            Self::Canary => 3,
            Self::Opinion => 4,
            Self::Event => 5,
            Self::Given => 6,
            Self::Spoken => 7,
        }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Of its kind, no other has it.
    pub key: Vec<u8>,
    /// What it says.
    pub value: Vec<u8>,
    /// When it is over, in seconds since the Unix epoch; none for never.
    pub expires: Option<u64>,
}

/// A row was not written in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what must be remembered cannot be written")]
pub struct Unwritten;

/// The journal.
#[derive(Debug)]
pub struct Journal {
    messages: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    found: Mutex<Vec<(Kind, Row)>>,
}

impl Journal {
    /// Opens the file, reads what is in it, and starts the thread that writes. Reads the disk, without an async runtime's
    /// help. `answers` bounds the answers that are kept; what else there is has bounds of its own.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: &Path, answers: Limits, now: u64) -> Result<Self, OpenError> {
        let waiting = Arc::<AtomicUsize>::default();
        let (desk, found) = Desk::open(path, answers, now, waiting.clone())?;
        let (messages, inbox) = channel();
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || desk.work(&inbox))?;
        Ok(Self { messages, waiting, found: Mutex::new(found) })
    }

    /// Takes those rows of a kind that were there at the start and that the test holds for, the oldest first. Each is given
    /// once.
    pub fn take(&self, kind: Kind, mut wanted: impl FnMut(&Row) -> bool) -> Vec<Row> {
        let mut found = self.found.lock();
        let all = std::mem::take(&mut *found);
        let (taken, left) = all.into_iter().partition(|(of, row)| *of == kind && wanted(row));
        *found = left;
        let taken: Vec<(Kind, Row)> = taken;
        taken.into_iter().map(|(_, row)| row).collect()
    }

    /// Writes a row, in place of the one of its key, and waits until it survives a kill.
    ///
    /// # Errors
    /// It was not written within some seconds. It may be later.
    pub async fn keep(&self, kind: Kind, row: Row) -> Result<(), Unwritten> {
        let (done, written) = oneshot::channel();
        if !self.change(Change::Put { kind, row, done: Some(done) }) {
            return Err(Unwritten);
        }
        match tokio::time::timeout(PATIENCE, written).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Unwritten),
        }
    }

    /// Has a row written, in place of the one of its key, and does not wait. Says whether it is on its way.
    pub fn put(&self, kind: Kind, row: Row) -> bool {
        let comes = self.change(Change::Put { kind, row, done: None });
        if !comes {
            tracing::error!(?kind, "something that was to be remembered is lost: it cannot be written");
        }
        comes
    }

    /// Has a row forgotten, and does not wait.
    pub fn remove(&self, kind: Kind, key: Vec<u8>) {
        if !self.change(Change::Remove { kind, key }) {
            tracing::error!(?kind, "something that is over will be remembered: it cannot be written");
        }
    }

    /// Forgets what is over. Nothing that is over is given back without; the disk is free sooner with it.
    pub fn sweep(&self, now: u64) {
        // A writer that is gone has told why.
        let _ = self.messages.send(Message::Sweep(now));
    }

    /// Waits until what has come is written, and ends.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.messages.send(Message::Close(done)).is_ok() {
            // A writer that is gone has told why.
            let _ = closed.await;
        }
    }

    /// Whether a change is on its way.
    fn change(&self, change: Change) -> bool {
        let bytes = change.bytes();
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= BACKLOG;
        if fits && self.messages.send(Message::Change(change)).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        false
    }
}
