//! The host's side of what plugins import: the exchange, and the services.
//!
//! Everything here is reached by hostile code: arguments are bounded, grants are asked at each use, and
//! nothing traps the host. Time spent here is not charged to the guest's deadline where it waits.

use super::bindings::host::Plugin as HostWorld;
use super::bindings::host::lockgate::plugin::{exchange, http, kv, log, metrics, responses, types, vectors};
use super::convert::{at_from_wit, texts_to_wit};
use super::instance::{ExchangeHandle, PromptHandle, State};
use super::services::{FetchRequest, ServiceFault};
use crate::chat::{Prompt, PromptError};
use crate::exchange::{Exchange, Keep};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::{HasSelf, Linker, Resource};

/// Bytes of one key, name or id that a plugin gives.
const MAX_KEY: usize = 512;
/// Bytes of one value of the key-value service.
const MAX_VALUE: usize = 1024 * 1024;
/// Texts of one call of `embed`, and neighbours of one call of `nearest`.
const MAX_BATCH: usize = 256;
/// Lines that a binding may log per second.
const LOG_LINES: u32 = 200;
/// Bytes of one line of the log.
const MAX_LOG: usize = 4_096;
/// The longest that an answer is kept.
const MAX_KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

/// Links everything that a plugin may import. WASI is linked inert: an instance's context has no files, no
/// network and no environment.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    HostWorld::add_to_linker::<_, HasSelf<State>>(linker, |state| state)
}

/// Lines logged in the current second.
#[derive(Debug, Default)]
pub(super) struct LogLimit(Mutex<Option<(Instant, u32)>>);

impl LogLimit {
    fn admits(&self) -> bool {
        let mut window = self.0.lock();
        let now = Instant::now();
        match &mut *window {
            Some((since, lines)) if since.elapsed() < Duration::from_secs(1) => {
                *lines += 1;
                *lines <= LOG_LINES
            }
            _ => {
                *window = Some((now, 1));
                true
            }
        }
    }
}

impl State {
    fn exchange(&self) -> Option<&Arc<Exchange>> {
        self.exchange.as_ref()
    }

    fn prompt(&self) -> Option<Arc<Prompt>> {
        self.exchange().map(|x| x.prompt())
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Prompt) -> Result<(), PromptError>,
    ) -> Result<(), types::Fault> {
        let x = self.exchange().ok_or_else(no_exchange)?;
        x.change_prompt(change).map_err(|error| fault("invalid", error.to_string()))
    }
}

fn fault(code: &str, message: impl Into<String>) -> types::Fault {
    types::Fault { code: code.to_owned(), message: message.into() }
}

fn no_exchange() -> types::Fault {
    fault("invalid", "there is no exchange outside of a call")
}

fn of_service(error: ServiceFault) -> types::Fault {
    fault(error.code, error.message)
}

fn check_key(key: &str) -> Result<(), types::Fault> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(fault("invalid", format!("a key has 1 to {MAX_KEY} bytes")));
    }
    Ok(())
}

fn granted(list: &[String], name: &str, what: &str) -> Result<(), types::Fault> {
    if list.iter().any(|granted| granted == name) {
        return Ok(());
    }
    Err(fault("denied", format!("the {what} is not granted to this binding")))
}

fn ttl(ms: u32) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms.into()))
}

impl types::Host for State {}

impl exchange::Host for State {}

impl exchange::HostExchange for State {
    fn id(&mut self, _: Resource<ExchangeHandle>) -> String {
        self.exchange().map_or_else(String::new, |x| x.id().to_owned())
    }

    fn tenant(&mut self, _: Resource<ExchangeHandle>) -> String {
        self.around.tenant.to_string()
    }

    fn remaining_ms(&mut self, _: Resource<ExchangeHandle>) -> u32 {
        let left = self.exchange().map(|x| x.deadline().saturating_duration_since(Instant::now()));
        u32::try_from(left.unwrap_or_default().as_millis()).unwrap_or(u32::MAX)
    }

    fn attr(&mut self, _: Resource<ExchangeHandle>, key: String) -> Option<String> {
        self.around.grants.allows_attr(&key).then(|| self.exchange()?.attr(&key)).flatten()
    }

    fn flag(&mut self, _: Resource<ExchangeHandle>, key: String, value: String) {
        if let Some(x) = self.exchange() {
            x.flag(&key, &value);
        }
    }

    fn get(&mut self, _: Resource<ExchangeHandle>, key: String) -> Option<Vec<u8>> {
        self.exchange()?.scratch_get(self.around.id, &key)
    }

    fn put(&mut self, _: Resource<ExchangeHandle>, key: String, value: Vec<u8>) -> Result<(), types::Fault> {
        check_key(&key)?;
        let x = self.exchange().ok_or_else(no_exchange)?;
        x.scratch_put(self.around.id, &key, value, self.around.scratch_bytes)
            .map_err(|error| fault("invalid", error.to_string()))
    }

