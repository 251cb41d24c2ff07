//! The attempt loop: from an admitted prompt to a provider that has begun to answer.
//!
//! Who is asked next is the plan's to say ([`super::plan`]). An attempt counts as begun to answer only when its first frame
//! (or whole body) was read: until then nothing has reached the client, so everything can fail over. Every asking of a
//! target goes through [`attempt`].

use super::course;
use super::fault::{after, incomplete, not_an_answer, owes, provider_failed, refused, too_slow};
use super::hedge;
use super::life::Life;
use super::outbound::Outbound;
use super::plan::{self, Turn};
use super::quota;
use super::source::{Framing, Source, read_whole};
use super::trial::{Bounds, Trial};
use crate::chat::{Answer, Event, Operation, Prompt, ProviderError, Usage};
use crate::credential::{Pick, Refusal};
use crate::error::{Cause, Error, Party};
use crate::eventstream;
use crate::format::openai;
use crate::limit::Amounts;
use crate::route::{Provider, Target};
use crate::sse;
use crate::upload::Broken;
use crate::upstream::UpstreamResponse;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::time::Instant;

/// Bytes of one event of a provider's stream.
const MAX_FRAME: usize = 4 * 1024 * 1024;
/// Bytes of a provider's error body that are read.
const MAX_ERROR_BODY: usize = 256 * 1024;
/// What a provider's answer may tell a plugin: never cookies or authentication.
const SHOWN_HEADERS: [&str; 6] =
    ["content-type", "retry-after", "retry-after-ms", "x-request-id", "request-id", "x-amzn-errortype"];

/// A provider that has begun to answer.
pub enum Opened {
    /// Event by event.
    Stream {
        /// The events.
        source: Box<Source>,
        /// Whether its frames are in the client's format already.
        native: bool,
    },
    /// All at once, and complete.
    Whole {
        /// What it means.
        answer: Answer,
        /// The body in the host's native format, where it is.
        native: Option<Bytes>,
    },
    /// A document in the host's native format.
    Document {
        /// The document.
        body: Bytes,
        /// Its media type.
        media: Option<HeaderValue>,
        /// What it cost.
        usage: Usage,
    },
    /// Bytes that nobody reads on their way: sound, or events of something that is not words.
    Relayed(Box<UpstreamResponse>),
}

/// Asks targets as the plan says until one begins to answer.
///
/// # Errors
/// The last target's error, when none did; or what an earlier one said of the request, which the client can mend.
///
/// # Cancel safety
/// Dropping the future cancels what was asked.
pub async fn open(life: &mut Life) -> Result<Opened, Error> {
    let mut told: Option<Error> = None;
    loop {
        let Some(turn) = life.plan(|plan, life| plan.next(life)) else {
            return Err(told.unwrap_or_else(|| life.plan(|plan, life| plan::nobody(life, plan))));
        };
        if !turn.pause.is_zero() {
            tokio::time::sleep(turn.pause).await;
        }
        let (place, trial, result) = ask(life, turn).await;
        life.target = Some(place);
        match result {
            Ok(opened) => {
                life.won(trial, matches!(opened, Opened::Stream { .. } | Opened::Relayed(_)));
                return Ok(opened);
            }
            Err(error) => {
                let more = life.lost(place, trial, &error);
                if !more {
                    return Err(error);
                }
                let mendable = |told: &Error| Cause::of(told) == Cause::ContextWindow;
                told = Some(told.filter(mendable).unwrap_or(error));
            }
        }
    }
}

/// Makes an attempt, or two where the route hedges.
async fn ask(life: &mut Life, turn: Turn) -> (usize, Trial, Result<Opened, Error>) {
    if let Some(delay) = hedge::delay(life, turn.place) {
        // Boxed: it is rare, and twice as large.
        return Box::pin(hedge::race(life, turn, delay)).await;
    }
    let place = turn.place;
    life.attempts += 1;
    life.exchange.set_attr("attempt", life.attempts.to_string());
    let mut trial = Trial::new(life, life.exchange_for(place), turn);
    // Should the client go meanwhile, the provider charges for what it has read.
    life.is_asking(place);
    let result = attempt(life, place, &mut trial).await;
    life.owes = false;
    (place, trial, result)
}

