//! Threads on which calls compute beside the exchange that made them.
//!
//! They are used while a core is free: a call that finds none is made where its exchange runs, so nothing is lost when
//! there is much to do. The threads are not those that serve, which would finish what they are at before they look
//! for more.

use super::binding::Binding;
use super::call::{CallError, CallErrorKind, Decision};
use crate::exchange::Exchange;
use futures_util::FutureExt as _;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How long a thread looks out for the end of a call before it sleeps: as long as it takes to be woken again.
const SPIN: Duration = Duration::from_micros(50);

/// How long a thread looks out for another call of its exchange, where one is likely: about as long as it takes to put it
/// to sleep and wake it again, and more than a guard takes for a question.
const LINGER: Duration = Duration::from_micros(100);

/// Threads at most.
const MAX_THREADS: usize = 1_024;

/// How calls come to be made on threads beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SideSettings {
    /// Threads, 1,024 at most; none of them, and every call is made where its exchange runs.
    pub threads: usize,
    /// What must be saved at least: to wake a thread and to hear of it costs some 10 µs of the exchange's own, and
    /// some 50 till the thread is at it (Linux on a virtual machine).
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
pub(super) struct Side {
    settings: SideSettings,
    /// None without threads.
    runtime: Option<Runtime>,
    places: Arc<Semaphore>,
}

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

    fn place(&self) -> Option<OwnedSemaphorePermit> {
        let free = self.settings.while_busy || another_sleeps();
        free.then(|| self.places.clone().try_acquire_owned().ok()).flatten()
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

/// A call, and whether another of its exchange is likely to follow.
struct Call {
    made: BoxFuture<'static, ()>,
    more: bool,
}

/// Makes calls of one exchange, one after the other, and looks out for another for a moment where one is likely: a thread
/// that sleeps is dearer to wake.
async fn make(mut call: Call, mut calls: UnboundedReceiver<Call>) {
    loop {
        call.made.await;
        match next(&mut calls, if call.more { LINGER } else { Duration::ZERO }) {
            Some(next) => call = next,
            None => return,
        }
    }
}

/// The next call; none where none has come in that time, and none can come then.
fn next(calls: &mut UnboundedReceiver<Call>, within: Duration) -> Option<Call> {
    let since = Instant::now();
    loop {
        match calls.try_recv() {
            Ok(call) => return Some(call),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if since.elapsed() < within => std::hint::spin_loop(),
            // What came before the door was shut is still made.
            Err(TryRecvError::Empty) => calls.close(),
        }
    }
}

/// A call of `pre-request` on a thread beside. Dropped, it is broken off as soon as it waits for anything.
pub struct Beside {
    said: oneshot::Receiver<(Said, Duration)>,
    call: AbortHandle,
    binding: Arc<str>,
    /// Where its thread takes calls that are to follow.
    calls: UnboundedSender<Call>,
    /// Whether it was looked out for already.
    awaited: bool,
}

/// What a call said.
type Said = Result<Decision, CallError>;

impl Future for Beside {
    /// What the call said, and how long it took.
    type Output = (Said, Duration);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !std::mem::replace(&mut self.awaited, true) {
            self.look_out();
        }
        Pin::new(&mut self.said).poll(context).map(|said| {
            said.unwrap_or_else(|error| {
                let (binding, message) = (self.binding.to_string(), error.to_string());
                (Err(CallError { binding, kind: CallErrorKind::Internal, message }), Duration::ZERO)
            })
        })
    }
}

impl Beside {
    /// Whether the call has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.said.is_empty()
    }

    /// Looks out for the end of the call for a moment.
    fn look_out(&self) {
        let since = Instant::now();
        while !self.is_finished() && since.elapsed() < SPIN {
            std::hint::spin_loop();
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.call.abort();
    }
}

/// On which thread a call may be made.
#[derive(Clone, Copy)]
pub struct Follows<'a> {
    /// On that of this call, which has ended, if the thread still looks out for more.
    pub ended: Option<&'a Beside>,
    /// Where no thread is free: on that of this call, once it has ended.
    pub computing: Option<&'a Beside>,
}

impl Binding {
    /// How calls come to be made on threads beside.
    #[must_use]
    pub fn side(&self) -> &SideSettings {
        &self.engine().side.settings
    }

    /// Begins `pre-request` on a thread beside; none where there is none for it. `more` says that another call of the
    /// exchange is likely to follow.
    pub fn begin_request(
        self: &Arc<Self>,
        x: &Arc<Exchange>,
        follows: Follows<'_>,
        more: bool,
    ) -> Option<Beside> {
        let side = &self.engine().side;
        let runtime = side.runtime.as_ref()?;
        let takes_more = |call: &&Beside| !call.calls.is_closed();
        let after = follows.ended.filter(takes_more);
        let place = if after.is_none() { side.place() } else { None };
        let after = after.or_else(|| follows.computing.filter(takes_more));
        let (calls, thread) = match (place, after) {
            (Some(place), _) => {
                let (calls, coming) = mpsc::unbounded_channel();
                (calls, Some((place, coming)))
            }
            (None, Some(after)) => (after.calls.clone(), None),
            (None, None) => return None,
        };
        let (tell, said) = oneshot::channel();
        let (binding, x) = (self.clone(), x.clone());
        let (call, broken_off) = AbortHandle::new_pair();
        let made = async move {
            let began = Instant::now();
            let said = binding.on_request(&x).await;
            // Nobody may wait for it any more.
            _ = tell.send((said, began.elapsed()));
        };
        let next = Call { made: Abortable::new(made, broken_off).map(drop).boxed(), more };
        match thread {
            Some((place, coming)) => {
                runtime.spawn(async move {
                    make(next, coming).await;
                    drop(place);
                });
            }
            None => calls.send(next).ok()?,
        }
        Some(Beside { said, call, binding: self.name_shared(), calls, awaited: false })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A call that is counted.
    fn counted(made: &Arc<AtomicUsize>, more: bool) -> Call {
        let made = made.clone();
        let call = async move {
            made.fetch_add(1, Ordering::SeqCst);
        };
        Call { made: call.boxed(), more }
    }

    #[test]
    fn every_call_that_is_taken_is_made_however_late_it_comes() {
        for round in 0..400 {
            let made = Arc::new(AtomicUsize::new(0));
            let (calls, coming) = mpsc::unbounded_channel();
            let first = counted(&made, round % 2 == 0);
            let thread = thread::spawn(move || make(first, coming).now_or_never().unwrap());
            while made.load(Ordering::SeqCst) == 0 {
                std::hint::spin_loop();
            }
            // About when the door is shut.
            let since = Instant::now();
            while since.elapsed() < Duration::from_micros(round) {
                std::hint::spin_loop();
            }
            let second = calls.send(counted(&made, false)).is_ok();
            thread.join().unwrap();
            assert_eq!(made.load(Ordering::SeqCst), 1 + usize::from(second));
            assert!(calls.send(counted(&made, false)).is_err(), "nothing more is taken");
        }
    }

    #[test]
    fn nobody_waits_for_calls_that_cannot_come() {
        let made = Arc::new(AtomicUsize::new(0));
        let (calls, coming) = mpsc::unbounded_channel();
        calls.send(counted(&made, true)).ok().unwrap();
        drop(calls);
        assert!(make(counted(&made, true), coming).now_or_never().is_some());
        assert_eq!(made.load(Ordering::SeqCst), 2);
    }
}