    fn gather_answer(&mut self, _: Resource<ExchangeHandle>) {
        if let Some(x) = self.exchange() {
            x.gather_answer();
        }
    }

    fn drop(&mut self, _: Resource<ExchangeHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl exchange::HostPrompt for State {
    fn operation(&mut self, _: Resource<PromptHandle>) -> String {
        self.prompt().map_or_else(String::new, |prompt| prompt.operation().name().to_owned())
    }

    fn model(&mut self, _: Resource<PromptHandle>) -> String {
        self.prompt().map_or_else(String::new, |prompt| prompt.model().to_owned())
    }

    fn set_model(&mut self, _: Resource<PromptHandle>, model: String) -> Result<(), types::Fault> {
        check_key(&model)?;
        self.change(|prompt| {
            prompt.set_model(&model);
            Ok(())
        })
    }

    fn streaming(&mut self, _: Resource<PromptHandle>) -> bool {
        self.prompt().is_some_and(|prompt| prompt.streaming())
    }

    fn header(&mut self, _: Resource<PromptHandle>, name: String) -> Vec<String> {
        if !self.around.grants.allows_header(&name) {
            return Vec::new();
        }
        self.prompt().map_or_else(Vec::new, |prompt| prompt.header(&name).map(str::to_owned).collect())
    }

    fn texts(&mut self, _: Resource<PromptHandle>) -> Vec<types::TextPart> {
        self.prompt().map_or_else(Vec::new, |prompt| texts_to_wit(prompt.texts()))
    }

    fn set_text(
        &mut self,
        _: Resource<PromptHandle>,
        at: types::TextAt,
        value: String,
    ) -> Result<(), types::Fault> {
        self.change(|prompt| prompt.set_text(&at_from_wit(at), &value))
    }

    fn insert(
        &mut self,
        _: Resource<PromptHandle>,
        at: u32,
        role: String,
        text: String,
    ) -> Result<(), types::Fault> {
        self.change(|prompt| prompt.insert(at, &role, &text))
    }

    fn json(&mut self, _: Resource<PromptHandle>, pointer: String) -> Option<String> {
        self.prompt()?.json(&pointer)
    }

    fn merge(&mut self, _: Resource<PromptHandle>, patch: String) -> Result<(), types::Fault> {
        self.change(|prompt| prompt.merge(&patch))
    }

    fn drop(&mut self, _: Resource<PromptHandle>) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl log::Host for State {
    fn log(&mut self, level: String, mut message: String, fields: Vec<(String, String)>) {
        if !self.around.log.admits() {
            return;
        }
        message.truncate(message.floor_char_boundary(MAX_LOG));
        let mut fields =
            fields.into_iter().map(|(key, value)| format!("{key}={value:?}")).collect::<Vec<_>>().join(" ");
        fields.truncate(fields.floor_char_boundary(MAX_LOG));
        let (binding, tenant) = (&*self.around.name, &*self.around.tenant);
        let id = self.exchange().map(|x| x.id().to_owned());
        match level.as_str() {
            "error" => {
                tracing::error!(target: "lockgate::plugin::said", binding, tenant, id, fields, "{message}")
            }
            "warn" => {
                tracing::warn!(target: "lockgate::plugin::said", binding, tenant, id, fields, "{message}")
            }
            "info" => {
                tracing::info!(target: "lockgate::plugin::said", binding, tenant, id, fields, "{message}")
            }
            _ => tracing::debug!(target: "lockgate::plugin::said", binding, tenant, id, fields, "{message}"),
        }
    }
}

impl metrics::Host for State {
    fn add(&mut self, name: String, by: u64, labels: Vec<(String, String)>) {
        self.around.watch.add(&name, by, &labels);
    }

    fn sample(&mut self, name: String, value: f64, labels: Vec<(String, String)>) {
        self.around.watch.sample(&name, value, &labels);
    }
}

impl kv::Host for State {
    async fn get(&mut self, bucket: String, key: String) -> Result<Option<Vec<u8>>, types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        let from = Instant::now();
        let got = self.around.services.kv.get(&self.around.tenant, &bucket, &key).await;
        self.clock.waited_since(from);
        got.map_err(of_service)
    }

    async fn set(
        &mut self,
        bucket: String,
        key: String,
        value: Vec<u8>,
        ttl_ms: u32,
    ) -> Result<(), types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        check_key(&key)?;
        if value.len() > MAX_VALUE {
            return Err(fault("invalid", format!("a value has at most {MAX_VALUE} bytes")));
        }
        let from = Instant::now();
        let set = self.around.services.kv.set(&self.around.tenant, &bucket, &key, value, ttl(ttl_ms)).await;
        self.clock.waited_since(from);
        set.map_err(of_service)
    }

    async fn delete(&mut self, bucket: String, key: String) -> Result<(), types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        let from = Instant::now();
        let deleted = self.around.services.kv.delete(&self.around.tenant, &bucket, &key).await;
        self.clock.waited_since(from);
        deleted.map_err(of_service)
    }

