//! Whole answers: gathered, filtered, rendered, kept.

use super::Body;
use super::fault::{incomplete, not_an_answer, refused};
use super::life::Life;
use super::source::Source;
use super::told::{REQUEST_ID, put};
use crate::chat::{Answer, Event, Operation, TextAt, channel};
use crate::clock::unix_seconds;
use crate::error::{Error, Party};
use crate::format::{Format, Head, openai};
use crate::pipeline::chain;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use std::time::Duration;

/// A client may be expected to wait this long for its turn.
const SOON: Duration = Duration::from_secs(60);

/// An answer in the client's format.
pub struct Rendered {
    body: Bytes,
    /// Its media type, where it is not JSON.
    media: Option<HeaderValue>,
}

impl Rendered {
    /// The answer on its way out; the exchange is settled here.
    pub fn into_response(self, mut life: Life) -> Response<Body> {
        life.first_byte = Some(tokio::time::Instant::now());
        life.ended(StatusCode::OK.as_u16(), "answered");
        life.estimate_missing_usage(&life.exchange.prompt());
        let mut response = Response::new(full(self.body));
        let headers = response.headers_mut();
        let media = self.media.unwrap_or_else(|| HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, media);
        life.describe(headers, true);
        response
    }
}

/// Gathers a provider's stream into a whole answer; counts what it says, also where it breaks off.
///
/// # Errors
/// It broke off, or ended with an error.
pub async fn gather(source: &mut Source, produced_bytes: &mut u64) -> Result<Answer, Error> {
    let mut answer = Answer::default();
    while let Some(step) = source.next().await? {
        for event in step.events {
            if let Event::Text { text, .. } = &event {
                *produced_bytes += text.len() as u64;
            }
            answer.absorb(event);
        }
        if let Some(error) = answer.error.take() {
            return Err(refused(error, None));
        }
    }
    source.let_go();
    if answer.is_complete() { Ok(answer) } else { Err(incomplete()) }
}

/// A document on its way to the client, in the client's format. What it says in words (a transcript) passes the text filters; what a client
/// asked to see again beside the results (its documents) is put there.
///
/// # Errors
/// A filter ended the answer, or the client's format cannot say what the provider answered.
pub async fn document(life: &mut Life, body: Bytes, media: Option<HeaderValue>) -> Result<Rendered, Error> {
    let prompt = life.exchange.prompt();
    let body = match prompt.operation() {
        operation if operation.listens() => transcript(life, body).await?,
        Operation::Rerank => openai::with_documents(life.asked.body(), &body).map_or(body, Bytes::from),
        _ => body,
    };
    let (asked, id) = (life.asked.body(), life.exchange.id());
    let own = life.format.document(prompt.operation(), asked, &body, id).map_err(not_an_answer)?;
    Ok(Rendered { body: own.map_or(body, Bytes::from), media })
}

/// A transcript, filtered: every `text` of a document, or all of one that is bare text.
async fn transcript(life: &Life, body: Bytes) -> Result<Bytes, Error> {
    let mut guard = life.route.chain.guard(&life.exchange);
    if guard.is_empty() {
        return Ok(body);
    }
    let mut document = serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    let mut texts = Vec::new();
    texts_of(&mut document, &mut texts);
    for (part, text) in (0..).zip(texts) {
        let at = TextAt::new(0, part, channel::CONTENT);
        *text = guard.whole(&at, text).await.map_err(|stop| chain::stopped(&guard, stop))?;
    }
    Ok(match document {
        Value::String(text) => text.into(),
        document => document.to_string().into(),
    })
}

/// What was said, wherever a transcript says it: the whole, its segments, its words.
fn texts_of<'a>(value: &'a mut Value, texts: &mut Vec<&'a mut String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Object(fields) => {
            for (name, value) in fields {
                let said = matches!(name.as_str(), "text" | "word" | "segments" | "words");
                if said {
                    texts_of(value, texts);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| texts_of(item, texts)),
        _ => {}
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
            let words = |(at, _): &&mut (TextAt, String)| channel::opaque(&at.channel).is_none();
            for (at, text) in choice.texts.iter_mut().filter(words) {
                *text = guard.whole(at, text).await.map_err(|stop| chain::stopped(&guard, stop))?;
            }
        }
    }
    keep(life, events);
    let body = match native.filter(|_| untouched && life.format.is_native()) {
        Some(body) => body,
        None => {
            let prompt = life.exchange.prompt();
            let says = head(life.exchange.id(), prompt.model());
            let body = life.format.answer(prompt.operation(), &answer, says, life.asked.body());
            serde_json::to_vec(&body)
                .map_err(|error| Error::internal("The answer could not be written.").caused_by(error))?
                .into()
        }
    };
    Ok(Rendered { body, media: None })
}

/// Keeps an answer that is complete and accepted, as the marks say. One that its provider's own filter cut is not kept:
/// asked again it may come whole.
pub fn keep(life: &Life, events: Vec<Event>) {
    let filtered =
        |event: &Event| matches!(event, Event::Finish { reason, .. } if reason == "content_filter");
    if events.is_empty() || events.iter().any(filtered) {
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

/// A body that is there.
#[must_use]
pub fn full(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed_unsync()
}

/// An error as an answer in the client's format.
pub fn error_response(format: Format, error: &Error, id: &str) -> Response<Body> {
    let body = serde_json::to_vec(&format.error(error, id)).unwrap_or_default();
    let mut response = Response::new(full(body.into()));
    *response.status_mut() = error.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    put(headers, &REQUEST_ID, id);
    if let Some(after) = error.retry_after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        headers.insert(header::RETRY_AFTER, seconds.into());
        headers.insert("retry-after-ms", u64::try_from(after.as_millis()).unwrap_or(u64::MAX).into());
    }
    let limited = error.party == Party::Client && error.status == StatusCode::TOO_MANY_REQUESTS;
    if limited && error.retry_after.is_none_or(|after| after > SOON) {
        // What the SDKs of OpenAI and Anthropic heed: they would ask again at once, and in vain.
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}

/// A JSON answer.
#[must_use]
pub fn json_response(status: StatusCode, body: &Value, id: &str) -> Response<Body> {
    let mut response = Response::new(full(body.to_string().into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    put(response.headers_mut(), &REQUEST_ID, id);
    response
}