/// Asks one target. What it leaves behind is in the trial, also when this is dropped.
pub(super) async fn attempt(life: &Life, place: usize, trial: &mut Trial) -> Result<Opened, Error> {
    // Whoever chose it: nothing is asked that this exchange must not be sent to.
    if !life.allows(place) {
        trial.unasked = true;
        return Err(course::forbidden());
    }
    let route = life.route.clone();
    let target = route
        .targets
        .get(place)
        .ok_or_else(|| Error::internal("routing named a target that is not there"))?;
    let model = target.model_for(life.exchange.prompt().model()).to_owned();
    // It was not asked: it costs none of the attempts.
    trial.grant = quota::ask(life, target, &model).await.inspect_err(|_| trial.unasked = true)?;
    let bounds = Bounds::of(life, target);
    let began = Instant::now();
    let asked = ask_within(life, target, trial, &bounds);
    let result = match bounds.first_token {
        None => asked.await,
        Some(limit) => match tokio::time::timeout(limit, asked).await {
            Ok(result) => result,
            Err(_) if bounds.is_last => Err(plan::out_of_time()),
            Err(_) => Err(too_slow()),
        },
    };
    course::attempted(life, place, began, result.as_ref().err());
    if let Err(error) = &result
        && !owes(error)
    {
        trial.sent = false;
        if let Some(grant) = &mut trial.grant {
            grant.used(Amounts::default());
        }
    }
    let Some(mut watch) = trial.watch.take() else { return result };
    let change = match &result {
        Ok(Opened::Stream { .. } | Opened::Relayed(_)) => {
            let change = watch.first_byte();
            // It ends with the stream.
            trial.watch = Some(watch);
            change
        }
        Ok(_) => watch.succeeded(),
        // It might have had more time from another client.
        Err(error) if error.code == "latency_budget_exceeded" => None,
        Err(error) if error.party == Party::Upstream => {
            watch.failed(error.status.as_u16(), error.retry_after)
        }
        Err(_) => None,
    };
    plan::note(life, target, change);
    result
}

async fn ask_within(
    life: &Life,
    target: &Target,
    trial: &mut Trial,
    bounds: &Bounds,
) -> Result<Opened, Error> {
    let exchange = trial.exchange.clone();
    let prompt = exchange.prompt();
    let provider = &target.provider;
    let model = target.model_for(prompt.model());
    if life.gateway.reject_unpriced && target.price(&life.gateway.prices, prompt.model()).is_none() {
        return Err(Error {
            retryable: true,
            ..Error::bad_request(
                "unpriced_model",
                "The price of this model is unknown, and unpriced models are refused.",
            )
        });
    }
    exchange.set_attr("target.id", target.id.clone());
    exchange.set_attr("target.model", model);
    let outbound = Outbound::of(provider, &exchange, life.format, &prompt, model).await?;
    let native = outbound.is_native();
    let answered = send(life, provider, &outbound, (&mut *trial, bounds)).await?;
    let status = answered.status;
    target.health.learn(&answered.headers, provider.credentials.keys.len() <= 1);
    // Only an adapter that decodes is shown any.
    let headers = if native { Vec::new() } else { shown(&answered.headers) };
    let operation = prompt.operation();
    if !status.is_success() {
        let after = after(&answered.headers);
        let from = Instant::now();
        let body = answered.body.collect(MAX_ERROR_BODY).await.unwrap_or_default();
        trial.waited += from.elapsed();
        trial.sent = false;
        let told = if native {
            openai::read_error(status.as_u16(), &body, after)
        } else {
            let adapter = &provider.adapter;
            let events =
                read_whole(false, operation, adapter, &exchange, status.as_u16(), &headers, &body).await?;
            first_error(&events).unwrap_or_else(|| openai::read_error(status.as_u16(), &body, after))
        };
        return Err(refused(told, after));
    }
    let framing = framing(&answered.headers);
    if !operation.speaks() && (framing.is_some() || operation == Operation::Speech) {
        trial.characters = spoken(&prompt);
        return Ok(Opened::Relayed(Box::new(answered)));
    }
    if let Some(framing) = framing {
        let mut source = if native {
            Source::native_stream(answered.body, framing)
        } else {
            let adapter = provider.adapter.clone();
            Source::adapter_stream(answered.body, framing, adapter, exchange, status.as_u16(), headers)
        };
        source.expect_tokens_within(bounds.between_tokens);
        let begun = source.begin().await;
        trial.waited += std::mem::take(&mut source.waited);
        if let Some(error) = begun? {
            return Err(refused(error, None));
        }
        return Ok(Opened::Stream { source: Box::new(source), native });
    }
    let media = answered.headers.get(header::CONTENT_TYPE).cloned();
    let from = Instant::now();
    let body = answered.body.collect(life.gateway.max_answer_bytes).await;
    trial.waited += from.elapsed();
    let body = body.map_err(provider_failed)?;
    let events =
        read_whole(native, operation, &provider.adapter, &exchange, status.as_u16(), &headers, &body).await?;
    let mut answer: Answer = events.into_iter().collect();
    if let Some(error) = answer.error.take() {
        return Err(refused(error, None));
    }
    if !operation.speaks() {
        // An adapter tells a document in the canonical format as a fact; without one, it is in it already.
        let body = answer.take_extra("body").map_or(body, Bytes::from);
        openai::read_document(operation, &body).map_err(not_an_answer)?;
        let usage = openai::sized(answer.usage, prompt.body().get("size").and_then(Value::as_str));
        return Ok(Opened::Document { body, media, usage });
    }
    if !answer.is_complete() {
        return Err(incomplete());
    }
    Ok(Opened::Whole { answer, native: native.then_some(body) })
}

