//! Threads on which calls compute beside the exchange that made them.
//!
//! They are used while a core is free: a call that finds none is made where its exchange runs, so nothing is lost when
//! there is much to do. The threads are not those that serve, which would finish what they are at before they look
//! for more.

use super::binding::Binding;
use super::call::{CallError, CallErrorKind, Decision};
use crate::exchange::Exchange;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

/// How long a thread looks out for the end of a call before it sleeps: as long as it takes to be woken again.
const SPIN: Duration = Duration::from_micros(50);

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

    fn place(&self) -> Option<Arc<OwnedSemaphorePermit>> {
        let free = self.settings.while_busy || another_sleeps();
        free.then(|| self.places.clone().try_acquire_owned().ok().map(Arc::new)).flatten()
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

/// A call of `pre-request` on a thread beside. Dropped, it is broken off as soon as it waits for anything.
pub struct Beside {
    call: JoinHandle<(Result<Decision, CallError>, Duration)>,
    binding: Arc<str>,
    /// Its thread, as long as it computes.
    place: Weak<OwnedSemaphorePermit>,
    /// Whether it was looked out for already.
    awaited: bool,
}

impl Future for Beside {
    /// What the call said, and how long it took.
    type Output = (Result<Decision, CallError>, Duration);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !std::mem::replace(&mut self.awaited, true) {
            self.look_out();
        }
        Pin::new(&mut self.call).poll(context).map(|ended| {
            ended.unwrap_or_else(|error| {
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
        self.call.is_finished()
    }

    /// Looks out for the end of the call for a moment.
    fn look_out(&self) {
        let since = Instant::now();
        while !self.call.is_finished() && since.elapsed() < SPIN {
            std::hint::spin_loop();
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.call.abort();
    }
}

impl Binding {
    /// How calls come to be made on threads beside.
    #[must_use]
    pub fn side(&self) -> &SideSettings {
        &self.engine().side.settings
    }

    /// Begins `pre-request` on a thread beside: on one that is free, or on that of another call, once that has ended.
    pub fn begin_request(self: &Arc<Self>, x: &Arc<Exchange>, follows: Option<&Beside>) -> Option<Beside> {
        let side = &self.engine().side;
        let runtime = side.runtime.as_ref()?;
        let place = side.place().or_else(|| follows?.place.upgrade())?;
        let (binding, x, lasting) = (self.clone(), x.clone(), Arc::downgrade(&place));
        let call = runtime.spawn(async move {
            let began = Instant::now();
            let said = binding.on_request(&x).await;
            drop(place);
            (said, began.elapsed())
        });
        Some(Beside { call, binding: self.name_shared(), place: lasting, awaited: false })
    }
}
