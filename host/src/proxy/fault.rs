//! What goes wrong with a provider, as the error of an exchange: what the client is told, and whether others may be asked.
//!
//! Never tells what the gateway's credential is to a provider, or that a provider refused it: that is the operator's to know.

use crate::chat::ProviderError;
use crate::clock;
use crate::error::{Cause, Error, Party};
use crate::plugin::CallError;
use crate::upstream::{Phase, UpstreamError, UpstreamErrorKind, retry_after};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// A provider said no. Its own faults and its limits may be tried elsewhere; what it says of the request is
/// the client's to mend.
pub fn refused(error: ProviderError, after: Option<Duration>) -> Error {
    let told = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let said = Error::new(Party::Upstream, told, error.code.clone(), error.message.clone());
    if told == StatusCode::FORBIDDEN && Cause::of(&said) == Cause::Refused {
        // Some say in this way that their own filter refused the request: no credential is at fault.
        return Error { status: StatusCode::BAD_REQUEST, ..said };
    }
    let ours_to_hide = matches!(told.as_u16(), 401 | 403);
    let (status, message) = if ours_to_hide {
        // The gateway's credential was refused: the client's key is fine, and theirs is not to be told about.
        (StatusCode::BAD_GATEWAY, "The provider refused the gateway's credential.".to_owned())
    } else {
        (told, error.message)
    };
    let code = if ours_to_hide { "credential_refused".to_owned() } else { error.code };
    let retryable =
        ours_to_hide || told.is_server_error() || matches!(told.as_u16(), 404 | 408 | 409 | 425 | 429);
    Error {
        retryable,
        ..Error::new(Party::Upstream, status, code, message).retry_after(error.retry_after.or(after))
    }
}

/// A provider's answer ended too soon.
pub fn incomplete() -> Error {
    Error::upstream(
        StatusCode::BAD_GATEWAY,
        "upstream_truncated",
        "The provider ended its answer before it was complete.",
    )
}

/// A provider could not be reached, broke off or took too long.
pub fn provider_failed(error: UpstreamError) -> Error {
    let (status, code, message) = match error.kind {
        UpstreamErrorKind::Timeout(Phase::Connect) | UpstreamErrorKind::Connect => {
            (StatusCode::BAD_GATEWAY, "upstream_unreachable", "The provider could not be reached.")
        }
        UpstreamErrorKind::Timeout(_) => {
            (StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", "The provider did not answer in time.")
        }
        _ => (StatusCode::BAD_GATEWAY, "upstream_error", "The connection to the provider failed."),
    };
    Error::upstream(status, code, message).caused_by(error)
}

/// A provider said nothing more for too long.
pub fn fell_silent() -> Error {
    let message = "The provider did not go on with its answer in time.";
    Error::upstream(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message)
}

/// A provider sent what is no answer.
pub fn not_an_answer(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::upstream(
        StatusCode::BAD_GATEWAY,
        "upstream_invalid",
        "The provider sent something that is not an answer in its format.",
    )
    .caused_by(error)
}

/// An adapter failed.
pub fn adapter_failed(error: CallError) -> Error {
    Error::upstream(
        StatusCode::BAD_GATEWAY,
        "adapter_failed",
        "The provider's adapter could not translate this exchange.",
    )
    .caused_by(error)
}

/// A target did not begin to answer in the time that it has.
pub fn too_slow() -> Error {
    let message = "The provider did not answer in time.";
    Error::upstream(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message)
}

/// Whether a provider may charge for what ended with this error: it had begun to answer, or was left while it worked.
pub fn owes(error: &Error) -> bool {
    matches!(&*error.code, "upstream_timeout" | "latency_budget_exceeded" | "upstream_truncated")
}

/// When the provider says it is worth trying again.
pub fn after(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers, clock::now())
}
