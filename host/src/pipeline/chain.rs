//! The ordered bindings of a route, per hook, and what their decisions and failures mean.
//!
//! Request hooks run in the order of the chain, answer hooks in the reverse: the first gate in is the last
//! gate out, so what masks early restores last, and everything between sees masked text only.

use super::admission::{self, Admission, Step};
use super::coverage::{Guarding, Streams};
use super::gate::{Gate, failed, open_or_closed, rejected};
use super::stream::{self, Edit, Guard, Hold, OnError, Stop};
use crate::chat::{TextAt, TextPart};
use crate::error::{Error, Party};
use crate::exchange::Exchange;
use crate::plugin::{CallError, Hook, Outcome, Rejection, Verdict};
use http::StatusCode;
use std::sync::Arc;

/// The bindings of a route in order.
#[derive(Clone, Default)]
pub struct Chain {
    requests: Arc<[Step]>,
    filters: Vec<Gate>,
    judges: Vec<Gate>,
    observers: Vec<Gate>,
    all: Vec<Gate>,
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
            requests: with(Hook::PreRequest).map(Step::new).collect(),
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
        admission::admit(&self.requests, x).await
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