    async fn incr(&mut self, bucket: String, key: String, by: i64, ttl_ms: u32) -> Result<i64, types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        check_key(&key)?;
        let from = Instant::now();
        let sum = self.around.services.kv.incr(&self.around.tenant, &bucket, &key, by, ttl(ttl_ms)).await;
        self.clock.waited_since(from);
        sum.map_err(of_service)
    }
}

impl responses::Host for State {
    fn keep(
        &mut self,
        _: Resource<ExchangeHandle>,
        id: String,
        ttl_ms: u32,
        tags: Vec<String>,
    ) -> Result<(), types::Fault> {
        check_key(&id)?;
        let x = self.exchange().ok_or_else(no_exchange)?;
        if tags.len() > MAX_BATCH || tags.iter().any(|tag| tag.len() > MAX_KEY) {
            return Err(fault("invalid", "too many tags, or too long ones"));
        }
        let ttl = ttl(ttl_ms).unwrap_or(MAX_KEEP).min(MAX_KEEP);
        let mark = Keep { id, ttl, tags };
        self.around.services.answers.check(&mark).map_err(of_service)?;
        x.keep(mark);
        Ok(())
    }

    fn describe(&mut self, id: String) -> Result<Option<Vec<(String, String)>>, types::Fault> {
        Ok(self.around.services.answers.describe(&self.around.tenant, &id))
    }

    fn forget(&mut self, id: String) -> Result<(), types::Fault> {
        self.around.services.answers.forget(&self.around.tenant, &id);
        Ok(())
    }
}

impl vectors::Host for State {
    async fn embed(&mut self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, types::Fault> {
        if texts.len() > MAX_BATCH {
            return Err(fault("invalid", format!("at most {MAX_BATCH} texts are embedded at once")));
        }
        let from = Instant::now();
        let embedded = self.around.services.vectors.embed(&texts).await;
        self.clock.waited_since(from);
        embedded.map_err(of_service)
    }

    async fn nearest(
        &mut self,
        collection: String,
        vector: Vec<f32>,
        limit: u32,
    ) -> Result<Vec<vectors::Hit>, types::Fault> {
        granted(&self.around.grants.vectors, &collection, "collection")?;
        let limit = MAX_BATCH.min(limit as usize);
        let from = Instant::now();
        let found =
            self.around.services.vectors.nearest(&self.around.tenant, &collection, &vector, limit).await;
        self.clock.waited_since(from);
        let found = found.map_err(of_service)?;
        Ok(found
            .into_iter()
            .map(|hit| vectors::Hit { id: hit.id, similarity: hit.similarity, fields: hit.fields })
            .collect())
    }

    async fn upsert(
        &mut self,
        collection: String,
        id: String,
        vector: Vec<f32>,
        ttl_ms: u32,
        fields: Vec<(String, String)>,
    ) -> Result<(), types::Fault> {
        granted(&self.around.grants.vectors, &collection, "collection")?;
        check_key(&id)?;
        if fields.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > MAX_LOG {
            return Err(fault("invalid", format!("a vector's fields have at most {MAX_LOG} bytes")));
        }
        let from = Instant::now();
        let tenant = self.around.tenant.clone();
        let stored =
            self.around.services.vectors.upsert(&tenant, &collection, &id, vector, ttl(ttl_ms), fields).await;
        self.clock.waited_since(from);
        stored.map_err(of_service)
    }

    async fn remove(&mut self, collection: String, id: String) -> Result<(), types::Fault> {
        granted(&self.around.grants.vectors, &collection, "collection")?;
        let from = Instant::now();
        let removed = self.around.services.vectors.remove(&self.around.tenant, &collection, &id).await;
        self.clock.waited_since(from);
        removed.map_err(of_service)
    }
}

impl http::Host for State {
    async fn send(&mut self, r: http::Request) -> Result<http::Response, types::Fault> {
        let around = self.around.clone();
        let Some(destination) = around.grants.http.as_ref().and_then(|granted| granted.get(&r.grant)) else {
            return Err(fault("denied", "the destination is not granted to this binding"));
        };
        let left = self.exchange().map(|x| x.deadline().saturating_duration_since(Instant::now()));
        let timeout = ttl(r.timeout_ms).unwrap_or(Duration::MAX).min(left.unwrap_or(Duration::from_secs(60)));
        let request =
            FetchRequest { method: r.method, path: r.path, headers: r.headers, body: r.body, timeout };
        let from = Instant::now();
        let sent = around.services.fetch.send(destination, request).await;
        self.clock.waited_since(from);
        let answer = sent.map_err(of_service)?;
        Ok(http::Response { status: answer.status, headers: answer.headers, body: answer.body })
    }
}
