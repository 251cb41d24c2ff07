//! A stream as the body of an answer: the client's connection drives it, and no task stands between.
//!
//! Never holds back what is there: each piece goes out before the next is made.

use bytes::Bytes;
use http_body::Frame;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The stream as a body. Dropped, it is the client that went away.
pub struct Frames {
    /// None once it has ended.
    stream: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    receiver: mpsc::Receiver<Bytes>,
    /// Whether something was handed out that the connection may not have sent yet.
    wrote: bool,
}

impl Frames {
    /// What comes out of the receiver while the stream runs, and when it has ended.
    pub fn new(stream: Pin<Box<dyn Future<Output = ()> + Send>>, receiver: mpsc::Receiver<Bytes>) -> Self {
        Self { stream: Some(stream), receiver, wrote: false }
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::take(&mut self.wrote) {
            // A connection sends what it has when there is no more for now: what is there goes out before the next is
            // made.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut frame = self.receiver.poll_recv(cx);
        if frame.is_pending()
            && let Some(stream) = &mut self.stream
        {
            if stream.as_mut().poll(cx).is_ready() {
                self.stream = None;
            }
            frame = self.receiver.poll_recv(cx);
        }
        self.wrote = matches!(frame, Poll::Ready(Some(_)));
        frame.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
