//! The attempt loop: from an admitted prompt to a provider that has begun to answer.
//!
//! Targets are tried in the order that routing gave, each failure going to the next while the route's
//! attempts last and another may succeed. An attempt counts as begun to answer only when its first frame
//! (or whole body) was read: until then nothing has reached the client, so everything can fail over.

use super::life::Life;
use super::outbound::Outbound;
use super::quota;
use super::source::{
    Framing, Source, adapter_failed, incomplete, not_an_answer, provider_failed, read_whole,
};
use crate::chat::{Answer, Event, Operation, Prompt, ProviderError, Usage};
use crate::credential::Pick;
use crate::error::{Error, Party};
use crate::eventstream;
use crate::format::openai;
use crate::plugin::TargetView;
use crate::route::{Provider, Target};
use crate::sse;
use crate::upload::Broken;
use crate::upstream::UpstreamResponse;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use std::time::{Duration, Instant};

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

/// Asks the targets in order until one begins to answer.
///
/// # Errors
/// The last target's error, when none did.
pub async fn open(life: &mut Life, order: &[usize]) -> Result<Opened, Error> {
    let mut last = None;
    for (tried, &place) in order.iter().enumerate() {
        if life.attempts >= life.route.attempts {
            break;
        }
        life.attempts += 1;
        life.target = Some(place);
        life.exchange.set_attr("attempt", life.attempts.to_string());
        match attempt(life, place).await {
            Ok(opened) => return Ok(opened),
            Err(error) => {
                if let Some(target) = life.target().filter(|_| error.party == Party::Upstream) {
                    life.gateway.metrics.upstream_error(&target.provider.name, &error.code);
                }
                let target = life.target().map_or("?", |target| target.id.as_str());
                tracing::warn!(id = life.exchange.id(), target, error = %error.chain(), "attempt failed");
                let more = tried + 1 < order.len();
                if !error.retryable || !more {
                    return Err(error);
                }
                last = Some(error);
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        Error::new(
            Party::Upstream,
            StatusCode::BAD_GATEWAY,
            "no_attempts_left",
            "The route allows no further attempt for this request.",
        )
    }))
}

/// The order in which the targets are tried.
///
/// # Errors
/// When the router fails closed.
pub async fn rank(life: &Life) -> Result<Vec<usize>, Error> {
    let targets = &life.route.targets;
    let in_order = || {
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_by_key(|&place| targets.get(place).is_some_and(|target| target.health.cooling_down()));
        order
    };
    let (Some(router), true) = (&life.route.router, targets.len() > 1) else { return Ok(in_order()) };
    let prompt = life.exchange.prompt();
    let views: Vec<TargetView> = targets.iter().map(|target| view(life, target, prompt.model())).collect();
    match router.binding.rank(&life.exchange, &views).await {
        Ok(ranked) if ranked.is_empty() => Ok(in_order()),
        Ok(ranked) => Ok(ranked.into_iter().map(|place| place as usize).collect()),
        Err(failure) => crate::pipeline::chain::open_or_closed(router, failure).map(|()| in_order()),
    }
}

fn view(life: &Life, target: &Target, asked: &str) -> TargetView {
    let model = target.model_for(asked);
    let mut signals = target.facts.clone();
    signals.extend(target.health.signals());
    if let Some(price) = life.gateway.prices.find(&target.provider.name, model) {
        let per_token = [("price.input", price.input), ("price.output", price.output)];
        signals.extend(
            per_token.into_iter().filter_map(|(name, usd)| Some((name.to_owned(), usd?.to_string()))),
        );
    }
    TargetView {
        id: target.id.clone(),
        provider: target.provider.name.to_string(),
        model: model.to_owned(),
        signals,
    }
}

async fn attempt(life: &mut Life, place: usize) -> Result<Opened, Error> {
    let route = life.route.clone();
    let target = route
        .targets
        .get(place)
        .ok_or_else(|| Error::internal("routing named a target that is not there"))?;
    let model = target.model_for(life.exchange.prompt().model()).to_owned();
    let grant = quota::ask(life, target, &model).await.inspect_err(|_| {
        // It was not asked: it costs none of the attempts.
        life.attempts = life.attempts.saturating_sub(1);
    })?;
    life.bill.reserve(grant);
    let observation = target.health.begin();
    let result = ask(life, target).await;
    life.bill.release();
    match &result {
        Ok(_) => observation.succeeded(),
        Err(error) if error.party == Party::Upstream => {
            observation.failed(error.status.as_u16(), error.retry_after)
        }
        Err(_) => drop(observation),
    }
    result
}

