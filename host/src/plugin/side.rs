//! Threads on which calls compute beside the exchange that made them.
//!
//! They are used while a core is free. What is to be made is offered to them and to the exchange's own thread alike, and
//! whoever is free takes the next: a thread that wakes late, or not at all, delays nobody, and nothing is lost when there
//! is much to do. The threads are not those that serve, which would finish what they are at before they look for more.

use super::binding::Binding;
use super::call::{CallError, CallErrorKind, Decision};
use crate::exchange::Exchange;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How long a thread looks out for the end of a call before it sleeps: as long as it takes to be woken again.
const SPIN: Duration = Duration::from_micros(50);

/// How long a thread looks out for more calls of its exchange, where there are likely to be: about as long as it takes to
/// put it to sleep and wake it again, and more than a guard takes for a question.
const LINGER: Duration = Duration::from_micros(100);

/// Threads at most.
const MAX_THREADS: usize = 1_024;

/// How calls come to be made on threads beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SideSettings {
    /// Threads, 1,024 at most; none of them, and every call is made where its exchange runs.
    pub threads: usize,
    /// What each thread must save at least: to wake it and to hear of it costs some 10 µs of the exchange's own, and
    /// some 50 till it is at it (Linux on a virtual machine).
    pub worth: Duration,
    /// Of a thousand calls of late, those that changed or refused the request, at most: what was begun behind them was
    /// for nothing.
    pub restless: u32,
    /// Whether calls are made there even while every thread that serves is at work. Nobody is the sooner done then.
    pub while_busy: bool,
}

impl Default for SideSettings {
    /// A thread for every other core: who serves needs the machine, too.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { threads: cores / 2, worth: Duration::from_micros(30), restless: 125, while_busy: false }
    }
}

/// The threads.
pub struct Side {
    settings: SideSettings,
    /// None without threads.
    runtime: Option<Runtime>,
    places: Arc<Semaphore>,
}

/// A thread that is free for an exchange.
pub struct Place(OwnedSemaphorePermit);

impl Side {
    pub(super) fn new(settings: SideSettings) -> io::Result<Self> {
        let threads = settings.threads.min(MAX_THREADS);
        let runtime = match threads {
            0 => None,
            _ => {
                let mut builder = Builder::new_multi_thread();
                Some(builder.worker_threads(threads).thread_name("beside").enable_time().build()?)
            }
        };
        Ok(Self { settings, runtime, places: Arc::new(Semaphore::new(threads)) })
    }

    /// How calls come to be made here.
    #[must_use]
    pub const fn settings(&self) -> &SideSettings {
        &self.settings
    }

    /// Takes so many threads at most, of those that are free.
    #[must_use]
    pub fn take(&self, most: usize) -> Vec<Place> {
        if most == 0 || !(self.settings.while_busy || another_sleeps()) {
            return Vec::new();
        }
        let place = || self.places.clone().try_acquire_owned().ok().map(Place);
        std::iter::from_fn(place).take(most).collect()
    }

    /// Has a thread make calls, until none is left to begin. `more` says that others of the exchange are likely to follow.
    fn help(&self, Place(permit): Place, calls: Calls, more: bool) -> Option<Helper> {
        let (handle, broken_off) = AbortHandle::new_pair();
        let (sender, coming) = mpsc::unbounded_channel();
        let made = Abortable::new(make(calls, more, coming), broken_off);
        self.runtime.as_ref()?.spawn(async move {
            // Nobody waits for what is broken off.
            _ = made.await;
            drop(permit);
        });
        Some(Helper { calls: sender, handle })
    }
}

/// Calls that any of several threads may make, the first first.
pub type Calls = Arc<[Arc<Call>]>;

/// Makes calls of one exchange, and looks out for others for a moment where they are likely: a thread that sleeps is dearer
/// to wake.
async fn make(mut calls: Calls, mut more: bool, mut coming: UnboundedReceiver<(Calls, bool)>) {
    loop {
        for call in calls.iter() {
            call.make_beside().await;
        }
        match next(&mut coming, if more { LINGER } else { Duration::ZERO }) {
            Some(next) => (calls, more) = next,
            None => return,
        }
    }
}

/// What comes next; none where nothing has come in that time, and nothing can come then.
fn next<T>(coming: &mut UnboundedReceiver<T>, within: Duration) -> Option<T> {
    let since = Instant::now();
    loop {
        match coming.try_recv() {
            Ok(next) => return Some(next),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if since.elapsed() < within => std::hint::spin_loop(),
            // What came before the door was shut is still made.
            Err(TryRecvError::Empty) => coming.close(),
        }
    }
}

/// Whether a thread of the runtime that serves has nothing to do, so that a core is free.
fn another_sleeps() -> bool {
    let Ok(serving) = Handle::try_current() else { return false };
    let workers = serving.metrics();
    // A worker counts when it goes to sleep and when it wakes.
    (0..workers.num_workers()).any(|worker| workers.worker_park_unpark_count(worker) % 2 == 1)
}

impl Drop for Side {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Nobody waits for what still computes; its own deadline ends it.
            runtime.shutdown_background();
        }
    }
}

/// A thread that makes calls.
struct Helper {
    /// Where it takes more.
    calls: UnboundedSender<(Calls, bool)>,
    handle: AbortHandle,
}

/// Threads that make calls of one exchange. Dropped, they are broken off as soon as they wait for anything.
#[derive(Default)]
pub struct Help(Vec<Helper>);

impl Help {
    /// Threads that look out for more calls.
    #[must_use]
    pub fn at_hand(&self) -> usize {
        self.0.iter().filter(|helper| !helper.calls.is_closed()).count()
    }

