//! A provider's answer as it arrives.
//!
//! Invariants: after an error or the end nothing more comes; the connection goes back to the pool at the end
//! and only then; dropping the body before cancels the request at the provider, letting it go waits a moment
//! for the end.

use super::clock::Clock;
use super::error::{Phase, UpstreamError};
use super::headers;
use super::pool::{Leased, Pool};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Bytes, and time, that are waited for the end of a body that was let go.
const REST_BYTES: usize = 64 * 1024;
const REST_TIME: Duration = Duration::from_secs(2);

/// The head of an answer, and what follows.
pub struct UpstreamResponse {
    /// The status, whatever it is.
    pub status: StatusCode,
    /// The headers, without those of the connection.
    pub headers: HeaderMap,
    /// What follows.
    pub body: UpstreamBody,
}

/// Without the headers' values.
impl fmt::Debug for UpstreamResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        f.debug_struct("UpstreamResponse")
            .field("status", &self.status)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// The body of an answer.
pub struct UpstreamBody {
    /// None once it is over.
    incoming: Option<Incoming>,
    lease: Option<(Leased, Arc<Pool>)>,
    clock: Clock,
    /// Whether the clock runs for the piece that is being waited for.
    waiting: bool,
    idle: Duration,
    received: usize,
    max: usize,
    /// What was looked at before it is read.
    seen: Option<Bytes>,
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamBody").field("received", &self.received).finish_non_exhaustive()
    }
}

impl UpstreamResponse {
    pub(super) fn new(
        response: Response<Incoming>,
        lease: (Leased, Arc<Pool>),
        clock: Clock,
        (idle, max): (Duration, usize),
    ) -> Self {
        let (head, incoming) = response.into_parts();
        let mut headers = head.headers;
        headers::strip(&mut headers);
        let mut body = UpstreamBody {
            incoming: Some(incoming),
            lease: Some(lease),
            clock,
            waiting: false,
            idle,
            received: 0,
            max,
            seen: None,
        };
        if body.incoming.as_ref().is_some_and(Body::is_end_stream) {
            body.finish();
        }
        Self { status: head.status, headers, body }
    }
}

impl UpstreamBody {
    /// The next piece, as it came; none at the end.
    ///
    /// # Errors
    /// The provider fell silent, broke off, or sends too much. Nothing comes after an error.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// [`UpstreamBody::next`], for those who poll.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if let Some(seen) = self.seen.take() {
            return Poll::Ready(Some(Ok(seen)));
        }
        loop {
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            let mut frame = Pin::new(&mut *incoming).poll_frame(cx);
            if frame.is_pending()
                && let Some((Leased::Http1(connection), _)) = &mut self.lease
            {
                connection.drive(cx);
                frame = Pin::new(incoming).poll_frame(cx);
            }
            let Poll::Ready(frame) = frame else {
                if !std::mem::replace(&mut self.waiting, true) {
                    self.clock.start(Phase::Idle, self.idle);
                }
                let late = ready!(self.clock.poll(cx));
                return Poll::Ready(Some(Err(self.fail(UpstreamError::timeout(late, true)))));
            };
            self.waiting = false;
            return Poll::Ready(match frame {
                None => {
                    self.finish();
                    None
                }
                Some(Err(error)) => Some(Err(self.fail(UpstreamError::exchange(error, true)))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => Some(self.take(data)),
                    // Trailers: nothing here has a use for them.
                    Err(_) => continue,
                },
            });
        }
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// As [`UpstreamBody::next`], and when there are more than `max` bytes.
    ///
    /// # Cancel safety
    /// What was read is lost.
    pub async fn collect(mut self, max: usize) -> Result<Bytes, UpstreamError> {
        self.max = self.max.min(self.received.saturating_add(max));
        let announced = self.incoming.as_ref().map_or(0, |incoming| incoming.size_hint().lower());
        let Some(first) = self.next().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = self.next().await.transpose()? else { return Ok(first) };
        let announced = usize::try_from(announced).unwrap_or(max).min(max);
        let mut whole = BytesMut::with_capacity(announced.max(first.len() + second.len()));
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&second);
        while let Some(piece) = self.next().await.transpose()? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Looks at what comes, up to about as many bytes, and leaves it to be read. Where it breaks off, that is the end.
    ///
    /// # Cancel safety
    /// What was read is lost.
    pub async fn look(&mut self, most: usize) -> Bytes {
        let mut seen = BytesMut::new();
        while seen.len() < most
            && let Some(Ok(piece)) = self.next().await
        {
            seen.extend_from_slice(&piece);
        }
        let seen = seen.freeze();
        self.seen = Some(seen.clone()).filter(|seen| !seen.is_empty());
        seen
    }

    /// Lets go of an answer that is complete before its body is: event streams end with a mark, and the end of
    /// the body comes behind it. The connection is kept when it does; nobody waits for it.
    pub fn let_go(mut self) {
        self.max = self.max.min(self.received.saturating_add(REST_BYTES));
        loop {
            match self.next().now_or_never() {
                Some(Some(Ok(_))) => {}
                Some(None | Some(Err(_))) => return,
                None => break,
            }
        }
        let rest = async move { while let Some(Ok(_)) = self.next().await {} };
        tokio::spawn(tokio::time::timeout(REST_TIME, rest));
    }

    fn take(&mut self, data: Bytes) -> Result<Bytes, UpstreamError> {
        self.received = self.received.saturating_add(data.len());
        if self.received > self.max {
            return Err(self.fail(UpstreamError::too_large()));
        }
        if self.incoming.as_ref().is_some_and(Body::is_end_stream) {
            self.finish();
        }
        Ok(data)
    }

    fn finish(&mut self) {
        self.incoming = None;
        if let Some((Leased::Http1(connection), pool)) = self.lease.take() {
            pool.give_back(connection);
        }
    }

    fn fail(&mut self, error: UpstreamError) -> UpstreamError {
        self.incoming = None;
        self.lease = None;
        error
    }
}
