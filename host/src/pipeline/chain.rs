//! The ordered bindings of a route, per hook, and what their decisions and failures mean.
//!
//! Request hooks run in the order of the chain, answer hooks in the reverse: the first gate in is the last
//! gate out, so what masks early restores last, and everything between sees masked text only. A plugin's
//! failure becomes an [`Error`] here (`on_error: reject`) or is passed over (`skip`), and nowhere else.

use super::coverage::{Guarding, Streams};
use super::stream::{self, Edit, Guard, Hold, OnError, Stop};
use crate::chat::{TextAt, TextPart};
use crate::error::{Error, Party};
use crate::exchange::Exchange;
use crate::plugin::{Binding, CallError, CallErrorKind, Decision, Hook, Outcome, Rejection, Verdict};
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
    fn faces_answer(&self, x: &Exchange) -> bool {
        !x.passes_answer(self.binding.id())
    }
}

/// The bindings of a route in order.
#[derive(Clone, Default)]
pub struct Chain {
    requests: Vec<Gate>,
    filters: Vec<Gate>,
    judges: Vec<Gate>,
    observers: Vec<Gate>,
    all: Vec<Gate>,
}

/// What `pre-request` made of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// Ask a provider.
    Forward,
    /// Answer with this text.
    Answer(String),
    /// Answer with this kept answer.
    Replay(String),
    /// Start over on this route.
    Reroute(String),
    /// Keep the request for review, and tell the client.
    Quarantine(Rejection),
}

/// What `post-response` made of an answer.
#[derive(Debug)]
pub enum Judgement {
    /// It may go out, perhaps with texts replaced.
    Accept(Vec<TextPart>),
    /// Ask again with this note.
    Retry(String),
}

impl Chain {
    /// A chain of gates.
    #[must_use]
    pub fn new(gates: Vec<Gate>) -> Self {
        let with = |hook| gates.iter().filter(move |gate| gate.acts(hook)).cloned();
        Self {
            requests: with(Hook::PreRequest).collect(),
            filters: with(Hook::TextFilter).collect::<Vec<_>>().into_iter().rev().collect(),
            judges: with(Hook::PostResponse).collect::<Vec<_>>().into_iter().rev().collect(),
            observers: with(Hook::Observer).collect(),
            all: gates,
        }
    }

