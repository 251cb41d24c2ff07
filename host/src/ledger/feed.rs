//! Records for one observer, in batches.
//!
//! Invariants: handing a record over never waits; what an observer has not taken is bounded, and what does not
//! fit is counted as missed. Ends by itself when either side is gone.

use super::Record;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Batches that may wait for an observer.
const BATCHES: usize = 4;
/// Records that may wait to be put into batches, at least.
const WAITING: usize = 4_096;

/// The ledger's side.
#[derive(Debug, Clone)]
pub(super) struct Feed {
    records: mpsc::Sender<Arc<Record>>,
    missed: Arc<AtomicU64>,
}

impl Feed {
    /// Starts a task that makes batches.
    pub fn start(
        batch_size: usize,
        max_delay: Duration,
        missed: Arc<AtomicU64>,
    ) -> (Self, mpsc::Receiver<Vec<Arc<Record>>>) {
        let (records, waiting) = mpsc::channel(WAITING.max(batch_size.saturating_mul(2)));
        let (batches, receiver) = mpsc::channel(BATCHES);
        tokio::spawn(make_batches(waiting, batches, batch_size, max_delay));
        (Self { records, missed }, receiver)
    }

    /// Hands a record over, if there is room.
    pub fn offer(&self, record: &Arc<Record>) {
        if let Err(mpsc::error::TrySendError::Full(_)) = self.records.try_send(record.clone()) {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether anybody listens.
    pub fn is_open(&self) -> bool {
        !self.records.is_closed()
    }
}

async fn make_batches(
    mut records: mpsc::Receiver<Arc<Record>>,
    batches: mpsc::Sender<Vec<Arc<Record>>>,
    batch_size: usize,
    max_delay: Duration,
) {
    loop {
        let first = tokio::select! {
            first = records.recv() => first,
            () = batches.closed() => return,
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        let due = Instant::now() + max_delay;
        while batch.len() < batch_size {
            match timeout_at(due, records.recv()).await {
                Ok(Some(record)) => batch.push(record),
                Ok(None) | Err(_) => break,
            }
        }
        if batches.send(batch).await.is_err() {
            return;
        }
    }
}
