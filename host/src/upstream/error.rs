//! Why a provider did not answer. Says what went wrong and whether asking again may help; never holds a
//! header, a query or a body.

use std::error::Error;
use std::fmt;
use std::io;

type BoxError = Box<dyn Error + Send + Sync>;

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Resolving, connecting, shaking hands.
    Connect,
    /// Waiting for the head of the answer.
    FirstByte,
    /// Waiting for more of the answer.
    Idle,
    /// All of it together.
    Total,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamErrorKind {
    /// The host is unknown, or no connection came about.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// It took too long.
    Timeout(Phase),
    /// The connection ended too soon.
    Reset,
    /// What came is not HTTP.
    Protocol,
    /// The answer is larger than allowed.
    TooLarge,
    /// The request cannot be sent to this upstream.
    Request,
}

impl UpstreamErrorKind {
    /// The name used in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout(Phase::Connect) => "timeout_connect",
            Self::Timeout(Phase::FirstByte) => "timeout_first_byte",
            Self::Timeout(Phase::Idle) => "timeout_idle",
            Self::Timeout(Phase::Total) => "timeout_total",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Request => "request",
        }
    }
}

impl fmt::Display for UpstreamErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "the provider could not be connected to",
            Self::Tls => "the TLS handshake with the provider failed",
            Self::Timeout(Phase::Connect) => "connecting to the provider took too long",
            Self::Timeout(Phase::FirstByte) => "the provider's answer did not begin in time",
            Self::Timeout(Phase::Idle) => "the provider fell silent within its answer",
            Self::Timeout(Phase::Total) => "the provider's answer took too long",
            Self::Reset => "the connection to the provider ended too soon",
            Self::Protocol => "what the provider sent is not HTTP",
            Self::TooLarge => "the provider's answer is too large",
            Self::Request => "the request cannot be sent to this provider",
        })
    }
}

/// A provider did not answer, or not to the end.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct UpstreamError {
    /// What went wrong.
    pub kind: UpstreamErrorKind,
    /// Whether the provider was never reached, or not a byte of an answer came: asking again, here or
    /// elsewhere, repeats nothing that was seen.
    pub retryable: bool,
    /// Why.
    #[source]
    pub source: Option<BoxError>,
}

impl UpstreamError {
    pub(super) fn connect(source: impl Into<BoxError>) -> Self {
        Self { kind: UpstreamErrorKind::Connect, retryable: true, source: Some(source.into()) }
    }

    pub(super) fn tls(source: impl Into<BoxError>) -> Self {
        Self { kind: UpstreamErrorKind::Tls, retryable: true, source: Some(source.into()) }
    }

    pub(super) fn request(source: impl Into<BoxError>) -> Self {
        Self { kind: UpstreamErrorKind::Request, retryable: false, source: Some(source.into()) }
    }

    pub(super) fn timeout(phase: Phase, answered: bool) -> Self {
        // Of the total nothing is left to try again with.
        let retryable = !answered && phase != Phase::Total;
        Self { kind: UpstreamErrorKind::Timeout(phase), retryable, source: None }
    }

    pub(super) fn too_large() -> Self {
        Self { kind: UpstreamErrorKind::TooLarge, retryable: false, source: None }
    }

    /// What hyper says of a connection that was in use.
    pub(super) fn exchange(error: hyper::Error, answered: bool) -> Self {
        let kind = kind_of(&error);
        let retryable = !answered && kind == UpstreamErrorKind::Reset;
        Self { kind, retryable, source: Some(error.into()) }
    }
}

fn kind_of(error: &hyper::Error) -> UpstreamErrorKind {
    if error.is_user() {
        return UpstreamErrorKind::Request;
    }
    if error.is_parse() {
        return UpstreamErrorKind::Protocol;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        // hyper tells of a chunk that is no chunk, and rustls of a record that is none, in this way.
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)) {
            return UpstreamErrorKind::Protocol;
        }
        source = cause.source();
    }
    UpstreamErrorKind::Reset
}
