//! The thread that writes: it takes what has come, commits it as one group, and answers those who wait.
//!
//! Invariants: the only one to touch the file; a group that could not be committed is kept and tried again
//! before anything later; nobody's waiting holds up the taking of records.

use super::sqlite::Database;
use super::{Backlog, LedgerError, Record};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long the first record of a group waits for others: a commit costs the disk a sync, not more when it
/// carries a thousand records.
const GATHER: Duration = Duration::from_millis(50);
/// Records of one group.
const GROUP: usize = 2_000;
/// The first pause after a failure; it doubles up to the longest.
const RETRY: Duration = Duration::from_millis(100);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// Failures after which a closing ledger gives up.
const LAST_TRIES: u32 = 5;

type Answer = oneshot::Sender<Result<(), LedgerError>>;

#[derive(Debug)]
enum Message {
    Append(Arc<Record>),
    Flush(Answer),
    Close(Answer),
}

/// The handle of the thread.
#[derive(Debug)]
pub(super) struct Writer {
    messages: Option<Sender<Message>>,
    backlog: Arc<Backlog>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(database: Database, backlog: Arc<Backlog>) -> Result<Self, LedgerError> {
        let (messages, inbox) = channel();
        let desk =
            Desk { database, backlog: backlog.clone(), group: Vec::new(), waiting: Vec::new(), failures: 0 };
        let thread =
            std::thread::Builder::new().name("ledger".to_owned()).spawn(move || desk.work(&inbox))?;
        Ok(Self { messages: Some(messages), backlog, thread: Some(thread) })
    }

    pub fn append(&self, record: Arc<Record>) {
        if !self.send(Message::Append(record)) {
            tracing::error!("a record came after the ledger was closed, and is in the totals only");
            self.backlog.shrink(1);
        }
    }

    pub async fn flush(&self) -> Result<(), LedgerError> {
        self.ask(Message::Flush).await
    }

    pub async fn close(&self) -> Result<(), LedgerError> {
        self.ask(Message::Close).await
    }

    async fn ask(&self, message: fn(Answer) -> Message) -> Result<(), LedgerError> {
        let (answer, answered) = oneshot::channel();
        if !self.send(message(answer)) {
            return Err(LedgerError::Closed);
        }
        answered.await.unwrap_or(Err(LedgerError::Closed))
    }

    fn send(&self, message: Message) -> bool {
        self.messages.as_ref().is_some_and(|messages| messages.send(message).is_ok())
    }
}

/// Writes what is left, also when nobody asked for it.
impl Drop for Writer {
    fn drop(&mut self) {
        self.messages = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the ledger's writer panicked");
        }
    }
}

/// What the thread works with.
struct Desk {
    database: Database,
    backlog: Arc<Backlog>,
    group: Vec<Arc<Record>>,
    waiting: Vec<Answer>,
    failures: u32,
}

impl Desk {
    fn work(mut self, inbox: &Receiver<Message>) {
        loop {
            let closing = self.gather(inbox);
            let written = self.write();
            for answer in self.waiting.drain(..) {
                // Who no longer waits need not be told.
                let _ = answer.send(written.clone().map_err(LedgerError::Write));
            }
            if let Some(answer) = closing {
                let last = self.write_last(inbox);
                if let Some(answer) = answer {
                    let _ = answer.send(last);
                }
                return;
            }
        }
    }

    /// Takes messages until a group is due. Some when the ledger is to close, with who waits for it.
    fn gather(&mut self, inbox: &Receiver<Message>) -> Option<Option<Answer>> {
        let pause = match self.failures {
            0 => GATHER,
            failures => RETRY.saturating_mul(1 << failures.min(10)).min(LONGEST_RETRY),
        };
        let mut due = (!self.group.is_empty()).then(|| Instant::now() + pause);
        loop {
            // After a failure the pause is kept, however much comes in meanwhile.
            if self.failures == 0 && self.group.len() >= GROUP {
                return None;
            }
            let message = match due {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(due) => inbox.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(Message::Append(record)) => {
                    self.group.push(record);
                    due = due.or_else(|| Some(Instant::now() + pause));
                }
                Ok(Message::Flush(answer)) => {
                    self.waiting.push(answer);
                    return None;
                }
                Ok(Message::Close(answer)) => return Some(Some(answer)),
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(None),
            }
        }
    }

    /// Commits what was gathered; on failure it stays.
    fn write(&mut self) -> Result<(), String> {
        while !self.group.is_empty() {
            let count = self.group.len().min(GROUP);
            let group = self.group.get(..count).unwrap_or_default();
            if let Err(error) = self.database.commit(group) {
                self.failures = self.failures.saturating_add(1);
                tracing::error!(%error, records = self.group.len(), "the ledger could not be written; it is kept");
                return Err(error.to_string());
            }
            self.group.drain(..count);
            self.backlog.shrink(count);
        }
        self.failures = 0;
        Ok(())
    }

    /// Writes what had come before the close.
    fn write_last(&mut self, inbox: &Receiver<Message>) -> Result<(), LedgerError> {
        let mut last = Ok(());
        for _ in 0..LAST_TRIES {
            for message in inbox.try_iter() {
                match message {
                    Message::Append(record) => self.group.push(record),
                    Message::Flush(answer) | Message::Close(answer) => self.waiting.push(answer),
                }
            }
            last = self.write();
            if last.is_ok() {
                break;
            }
            std::thread::park_timeout(RETRY);
        }
        for answer in self.waiting.drain(..) {
            let _ = answer.send(last.clone().map_err(LedgerError::Write));
        }
        if last.is_err() {
            tracing::error!(
                records = self.group.len(),
                "the ledger closes without having written these records"
            );
        }
        last.map_err(LedgerError::Write)
    }
}
