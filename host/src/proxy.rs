//! The life of an exchange, step by step:
//! authenticate → parse → find the route → `pre-request` chain → (kept answer?) → `routing` → attempt loop →
//! `post-response` → `text-filter` chain → the client's format → settle.
//!
//! Every step is one call whose name is the step's. An exchange finishes on the configuration it started on.
//! Never holds a plugin's instance while it waits, and never marks half an answer as complete.

mod answer;
mod approval;
mod attempt;
mod bill;
mod count;
mod detour;
mod estimate;
mod inbound;
mod life;
mod outbound;
mod quota;
mod relay;
mod replay;
mod source;
mod stream;

pub use answer::{error_response, full, json_response};
pub use approval::{Approvals, LONGEST_SECONDS as LONGEST_APPROVAL_SECONDS};
pub use count::count_tokens;
pub use estimate::estimate;
pub use inbound::{Inbound, authenticate, request_id};
pub use life::{Cache, Life, log_error};

use crate::auth::Authenticator;
use crate::chat::{Answer, Event, TextAt, channel};
use crate::error::{Error, Party};
use crate::exchange::Exchange;
use crate::ledger::Ledger;
use crate::limit::Limits;
use crate::pipeline::chain::{Admission, Judgement};
use crate::price::{Currency, Prices};
use crate::route::{Route, Routes};
use crate::server::BoxError;
use crate::store::answers::Answers;
use crate::store::quarantine::Quarantine;
use crate::telemetry::Metrics;
use crate::tokens::Estimates;
use crate::upstream::UpstreamResponse;
use attempt::Opened;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use source::Source;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// How often a plugin may send an exchange to another route.
const MAX_REROUTES: u32 = 3;

/// One running configuration: everything an exchange needs.
pub struct Gateway {
    /// Who may come in.
    pub auth: Authenticator,
    /// The tenants' routes.
    pub tenants: HashMap<Arc<str>, Routes>,
    /// What tokens cost.
    pub prices: Arc<Prices>,
    /// How much everyone may take.
    pub limits: Limits,
    /// What costs are said in beside dollars.
    pub currency: Option<Currency>,
    /// How many tokens texts are.
    pub tokens: Arc<Estimates>,
    /// What somebody must approve of first.
    pub approvals: Option<Approvals>,
    /// Whether a target whose price is unknown is refused.
    pub reject_unpriced: bool,
    /// Answers kept for later.
    pub answers: Arc<Answers>,
    /// Requests kept for review.
    pub quarantine: Arc<Quarantine>,
    /// The record of everything.
    pub ledger: Arc<Ledger>,
    /// The operator's figures.
    pub metrics: Arc<Metrics>,
    /// Bytes of a request's body.
    pub max_request_bytes: usize,
    /// Bytes of a provider's whole answer.
    pub max_answer_bytes: usize,
    /// Time for a client to send its body.
    pub body_timeout: Duration,
    /// Time for a whole exchange.
    pub total_timeout: Duration,
}

/// Serves one request for a completion or for embeddings.
///
/// # Errors
/// What the client is to be told in its format, when the request was not admitted at all.
pub async fn serve(gateway: &Arc<Gateway>, inbound: Inbound) -> Result<Response<Body>, Error> {
    let started = inbound.accepted;
    let principal = authenticate(gateway, inbound.request.headers(), &inbound.id)?;
    let routes =
        gateway.tenants.get(&principal.tenant).ok_or_else(|| Error::internal("The tenant has no routes."))?;
    gateway.ledger.room().await;
    let (request, mut prompt) = inbound.parse(gateway).await?;
    let route = find_route(routes, prompt.model())?;
    if route.chain.reads_requests() {
        inbound::settle(&mut prompt).await?;
    }
    let deadline = started + gateway.total_timeout;
    let exchange = Arc::new(Exchange::new(request.id.clone(), principal.tenant.clone(), prompt, deadline));
    request.describe(&exchange, &principal);
    let mut life = Life::new(gateway.clone(), request.format, exchange, principal, route, started);
    life.approval = request.approval;
    let served = tokio::time::timeout_at(deadline.into(), serve_admitted(&mut life, routes)).await;
    let error = match served {
        Ok(Ok(delivery)) => return Ok(delivery.into_response(life)),
        Ok(Err(error)) => error,
        Err(_) => Error::new(
            Party::Internal,
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "The request took longer than the gateway's total timeout.",
        ),
    };
    life.ended(error.status.as_u16(), error.party.name());
    let error = life.explain(error);
    let mut response = error_response(life.format, &error, life.exchange.id());
    life.describe(response.headers_mut(), true);
    Ok(response)
}

