//! Counters that survive the process: in memory, with a file that is always ahead of them.
//!
//! The file holds of each counter what was taken, and a margin that may be. As long as no more than that was taken since, the
//! file covers it, and nobody waits for the disk; when half of it is gone, the next row is written meanwhile. Invariant:
//! what [`Counters::take`] has given is in the file, whenever the process is killed. So after a kill a counter may have
//! counted too much, by the margin and by what was reserved and not settled at that moment, and never too little. What
//! exchanges used beyond their reservation is written as soon as it is known, and no one waits for it.
//!
//! Limits of less than an hour are not kept: they are over before anyone has looked into what happened.

use super::counters::{Counters, Demand, Refusal, Settlement};
use super::file::{File, FileError, Row};
use super::key::{Hashed, Key};
use super::local::Local;
use super::meter::{Level, Meter, Micros};
use dashmap::DashMap;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// The margin is this part of the limit, or a few reservations where they are more, but not this part.
const PART: u64 = 100;
const RESERVATIONS: u64 = 4;
const LARGEST_PART: u64 = 10;

/// How long a request waits for the disk before it is refused.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries to write.
const RETRY: Duration = Duration::from_millis(100);
/// Windows as long as this are kept.
const LASTING: Duration = Duration::from_secs(3_600);

/// How far the file is ahead of one counter.
#[derive(Debug)]
struct Cover {
    /// How it counts now. A row of another period, or of a limit that was changed, covers nothing.
    meter: Meter,
    /// The margin of the next row.
    margin: u64,
    /// What may still be taken before the file no longer covers it.
    ahead: u64,
    /// What was taken since the last row was made.
    since: u64,
    /// Rows that were made, and those of them that are in the file.
    made: u64,
    written: u64,
    /// Whether a row is on its way.
    coming: bool,
    /// Whether somebody waits for the row after that.
    awaited: bool,
}

impl Cover {
    const fn new(meter: Meter) -> Self {
        Self { meter, margin: 0, ahead: 0, since: 0, made: 0, written: 0, coming: false, awaited: false }
    }
}

enum Message {
    Write(Key),
    Close(oneshot::Sender<()>),
}

struct Shared {
    local: Local,
    covers: DashMap<Key, Cover, Hashed>,
    /// Groups that were written.
    groups: watch::Sender<u64>,
}

/// Counters in memory and in a file.
pub struct Durable {
    shared: Arc<Shared>,
    writer: Sender<Message>,
}

impl Durable {
    /// Opens the file, and takes up what is in it. Reads and writes the disk, without an async runtime's help.
    ///
    /// # Errors
    /// The file cannot be used.
    pub fn open(path: &Path, now: Micros) -> Result<Self, FileError> {
        let mut file = File::open(path)?;
        let local = Local::default();
        for row in file.load(now)? {
            local.restore(row.key.into(), row.counter, row.meter);
        }
        let shared = Arc::new(Shared { local, covers: DashMap::default(), groups: watch::Sender::new(0) });
        let (writer, inbox) = channel();
        let desk = Desk { file, shared: shared.clone() };
        std::thread::Builder::new().name("counters".to_owned()).spawn(move || desk.work(&inbox))?;
        Ok(Self { shared, writer })
    }

    /// Notes what was taken; which row must be in the file before it counts as given, where that is not so already.
    fn cover(&self, demand: &Demand) -> Option<u64> {
        let meter = demand.meter;
        let mut cover = self.shared.covers.entry(demand.key.clone()).or_insert_with(|| Cover::new(meter));
        if cover.meter != meter {
            (cover.meter, cover.margin, cover.ahead) = (meter, 0, 0);
        }
        let few = demand.amount.saturating_mul(RESERVATIONS).min(meter.most() / LARGEST_PART);
        cover.margin = cover.margin.max(meter.most() / PART).max(few);
        cover.since = cover.since.saturating_add(demand.amount);
        let row = match cover.ahead.checked_sub(demand.amount) {
            Some(ahead) => {
                cover.ahead = ahead;
                None
            }
            None => {
                cover.awaited = true;
                Some(cover.made + 1)
            }
        };
        self.renew(&demand.key, &mut cover);
        row
    }

    fn renew(&self, key: &Key, cover: &mut Cover) {
        if !cover.coming && (cover.awaited || cover.ahead < cover.margin / 2) {
            cover.coming = true;
            // Without a writer nothing is written, and nobody is given what is not.
            let _ = self.writer.send(Message::Write(key.clone()));
        }
    }

    async fn written(&self, rows: &[(Key, u64)]) {
        let mut groups = self.shared.groups.subscribe();
        for (key, row) in rows {
            while self.shared.covers.get(key).is_some_and(|cover| cover.written < *row) {
                if groups.changed().await.is_err() {
                    return std::future::pending().await;
                }
            }
        }
    }
}

