//! The body of a request, which goes back to its connection when the service does not read it to the end.
//!
//! A service that refuses a request by its header drops the body. What of it is still on its way would stand before
//! the connection's next request, so the connection must then end; and a client that was not told so loses whatever
//! it sends next. A client that is still sending when the connection is gone loses even the answer. So what is left
//! of a body is taken in, as far as that is cheap, and else the answer says that the connection ends.
//!
//! Invariant: nobody's answer waits longer than [`PATIENCE`] for it, and no more than [`CHEAP`] bytes are read.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use parking_lot::Mutex;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Bytes of an unread body that are read for the sake of the connection: a long prompt.
const CHEAP: u64 = 256 << 10;

/// How long an answer waits for them.
const PATIENCE: Duration = Duration::from_millis(500);

/// What one request of an HTTP/1 connection left unread; requests come one after another.
#[derive(Debug, Clone, Default)]
pub(super) struct Leftover(Arc<Mutex<Option<Incoming>>>);

/// The body of a request.
#[derive(Debug)]
pub struct RequestBody {
    /// None once it came to its end, or broke off.
    incoming: Option<Incoming>,
    leftover: Option<Leftover>,
}

impl RequestBody {
    /// What is not read of it goes to `leftover`, where the connection is shared with the next request.
    pub(super) fn new(incoming: Incoming, leftover: Option<Leftover>) -> Self {
        Self { incoming: Some(incoming), leftover }
    }
}

/// One whose connection nobody needs afterwards: what is not read of it is dropped.
impl From<Incoming> for RequestBody {
    fn from(incoming: Incoming) -> Self {
        Self::new(incoming, None)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(incoming), Some(leftover)) = (self.incoming.take(), &self.leftover)
            && !incoming.is_end_stream()
        {
            *leftover.0.lock() = Some(incoming);
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(incoming).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.incoming = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Leftover {
    /// Reads what was left, if that is cheap; whether the connection can go on.
    ///
    /// A client that `waits` to be told to send its body is not told to.
    pub async fn settle(&self, waits: bool) -> bool {
        let Some(mut body) = self.0.lock().take() else { return true };
        if waits || body.size_hint().lower() > CHEAP {
            return false;
        }
        let read = async {
            let mut left = CHEAP;
            while let Some(frame) = body.frame().await {
                let Ok(frame) = frame else { return false };
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(rest) = left.checked_sub(bytes) else { return false };
                left = rest;
            }
            true
        };
        tokio::time::timeout(PATIENCE, read).await.unwrap_or(false)
    }
}

/// Whether a client waits to be told to send its body.
pub(super) fn waits(headers: &HeaderMap) -> bool {
    headers.contains_key(header::EXPECT)
}

/// Tells a client that its connection ends with this answer.
pub(super) fn say_goodbye(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}
