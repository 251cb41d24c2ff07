//! What was answered to one request, as far as it has come; and how it is written down.
//!
//! Invariant: what was read from a file and is not what this version writes is nothing.

use super::Fingerprint;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// What a piece or a header costs besides its bytes.
const PIECE_OVERHEAD: usize = 64;

/// What was answered to one request, as far as it has come.
pub struct Recording {
    pub(super) fingerprint: Fingerprint,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// With the answer's end.
    Whole,
    /// The answer broke off with its connection.
    Broken,
    /// It was too large to be kept: only that it was given is.
    TooLarge,
    /// The gateway ended while it was under way: what came of it nobody knows.
    Unknown,
}

/// What a file says of an answer, before its body.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    status: u16,
    /// Values may be any bytes: each is the character of its number.
    headers: Vec<(String, String)>,
    end: End,
}

impl Recording {
    pub(super) fn new(fingerprint: Fingerprint) -> Self {
        Self { fingerprint, state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// One that is over, of which nothing is left but how it ended.
    pub(super) fn over(fingerprint: Fingerprint, end: End) -> Self {
        let over = Self::new(fingerprint);
        over.state.lock().end = Some(end);
        over
    }

    /// The head of the answer, once it is there.
    ///
    /// # Errors
    /// There is none, or none any more: how it ended.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn head(&self) -> Result<(StatusCode, HeaderMap), End> {
        self.when(|state| match (&state.head, state.end) {
            (_, Some(end @ (End::TooLarge | End::Unknown))) | (None, Some(end)) => Some(Err(end)),
            (Some(head), _) => Some(Ok(head.clone())),
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

    pub(super) fn begin(&self, status: StatusCode, headers: HeaderMap) {
        self.change(|state| {
            let names = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
            state.bytes += names.map(|bytes| bytes + PIECE_OVERHEAD).sum::<usize>();
            state.head = Some((status, headers));
        });
    }

    pub(super) fn push(&self, piece: Bytes) {
        self.change(|state| {
            state.bytes += piece.len() + PIECE_OVERHEAD;
            state.pieces.push(piece);
        });
    }

    /// The end, where it has none yet.
    pub(super) fn end(&self, end: End) {
        self.change(|state| {
            state.end.get_or_insert(end);
        });
    }

    /// Whether nobody knows what came of it.
    pub(super) fn is_unknown(&self) -> bool {
        self.state.lock().end == Some(End::Unknown)
    }

    /// What it takes.
    pub(super) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// As a file has it, with this end: the fingerprint, how long the head is, the head, the body.
    pub(super) fn written(&self, end: End) -> Vec<u8> {
        let state = self.state.lock();
        let latin = |value: &HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        let (status, headers) = match &state.head {
            Some((status, headers)) => {
                let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), latin(value)));
                (status.as_u16(), headers.collect())
            }
            None => (0, Vec::new()),
        };
        // Numbers and texts serialize.
        let head = serde_json::to_vec(&Head { status, headers, end }).unwrap_or_default();
        let mut written = Vec::with_capacity(self.fingerprint.len() + 4 + head.len() + state.bytes);
        written.extend_from_slice(&self.fingerprint);
        written.extend_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
        written.extend_from_slice(&head);
        if end != End::TooLarge {
            state.pieces.iter().for_each(|piece| written.extend_from_slice(piece));
        }
        written
    }

    /// What [`Recording::written`] wrote.
    pub(super) fn read(written: Vec<u8>) -> Option<Self> {
        let mut rest = Bytes::from(written);
        let fingerprint: Fingerprint = taken(&mut rest, 32)?.as_ref().try_into().ok()?;
        let length = u32::from_le_bytes(taken(&mut rest, 4)?.as_ref().try_into().ok()?);
        let head = taken(&mut rest, usize::try_from(length).ok()?)?;
        let Head { status, headers, end } = serde_json::from_slice(&head).ok()?;
        if end == End::TooLarge || end == End::Unknown {
            return Some(Self::over(fingerprint, end));
        }
        let mut read = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            let bytes: Option<Vec<u8>> = value.chars().map(|c| u8::try_from(c).ok()).collect();
            read.append(HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(&bytes?).ok()?);
        }
        let recording = Self::new(fingerprint);
        recording.begin(StatusCode::from_u16(status).ok()?, read);
        if !rest.is_empty() {
            recording.push(rest);
        }
        recording.end(end);
        Some(recording)
    }
}

fn taken(rest: &mut Bytes, bytes: usize) -> Option<Bytes> {
    (rest.len() >= bytes).then(|| rest.split_to(bytes))
}