/// What goes to the client.
enum Delivery {
    Whole { answer: answer::Rendered },
    Stream { source: Box<Source>, native: bool },
    Relay(Box<UpstreamResponse>),
}

impl Delivery {
    fn into_response(self, life: Life) -> Response<Body> {
        match self {
            Self::Whole { answer } => answer.into_response(life),
            Self::Stream { source, native } => stream::into_response(life, *source, native),
            Self::Relay(answered) => relay::into_response(life, *answered),
        }
    }
}

async fn serve_admitted(life: &mut Life, routes: &Routes) -> Result<Delivery, Error> {
    let approved = approval::check(life)?;
    quota::enter(life).await?;
    approval::spend(life, approved).await?;
    let kept = match admit(life, routes).await? {
        Admission::Answer(text) => Some(spoken(&text)),
        Admission::Replay(id) => {
            let kept = life.gateway.answers.get(life.exchange.tenant(), &id);
            life.cache = if kept.is_some() { Cache::Hit } else { Cache::Miss };
            life.cache_id = kept.is_some().then_some(id);
            kept.map(|kept| kept.events.clone())
        }
        _ => None,
    };
    let streaming = life.exchange.prompt().streaming();
    if let Some(events) = kept {
        if streaming {
            let source = Source::ready(replay::in_pieces(events));
            return Ok(Delivery::Stream { source: Box::new(source), native: false });
        }
        let answer = events.into_iter().collect();
        return answer::filter(life, answer, None).await.map(|answer| Delivery::Whole { answer });
    }
    life.keeps = life.exchange.take_keeps();
    if let Some(mark) = life.keeps.first() {
        life.cache = Cache::Miss;
        life.cache_id = Some(mark.id.clone());
    }
    let order = quota::allowed(life, attempt::rank(life).await?)?;
    ask(life, order, streaming).await
}

