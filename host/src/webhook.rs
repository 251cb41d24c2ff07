//! Tells others what happened, by signed requests that are sent again until they are taken.
//!
//! Invariants: telling never waits; what waits to be told is bounded, and what finds no room is dropped, and logged; each
//! hook is told in order; a hook that does not answer is given up for this event after a while. With a journal, what waits
//! is told after a restart: then it may have been told already, and its id says so. The secret signs, and is in no log and no
//! journal. Never follows a redirect.

#[cfg(test)]
mod tests;

use crate::clock;
use crate::secret::Secret;
use crate::store::journal::{Journal, Kind, Row};
use crate::upstream::{Upstream, UpstreamSettings, UpstreamSetupError};
use bytes::Bytes;
use http::{Method, Request, header};
use parking_lot::Mutex;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Events that may wait for one hook.
const WAITING: usize = 256;
/// How often one event is sent at most.
const TRIES: u32 = 9;
/// The first pause between two tries; each further one is twice as long: four minutes in all.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Seconds after which nobody wants to know any more what waited when the gateway ended.
const STALE: u64 = 86_400;
/// Bytes of a hook's answer that are read.
const MAX_ANSWER: usize = 64 * 1024;

/// Somebody who is told.
#[derive(Debug)]
pub struct Hook {
    name: String,
    upstream: Upstream,
    secret: Secret,
    /// The events that it is told; all where there are none.
    events: Vec<&'static str>,
}

impl Hook {
    /// A hook at a URL.
    ///
    /// # Errors
    /// The URL cannot be used.
    pub fn new(
        name: &str,
        settings: UpstreamSettings,
        secret: Secret,
        events: Vec<&'static str>,
    ) -> Result<Self, UpstreamSetupError> {
        Ok(Self { name: name.to_owned(), upstream: Upstream::new(settings)?, secret, events })
    }
}

/// An event on its way.
#[derive(Debug)]
struct Event {
    id: String,
    name: String,
    body: Bytes,
}

impl Event {
    /// What a journal has of it: its body.
    fn read(row: &Row) -> Option<Self> {
        let facts: Value = serde_json::from_slice(&row.value).ok()?;
        let text = |name: &str| Some(facts.get(name)?.as_str()?.to_owned());
        let (id, name) = (text("id")?, text("event")?);
        // Both become headers.
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        (plain(&id) && plain(&name)).then(|| Self { id, name, body: row.value.clone().into() })
    }
}

/// Where the events are that wait for one hook: nowhere, where there is no journal.
#[derive(Debug, Clone)]
struct Notes {
    journal: Option<Arc<Journal>>,
    hook: Arc<Hook>,
}

impl Notes {
    /// What has waited since before the process began.
    fn found(&self) -> Vec<Event> {
        let Some(journal) = &self.journal else { return Vec::new() };
        let begin = self.key("");
        let rows = journal.take(Kind::Event, |row| row.key.starts_with(&begin));
        rows.iter().filter_map(Event::read).take(WAITING).collect()
    }

    fn waits(&self, event: &Event) {
        if let Some(journal) = &self.journal {
            let expires = Some(clock::unix_seconds().saturating_add(STALE));
            journal.put(Kind::Event, Row { key: self.key(&event.id), value: event.body.to_vec(), expires });
        }
    }

    fn is_over(&self, event: &Event) {
        if let Some(journal) = &self.journal {
            journal.remove(Kind::Event, self.key(&event.id));
        }
    }

    /// The length before the name: no other hook's keys begin alike.
    fn key(&self, id: &str) -> Vec<u8> {
        format!("{}:{}/{id}", self.hook.name.len(), self.hook.name).into_bytes()
    }
}

/// One who is told, and what is on its way to it.
#[derive(Debug)]
struct Line {
    notes: Notes,
    sender: mpsc::Sender<Arc<Event>>,
    /// Here until it is begun to be told.
    events: Mutex<Option<mpsc::Receiver<Arc<Event>>>>,
}

/// Everybody who is told.
#[derive(Debug, Default)]
pub struct Webhooks(Vec<Line>);

