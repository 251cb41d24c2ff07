//! The one error that ends an exchange.
//!
//! It says who is at fault, whether another target may be tried, and what the client may read; its source
//! is for the operator's log alone. The message never holds private text, a credential, or a plugin's
//! internal words. Rendering it in the client's format is the formats' business.

mod cause;

pub use cause::Cause;

use http::StatusCode;
use std::borrow::Cow;
use std::time::Duration;

/// Who caused an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Party {
    /// The client's request is at fault.
    Client,
    /// The provider failed or refused.
    Upstream,
    /// A plugin decided no, or failed.
    Plugin,
    /// The gateway itself.
    Internal,
}

impl Party {
    /// The name used in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Plugin => "plugin",
            Self::Internal => "internal",
        }
    }
}

/// Why an exchange ends without a (whole) answer.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Who caused it.
    pub party: Party,
    /// The status the client gets, when the headers are not gone yet.
    pub status: StatusCode,
    /// A stable machine-readable code.
    pub code: Cow<'static, str>,
    /// What the client reads.
    pub message: String,
    /// The request's field at fault.
    pub param: Option<String>,
    /// Whether another attempt, or another target, may succeed.
    pub retryable: bool,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
    /// What the operator reads in the log.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a party.
    pub fn new(
        party: Party,
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            party,
            status,
            code: code.into(),
            message: message.into(),
            param: None,
            retryable: false,
            retry_after: None,
            source: None,
        }
    }

    /// The client sent what cannot be served: 400.
    pub fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Party::Client, StatusCode::BAD_REQUEST, code, message)
    }

    /// The gateway failed: 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Party::Internal, StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
    }

    /// A provider failed in a way that another may not.
    pub fn upstream(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { retryable: true, ..Self::new(Party::Upstream, status, code, message) }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Says when it is worth trying again.
    #[must_use]
    pub fn retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry_after = after;
        self
    }

    /// Adds what the operator reads.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error and its causes in one line, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.message.clone();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}