async fn ask(life: &mut Life, target: &Target) -> Result<Opened, Error> {
    let exchange = life.exchange.clone();
    let prompt = exchange.prompt();
    let provider = &target.provider;
    let model = target.model_for(prompt.model());
    if life.gateway.reject_unpriced && life.gateway.prices.find(&provider.name, model).is_none() {
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
    let facts = adapter_facts(provider, &prompt, model);
    let call = provider.adapter.encode(&exchange, facts).await.map_err(|error| match error.fault() {
        // The adapter says what the provider cannot express: the client's to read, and no other attempt at
        // the same provider would differ, but another provider may.
        Some(("invalid", message)) => {
            Error { retryable: true, ..Error::bad_request("unsupported_parameter", message.to_owned()) }
        }
        _ => adapter_failed(error),
    })?;
    let native = call.native.as_deref() == Some("openai");
    let outbound = Outbound::new(provider, call, life.format, &prompt, model)?;
    life.sends();
    let answered = send(life, provider, &outbound).await.inspect_err(|error| life.unanswered(error))?;
    let status = answered.status;
    target.health.learn(&answered.headers, provider.credentials.keys.len() <= 1);
    // Only an adapter that decodes is shown any.
    let headers = if native { Vec::new() } else { shown(&answered.headers) };
    let operation = prompt.operation();
    if !status.is_success() {
        life.spared();
        let after = retry_after(&answered.headers);
        let from = Instant::now();
        let body = answered.body.collect(MAX_ERROR_BODY).await.unwrap_or_default();
        life.waited += from.elapsed();
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
        life.usage.media.characters = spoken(&prompt);
        return Ok(Opened::Relayed(Box::new(answered)));
    }
    if let Some(framing) = framing {
        let mut source = if native {
            Source::native_stream(answered.body, framing)
        } else {
            let adapter = provider.adapter.clone();
            Source::adapter_stream(answered.body, framing, adapter, exchange, status.as_u16(), headers)
        };
        let begun = source.begin().await;
        life.waited += std::mem::take(&mut source.waited);
        if let Some(error) = begun? {
            life.spared();
            return Err(refused(error, None));
        }
        return Ok(Opened::Stream { source: Box::new(source), native });
    }
    let media = answered.headers.get(header::CONTENT_TYPE).cloned();
    let from = Instant::now();
    let body = answered.body.collect(life.gateway.max_answer_bytes).await;
    life.waited += from.elapsed();
    let body = body.map_err(provider_failed)?;
    let events =
        read_whole(native, operation, &provider.adapter, &exchange, status.as_u16(), &headers, &body).await?;
    let mut answer: Answer = events.into_iter().collect();
    if let Some(error) = answer.error.take() {
        life.spared();
        return Err(refused(error, None));
    }
    if !operation.speaks() {
        // An adapter tells a document in the canonical format as a fact; without one, it is in it already.
        let body = answer.take_extra("body").map_or(body, Bytes::from);
        openai::read_document(operation, &body).map_err(not_an_answer)?;
        return Ok(Opened::Document { body, media, usage: answer.usage });
    }
    if !answer.is_complete() {
        return Err(incomplete());
    }
    Ok(Opened::Whole { answer, native: native.then_some(body) })
}

/// Sends a request, with each of the provider's keys in turn while they are refused or exhausted: so another one may
/// answer at once, and no attempt is lost.
async fn send(life: &mut Life, provider: &Provider, outbound: &Outbound) -> Result<UpstreamResponse, Error> {
    let keys = &provider.credentials.keys;
    let mut tried: Vec<Pick> = Vec::new();
    let mut next = if outbound.is_signed() { None } else { keys.pick(&tried) };
    loop {
        let request = outbound.request(provider, next.as_ref()).await?;
        let from = Instant::now();
        let answered = provider.upstream.send(request).await;
        life.waited += from.elapsed();
        let answered = answered.map_err(|error| unsent(life).unwrap_or_else(|| provider_failed(error)))?;
        let Some(mut key) = next else { return Ok(answered) };
        if keys.len() > 1 {
            key.learn(&answered.headers);
        }
        if answered.status.is_success() {
            key.accepted();
            return Ok(answered);
        }
        let blamed = key.refused(answered.status.as_u16(), retry_after(&answered.headers));
        if blamed && keys.len() > 1 {
            let (id, status) = (life.exchange.id(), answered.status.as_u16());
            tracing::warn!(id, provider = %provider.name, key = key.name(), status, "a key is set aside");
        }
        tried.push(key);
        // Picked once: a second look might find another one gone, and the request would go out without a key.
        next = if blamed { keys.pick(&tried) } else { None };
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

fn adapter_facts(provider: &Provider, prompt: &Prompt, model: &str) -> Vec<(String, String)> {
    let mut facts = Vec::with_capacity(4 + provider.options.len());
    facts.push(("provider".to_owned(), provider.name.to_string()));
    facts.push(("model".to_owned(), model.to_owned()));
    facts.push(("operation".to_owned(), prompt.operation().name().to_owned()));
    facts.push(("streaming".to_owned(), prompt.streaming().to_string()));
    facts.extend(provider.options.iter().map(|(key, value)| (format!("option.{key}"), value.clone())));
    facts
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

/// When the provider says it is worth trying again. Dates are not read: providers send seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1e3).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A provider said no. Its own faults and its limits may be tried elsewhere; what it says of the request is
/// the client's to mend.
pub(super) fn refused(error: ProviderError, after: Option<Duration>) -> Error {
    let told = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let ours_to_hide = matches!(told.as_u16(), 401 | 403);
    let (status, message) = if ours_to_hide {
        // The gateway's credential was refused: the client's key is fine, and theirs is not to be told about.
        (StatusCode::BAD_GATEWAY, "The provider refused the gateway's credential.".to_owned())
    } else {
        (told, error.message)
    };
    let retryable =
        ours_to_hide || told.is_server_error() || matches!(told.as_u16(), 404 | 408 | 409 | 425 | 429);
    Error {
        retryable,
        ..Error::new(Party::Upstream, status, error.code, message).retry_after(error.retry_after.or(after))
    }
}