impl Webhooks {
    /// These hooks. Nobody is told anything, and nothing that waits in a journal is touched, before [`Webhooks::start`].
    #[must_use]
    pub fn new(hooks: Vec<Hook>, journal: Option<&Arc<Journal>>) -> Self {
        let line = |hook: Hook| {
            let notes = Notes { journal: journal.cloned(), hook: Arc::new(hook) };
            let (sender, events) = mpsc::channel(WAITING);
            Line { notes, sender, events: Mutex::new(Some(events)) }
        };
        Self(hooks.into_iter().map(line).collect())
    }

    /// Begins to tell, first of all what has waited in the journal since before the process began. What was told is still
    /// delivered when this is dropped. A second time does nothing. Needs a tokio runtime.
    pub fn start(&self) {
        for Line { notes, sender, events } in &self.0 {
            let Some(events) = events.lock().take() else { continue };
            for event in notes.found() {
                // There is room for as many as are found.
                let _ = sender.try_send(Arc::new(event));
            }
            tokio::spawn(deliver(notes.clone(), events));
        }
    }

    /// Tells an event. `facts` is an object; its id, name and time are put to it.
    pub fn tell(&self, name: &'static str, mut facts: Value) {
        if self.0.is_empty() {
            return;
        }
        let id = format!("evt_{:032x}", fastrand::u128(..));
        if let Value::Object(facts) = &mut facts {
            facts.insert("id".into(), id.as_str().into());
            facts.insert("event".into(), name.into());
            facts.insert("time".into(), clock::unix_seconds().into());
        }
        let event = Arc::new(Event { id, name: name.to_owned(), body: facts.to_string().into() });
        for Line { notes, sender, .. } in &self.0 {
            let hook = &notes.hook;
            if !hook.events.is_empty() && !hook.events.contains(&name) {
                continue;
            }
            // Before it is sent: what is over is over after it began.
            notes.waits(&event);
            if sender.try_send(event.clone()).is_err() {
                notes.is_over(&event);
                tracing::error!(
                    webhook = hook.name,
                    event = name,
                    "too many events wait for this webhook; one is lost"
                );
            }
        }
    }
}

async fn deliver(notes: Notes, mut events: mpsc::Receiver<Arc<Event>>) {
    let hook = &notes.hook;
    while let Some(event) = events.recv().await {
        let mut pause = FIRST_PAUSE;
        for tried in 1..=TRIES {
            let refused = match send(hook, &event).await {
                Ok(()) => break,
                Err(refused) => refused,
            };
            if tried == TRIES {
                tracing::error!(
                    webhook = hook.name,
                    event = event.name,
                    refused,
                    "a webhook is given up for an event"
                );
                break;
            }
            tracing::warn!(
                webhook = hook.name,
                event = event.name,
                refused,
                tried,
                "a webhook did not take an event"
            );
            // Half to all of the pause: many gateways do not come back at once.
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            pause *= 2;
        }
        notes.is_over(&event);
    }
}

/// Sends an event once; why it was not taken.
async fn send(hook: &Hook, event: &Event) -> Result<(), String> {
    let uri = hook.upstream.url("").map_err(|error| error.to_string())?;
    let time = clock::unix_seconds();
    let request = Request::builder()
        .method(Method::POST)
        .uri(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "lockgate")
        .header("x-lockgate-event", &event.name)
        .header("x-lockgate-delivery", &event.id)
        .header("x-lockgate-timestamp", time)
        .header("x-lockgate-signature", sign(&hook.secret, time, &event.body))
        .body(event.body.clone())
        .map_err(|error| error.to_string())?;
    let answered = hook.upstream.send(request).await.map_err(|error| error.to_string())?;
    let status = answered.status;
    // Read, so that the connection can be used again.
    drop(answered.body.collect(MAX_ANSWER).await);
    if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
}

/// `sha256=` and the HMAC of the time, a point and the body, in hexadecimal digits.
#[must_use]
pub fn sign(secret: &Secret, time: u64, body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = ring::hmac::Context::with_key(&key);
    context.update(time.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    context.sign().as_ref().iter().fold("sha256=".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