    /// What coverage needs to know of it.
    pub fn guarding(&self) -> impl Iterator<Item = Guarding<'_>> {
        self.all.iter().map(|gate| Guarding {
            name: gate.binding.name(),
            fails_closed: gate.on_error == OnError::Reject,
            pre_request: gate.acts(Hook::PreRequest),
            text_filter: gate.acts(Hook::TextFilter),
            post_response: gate.acts(Hook::PostResponse),
            streams: gate.streams,
            uncovered: &gate.uncovered,
        })
    }

    /// Whether anything reads requests.
    #[must_use]
    pub fn reads_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// Whether anything judges the complete answer of an exchange.
    #[must_use]
    pub fn judges(&self, x: &Exchange) -> bool {
        self.judges.iter().any(|gate| gate.faces_answer(x))
    }

    /// Whether the answer of an exchange must be gathered before it is released, where it is streamed.
    #[must_use]
    pub fn gathers(&self, x: &Exchange) -> bool {
        let gathers = |gate: &Gate| match gate.streams {
            Some(Streams::Gather) => true,
            Some(Streams::OnDemand) | None => x.gathers(),
            Some(Streams::Observe) => false,
        };
        self.judges.iter().any(|gate| gathers(gate) && gate.faces_answer(x))
    }

    /// The bindings that observe.
    pub fn observers(&self) -> impl Iterator<Item = &Gate> {
        self.observers.iter()
    }

    /// Runs `pre-request`.
    ///
    /// # Errors
    /// A rejection, or a failure of a gate that fails closed.
    pub async fn admit(&self, x: &Arc<Exchange>) -> Result<Admission, Error> {
        for gate in &self.requests {
            let before = x.prompt();
            // What it said of another request, before a reroute, is over.
            x.face_answer(gate.binding.id());
            match gate.binding.on_request(x).await {
                Ok(Decision::Next) => {}
                Ok(Decision::Reject(rejection)) => return Err(rejected(gate, rejection)),
                Ok(Decision::Answer(text)) => return Ok(Admission::Answer(text)),
                Ok(Decision::Replay(id)) => return Ok(Admission::Replay(id)),
                Ok(Decision::Reroute(route)) => return Ok(Admission::Reroute(route)),
                Ok(Decision::Quarantine(rejection)) => return Ok(Admission::Quarantine(rejection)),
                Err(failure) => {
                    x.restore_prompt(before);
                    x.face_answer(gate.binding.id());
                    open_or_closed(gate, failure)?;
                }
            }
        }
        Ok(Admission::Forward)
    }

    /// The text filters over one answer: those that have anything to do with it.
    #[must_use]
    pub fn guard(&self, x: &Arc<Exchange>) -> Guard<GateFilter> {
        let filters = self.filters.iter().filter(|gate| gate.faces_answer(x));
        let filters = filters.map(|gate| GateFilter { gate: gate.clone(), exchange: x.clone() });
        Guard::new(filters.collect())
    }

    /// Runs `post-response` over a complete answer. `reaches_client`: whether retry, replace and reject still do.
    ///
    /// # Errors
    /// A rejection, or a failure of a gate that fails closed.
    pub async fn judge(
        &self,
        x: &Arc<Exchange>,
        mut texts: Vec<TextPart>,
        summary: &[(String, String)],
        reaches_client: bool,
    ) -> Result<Judgement, Error> {
        let mut replaced = Vec::new();
        for gate in self.judges.iter().filter(|gate| gate.faces_answer(x)) {
            match gate.binding.on_response(x, &texts, summary).await {
                Ok(Outcome::Accept) => {}
                _ if !reaches_client => {}
                Ok(Outcome::Reject(rejection)) => return Err(rejected(gate, rejection)),
                Ok(Outcome::Retry(note)) => return Ok(Judgement::Retry(note)),
                Ok(Outcome::Replace(parts)) => {
                    for part in parts {
                        if let Some(text) = texts.iter_mut().find(|text| text.at == part.at) {
                            text.text.clone_from(&part.text);
                            replaced.push(part);
                        }
                    }
                }
                Err(failure) => open_or_closed(gate, failure)?,
            }
        }
        Ok(Judgement::Accept(replaced))
    }
}

/// What the client is told when a guard ended an answer.
#[must_use]
pub fn stopped(guard: &Guard<GateFilter>, stop: Stop<Rejection, CallError>) -> Error {
    let gate = |index: usize| guard.filter(index).map(|filter| &filter.gate);
    match stop {
        Stop::Rejected { filter, rejection } => match gate(filter) {
            Some(gate) => rejected(gate, rejection),
            None => Error::internal("a filter that is not there said no"),
        },
        Stop::Failed { filter, failure } => match gate(filter) {
            Some(gate) => failed(gate, failure),
            None => Error::internal("a filter that is not there failed"),
        },
        Stop::HeldTooMuch { filter } => {
            let name = gate(filter).map_or("?", |gate| gate.binding.name());
            Error::new(
                Party::Plugin,
                StatusCode::BAD_GATEWAY,
                "policy_hold_exceeded",
                format!("The policy '{name}' held back more of the answer than it may."),
            )
        }
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

fn rejected(gate: &Gate, rejection: Rejection) -> Error {
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
fn failed(gate: &Gate, failure: CallError) -> Error {
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

/// A gate's text filter over one exchange.
pub struct GateFilter {
    gate: Gate,
    exchange: Arc<Exchange>,
}

impl stream::Filter for GateFilter {
    type Rejection = Rejection;
    type Failure = CallError;

    async fn inspect(
        &self,
        at: &TextAt,
        text: &str,
        fresh: usize,
        last: bool,
    ) -> Result<stream::Verdict<Rejection>, CallError> {
        let verdict = self.gate.binding.inspect(&self.exchange, at, text, fresh, last).await?;
        Ok(match verdict {
            Verdict::Pass { safe, edits } => stream::Verdict::Pass {
                safe,
                edits: edits.into_iter().map(|e| Edit { start: e.start, end: e.end, to: e.to }).collect(),
            },
            Verdict::Stop(rejection) => stream::Verdict::Stop(rejection),
        })
    }

    fn hold(&self) -> Hold {
        self.gate.hold
    }

    fn on_error(&self) -> OnError {
        self.gate.on_error
    }
}
