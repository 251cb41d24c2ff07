//! Requests that are made once: the answers to those that clients gave a key, for whoever asks again with it.
//!
//! Invariants: of all who ask with one key at the same time, one is the first, and every other one reads what the first is
//! answered, while it comes; a key stands for one request, and another one under it is refused; what is kept is bounded in
//! entries and bytes, and in time. Memory only: what a restart forgets may be made again.

use super::bounded::{Bounded, Limits, key};
use bytes::Bytes;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Requests with a key that may be under way at the same time.
const MOST_OPEN: usize = 10_000;
/// What a piece or a header costs besides its bytes.
const PIECE_OVERHEAD: usize = 64;

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
    done: Bounded<Arc<Recording>>,
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
    /// An empty store.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, open: DashMap::new(), done: Bounded::new(settings.limits) }
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
                    return Claim::First(Recorder { store: self.clone(), key, recording });
                }
            },
        };
        if known.fingerprint == fingerprint { Claim::Again(known) } else { Claim::Taken }
    }

    /// Drops what has expired. Everything works without; memory comes back sooner with it.
    pub fn sweep(&self) {
        self.done.retain(|_, _| true);
    }
}

/// What was answered to one request, as far as it has come.
pub struct Recording {
    fingerprint: Fingerprint,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    head: Option<(StatusCode, HeaderMap)>,
    pieces: Vec<Bytes>,
    bytes: usize,
    end: Option<End>,
}

/// How a recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the answer's end.
    Whole,
    /// The answer broke off with its connection.
    Broken,
    /// It was too large to be kept: only that it was given is.
    TooLarge,
}

impl Recording {
    fn new(fingerprint: Fingerprint) -> Self {
        Self { fingerprint, state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// The head of the answer, once it is there; none where there is none any more.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn head(&self) -> Option<(StatusCode, HeaderMap)> {
        self.when(|state| match (&state.head, state.end) {
            (_, Some(End::TooLarge)) => Some(None),
            (Some(head), _) => Some(Some(head.clone())),
            (None, Some(_)) => Some(None),
            (None, None) => None,
        })
        .await
    }

    /// The piece of this number, once it is there, or how the answer ended before it.
    ///
    /// # Errors
    /// How it ended.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn piece(&self, number: usize) -> Result<Bytes, End> {
        self.when(|state| match state.pieces.get(number) {
            Some(piece) => Some(Ok(piece.clone())),
            None => state.end.map(Err),
        })
        .await
    }

    async fn when<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(seen) = look(&self.state.lock()) {
                return seen;
            }
            // The sender is this recording's own, so it is there.
            let _ = changed.changed().await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock());
        self.changed.send_replace(());
    }
}

/// Records what the first is answered. Dropped before [`Recorder::end`], it ends as broken, and the key is free again.
pub struct Recorder {
    store: Arc<Idempotency>,
    key: Vec<u8>,
    recording: Arc<Recording>,
}

impl Recorder {
    /// What others read.
    #[must_use]
    pub fn recording(&self) -> Arc<Recording> {
        self.recording.clone()
    }

    /// The head of the answer.
    pub fn head(&self, status: StatusCode, headers: HeaderMap) {
        self.recording.change(|state| {
            let names = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
            state.bytes += names.map(|bytes| bytes + PIECE_OVERHEAD).sum::<usize>();
            state.head = Some((status, headers));
        });
    }

    /// More of its body.
    pub fn push(&self, piece: Bytes) {
        self.recording.change(|state| {
            state.bytes += piece.len() + PIECE_OVERHEAD;
            state.pieces.push(piece);
        });
    }

