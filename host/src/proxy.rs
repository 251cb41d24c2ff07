//! The life of an exchange, step by step:
//! authenticate → parse → find the route → `pre-request` chain → (kept answer?) → `routing` → attempt loop →
//! `post-response` → `text-filter` chain → the client's format → settle.
//!
//! Every step is one call whose name is the step's. An exchange finishes on the configuration it started on.
//! Never holds a plugin's instance while it waits, and never marks half an answer as complete.

mod admission;
mod answer;
mod approval;
mod attempt;
mod booking;
mod candidates;
mod count;
mod course;
mod degrade;
mod detour;
mod estimate;
mod failover;
mod fault;
mod frames;
mod hedge;
mod idempotent;
mod inbound;
mod life;
mod mirror;
mod outbound;
mod outcome;
mod permit;
mod plan;
mod quota;
mod rank;
mod relay;
mod replay;
mod seam;
mod source;
mod stream;
mod told;
mod trial;
mod verdict;

pub use answer::{error_response, full, json_response};
pub use approval::{Approvals, LONGEST_SECONDS as LONGEST_APPROVAL_SECONDS};
pub use count::count_tokens;
pub use estimate::estimate;
pub use inbound::{Inbound, authenticate, is_hidden, request_id, unknown_path};
pub use life::{Cache, Life, log_error};

use crate::auth::admin::Admins;
use crate::auth::{Authenticator, Principal};
use crate::chat::{Event, Prompt, TextAt, channel};
use crate::error::{Error, Party};
use crate::exchange::Exchange;
use crate::ledger::Ledger;
use crate::limit::Limits;
use crate::pipeline::admission::Admission;
use crate::price::{Currency, Prices};
use crate::route::{Route, Routes, canary};
use crate::server::BoxError;
use crate::store::answers::Answers;
use crate::store::feedback::Feedback;
use crate::store::idempotency::Idempotency;
use crate::store::quarantine::Quarantine;
use crate::telemetry::Metrics;
use crate::tokens::Estimates;
use crate::upstream::UpstreamResponse;
use attempt::Opened;
use bytes::Bytes;
use course::Course;
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use inbound::Facts;
use plan::Plan;
use source::Source;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::time::Instant;

/// The body of an answer.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// How often a plugin may send an exchange to another route.
const MAX_REROUTES: u32 = 3;

