//! The body of a provider's answer, chunk by chunk, under its timeouts.

use super::client::{Phase, UpstreamError, UpstreamErrorKind};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::Instant;

/// A body that arrives. Dropping it ends it at the provider.
#[derive(Debug)]
pub struct UpstreamBody {
    incoming: Incoming,
    idle: Duration,
    deadline: Instant,
}

impl UpstreamBody {
    pub(super) const fn new(incoming: Incoming, idle: Duration, deadline: Instant) -> Self {
        Self { incoming, idle, deadline }
    }

    /// The next chunk; none at the end.
    ///
    /// # Cancel safety
    /// No chunk is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> Option<Result<Bytes, UpstreamError>> {
        loop {
            let idle_until = Instant::now() + self.idle;
            let until = idle_until.min(self.deadline);
            let phase = if idle_until < self.deadline { Phase::Idle } else { Phase::Total };
            let frame = match tokio::time::timeout_at(until, self.incoming.frame()).await {
                Ok(frame) => frame?,
                Err(_) => return Some(Err(UpstreamError::timeout(phase))),
            };
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) if data.is_empty() => {}
                Ok(Ok(data)) => return Some(Ok(data)),
                // Trailers say nothing that anyone asks for.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(UpstreamError::of(UpstreamErrorKind::Broken, error))),
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// It broke off, took too long, or is larger than `max` bytes.
    pub async fn collect(mut self, max: usize) -> Result<Bytes, UpstreamError> {
        let mut first: Option<Bytes> = None;
        let mut all = BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            let sum = all.len() + first.as_ref().map_or(0, Bytes::len) + chunk.len();
            if sum > max {
                return Err(UpstreamError::plain(UpstreamErrorKind::TooLarge));
            }
            match first.take() {
                None if all.is_empty() => first = Some(chunk),
                None => all.extend_from_slice(&chunk),
                Some(earlier) => {
                    all.extend_from_slice(&earlier);
                    all.extend_from_slice(&chunk);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.freeze()))
    }
}
