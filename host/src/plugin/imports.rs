//! The host's side of what every plugin may import: the exchange, the log, metrics.
//!
//! Everything here is reached by hostile code: arguments are bounded, and nothing traps the host.

use super::bindings::host::Plugin as HostWorld;
use super::bindings::host::lockgate::plugin::{exchange, log, metrics, signals, types};
use super::convert::{at_from_wit, texts_to_wit};
use super::instance::{ExchangeHandle, PromptHandle, State, Surroundings};
use crate::chat::{Prompt, PromptError};
use crate::exchange::Exchange;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::component::{HasSelf, Linker, Resource};

mod services;

/// Bytes of one key, name or id that a plugin gives.
const MAX_KEY: usize = 512;
/// Texts of one call of `embed`, and neighbours of one call of `nearest`.
const MAX_BATCH: usize = 256;
/// How long an order of targets may hold: what routers go by is measured anew all the time.
const LONGEST_HOLD: Duration = Duration::from_secs(1);
/// Lines that a binding may log per second.
const LOG_LINES: u32 = 200;
/// Bytes of one line of the log.
const MAX_LOG: usize = 4_096;

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
    /// Whether one more line may be logged.
    pub(super) fn admits(&self) -> bool {
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

    /// Waits until those ahead have let the request pass, where the call began before. The guest's time stands still.
    async fn certain(&mut self) {
        if let Some(x) = self.exchange.clone()
            && !x.is_certain()
        {
            let since = self.clock.pause();
            x.certain().await;
            self.clock.resume_from(since);
        }
    }

    /// Waits where a figure cannot be put off: as a plugin may give them without end, and of any length.
    async fn room_for(&mut self, name: &str, labels: &[(String, String)]) {
        let bytes = name.len() + labels.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        if bytes > MAX_KEY || self.exchange().is_some_and(|x| !x.has_room()) {
            self.certain().await;
        }
    }

    /// Does what others see, once that is certain to be said.
    fn once_certain(&self, deed: impl FnOnce() + Send + 'static) {
        match self.exchange() {
            Some(x) => x.once_certain(deed),
            None => deed(),
        }
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Prompt) -> Result<(), PromptError>,
    ) -> Result<(), types::Fault> {
        let x = self.exchange().ok_or_else(no_exchange)?;
        x.change_prompt(change).map_err(|error| fault("invalid", error.to_string()))?;
        self.around.watch.edited(1);
        Ok(())
    }
}

fn fault(code: &str, message: impl Into<String>) -> types::Fault {
    types::Fault { code: code.to_owned(), message: message.into() }
}

fn no_exchange() -> types::Fault {
    fault("invalid", "there is no exchange outside of a call")
}

fn check_key(key: &str) -> Result<(), types::Fault> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(fault("invalid", format!("a key has 1 to {MAX_KEY} bytes")));
    }
    Ok(())
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
        let left =
            self.exchange().map(|x| x.deadline().saturating_duration_since(tokio::time::Instant::now()));
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

    fn pass_answer(&mut self, _: Resource<ExchangeHandle>) {
        if let Some(x) = self.exchange() {
            x.pass_answer(self.around.id);
        }
    }

    fn hold_call(&mut self, _: Resource<ExchangeHandle>) {
        self.holds_call = true;
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

impl signals::Host for State {
    fn numbers(&mut self, name: String) -> Vec<Option<f64>> {
        let Some(targets) = &self.candidates else { return Vec::new() };
        targets.signals(&name).map(|signal| signal?.number()).collect()
    }

    fn texts(&mut self, name: String) -> Vec<Option<String>> {
        let Some(targets) = &self.candidates else { return Vec::new() };
        targets.signals(&name).map(|signal| Some(signal?.text())).collect()
    }

    fn hold(&mut self, ms: u32) {
        self.holds = Duration::from_millis(ms.into()).min(LONGEST_HOLD);
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
        let around = self.around.clone();
        let id = self.exchange().map(|x| x.id().to_owned());
        self.once_certain(move || say(&around, &level, id, &fields, &message));
    }
}

/// A line of a plugin's in the operator's log.
fn say(around: &Surroundings, level: &str, id: Option<String>, fields: &str, message: &str) {
    let (binding, tenant) = (&*around.name, &*around.tenant);
    match level {
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

impl metrics::Host for State {
    async fn add(&mut self, name: String, by: u64, labels: Vec<(String, String)>) {
        self.room_for(&name, &labels).await;
        let watch = self.around.watch.clone();
        self.once_certain(move || watch.add(&name, by, &labels));
    }

    async fn sample(&mut self, name: String, value: f64, labels: Vec<(String, String)>) {
        self.room_for(&name, &labels).await;
        let watch = self.around.watch.clone();
        self.once_certain(move || watch.sample(&name, value, &labels));
    }
}