/// Sends a request, with each of the provider's keys in turn while they are refused or exhausted: so another one may
/// answer at once, and no attempt is lost.
async fn send(
    life: &Life,
    provider: &Provider,
    outbound: &Outbound,
    (trial, bounds): (&mut Trial, &Bounds),
) -> Result<UpstreamResponse, Error> {
    let keys = &provider.credentials.keys;
    let mut tried: Vec<Pick> = Vec::new();
    let mut next = if outbound.is_signed() { None } else { keys.pick(&tried) };
    loop {
        let request = outbound.request(provider, next.as_ref()).await?;
        let from = Instant::now();
        trial.sent = true;
        let answered = provider.upstream.send_within(request, &bounds.patience).await;
        trial.waited += from.elapsed();
        let mut answered =
            answered.map_err(|error| unsent(life).unwrap_or_else(|| provider_failed(error)))?;
        let Some(mut key) = next else { return Ok(answered) };
        if keys.len() > 1 {
            key.learn(&answered.headers);
        }
        if answered.status.is_success() {
            key.accepted();
            return Ok(answered);
        }
        // Of a key that may not do this it must be known why; where there is no other, it makes no difference.
        let said = match answered.status {
            StatusCode::FORBIDDEN if keys.len() > 1 => answered.body.look(MAX_ERROR_BODY).await,
            _ => Bytes::new(),
        };
        let refusal = Refusal::of(answered.status, after(&answered.headers), &said);
        if key.refused(refusal) && keys.len() > 1 {
            let (id, status) = (life.exchange.id(), answered.status.as_u16());
            tracing::warn!(id, provider = %provider.name, key = key.name(), status, "a key is set aside");
        }
        tried.push(key);
        // Picked once: a second look might find another one gone, and the request would go out without a key.
        next = if refusal == Refusal::Nothing { None } else { keys.pick(&tried) };
        if next.is_none() {
            return Ok(answered);
        }
    }
}

/// Why a file could not be sent on, where that is the client's doing: it did not bring it to its end, or not yet.
fn unsent(life: &Life) -> Option<Error> {
    let prompt = life.exchange.prompt();
    let upload = &prompt.attachment()?.upload;
    let why = upload.broken().or_else(|| (!upload.is_whole()).then_some(Broken::TooSlow))?;
    Some(openai::upload_error(why))
}

/// Characters that are to be spoken.
fn spoken(prompt: &Prompt) -> u64 {
    let input = prompt
        .body()
        .get("input")
        .and_then(Value::as_str)
        .filter(|_| prompt.operation() == Operation::Speech);
    input.map_or(0, |text| text.chars().count() as u64)
}

fn first_error(events: &[Event]) -> Option<ProviderError> {
    events.iter().find_map(|event| match event {
        Event::Error(error) => Some(error.clone()),
        _ => None,
    })
}

/// How the answer is cut into frames, where it is a stream of them.
fn framing(headers: &HeaderMap) -> Option<Framing> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    if kind.starts_with(b"text/event-stream") {
        Some(Framing::Events(sse::Decoder::new(MAX_FRAME)))
    } else if kind.starts_with(b"application/vnd.amazon.eventstream") {
        Some(Framing::Amazon(eventstream::Decoder::new(MAX_FRAME)))
    } else {
        None
    }
}

fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    SHOWN_HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), headers.get(*name)?.to_str().ok()?.to_owned())))
        .collect()
}
