//! Answers that nobody reads on their way: sound as it is spoken, events of an image or a transcript as they come.
//!
//! Invariants: what breaks off on its way ends with the connection, never with the mark of an end; a client that goes
//! away cancels the provider's request; no route whose answers are filtered relays what a filter should have read.

use super::Body;
use super::fault::provider_failed;
use super::life::Life;
use crate::error::{Error, Party};
use crate::server::BoxError;
use crate::upstream::{UpstreamBody, UpstreamResponse};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::Instant;

/// Lets an answer through, unless it says in words what the route's filters should have read.
///
/// # Errors
/// It does.
pub fn admit(life: &Life, answered: Box<UpstreamResponse>) -> Result<Box<UpstreamResponse>, Error> {
    let words = life.exchange.prompt().operation().listens();
    if words && !life.route.chain.guard(&life.exchange).is_empty() {
        let message =
            "This route filters answers, and cannot filter a transcript that is streamed: ask for it whole.";
        return Err(Error::bad_request("unsupported_stream", message).param("stream"));
    }
    Ok(answered)
}

/// Starts the relay and gives the answer's head.
pub fn into_response(mut life: Life, answered: UpstreamResponse) -> Response<Body> {
    life.first_byte = Some(Instant::now());
    let media = media(&answered.headers);
    let mut head = HeaderMap::new();
    life.describe(&mut head, false);
    let relay = Relay { life, body: answered.body };
    let frames = stream::unfold(Some(relay), |relay| async { relay?.next().await });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    *response.headers_mut() = head;
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    response
}

/// The answer's media type. Nothing that a browser would run comes from a provider.
fn media(headers: &HeaderMap) -> HeaderValue {
    let told = headers.get(header::CONTENT_TYPE);
    let harmless = |kind: &&HeaderValue| {
        let kind = kind.as_bytes();
        [&b"audio/"[..], b"text/event-stream", b"application/json", b"application/octet-stream"]
            .iter()
            .any(|known| kind.starts_with(known))
    };
    let unknown = HeaderValue::from_static("application/octet-stream");
    told.filter(harmless).cloned().unwrap_or(unknown)
}

fn too_long() -> Error {
    let message = "The answer took longer than the gateway's total timeout.";
    Error::new(Party::Internal, StatusCode::GATEWAY_TIMEOUT, "timeout", message)
}

struct Relay {
    life: Life,
    body: UpstreamBody,
}

type Next = (Result<Frame<Bytes>, BoxError>, Option<Relay>);

impl Relay {
    async fn next(mut self) -> Option<Next> {
        let deadline = self.life.exchange.deadline();
        let next = tokio::time::timeout_at(deadline, self.body.next()).await;
        let next = match next {
            Ok(next) => next.map(|piece| piece.map_err(provider_failed)),
            Err(_) => Some(Err(too_long())),
        };
        match next {
            Some(Ok(bytes)) => Some((Ok(Frame::data(bytes)), Some(self))),
            Some(Err(error)) => {
                let error = self.life.explain(error);
                self.life.ended(error.status.as_u16(), error.party.name());
                Some((Err(error.message.into()), None))
            }
            None => {
                self.life.ended(StatusCode::OK.as_u16(), "answered");
                None
            }
        }
    }
}
