//! A future that wakes itself while it is polled gets its next turn at once.
//!
//! One task carries an exchange from socket to socket, so its parts wake each other, and thereby the task, while it runs.
//! The runtime takes that for a wish to yield: it puts the task at the end of its queue and wakes an idle thread, which
//! takes the task from where it is warm, or finds nothing and goes back to sleep; either way several times for each
//! exchange. Here such a wake is noted, and the future polled once more.
//!
//! Invariants: no wake is lost; one future gets only so many turns before others get theirs. What the runtime itself puts
//! off, because a task has used up its budget, it wakes later, and that is a wake like any other.

use futures_util::task::AtomicWaker;
use hyper::rt::Executor;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Turns of a future before others get theirs: an exchange takes two or three between two waits for a socket.
const TURNS: usize = 8;

/// Nobody polls: who wakes, wakes the task.
const IDLE: u8 = 0;
/// The future is being polled.
const POLLED: u8 = 1;
/// It is being polled, and was woken meanwhile.
const WOKEN: u8 = 2;

/// Runs each stream of an HTTP/2 connection in a task of its own, in turns.
#[derive(Debug, Clone, Copy)]
pub(super) struct InTurns;

impl<F> Executor<F> for InTurns
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        // Boxed, so that its room is not taken twice.
        let (mut future, mut turns) = (Box::pin(future), Turns::new());
        tokio::spawn(poll_fn(move |cx| turns.poll(future.as_mut(), cx)));
    }
}

/// What gives a future its turns.
pub(super) struct Turns {
    bell: Arc<Bell>,
    waker: Waker,
}

#[derive(Default)]
struct Bell {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let noted = self.state.compare_exchange(POLLED, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if noted == Err(IDLE) {
            self.task.wake();
        }
    }
}

impl Turns {
    pub fn new() -> Self {
        let bell = Arc::new(Bell::default());
        Self { waker: bell.clone().into(), bell }
    }

    /// Polls a future until it waits for something else than itself. To be given the same future every time.
    pub fn poll<F: Future>(&mut self, mut future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.bell.task.register(cx.waker());
        let mut inner = Context::from_waker(&self.waker);
        for _ in 0..TURNS {
            self.bell.state.store(POLLED, Ordering::Release);
            if let Poll::Ready(output) = future.as_mut().poll(&mut inner) {
                return Poll::Ready(output);
            }
            if self.bell.state.swap(IDLE, Ordering::AcqRel) != WOKEN {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::{TURNS, Turns};
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    impl Count {
        fn get(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    /// A task that counts how often it is woken.
    fn task() -> (Arc<Count>, Waker) {
        let task = Arc::new(Count::default());
        (task.clone(), task.into())
    }

    #[test]
    fn a_future_that_wakes_itself_is_polled_again_and_its_task_is_not_woken() {
        let (task, waker) = task();
        let mut polls = 0;
        let mut future = pin!(poll_fn(|cx: &mut Context<'_>| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready(polls);
            }
            cx.waker().wake_by_ref();
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        let polled = Turns::new().poll(future.as_mut(), &mut Context::from_waker(&waker));
        assert_eq!((polled, task.get()), (Poll::Ready(3), 0));
    }

    #[test]
    fn one_that_never_waits_lets_others_have_their_turn() {
        let (task, waker) = task();
        let mut polls = 0;
        let mut future = pin!(poll_fn(|cx: &mut Context<'_>| {
            polls += 1;
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
        let polled = Turns::new().poll(future.as_mut(), &mut Context::from_waker(&waker));
        assert_eq!((polled, task.get()), (Poll::Pending, 1));
        assert_eq!(polls, TURNS);
    }

    #[test]
    fn a_wake_from_elsewhere_wakes_the_task() {
        let (task, waker) = task();
        let mut kept = None;
        let mut turns = Turns::new();
        {
            let mut future = pin!(poll_fn(|cx: &mut Context<'_>| {
                kept = Some(cx.waker().clone());
                Poll::<()>::Pending
            }));
            assert!(turns.poll(future.as_mut(), &mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(task.get(), 0);
        if let Some(kept) = kept {
            kept.wake();
        }
        assert_eq!(task.get(), 1);
    }

    /// However a thread's wakes and the polls fall together, what was sent before the last wake is seen.
    #[test]
    fn no_wake_is_lost() {
        let sent = 20_000;
        let (wakers, woken) = mpsc::channel::<Waker>();
        let (numbers, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let Ok(mut waker) = woken.recv() else { return };
            for number in 1..=sent {
                waker = woken.try_iter().last().unwrap_or(waker);
                let _ = numbers.send(number);
                waker.wake_by_ref();
            }
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        let last = runtime.map(|runtime| {
            runtime.block_on(async move {
                let mut turns = Turns::new();
                let mut last = 0;
                let mut future = pin!(poll_fn(move |cx: &mut Context<'_>| {
                    let _ = wakers.send(cx.waker().clone());
                    last = told.try_iter().last().unwrap_or(last);
                    if last == sent { Poll::Ready(last) } else { Poll::Pending }
                }));
                poll_fn(|cx| turns.poll(future.as_mut(), cx)).await
            })
        });
        assert_eq!(last.ok(), Some(sent));
        assert!(thread.join().is_ok());
    }
}