/// One running configuration: everything an exchange needs.
pub struct Gateway {
    /// Who may come in.
    pub auth: Authenticator,
    /// Who may administer.
    pub admins: Admins,
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
    /// What users say of answers.
    pub feedback: Arc<Feedback>,
    /// Answers to requests that are made once.
    pub idempotency: Arc<Idempotency>,
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

impl Gateway {
    /// How its canaries have been doing.
    pub fn canaries(&self) -> impl Iterator<Item = &canary::State> {
        let routes = self.tenants.values().flat_map(Routes::all);
        routes.filter_map(|route| Some(&*route.policy.as_ref()?.canary.as_ref()?.state))
    }
}

/// Serves one request for a completion or for embeddings.
///
/// # Errors
/// What the client is to be told in its format, when the request was not admitted at all.
pub async fn serve(gateway: &Arc<Gateway>, inbound: Inbound) -> Result<Response<Body>, Error> {
    let started = inbound.accepted;
    let principal = inbound.authenticate(gateway).await?;
    let routes = routes(gateway, &principal)?;
    gateway.ledger.room().await;
    let (request, mut prompt) = inbound.parse(gateway).await?;
    let mut course = Course::default();
    let route = permit::admit(routes, &principal, &mut prompt)?;
    let route = course::direct(routes, route, &principal, &prompt, &mut course)?;
    let name = idempotent::name(&prompt)?;
    if route.chain.reads_requests() || name.is_some() {
        inbound::settle(&mut prompt).await?;
    }
    let admitted = Admitted { facts: request, prompt, principal, route, course, started };
    match name {
        None => serve_once(gateway, admitted, None).await,
        // Boxed: what it adds is not to burden every exchange.
        Some(name) => Box::pin(idempotent::serve(gateway, name, admitted)).await,
    }
}

/// A request that may be served.
struct Admitted {
    facts: Facts,
    prompt: Prompt,
    principal: Principal,
    route: Arc<Route>,
    course: Course,
    started: Instant,
}

/// Serves a request. `keep` becomes whether its answer is to be kept for who asks for the same again.
async fn serve_once(
    gateway: &Arc<Gateway>,
    admitted: Admitted,
    keep: Option<Arc<AtomicBool>>,
) -> Result<Response<Body>, Error> {
    let Admitted { facts: request, prompt, principal, route, course, started } = admitted;
    let routes = routes(gateway, &principal)?;
    let deadline = started + gateway.total_timeout;
    let exchange = Arc::new(Exchange::new(request.id.clone(), principal.tenant.clone(), prompt, deadline));
    request.describe(gateway, &exchange, &principal);
    let mut life = Life::new(gateway.clone(), request.format, exchange, principal, route, started);
    life.keep = keep;
    life.course = course;
    life.approval = request.approval;
    let served = tokio::time::timeout_at(deadline, serve_admitted(&mut life, routes)).await;
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
    let kept = match admission::admit(life, routes).await? {
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
        return deliver(life, events, streaming).await;
    }
    life.keeps = life.exchange.take_keeps();
    if let Some(mark) = life.keeps.first() {
        life.cache = Cache::Miss;
        life.cache_id = Some(mark.id.clone());
    }
    let order = rank::rank(life).await?;
    let order = quota::allowed(life, order)?;
    life.set_plan(Plan::new(order, &life.route));
    mirror::start(life);
    degrade::remember(life);
    match ask(life, streaming).await {
        Ok(delivery) => Ok(delivery),
        // Boxed: rare, and it asks again.
        Err(error) => Box::pin(degrade::degrade(life, error, streaming)).await,
    }
}

/// Events that are there already, on their way to the client.
async fn deliver(life: &mut Life, events: Vec<Event>, streaming: bool) -> Result<Delivery, Error> {
    if streaming {
        let source = Source::ready(replay::in_pieces(events));
        return Ok(Delivery::Stream { source: Box::new(source), native: false });
    }
    let answer = events.into_iter().collect();
    answer::filter(life, answer, None).await.map(|answer| Delivery::Whole { answer })
}

/// Asks providers until an answer is accepted.
async fn ask(life: &mut Life, streaming: bool) -> Result<Delivery, Error> {
    let route = life.route.clone();
    let speaks = life.exchange.prompt().operation().speaks();
    let gather =
        speaks && route.chain.judges(&life.exchange) && (!streaming || route.chain.gathers(&life.exchange));
    loop {
        let (answer, native) = match attempt::open(life).await? {
            Opened::Stream { source, native } if streaming && !gather => {
                return Ok(Delivery::Stream { source, native });
            }
            Opened::Stream { mut source, .. } => {
                let answer = answer::gather(&mut source, &mut life.produced_bytes).await;
                life.waited += source.waited;
                match answer {
                    Ok(answer) => {
                        life.answered();
                        (answer, None)
                    }
                    // Nothing has reached the client yet: what breaks off here fails over like any other.
                    Err(error) if failover::may_ask_another(life, &error) => continue,
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
        if let Some(refusal) = failover::refusal(life, &answer)
            && failover::may_ask_another(life, &refusal)
        {
            continue;
        }
        if let Some(heard) = &mut life.course.heard {
            heard.hear_all(&answer);
        }
        let (answer, replaced) = match verdict::judge(life, answer, gather).await {
            Ok(Some(accepted)) => accepted,
            Ok(None) => {
                life.book();
                life.plan(|plan, life| plan.found_wanting(&life.route, life.target));
                continue;
            }
            Err(error) if failover::found_wanting(life, &error) => continue,
            Err(error) => return Err(error),
        };
        if streaming {
            return Ok(Delivery::Stream { source: Box::new(Source::ready(answer.events())), native: false });
        }
        let native = native.filter(|_| !replaced);
        return answer::filter(life, answer, native).await.map(|answer| Delivery::Whole { answer });
    }
}

/// The routes of a principal.
///
/// # Errors
/// It was let in, and its configuration is no longer the one that let it in.
pub fn routes<'g>(gateway: &'g Gateway, principal: &Principal) -> Result<&'g Routes, Error> {
    permit::routes(gateway, principal).map_err(|_| Error::internal("The tenant has no routes."))
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
