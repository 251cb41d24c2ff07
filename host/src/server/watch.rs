//! What a connection is doing, and whether it takes too long over it.
//!
//! hyper's own header timeout also counts the time between requests, knows nothing of HTTP/2, and does not
//! see a client that leaves its answer unread. So the connection's input and output note when things happen,
//! and one timer per connection looks at the notes. It fires once in the shortest of the limits, not once
//! per request, and is still exact: nothing can begin and be over time between two looks.
//!
//! Invariant: a note costs an atomic store; the hot path sets no timer.

use bytes::Bytes;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// Reads of what is thrown away before others have their turn.
const READS_AT_ONCE: usize = 16;

/// The limits of one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub header: Duration,
    pub idle: Duration,
    pub write: Duration,
}

/// What is to become of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Look again then.
    LookAt(Instant),
    /// Nothing has been asked for a while.
    Idle,
    /// A header section does not come to its end.
    SlowHeader,
    /// The client does not read.
    Unread,
}

/// What is known of a connection. Times are nanoseconds since it began, plus one; zero is "not so".
#[derive(Debug)]
pub(super) struct Watch {
    began: Instant,
    limits: Limits,
    multiplexed: bool,
    requests: AtomicUsize,
    last_request_ended: AtomicU64,
    header_began: AtomicU64,
    write_blocked: AtomicU64,
    lingers: AtomicBool,
}

impl Watch {
    /// Notes of a connection that begins now. In HTTP/2, bytes between requests are no beginning of a header.
    pub fn new(limits: Limits, multiplexed: bool) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            limits,
            multiplexed,
            requests: AtomicUsize::new(0),
            last_request_ended: AtomicU64::new(0),
            header_began: AtomicU64::new(0),
            write_blocked: AtomicU64::new(0),
            lingers: AtomicBool::new(false),
        })
    }

    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Its client is still sending what nobody reads: it is to get its answer before the connection is gone.
    pub fn linger(&self) {
        self.lingers.store(true, Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX - 1) + 1
    }

    fn time(&self, note: u64) -> Instant {
        self.began + Duration::from_nanos(note.saturating_sub(1))
    }

    fn read(&self) {
        let idle = self.requests.load(Relaxed) == 0 && self.header_began.load(Relaxed) == 0;
        if idle && !self.multiplexed {
            self.header_began.store(self.now(), Relaxed);
        }
    }

    fn write(&self, blocked: bool) {
        let noted = self.write_blocked.load(Relaxed) != 0;
        if noted != blocked {
            self.write_blocked.store(if blocked { self.now() } else { 0 }, Relaxed);
        }
    }

    /// Looks at the notes.
    pub fn verdict(&self) -> Verdict {
        let Limits { header, idle, write } = self.limits;
        let now = Instant::now();
        let until = |due: Instant, late: Verdict| if now >= due { late } else { Verdict::LookAt(due) };
        let soon = now + header.min(write).min(idle);
        let (blocked, header_began) = (self.write_blocked.load(Relaxed), self.header_began.load(Relaxed));
        if blocked != 0 {
            return until(self.time(blocked) + write, Verdict::Unread);
        }
        if self.requests.load(Relaxed) != 0 {
            return Verdict::LookAt(soon);
        }
        if header_began != 0 {
            return until(self.time(header_began) + header, Verdict::SlowHeader);
        }
        match until(self.time(self.last_request_ended.load(Relaxed)) + idle, Verdict::Idle) {
            Verdict::LookAt(due) => Verdict::LookAt(due.min(soon)),
            late => late,
        }
    }
}

/// A request that is being served, until this is dropped.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Watch>);

impl InFlight {
    pub fn new(watch: Arc<Watch>) -> Self {
        watch.requests.fetch_add(1, Relaxed);
        watch.header_began.store(0, Relaxed);
        Self(watch)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.header_began.store(0, Relaxed);
        self.0.last_request_ended.store(self.0.now(), Relaxed);
        self.0.requests.fetch_sub(1, Relaxed);
    }
}

/// Input and output that takes notes.
pub(super) struct Watched<T> {
    io: T,
    /// What was read before it was known what is spoken.
    before: Bytes,
    watch: Arc<Watch>,
}

impl<T> Watched<T> {
    pub fn new(io: T, before: Bytes, watch: Arc<Watch>) -> Self {
        Self { io, before, watch }
    }
}

impl<T: Read + Unpin> Watched<T> {
    /// Reads until the client is done. Closed with bytes unread, a socket is reset, and with that the answer is lost
    /// that the client has not read yet. Source: RFC 9112, section 9.6.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut room = [0; 8 << 10];
        for _ in 0..READS_AT_ONCE {
            let mut buffer = ReadBuf::new(&mut room);
            match Pin::new(&mut self.io).poll_read(cx, buffer.unfilled()) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: Read + Unpin> Read for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        if !self.before.is_empty() {
            self.watch.read();
            let now = self.before.len().min(buf.remaining());
            buf.put_slice(&self.before.split_to(now));
            return Poll::Ready(Ok(()));
        }
        let result = Pin::new(&mut self.io).poll_read(cx, buf);
        if result.is_ready() {
            self.watch.read();
        }
        result
    }
}

impl<T: Read + Write + Unpin> Write for Watched<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.watch.write(result.is_pending());
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, bytes);
        self.watch.write(result.is_pending());
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let result = Pin::new(&mut self.io).poll_flush(cx);
        if result.is_pending() {
            self.watch.write(true);
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut result = Pin::new(&mut self.io).poll_shutdown(cx);
        if matches!(result, Poll::Ready(Ok(()))) && self.watch.lingers.load(Relaxed) {
            result = self.poll_discard(cx);
        }
        // The client has the time to read its answer that it has for any.
        self.watch.write(result.is_pending());
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        header: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        write: Duration::from_secs(60),
    };

    /// Lets the timer run as a connection would, and tells how it ends and when.
    async fn verdict(watch: &Watch) -> (Verdict, u64) {
        loop {
            match watch.verdict() {
                Verdict::LookAt(when) => tokio::time::sleep_until(when).await,
                verdict => return (verdict, watch.began.elapsed().as_secs()),
            }
        }
    }

    async fn seconds(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_idle() {
        assert_eq!(verdict(&Watch::new(LIMITS, false)).await, (Verdict::Idle, 75));
    }

    #[tokio::test(start_paused = true)]
    async fn a_header_has_its_own_limit_from_its_first_byte() {
        let watch = Watch::new(LIMITS, false);
        seconds(7).await;
        watch.read();
        seconds(3).await;
        watch.read();
        assert_eq!(verdict(&watch).await, (Verdict::SlowHeader, 17));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_take_its_time_and_idleness_counts_from_its_end() {
        let watch = Watch::new(LIMITS, false);
        watch.read();
        let request = InFlight::new(watch.clone());
        seconds(500).await;
        assert!(matches!(watch.verdict(), Verdict::LookAt(_)));
        watch.read();
        drop(request);
        assert_eq!(verdict(&watch).await, (Verdict::Idle, 575));
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_between_requests_of_http2_are_no_header() {
        let watch = Watch::new(LIMITS, true);
        seconds(5).await;
        watch.read();
        assert_eq!(verdict(&watch).await, (Verdict::Idle, 75));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unread_answer_ends_even_while_it_is_served() {
        let watch = Watch::new(LIMITS, false);
        let _request = InFlight::new(watch.clone());
        seconds(5).await;
        watch.write(true);
        seconds(50).await;
        watch.write(false);
        seconds(5).await;
        watch.write(true);
        assert_eq!(verdict(&watch).await, (Verdict::Unread, 120));
    }
}
