//! Requests that are made once: the answers to those that clients gave a key, for whoever asks again with it.
//!
//! Invariants: of all who ask with one key at the same time, one is the first, and every other one reads what the first is
//! answered, while it comes; a key stands for one request, and another one under it is refused; what is kept is bounded in
//! entries and bytes, and in time. With a journal, that a request has begun is written before anything is done for it: after
//! a restart a key whose request had ended stands for its answer, and one whose request had not for nothing but that.

mod recording;
#[cfg(test)]
mod tests;

pub use recording::{End, Recording};

use super::bounded::{Bounded, Limits, key};
use super::journal::{Journal, Kind, Row, Unwritten};
use crate::clock::unix_seconds;
use bytes::Bytes;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use http::{HeaderMap, StatusCode};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Requests with a key that may be under way at the same time.
const MOST_OPEN: usize = 10_000;

/// What makes two requests the same.
pub type Fingerprint = [u8; 32];

/// The bounds of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long an answer is kept.
    pub ttl: Duration,
    /// Answers and their bytes at most.
    pub limits: Limits,
    /// Bytes of one answer.
    pub max_answer_bytes: usize,
}

/// The store.
pub struct Idempotency {
    settings: Settings,
    open: DashMap<Vec<u8>, Arc<Recording>>,
    /// One that was open no longer is.
    closed: Notify,
    done: Bounded<Arc<Recording>>,
    journal: Option<Arc<Journal>>,
}

/// Who one is that asks with a key.
pub enum Claim {
    /// The first: what it is answered is to be recorded.
    First(Recorder),
    /// One more: it gets what is recorded.
    Again(Arc<Recording>),
    /// The key stands for another request.
    Taken,
    /// Too many are under way.
    Full,
}

impl Idempotency {
    /// A store of what a journal has; without one, it is empty, and the process's end empties it again.
    #[must_use]
    pub fn new(settings: Settings, journal: Option<Arc<Journal>>) -> Self {
        let store = Self {
            settings,
            open: DashMap::new(),
            closed: Notify::new(),
            done: Bounded::new(settings.limits),
            journal,
        };
        if let Some(journal) = &store.journal {
            // Those that were answered come last, and stand where both are there.
            for row in journal.take(Kind::Begun, |_| true) {
                let begun = <Fingerprint>::try_from(row.value.as_slice());
                store.restore(&row.key, begun.ok().map(|of| Recording::over(of, End::Unknown)), row.expires);
            }
            for Row { key, value, expires } in journal.take(Kind::Answered, |_| true) {
                store.restore(&key, Recording::read(value), expires);
            }
        }
        store
    }

    fn restore(&self, key: &[u8], recording: Option<Recording>, expires: Option<u64>) {
        // What cannot be read was made by another version: that it was made is what is known of it. No request has this
        // fingerprint.
        let recording = recording.unwrap_or_else(|| {
            tracing::error!("the answer to a request with an idempotency key cannot be read");
            Recording::over(Fingerprint::default(), End::Unknown)
        });
        let left =
            expires.map_or(self.settings.ttl, |at| Duration::from_secs(at.saturating_sub(unix_seconds())));
        self.know(key, Arc::new(recording), left);
    }

    /// Asks with a key of one who may: `owner` is a tenant and a key of it.
    #[must_use]
    pub fn claim(self: &Arc<Self>, owner: [&str; 2], name: &str, fingerprint: Fingerprint) -> Claim {
        let [tenant, of] = owner;
        let key = key([tenant, of, name]);
        let full = self.open.len() >= MOST_OPEN;
        let known = match self.open.entry(key.clone()) {
            Entry::Occupied(open) => open.get().clone(),
            Entry::Vacant(free) => match self.done.get(&key) {
                Some(done) => done,
                None if full => return Claim::Full,
                None => {
                    let recording = Arc::new(Recording::new(fingerprint));
                    free.insert(recording.clone());
                    return Claim::First(Recorder { store: self.clone(), key, recording, written: false });
                }
            },
        };
        if known.fingerprint == fingerprint { Claim::Again(known) } else { Claim::Taken }
    }

    /// Waits until no request is under way.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn settled(&self) {
        loop {
            let closed = self.closed.notified();
            let mut closed = pin!(closed);
            // Before the look: one that ends during it must wake the wait.
            closed.as_mut().enable();
            if self.open.is_empty() {
                return;
            }
            closed.await;
        }
    }

    /// Drops what has expired. Everything works without; memory comes back sooner with it.
    pub fn sweep(&self) {
        self.done.retain(|_, _| true);
    }

    /// Keeps what is over. Of what is too large, that it was.
    fn know(&self, key: &[u8], recording: Arc<Recording>, ttl: Duration) -> bool {
        let bytes = recording.bytes();
        let (fits, fingerprint) = (bytes <= self.settings.max_answer_bytes, recording.fingerprint);
        if fits && self.done.insert(key, recording, bytes, Some(ttl)).is_ok() {
            return true;
        }
        let given = Arc::new(Recording::over(fingerprint, End::TooLarge));
        // A store without room for this has room for nothing.
        let _ = self.done.insert(key, given, size_of::<Recording>(), Some(ttl));
        false
    }

    fn row(&self, key: &[u8], value: Vec<u8>) -> Row {
        let expires = unix_seconds().saturating_add(self.settings.ttl.as_secs());
        Row { key: key.to_vec(), value, expires: Some(expires) }
    }
}

/// Records what the first is answered. Dropped before [`Recorder::end`], nobody knows what came of the request, and its key
/// stands for that.
pub struct Recorder {
    store: Arc<Idempotency>,
    key: Vec<u8>,
    recording: Arc<Recording>,
    /// Whether the journal may have its beginning.
    written: bool,
}

impl Recorder {
    /// What others read.
    #[must_use]
    pub fn recording(&self) -> Arc<Recording> {
        self.recording.clone()
    }

    /// Writes down that the request has begun. Nothing may be done for it before.
    ///
    /// # Errors
    /// It cannot be written: nothing may be done for it.
    pub async fn begun(&mut self) -> Result<(), Unwritten> {
        let Some(journal) = &self.store.journal else { return Ok(()) };
        self.written = true;
        let row = self.store.row(&self.key, self.recording.fingerprint.to_vec());
        journal.keep(Kind::Begun, row).await
    }

    /// The head of the answer.
    pub fn head(&self, status: StatusCode, headers: HeaderMap) {
        self.recording.begin(status, headers);
    }

    /// More of its body.
    pub fn push(&self, piece: Bytes) {
        self.recording.push(piece);
    }

    /// The end of the answer. `keep`: it is given to whoever asks again; else the key is free again.
    pub fn end(self, end: End, keep: bool) {
        let store = &self.store;
        let fits = keep && store.know(&self.key, self.recording.clone(), store.settings.ttl);
        if let Some(journal) = store.journal.as_ref().filter(|_| self.written) {
            let end = if fits { end } else { End::TooLarge };
            let answered = || store.row(&self.key, self.recording.written(end));
            // Of an answer that is lost, it stays known that its request had begun.
            if !keep || journal.put(Kind::Answered, answered()) {
                journal.remove(Kind::Begun, self.key.clone());
            }
        }
        self.recording.end(end);
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // The first word counts: after an end this says nothing more.
        self.recording.end(End::Unknown);
        if self.recording.is_unknown() {
            self.store.know(&self.key, self.recording.clone(), self.store.settings.ttl);
        }
        // Whoever comes now finds what is kept, or is the first again.
        self.store.open.remove(&self.key);
        self.store.closed.notify_waiters();
    }
}
