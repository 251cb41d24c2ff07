//! What it means for an exchange that a provider says no, or nothing in time.
//!
//! Invariant: a client is not told of the gateway's own credentials.

use crate::chat::ProviderError;
use crate::clock;
use crate::error::{Cause, Error, Party};
use crate::upstream::retry_after;
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// Whether a provider may charge for what ended with this error: it had begun to answer, or was left while it worked.
pub fn owes(error: &Error) -> bool {
    matches!(&*error.code, "upstream_timeout" | "latency_budget_exceeded" | "upstream_truncated")
}

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

/// It did not begin to answer in its time.
pub fn too_slow() -> Error {
    let message = "The provider did not answer in time.";
    Error::upstream(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout", message)
}

/// When the provider says it is worth trying again.
pub fn after(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers, clock::now())
}
