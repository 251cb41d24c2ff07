//! Connections to one provider: where it is, how it is reached, and how long it may take.
//!
//! An [`Upstream`] is made once per provider and shared. It keeps its own pool: unlike a general client it
//! must tell connecting from waiting for the first byte, know whether a connection was used before, and
//! need no task per answer.
//!
//! Invariants: requests go to the configured authority and below the configured path, whatever path is
//! asked for; dropping a request, an answer or its body cancels it at the provider; every wait is bounded;
//! hop-by-hop headers pass in neither direction. Never logs or prints a header's value, a query or a body.

mod after;
mod body;
mod clock;
mod connect;
mod dial;
mod error;
mod headers;
mod http1;
mod payload;
mod pool;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod url;

pub use after::retry_after;
pub use body::{UpstreamBody, UpstreamResponse};
pub use dial::Dial;
pub use error::{Phase, UpstreamError, UpstreamErrorKind};
pub use payload::Payload;
pub use settings::{Http2, Patience, PoolSettings, UpstreamSettings};
pub use tls::UpstreamTlsError;
pub use url::{BaseUrl, UrlError};

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
pub struct Upstream {
    base: BaseUrl,
    settings: UpstreamSettings,
    max_response_bytes: usize,
    pool: Arc<Pool>,
}

/// Why an upstream cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamSetupError {
    /// The base URL is not one.
    #[error("the base URL is not usable: {0}")]
    Url(#[source] UrlError),
    /// TLS cannot be set up.
    #[error(transparent)]
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
        Self::with_pool(settings, &PoolSettings::default())
    }

    /// An upstream whose connections are kept and shared as told.
    ///
    /// # Errors
    /// As for [`Upstream::new`].
    pub fn with_pool(settings: UpstreamSettings, pool: &PoolSettings) -> Result<Self, UpstreamSetupError> {
        let base = BaseUrl::parse(&settings.base_url).map_err(UpstreamSetupError::Url)?;
        let connector = Connector::new(&base, &settings, pool.http2)?;
        let max_response_bytes = pool.max_response_bytes;
        let pool = Arc::new(Pool::new(connector, pool));
        Ok(Self { base, settings, max_response_bytes, pool })
    }

    /// An upstream whose connections somebody else opens, without TLS.
    ///
    /// # Errors
    /// As for [`Upstream::new`].
    pub fn over(settings: UpstreamSettings, dial: Arc<dyn Dial>) -> Result<Self, UpstreamSetupError> {
        let base = BaseUrl::parse(&settings.base_url).map_err(UpstreamSetupError::Url)?;
        let pool = PoolSettings::default();
        let connector = Connector::new(&base, &settings, pool.http2)?.over(dial);
        let max_response_bytes = pool.max_response_bytes;
        Ok(Self { base, settings, max_response_bytes, pool: Arc::new(Pool::new(connector, &pool)) })
    }

    /// What it was made of.
    #[must_use]
    pub const fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// The URL of a path below the base URL, which may carry a query; with nothing, the base URL itself.
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
    pub async fn send(
        &self,
        request: Request<impl Into<Payload>>,
    ) -> Result<UpstreamResponse, UpstreamError> {
        self.send_within(request, &self.settings.patience()).await
    }

    /// [`Upstream::send`], with other timeouts than the settings'.
    ///
    /// # Errors
    /// As for [`Upstream::send`].
    ///
    /// # Cancel safety
    /// Dropping the future cancels the request.
    pub async fn send_within(
        &self,
        request: Request<impl Into<Payload>>,
        patience: &Patience,
    ) -> Result<UpstreamResponse, UpstreamError> {
        let request = Prepared::new(request.map(Into::into), &self.base)?;
        let mut clock = Clock::new(patience.total);
        let mut again = false;
        loop {
            let connecting =
                async { if again { Box::pin(self.pool.open()).await } else { self.pool.lease().await } };
            let mut lease = clock
                .wait(Phase::Connect, patience.connect, connecting)
                .await
                .map_err(|phase| UpstreamError::timeout(phase, false))??;
            let sent = Instant::now();
            let answered = clock
                .wait(Phase::FirstByte, patience.first_byte, lease.send(&request))
                .await
                .map_err(|phase| UpstreamError::timeout(phase, false))?;
            let error = match answered {
                Ok(response) => {
                    let lease = (lease.sender, self.pool.clone());
                    let bounds = (patience.idle, self.max_response_bytes);
                    return Ok(UpstreamResponse::new(response, lease, clock, bounds));
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
            Leased::Http1(connection) => connection.send(request.http1()).await,
            Leased::Http2 { sender, .. } => sender.send_request(request.http2()).await,
        };
        answered.map_err(|error| UpstreamError::exchange(error, false))
    }
}
