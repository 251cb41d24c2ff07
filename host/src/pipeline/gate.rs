//! A binding in its place in a chain, and what its failure or its no means to the client.
//!
//! A plugin's failure becomes an [`Error`] here (`on_error: reject`) or is passed over (`skip`), and nowhere else.

use super::coverage::Streams;
use super::stream::{Hold, OnError};
use crate::error::{Error, Party};
use crate::exchange::Exchange;
use crate::plugin::{Binding, CallError, CallErrorKind, Hook, Rejection};
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

/// One binding in its place, with what the operator chose for it.
#[derive(Clone)]
pub struct Gate {
    /// The binding.
    pub binding: Arc<Binding>,
    /// What its failure means.
    pub on_error: OnError,
    /// How much it may hold back of a stream.
    pub hold: Hold,
    /// How its `post-response` deals with streams.
    pub streams: Option<Streams>,
    /// The exceptions to its coverage that the operator wrote down.
    pub uncovered: Vec<String>,
    /// The hooks that the operator wants of it; none for all.
    pub hooks: Option<Vec<Hook>>,
}

impl Gate {
    /// Whether it acts there: the component can, and the operator wants it to.
    #[must_use]
    pub fn acts(&self, hook: Hook) -> bool {
        self.binding.has(hook) && self.hooks.as_ref().is_none_or(|wanted| wanted.contains(&hook))
    }

    /// Whether it has anything to do with the answer of an exchange.
    pub(super) fn faces_answer(&self, x: &Exchange) -> bool {
        !x.passes_answer(self.binding.id())
    }
}

/// Makes a failure of a gate the end of the exchange, or passes over it.
///
/// # Errors
/// When the gate fails closed.
pub fn open_or_closed(gate: &Gate, failure: CallError) -> Result<(), Error> {
    match gate.on_error {
        OnError::Reject => Err(failed(gate, failure)),
        OnError::Skip => {
            tracing::warn!(binding = gate.binding.name(), error = %failure, "plugin failed and was skipped");
            Ok(())
        }
    }
}

/// What the client is told when a gate decided no.
pub(super) fn rejected(gate: &Gate, rejection: Rejection) -> Error {
    tracing::info!(binding = gate.binding.name(), code = rejection.code, "plugin rejected");
    rejection_error(rejection)
}

/// What the client is told when a plugin decided no.
#[must_use]
pub fn rejection_error(rejection: Rejection) -> Error {
    let status = StatusCode::from_u16(rejection.status)
        .ok()
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::FORBIDDEN);
    Error::new(Party::Plugin, status, rejection.code, rejection.message).retry_after(rejection.retry_after)
}

/// A plugin failed, and fails closed.
pub(super) fn failed(gate: &Gate, failure: CallError) -> Error {
    let name = gate.binding.name();
    let error = if failure.kind == CallErrorKind::Overloaded {
        Error::new(
            Party::Plugin,
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            format!("The policy '{name}' is overloaded; try again."),
        )
        .retry_after(Some(Duration::from_secs(1)))
    } else {
        Error::new(
            Party::Plugin,
            StatusCode::SERVICE_UNAVAILABLE,
            "policy_unavailable",
            format!("The policy '{name}' could not be applied, so the request was not served."),
        )
    };
    error.caused_by(failure)
}