    /// Has those at hand make calls, and these besides, until none is left to begin. `more` says that others of the exchange
    /// are likely to follow.
    pub fn make(&mut self, side: &Side, places: Vec<Place>, calls: &Calls, more: bool) {
        self.0.retain(|helper| helper.calls.send((calls.clone(), more)).is_ok());
        self.0.extend(places.into_iter().filter_map(|place| side.help(place, calls.clone(), more)));
    }
}

impl Drop for Help {
    fn drop(&mut self) {
        self.0.iter().for_each(|helper| helper.handle.abort());
    }
}

/// What a call of `pre-request` said.
pub type Said = Result<Decision, CallError>;

/// What a call said, and how long it took, without what it waited for those ahead of it.
type Told = (Said, Duration);

/// A call of `pre-request` that whoever comes first makes.
pub struct Call {
    binding: Arc<Binding>,
    draft: Arc<Exchange>,
    /// Whoever takes this makes the call.
    tell: Mutex<Option<oneshot::Sender<Told>>>,
    /// Whether it is made on a thread beside.
    is_beside: AtomicBool,
}

impl Call {
    /// A call, and its word. Dropped, the word is not wanted any more, and nobody begins the call.
    #[must_use]
    pub fn new(binding: Arc<Binding>, draft: Arc<Exchange>) -> (Arc<Self>, Word) {
        let (tell, told) = oneshot::channel();
        let call = Arc::new(Self {
            binding,
            draft,
            tell: Mutex::new(Some(tell)),
            is_beside: AtomicBool::new(false),
        });
        (call.clone(), Word { call, told, awaited: false })
    }

    /// Makes the call here, unless it is begun already or not wanted any more.
    ///
    /// # Cancel safety
    /// Dropped, the call is lost, and its word says so.
    pub async fn make(&self) {
        if let Some(tell) = self.claim() {
            self.made(tell).await;
        }
    }

    async fn make_beside(&self) {
        if let Some(tell) = self.claim() {
            self.is_beside.store(true, Ordering::Relaxed);
            self.made(tell).await;
        }
    }

    fn claim(&self) -> Option<oneshot::Sender<Told>> {
        self.tell.lock().take()
    }

    fn is_begun(&self) -> bool {
        self.tell.lock().is_none()
    }

    async fn made(&self, tell: oneshot::Sender<Told>) {
        let began = Instant::now();
        let said = self.binding.on_request(&self.draft).await;
        // Nobody may wait for it any more.
        _ = tell.send((said, began.elapsed().saturating_sub(self.draft.waited())));
    }
}

/// Calls that are made here, of those that anybody may make.
pub struct Here<'a> {
    left: std::slice::Iter<'a, Arc<Call>>,
    begun: FuturesUnordered<BoxFuture<'a, ()>>,
}

impl<'a> Here<'a> {
    /// Of these calls, the first first.
    #[must_use]
    pub fn of(calls: &'a [Arc<Call>]) -> Self {
        Self { left: calls.iter(), begun: FuturesUnordered::new() }
    }

    /// Begins the next one that nobody has begun. Whether there was one.
    pub fn begin(&mut self) -> bool {
        let next = self.left.find(|call| !call.is_begun());
        next.map(|call| self.begun.push(call.make().boxed())).is_some()
    }

    /// Goes on with those that were begun here.
    pub fn go_on(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(())) = self.begun.poll_next_unpin(context) {}
    }
}

/// The word of a call.
pub struct Word {
    call: Arc<Call>,
    told: oneshot::Receiver<Told>,
    /// Whether it was looked out for.
    awaited: bool,
}

impl Future for Word {
    type Output = Told;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.told).poll(context).map(|told| {
            told.unwrap_or_else(|error| {
                let (binding, message) = (self.call.binding.name().to_owned(), error.to_string());
                (Err(CallError { binding, kind: CallErrorKind::Internal, message }), Duration::ZERO)
            })
        })
    }
}

impl Word {
    /// Looks out for the word for a moment, once, where it comes from a thread beside: whoever has nothing else to do.
    /// Whether it has come.
    #[must_use]
    pub fn look_out(&mut self) -> bool {
        if self.call.is_beside.load(Ordering::Relaxed) && !std::mem::replace(&mut self.awaited, true) {
            let since = Instant::now();
            while self.told.is_empty() && since.elapsed() < SPIN {
                std::hint::spin_loop();
            }
        }
        !self.told.is_empty()
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        self.call.claim();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_sent_is_received_however_late_it_comes() {
        for round in 0..400 {
            let (sender, mut coming) = mpsc::unbounded_channel();
            let within = if round % 2 == 0 { LINGER } else { Duration::ZERO };
            let thread = thread::spawn(move || std::iter::from_fn(|| next(&mut coming, within)).count());
            // About when the door is shut.
            let since = Instant::now();
            while since.elapsed() < Duration::from_micros(round) {
                std::hint::spin_loop();
            }
            let sent = sender.send(()).is_ok();
            assert_eq!(thread.join().unwrap(), usize::from(sent));
            assert!(sender.send(()).is_err(), "nothing more is taken");
        }
    }

    #[test]
    fn nobody_waits_for_what_cannot_come() {
        let (sender, mut coming) = mpsc::unbounded_channel();
        sender.send(1).unwrap();
        drop(sender);
        let hours = Duration::from_secs(3_600);
        assert_eq!((next(&mut coming, hours), next(&mut coming, hours)), (Some(1), None));
    }
}