/// Asks providers until an answer is accepted.
async fn ask(life: &mut Life, mut order: Vec<usize>, streaming: bool) -> Result<Delivery, Error> {
    let route = life.route.clone();
    let speaks = life.exchange.prompt().operation().speaks();
    let gather =
        speaks && route.chain.judges() && (!streaming || route.chain.gathers(life.exchange.gathers()));
    loop {
        let (answer, native) = match attempt::open(life, &order).await? {
            Opened::Stream { source, native } if streaming && !gather => {
                return Ok(Delivery::Stream { source, native });
            }
            Opened::Stream { mut source, .. } => {
                let answer = answer::gather(&mut source).await;
                life.waited += source.waited;
                life.produced_bytes = source.produced;
                match answer {
                    Ok(answer) => (answer, None),
                    // Nothing has reached the client yet: what breaks off here fails over like any other.
                    Err(error) if error.retryable && life.attempts < route.attempts => {
                        put_off(&mut order, life.target);
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            Opened::Whole { answer, native } => (answer, native),
            Opened::Document { body, media, usage } => {
                life.usage = usage;
                let answer = answer::document(life, body, media).await?;
                return Ok(Delivery::Whole { answer });
            }
            Opened::Relayed(answered) => return relay::admit(life, answered).map(Delivery::Relay),
        };
        life.usage = answer.usage;
        life.produced_bytes = answer.texts().iter().map(|text| text.text.len() as u64).sum();
        let Some((answer, replaced)) = judge(life, answer, gather).await? else {
            // Whoever answered is asked again first: those before it have failed already.
            put_first(&mut order, life.target);
            continue;
        };
        if streaming {
            return Ok(Delivery::Stream { source: Box::new(Source::ready(answer.events())), native: false });
        }
        let native = native.filter(|_| !replaced);
        return answer::filter(life, answer, native).await.map(|answer| Delivery::Whole { answer });
    }
}

/// Moves a target to the front.
fn put_first(order: &mut Vec<usize>, target: Option<usize>) {
    if let Some(target) = target {
        order.retain(|place| *place != target);
        order.insert(0, target);
    }
}

/// Moves a target to the end.
fn put_off(order: &mut Vec<usize>, target: Option<usize>) {
    if let Some(target) = target {
        order.retain(|place| *place != target);
        order.push(target);
    }
}

/// Runs `post-response`: the accepted answer and whether a text of it was replaced, or none when it is to be
/// asked for again.
async fn judge(life: &mut Life, mut answer: Answer, gathered: bool) -> Result<Option<(Answer, bool)>, Error> {
    let route = life.route.clone();
    if !gathered {
        return Ok(Some((answer, false)));
    }
    let summary = answer::summary(life, &answer, true);
    match route.chain.judge(&life.exchange, answer.texts(), &summary, true).await? {
        Judgement::Accept(texts) => {
            let replaced = !texts.is_empty();
            for part in texts {
                answer.set_text(&part.at, part.text);
            }
            Ok(Some((answer, replaced)))
        }
        Judgement::Retry(_) if life.attempts >= route.attempts => Err(Error::new(
            Party::Plugin,
            StatusCode::BAD_GATEWAY,
            "output_invalid",
            "The model's answer was not acceptable, and no further attempt is allowed.",
        )),
        Judgement::Retry(note) => {
            // The judge saw the provider's own text, so what goes back to the provider is what came from it.
            let said = answer.choices.first().and_then(|choice| choice.channel(channel::CONTENT));
            let asked = life.exchange.change_prompt(|prompt| {
                if let Some(said) = said.filter(|said| !said.is_empty()) {
                    prompt.append("assistant", &said)?;
                }
                prompt.append("user", &note)
            });
            asked.map_err(|error| {
                Error::internal("The answer could not be asked for again.").caused_by(error)
            })?;
            Ok(None)
        }
    }
}

/// Runs `pre-request` on the route, and on the one it is sent to. A reroute starts over with the request as
/// the client sent it: what one route's chain changed is undone only by that chain's own answer hooks.
async fn admit(life: &mut Life, routes: &Routes) -> Result<Admission, Error> {
    let original = life.asked.clone();
    for _ in 0..=MAX_REROUTES {
        let route = life.route.clone();
        life.exchange.set_attr("route.name", route.name.to_string());
        check_modalities(life, &route)?;
        match route.chain.admit(&life.exchange).await? {
            Admission::Reroute(name) => {
                life.exchange.restore_prompt(original.clone());
                drop(life.exchange.take_keeps());
                life.route = routes.resolve(&name).cloned().ok_or_else(|| {
                    Error::internal("A plugin sent the request to a route that the tenant does not have.")
                })?;
            }
            Admission::Quarantine(rejection) => {
                life.gateway.quarantine.put(
                    life.exchange.id(),
                    life.exchange.tenant(),
                    original.body(),
                    &rejection.code,
                );
                return Err(crate::pipeline::chain::rejection_error(rejection));
            }
            admission => {
                check_model(life, routes, original.model())?;
                return Ok(admission);
            }
        }
    }
    Err(Error::internal("Plugins sent the request from route to route without end."))
}

/// A plugin may ask for another model within the route; what leads elsewhere is a reroute's to say.
fn check_model(life: &Life, routes: &Routes, asked: &str) -> Result<(), Error> {
    let prompt = life.exchange.prompt();
    let stays = || routes.resolve(prompt.model()).is_some_and(|route| Arc::ptr_eq(route, &life.route));
    if prompt.model() == asked || stays() {
        return Ok(());
    }
    Err(Error::internal("A plugin asked for a model that the route does not serve."))
}

fn check_modalities(life: &Life, route: &Route) -> Result<(), Error> {
    let refused =
        life.exchange.prompt().modalities().into_iter().find(|kind| !route.modalities.contains(kind));
    match refused {
        None => Ok(()),
        Some(kind) => Err(Error::bad_request(
            "unsupported_modality",
            format!("The route '{}' does not admit input of the kind '{}'.", route.name, kind.name()),
        )),
    }
}

fn find_route(routes: &Routes, model: &str) -> Result<Arc<Route>, Error> {
    routes.resolve(model).cloned().ok_or_else(|| unknown_model(model))
}

/// One answer for what is unknown and what is not allowed: no oracle.
#[must_use]
pub fn unknown_model(model: &str) -> Error {
    let message = format!("The model '{}' does not exist or you do not have access to it.", printable(model));
    Error::new(Party::Client, StatusCode::NOT_FOUND, "model_not_found", message).param("model")
}

/// A client's word, safe to say back.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The events of an answer that a plugin gave itself.
fn spoken(text: &str) -> Vec<Event> {
    vec![
        Event::Text { at: TextAt::new(0, 0, channel::CONTENT), text: text.to_owned() },
        Event::Finish { choice: 0, reason: "stop".into() },
    ]
}

/// How long an exchange still has, for those who wait on its behalf.
#[must_use]
pub fn remaining(exchange: &Exchange) -> Duration {
    exchange.deadline().saturating_duration_since(Instant::now())
}