    /// The end of the answer. `keep`: it is given to whoever asks again; else the key is free again.
    pub fn end(self, end: End, keep: bool) {
        let bytes = self.recording.state.lock().bytes;
        if keep {
            let settings = &self.store.settings;
            let fits = bytes <= settings.max_answer_bytes
                && self
                    .store
                    .done
                    .insert(&self.key, self.recording.clone(), bytes, Some(settings.ttl))
                    .is_ok();
            if !fits {
                let given = Arc::new(Recording::new(self.recording.fingerprint));
                given.change(|state| state.end = Some(End::TooLarge));
                // A store without room for this has room for nothing.
                let _ = self.store.done.insert(&self.key, given, size_of::<Recording>(), Some(settings.ttl));
            }
        }
        self.recording.change(|state| state.end = Some(end));
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Whoever comes now finds what is kept, or is the first again.
        self.store.open.remove(&self.key);
        self.recording.change(|state| {
            state.end.get_or_insert(End::Broken);
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;

    const OWNER: [&str; 2] = ["acme", "web"];
    const ONE: Fingerprint = [1; 32];

    fn store(max_answer_bytes: usize) -> Arc<Idempotency> {
        let limits = Limits { entries: 10, bytes: 1_000_000 };
        Arc::new(Idempotency::new(Settings { ttl: Duration::from_secs(60), limits, max_answer_bytes }))
    }

    fn first(store: &Arc<Idempotency>) -> Recorder {
        match store.claim(OWNER, "key", ONE) {
            Claim::First(recorder) => recorder,
            _ => panic!("not the first"),
        }
    }

    fn again(store: &Arc<Idempotency>) -> Arc<Recording> {
        match store.claim(OWNER, "key", ONE) {
            Claim::Again(recording) => recording,
            _ => panic!("not another one"),
        }
    }

    async fn read(recording: &Recording) -> (Option<StatusCode>, Vec<Bytes>, End) {
        let head = recording.head().await.map(|(status, _)| status);
        let mut pieces = Vec::new();
        loop {
            match recording.piece(pieces.len()).await {
                Ok(piece) => pieces.push(piece),
                Err(end) => return (head, pieces, end),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_again_reads_the_same_while_it_comes_and_later() {
        let store = store(1_000);
        let recorder = first(&store);
        let meanwhile = again(&store);
        let reading = tokio::spawn(async move { read(&meanwhile).await });
        tokio::task::yield_now().await;
        recorder.head(StatusCode::OK, HeaderMap::new());
        recorder.push("a".into());
        tokio::task::yield_now().await;
        recorder.push("b".into());
        recorder.end(End::Whole, true);
        let answer = (Some(StatusCode::OK), vec![Bytes::from("a"), Bytes::from("b")], End::Whole);
        assert_eq!(reading.await.unwrap(), answer);
        assert_eq!(read(&again(&store)).await, answer);
        tokio::time::advance(Duration::from_secs(61)).await;
        drop(first(&store));
    }

    #[tokio::test]
    async fn a_key_stands_for_one_request_of_one_owner() {
        let store = store(1_000);
        let recorder = first(&store);
        assert!(matches!(store.claim(OWNER, "key", [2; 32]), Claim::Taken));
        assert!(matches!(store.claim(["acme", "other"], "key", [2; 32]), Claim::First(_)));
        assert!(matches!(store.claim(["other", "web"], "key", [2; 32]), Claim::First(_)));
        recorder.end(End::Whole, true);
        assert!(matches!(store.claim(OWNER, "key", [2; 32]), Claim::Taken));
    }

    #[tokio::test]
    async fn what_is_not_to_be_kept_frees_the_key() {
        let store = store(1_000);
        let recorder = first(&store);
        let meanwhile = again(&store);
        recorder.head(StatusCode::BAD_GATEWAY, HeaderMap::new());
        recorder.end(End::Whole, false);
        assert_eq!(read(&meanwhile).await, (Some(StatusCode::BAD_GATEWAY), vec![], End::Whole));
        drop(first(&store));
        let meanwhile = first(&store).recording();
        assert_eq!(read(&meanwhile).await, (None, vec![], End::Broken), "dropped without a word");
    }

    #[tokio::test]
    async fn of_what_is_too_large_it_is_known_that_it_was_given() {
        let store = store(100);
        let recorder = first(&store);
        let meanwhile = again(&store);
        recorder.head(StatusCode::OK, HeaderMap::new());
        recorder.push(vec![0; 200].into());
        recorder.end(End::Whole, true);
        assert_eq!(read(&meanwhile).await.1.len(), 1, "who was there reads it");
        assert_eq!(read(&again(&store)).await, (None, vec![], End::TooLarge));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_of_many_is_the_first() {
        let store = store(1_000);
        let tasks = (0..64).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                match store.claim(OWNER, "key", ONE) {
                    Claim::First(recorder) => {
                        tokio::task::yield_now().await;
                        recorder.head(StatusCode::OK, HeaderMap::new());
                        recorder.end(End::Whole, true);
                        1
                    }
                    Claim::Again(recording) => {
                        assert_eq!(read(&recording).await.0, Some(StatusCode::OK));
                        0
                    }
                    Claim::Taken | Claim::Full => panic!("neither"),
                }
            })
        });
        let mut firsts = 0;
        for task in tasks.collect::<Vec<_>>() {
            firsts += task.await.unwrap();
        }
        assert_eq!(firsts, 1);
    }
}
