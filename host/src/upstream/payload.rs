//! The body of a request to a provider: bytes that are there, or that are made as they are sent.

use crate::server::BoxError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A body on the wire.
pub(super) enum Sent {
    Whole(Full<Bytes>),
    Made(UnsyncBoxBody<Bytes, BoxError>),
}

impl Body for Sent {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Whole(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
            Self::Made(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Made(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Made(body) => body.size_hint(),
        }
    }
}

/// Makes a body from its beginning.
type Make = Arc<dyn Fn() -> UnsyncBoxBody<Bytes, BoxError> + Send + Sync>;

/// A body that can be sent, and sent again.
#[derive(Clone)]
pub enum Payload {
    /// Bytes.
    Whole(Bytes),
    /// Bytes that come while they are sent. Their number is not told.
    Made(Make),
}

/// Without what is in it.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Made(_) => "Made",
        })
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl Payload {
    /// A body of pieces that come.
    pub fn pieces<S, E>(make: impl Fn() -> S + Send + Sync + 'static) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::Made(Arc::new(move || {
            let frames = make().map(|piece| piece.map(Frame::data).map_err(Into::into));
            StreamBody::new(frames).boxed_unsync()
        }))
    }

    pub(super) fn sent(&self) -> Sent {
        match self {
            Self::Whole(bytes) => Sent::Whole(Full::new(bytes.clone())),
            Self::Made(make) => Sent::Made(make()),
        }
    }
}
