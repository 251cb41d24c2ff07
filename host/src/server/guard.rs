//! One request: the service's call with panics caught, and its answer's body.
//!
//! Invariant: a request counts as being served until its body is dropped, however that comes about.

use super::connection::ConnectionInfo;
use super::request_body::{self, Leftover, RequestBody};
use super::watch::{InFlight, Watch};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The body of an answer; none where the service panicked.
pub(super) struct Served<B> {
    body: Option<B>,
    _in_flight: InFlight,
}

/// Serves one request.
///
/// The service is asserted to be unwind safe: what it shares between requests is behind locks that do not
/// poison (`parking_lot`) or atomics, and what belongs to the request is dropped with it.
pub(super) async fn serve<S, F, B>(
    service: S,
    request: Request<Incoming>,
    connection: ConnectionInfo,
    watch: Arc<Watch>,
    leftover: Option<Leftover>,
) -> Result<Response<Served<B>>, Infallible>
where
    S: Fn(Request<RequestBody>, ConnectionInfo) -> F,
    F: Future<Output = Response<B>>,
{
    let in_flight = InFlight::new(watch.clone());
    let waits = request_body::waits(request.headers());
    let request = request.map(|incoming| RequestBody::new(incoming, leftover.clone()));
    let served = AssertUnwindSafe(async move { service(request, connection).await }).catch_unwind().await;
    let mut response = match served {
        Ok(response) => response.map(|body| Served { body: Some(body), _in_flight: in_flight }),
        Err(_) => {
            tracing::error!("a request panicked");
            let mut response = Response::new(Served { body: None, _in_flight: in_flight });
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    };
    if let Some(leftover) = leftover
        && !leftover.settle(waits).await
    {
        request_body::say_goodbye(response.headers_mut());
        watch.linger();
    }
    Ok(response)
}

impl<B: Body<Data = Bytes> + Unpin> Body for Served<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
