//! Connections to one provider: where it is, how it is reached, and how long it may take.
//!
//! An [`Upstream`] is made once per provider and shared. It keeps its own pool: unlike a general client it
//! must tell connecting from waiting for the first byte, know whether a connection was used before, and
//! need no task per answer.
//!
//! Invariants: requests go to the configured authority and below the configured path, whatever path is
//! asked for; dropping a request, an answer or its body cancels it at the provider; every wait is bounded;
//! hop-by-hop headers pass in neither direction. Never logs or prints a header's value, a query or a body.

mod body;
mod clock;
mod connect;
mod error;
mod headers;
mod pool;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod url;

pub use body::{UpstreamBody, UpstreamResponse};
pub use error::{Phase, UpstreamError, UpstreamErrorKind};
pub use settings::{Http2, UpstreamSettings};
pub use tls::UpstreamTlsError;
pub use url::{BaseUrl, UrlError};

use bytes::Bytes;
use clock::Clock;
use connect::Connector;
use headers::Prepared;
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use pool::{Lease, Leased, Pool};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A connection that its peer closed while it was idle fails within a round trip. One that fails later was
/// working on the request, which must then not be repeated unasked.
const STALE_WINDOW: Duration = Duration::from_secs(1);

/// A provider's end.
#[derive(Clone)]
pub struct Upstream {
    base: BaseUrl,
    settings: Arc<UpstreamSettings>,
    pool: Arc<Pool>,
}

/// Why an upstream cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamSetupError {
    /// The base URL is not one.
    #[error("`base_url` is not usable")]
    Url(#[from] UrlError),
    /// TLS cannot be set up.
    #[error("TLS is not usable")]
    Tls(#[from] UpstreamTlsError),
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Upstream {
    /// An upstream by its settings. Reads the files they name; connects to nothing yet.
    ///
    /// # Errors
    /// The base URL or the files are not usable.
    pub fn new(settings: UpstreamSettings) -> Result<Self, UpstreamSetupError> {
        let base = BaseUrl::parse(&settings.base_url)?;
        let connector = Connector::new(&base, &settings)?;
        let pool = Arc::new(Pool::new(connector, &settings));
        Ok(Self { base, settings: Arc::new(settings), pool })
    }

    /// The URL of a path below the base URL. `path` starts with a slash and may carry a query.
    ///
    /// # Errors
    /// It is not a path, or it climbs out of the base URL.
    pub fn url(&self, path: &str) -> Result<Uri, UrlError> {
        self.base.join(path)
    }

    /// Sends a request and waits for the head of its answer. The URI is one that [`Upstream::url`] gave, or
    /// a path and query that is joined to the base URL the same way.
    ///
    /// A pooled connection may turn out to be closed just as it is used. The request is then sent again, once,
    /// on a new connection, provided that not a byte of an answer came and that it failed at once.
    ///
    /// # Errors
    /// As [`UpstreamErrorKind`] says; an answer with any status is an answer.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the request.
    pub async fn send(&self, request: Request<Bytes>) -> Result<UpstreamResponse, UpstreamError> {
        let request = Prepared::new(request, &self.base)?;
        let mut clock = Clock::new(self.settings.total_timeout());
        let (connect_timeout, first_byte_timeout) =
            (self.settings.connect_timeout(), self.settings.first_byte_timeout());
        let mut again = false;
        loop {
            let connecting =
                async { if again { Box::pin(self.pool.open()).await } else { self.pool.lease().await } };
            let mut lease = clock
                .wait(Phase::Connect, connect_timeout, connecting)
                .await
                .map_err(|phase| UpstreamError::timeout(phase, false))??;
            let sent = Instant::now();
            let answered = clock
                .wait(Phase::FirstByte, first_byte_timeout, lease.send(&request))
                .await
                .map_err(|phase| UpstreamError::timeout(phase, false))?;
            let error = match answered {
                Ok(response) => {
                    let lease = (lease.sender, self.pool.clone());
                    return Ok(UpstreamResponse::new(response, lease, clock, &self.settings));
                }
                Err(error) => error,
            };
            let stale = lease.reused && error.retryable && sent.elapsed() < STALE_WINDOW;
            if again || !stale {
                return Err(error);
            }
            tracing::debug!(error = %error, "a pooled connection was closed; trying a new one");
            again = true;
        }
    }
}

impl Lease {
    async fn send(&mut self, request: &Prepared) -> Result<Response<Incoming>, UpstreamError> {
        let answered = match &mut self.sender {
            Leased::Http1(sender) => sender.send_request(request.http1()).await,
            Leased::Http2 { sender, .. } => sender.send_request(request.http2()).await,
        };
        answered.map_err(|error| UpstreamError::exchange(error, false))
    }
}