impl Counters for Durable {
    fn take<'a>(
        &'a self,
        demands: &'a [Demand],
        now: Micros,
    ) -> BoxFuture<'a, Result<Vec<Level>, (usize, Refusal)>> {
        let levels = match self.shared.local.take_all(demands, now) {
            Ok(levels) => levels,
            refused => return ready(refused).boxed(),
        };
        let lasting = demands.iter().filter(|demand| lasts(&demand.meter) && demand.amount > 0);
        let rows: Vec<_> =
            lasting.filter_map(|demand| Some((demand.key.clone(), self.cover(demand)?))).collect();
        if rows.is_empty() {
            return ready(Ok(levels)).boxed();
        }
        async move {
            let mut given = Given { durable: self, demands, now, done: false };
            given.done = tokio::time::timeout(PATIENCE, self.written(&rows)).await.is_ok();
            if given.done { Ok(levels) } else { Err((0, Refusal::Unreachable)) }
        }
        .boxed()
    }

    fn settle(&self, settlements: &[Settlement], now: Micros) {
        self.shared.local.settle(settlements, now);
        for Settlement { demand, used, .. } in settlements {
            let more = used.saturating_sub(demand.amount);
            if more == 0 || !lasts(&demand.meter) {
                continue;
            }
            if let Some(mut cover) = self.shared.covers.get_mut(&demand.key) {
                cover.since = cover.since.saturating_add(more);
                cover.ahead = cover.ahead.saturating_sub(more);
                self.renew(&demand.key, &mut cover);
            }
        }
    }

    fn level(&self, demand: &Demand, now: Micros) -> Option<Level> {
        self.shared.local.level(demand, now)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async {
            let (done, closed) = oneshot::channel();
            if self.writer.send(Message::Close(done)).is_ok() {
                // A writer that is gone has told why.
                let _ = closed.await;
            }
        }
        .boxed()
    }
}

/// What was taken, until it may be given: who stops waiting for it gives it back.
struct Given<'a> {
    durable: &'a Durable,
    demands: &'a [Demand],
    now: Micros,
    done: bool,
}

impl Drop for Given<'_> {
    fn drop(&mut self) {
        if !self.done {
            for demand in self.demands {
                let back = Settlement { demand: demand.clone(), taken: self.now, used: 0 };
                self.durable.shared.local.settle(&[back], self.now);
            }
        }
    }
}

/// The thread that writes.
struct Desk {
    file: File,
    shared: Arc<Shared>,
}

impl Desk {
    fn work(mut self, inbox: &Receiver<Message>) {
        // Those of which another row is due.
        let mut keys: Vec<Key> = Vec::new();
        loop {
            let first = if keys.is_empty() { inbox.recv().ok() } else { inbox.try_recv().ok() };
            if first.is_none() && keys.is_empty() {
                return;
            }
            let mut closing = Vec::new();
            for message in first.into_iter().chain(inbox.try_iter()) {
                match message {
                    Message::Write(key) => keys.push(key),
                    Message::Close(done) => closing.push(done),
                }
            }
            if !closing.is_empty() {
                self.close();
                // Only then is the file alone: closing it moves what its log has into it.
                drop(self.file);
                for done in closing {
                    // Who no longer waits need not be told.
                    let _ = done.send(());
                }
                return;
            }
            let (group, numbers): (Vec<Row>, Vec<(Key, u64)>) = keys
                .drain(..)
                .filter_map(|key| self.row(&key).map(|(row, number)| (row, (key, number))))
                .unzip();
            while let Err(error) = self.file.write(&group) {
                tracing::error!(%error, "counters cannot be written; what they would give is refused");
                std::thread::park_timeout(RETRY);
            }
            for (row, (key, number)) in group.iter().zip(numbers) {
                if self.is_written(&key, row, number) {
                    keys.push(key);
                }
            }
            self.shared.groups.send_modify(|groups| *groups += 1);
        }
    }

    /// What the file is to say next, and the row's number.
    fn row(&self, key: &Key) -> Option<(Row, u64)> {
        let mut cover = self.shared.covers.get_mut(key)?;
        cover.made += 1;
        cover.since = 0;
        cover.awaited = false;
        // One that was forgotten is as if never used.
        let counter = self.shared.local.snapshot(key).unwrap_or_default();
        let row = Row { key: key.to_string(), meter: cover.meter, counter, margin: cover.margin };
        Some((row, cover.made))
    }

    /// Notes that a row is in the file; whether another is due.
    fn is_written(&self, key: &Key, row: &Row, number: u64) -> bool {
        let Some(mut cover) = self.shared.covers.get_mut(key) else { return false };
        cover.written = number;
        // By the margin that the file has: the next row's may have grown since this one was made.
        cover.ahead = if cover.meter == row.meter { row.margin.saturating_sub(cover.since) } else { 0 };
        cover.coming = cover.awaited || cover.ahead < cover.margin / 2;
        cover.coming
    }

    /// Writes everything as it is.
    fn close(&mut self) {
        let exact = |cover: dashmap::mapref::multiple::RefMulti<'_, Key, Cover>| {
            let counter = self.shared.local.snapshot(cover.key()).unwrap_or_default();
            Row { key: cover.key().to_string(), meter: cover.meter, counter, margin: 0 }
        };
        let rows: Vec<Row> = self.shared.covers.iter().map(exact).collect();
        if let Err(error) = self.file.write(&rows) {
            tracing::error!(%error, "the counters close with what the file says already, which is more");
        }
    }
}

/// Whether a counter is worth keeping.
fn lasts(meter: &Meter) -> bool {
    match meter {
        Meter::Period { .. } => true,
        Meter::Window { window, .. } | Meter::Bucket { window, .. } => *window >= LASTING,
        Meter::AtOnce { .. } => false,
    }
}
