//! The client of one provider.

use super::body::UpstreamBody;
use super::tls::{self, TlsError};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// Idle connections that are kept to one provider.
const MAX_IDLE: usize = 256;
/// How long; shorter than the minute after which most servers close.
const KEEP_IDLE: Duration = Duration::from_secs(45);

/// How a provider is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// Its base URL; paths are appended to it.
    pub base_url: String,
    /// Time to connect, TLS included.
    pub connect: Duration,
    /// Time from then to the head of the answer.
    pub first_byte: Duration,
    /// Time between two chunks.
    pub idle: Duration,
    /// Time for everything.
    pub total: Duration,
    /// PEM certificates to trust instead of the usual ones.
    pub ca_file: Option<PathBuf>,
    /// PEM certificate chain of the gateway.
    pub client_cert: Option<PathBuf>,
    /// PEM key of the gateway.
    pub client_key: Option<PathBuf>,
}

/// What was waited for in vain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A connection.
    Connect,
    /// The head of the answer.
    FirstByte,
    /// The next chunk.
    Idle,
    /// The end.
    Total,
}

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamErrorKind {
    /// No connection could be made.
    Connect,
    /// Something took too long.
    Timeout(Phase),
    /// The connection broke off, or what came was no HTTP.
    Broken,
    /// The body is larger than it may be.
    TooLarge,
}

impl UpstreamErrorKind {
    /// The name used in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout(Phase::Connect) => "timeout_connect",
            Self::Timeout(Phase::FirstByte) => "timeout_first_byte",
            Self::Timeout(Phase::Idle) => "timeout_idle",
            Self::Timeout(Phase::Total) => "timeout_total",
            Self::Broken => "broken",
            Self::TooLarge => "too_large",
        }
    }
}

/// A request to a provider failed.
#[derive(Debug, thiserror::Error)]
#[error("{}", kind.name())]
pub struct UpstreamError {
    /// How.
    pub kind: UpstreamErrorKind,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl UpstreamError {
    pub(super) const fn plain(kind: UpstreamErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(super) const fn timeout(phase: Phase) -> Self {
        Self::plain(UpstreamErrorKind::Timeout(phase))
    }

    pub(super) fn of(
        kind: UpstreamErrorKind,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(source.into()) }
    }
}

/// A provider's answer, its body still on the way.
#[derive(Debug)]
pub struct UpstreamResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: UpstreamBody,
}

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The base URL is none.
    #[error("the base URL is not an http or https URL")]
    Url,
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The client of one provider.
#[derive(Debug)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    settings: UpstreamSettings,
}

impl Upstream {
    /// A client.
    ///
    /// # Errors
    /// The URL or the TLS files are not what they should be.
    pub fn new(settings: UpstreamSettings) -> Result<Self, SetupError> {
        let base = settings.base_url.trim_end_matches('/').to_owned();
        let uri: Uri = base.parse().map_err(|_| SetupError::Url)?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(SetupError::Url);
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.connect));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(&settings)?)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEEP_IDLE)
            .pool_max_idle_per_host(MAX_IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(connector);
        Ok(Self { client, base, settings })
    }

    /// What it was made of.
    #[must_use]
    pub const fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// The URL of a path.
    ///
    /// # Errors
    /// The path is none.
    pub fn url(&self, path: &str) -> Result<Uri, http::uri::InvalidUri> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{}{slash}{path}", self.base).parse()
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// No head came.
    ///
    /// # Cancel safety
    /// Dropping this ends the request at the provider.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<UpstreamResponse, UpstreamError> {
        for name in
            [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE, header::TRAILER]
        {
            request.headers_mut().remove(name);
        }
        let started = Instant::now();
        let deadline = started + self.settings.total;
        let until = deadline.min(started + self.settings.connect + self.settings.first_byte);
        let answered = self.client.request(request.map(Full::new));
        let response = match tokio::time::timeout_at(until, answered).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() => {
                return Err(UpstreamError::of(UpstreamErrorKind::Connect, error));
            }
            Ok(Err(error)) => return Err(UpstreamError::of(UpstreamErrorKind::Broken, error)),
            Err(_) if until == deadline => return Err(UpstreamError::timeout(Phase::Total)),
            Err(_) => return Err(UpstreamError::timeout(Phase::FirstByte)),
        };
        let (head, incoming) = response.into_parts();
        let body = UpstreamBody::new(incoming, self.settings.idle, deadline);
        Ok(UpstreamResponse { status: head.status, headers: head.headers, body })
    }
}
