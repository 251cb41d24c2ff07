//! Whole answers: gathered, filtered, rendered, kept.

use super::Body;
use super::life::{Life, put};
use super::source::{Source, incomplete};
use crate::chat::{Answer, Event};
use crate::clock::unix_seconds;
use crate::error::Error;
use crate::format::{Format, Head};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::Value;

/// An answer in the client's format.
pub struct Rendered {
    body: Bytes,
}

impl Rendered {
    /// The answer on its way out; the exchange is settled here.
    pub fn into_response(self, mut life: Life) -> Response<Body> {
        life.first_byte = Some(std::time::Instant::now());
        life.ended(StatusCode::OK.as_u16(), "answered");
        life.estimate_missing_usage(&life.exchange.prompt());
        let mut response = Response::new(Full::new(self.body).boxed_unsync());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        life.describe(headers, true);
        response
    }
}

/// Gathers a provider's stream into a whole answer.
///
/// # Errors
/// It broke off, or ended with an error.
pub async fn gather(source: &mut Source) -> Result<Answer, Error> {
    let mut answer = Answer::default();
    while let Some(step) = source.next().await? {
        step.events.into_iter().for_each(|event| answer.absorb(event));
        if let Some(error) = answer.error.take() {
            return Err(super::attempt::refused(error, None));
        }
    }
    source.let_go();
    if answer.is_complete() { Ok(answer) } else { Err(incomplete()) }
}

/// Passes a body on as it is.
///
/// # Errors
/// There is none: its adapter reads a format that only has whole answers in the host's own.
pub fn verbatim(life: &Life, body: Option<Bytes>) -> Result<Rendered, Error> {
    match body {
        Some(body) => {
            keep(life, vec![]);
            Ok(Rendered { body })
        }
        None => Err(Error::internal("The provider's answer has no body in the client's format.")),
    }
}

/// Runs the text filters over an accepted answer and renders it. A native body that nothing changed goes
/// out as it came, unknown fields included.
///
/// # Errors
/// A filter ended the answer.
pub async fn filter(life: &mut Life, mut answer: Answer, native: Option<Bytes>) -> Result<Rendered, Error> {
    let route = life.route.clone();
    let mut guard = route.chain.guard(&life.exchange);
    let untouched = guard.is_empty();
    // What is kept is what the provider said. Nearly no answer on a route without filters is kept.
    life.keeps.extend(life.exchange.take_keeps());
    let events = if untouched && life.keeps.is_empty() { Vec::new() } else { answer.events() };
    if !untouched {
        for choice in &mut answer.choices {
            for (at, text) in &mut choice.texts {
                *text = guard.whole(at, text).await.map_err(|stop| route.chain.stopped(stop))?;
            }
        }
    }
    keep(life, events);
    let body = match native.filter(|_| untouched && life.format.is_native()) {
        Some(body) => body,
        None => {
            let prompt = life.exchange.prompt();
            let body = life.format.answer(&answer, head(life.exchange.id(), prompt.model()));
            serde_json::to_vec(&body)
                .map_err(|error| Error::internal("The answer could not be written.").caused_by(error))?
                .into()
        }
    };
    Ok(Rendered { body })
}

/// Keeps an answer that is complete and accepted, as the marks say.
pub fn keep(life: &Life, events: Vec<Event>) {
    if events.is_empty() {
        return;
    }
    let late = life.exchange.take_keeps();
    for mark in life.keeps.iter().chain(&late) {
        let (model, provider) = match life.target() {
            Some(target) => (
                target.model_for(life.exchange.prompt().model()).to_owned(),
                target.provider.name.to_string(),
            ),
            None => Default::default(),
        };
        life.gateway.answers.put(life.exchange.tenant(), mark, events.clone(), &model, &provider, life.usage);
    }
}

/// What `post-response` is told besides the text.
pub fn summary(life: &Life, answer: &Answer, gathered: bool) -> Vec<(String, String)> {
    let finish = answer.choices.first().and_then(|choice| choice.finish.clone()).unwrap_or_default();
    let mut summary = vec![
        ("finish".to_owned(), finish),
        ("attempt".to_owned(), life.attempts.to_string()),
        ("attempts-left".to_owned(), life.route.attempts.saturating_sub(life.attempts).to_string()),
        ("streaming".to_owned(), life.exchange.prompt().streaming().to_string()),
        ("gathered".to_owned(), gathered.to_string()),
        ("usage.input".to_owned(), life.usage.input.to_string()),
        ("usage.output".to_owned(), life.usage.output.to_string()),
    ];
    summary.extend(life.target().map(|target| ("target.id".to_owned(), target.id.clone())));
    summary
}

/// What an answer says of itself where its provider does not.
pub fn head<'a>(exchange: &'a str, model: &'a str) -> Head<'a> {
    Head { exchange, created: unix_seconds(), model }
}

/// An error as an answer in the client's format.
pub fn error_response(format: Format, error: &Error, id: &str) -> Response<Body> {
    let body = serde_json::to_vec(&format.error(error, id)).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *response.status_mut() = error.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    put(headers, "x-request-id", id);
    if let Some(after) = error.retry_after {
        put(headers, "retry-after", &after.as_secs_f64().ceil().to_string());
        put(headers, "retry-after-ms", &after.as_millis().to_string());
    }
    response
}

/// A JSON answer.
#[must_use]
pub fn json_response(status: StatusCode, body: &Value, id: &str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    put(response.headers_mut(), "x-request-id", id);
    response
}
