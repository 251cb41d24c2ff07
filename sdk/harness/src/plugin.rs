//! One plugin in the real engine, called hook by hook.

use crate::HarnessError;
use lockgate::app::embedded_services;
use lockgate::chat::{Operation, Prompt, TextAt, channel};
use lockgate::exchange::{BindingId, Exchange};
use lockgate::pipeline::chain::{Chain, stopped};
use lockgate::pipeline::gate::Gate;
use lockgate::pipeline::stream::{Hold, OnError, OnOverflow};
use lockgate::plugin::{
    Binding, BindingSettings, Decision, Engine, EngineSettings, Hook, Isolation, Limits, Outcome, Plugin,
    SideSettings, Watch,
};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The longest text that is tried with every cut; longer ones with a spread of cuts.
const EVERY_CUT: usize = 64;
/// Sizes of pieces that longer texts are cut into.
const PIECES: [usize; 6] = [1, 2, 3, 7, 16, 61];

/// What `pre-request` made of a request.
#[derive(Debug)]
pub struct Requested {
    /// Its decision.
    pub decision: Decision,
    /// The request, as it would go on.
    pub body: Value,
    /// Whether it has nothing to do with the answer, and is not called for it.
    pub passes_answer: bool,
    /// The flags it set.
    pub flags: Vec<(String, String)>,
}

/// A plugin in the engine. One exchange runs through all calls, so that what `on_request` noted is there for
/// the answer.
pub struct TestPlugin {
    binding: Arc<Binding>,
    exchange: parking::Current,
}

/// The exchange that calls belong to.
mod parking {
    use super::{Exchange, Prompt};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::{Duration, Instant};

    pub struct Current(Mutex<Arc<Exchange>>);

    impl Current {
        pub fn new(prompt: Prompt) -> Self {
            Self(Mutex::new(Self::make(prompt)))
        }

        pub fn begin(&self, prompt: Prompt) -> Arc<Exchange> {
            let exchange = Self::make(prompt);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = exchange.clone();
            exchange
        }

        pub fn get(&self) -> Arc<Exchange> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }

        fn make(prompt: Prompt) -> Arc<Exchange> {
            let deadline = Instant::now() + Duration::from_secs(600);
            Arc::new(Exchange::new("test-exchange".into(), "test".into(), prompt, deadline))
        }
    }
}

impl TestPlugin {
    pub(crate) async fn load(component: &Path, config: Value, grants: Value) -> Result<Self, HarnessError> {
        let failed = |error: &dyn std::error::Error| HarnessError::Load(chain(error));
        let settings = EngineSettings {
            cache_dir: None,
            pooling: false,
            side: SideSettings { threads: 0, ..SideSettings::default() },
        };
        let engine = Engine::new(&settings).map_err(|error| failed(&error))?;
        let wasm = std::fs::read(component)?;
        let name = component.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let plugin = Plugin::load(&engine, &name, wasm, None).await.map_err(|error| failed(&error))?;
        let grants: lockgate::config::Grants =
            serde_json::from_value(grants).map_err(|error| HarnessError::Load(format!("grants: {error}")))?;
        let settings = BindingSettings {
            id: BindingId(0),
            name: name.as_str().into(),
            tenant: "test".into(),
            plugin,
            config,
            grants: lockgate::app::grants(&grants),
            // Tests run beside one another on busy machines: a deadline would fail them at random.
            limits: Limits {
                deadline: Duration::from_secs(30),
                wait: Duration::from_secs(60),
                ..Limits::default()
            },
            isolation: Isolation::Fresh,
        };
        let binding = Binding::prepare(&engine, settings, embedded_services(), Arc::new(Unwatched))
            .await
            .map_err(|error| failed(&error))?;
        let empty = Prompt::new(Operation::Chat, serde_json::Map::new(), Vec::new());
        Ok(Self { binding, exchange: parking::Current::new(empty) })
    }

    /// Calls `pre-request` with an OpenAI chat completions body; begins a new exchange.
    ///
    /// # Errors
    /// The call failed.
    ///
    /// # Panics
    /// When the body is no JSON object.
    pub async fn on_request(&self, body: Value) -> Result<Requested, HarnessError> {
        let Value::Object(body) = body else {
            return Err(HarnessError::Call("a body is a JSON object".into()));
        };
        let x = self.exchange.begin(Prompt::new(Operation::Chat, body, Vec::new()));
        let decision =
            self.binding.on_request(&x).await.map_err(|error| HarnessError::Call(chain(&error)))?;
        let body = Value::Object(x.prompt().body().clone());
        let passes_answer = x.passes_answer(self.binding.id());
        Ok(Requested { decision, body, passes_answer, flags: x.flags() })
    }

    /// Calls `post-response` with one text.
    ///
    /// # Errors
    /// The call failed.
    pub async fn on_response(&self, text: &str, summary: &[(&str, &str)]) -> Result<Outcome, HarnessError> {
        let part =
            lockgate::chat::TextPart { at: content(), role: "assistant".into(), text: text.to_owned() };
        let summary: Vec<(String, String)> =
            summary.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let answered = self.binding.on_response(&self.exchange.get(), &[part], &summary).await;
        answered.map_err(|error| HarnessError::Call(chain(&error)))
    }

    /// Filters a whole text.
    ///
    /// # Errors
    /// The filter stopped it, or failed.
    pub async fn whole(&self, text: &str) -> Result<String, HarnessError> {
        let mut guard = self.chain().guard(&self.exchange.get());
        guard.whole(&content(), text).await.map_err(|stop| HarnessError::Call(stopped(&guard, stop).message))
    }

    /// Filters a text that arrives in pieces.
    ///
    /// # Errors
    /// The filter stopped it, or failed.
    pub async fn stream(&self, pieces: &[&str]) -> Result<String, HarnessError> {
        let mut guard = self.chain().guard(&self.exchange.get());
        let mut out = String::new();
        for piece in pieces {
            let released = guard.push(&content(), piece).await;
            out += &released.map_err(|stop| HarnessError::Call(stopped(&guard, stop).message))?;
        }
        let released = guard.finish_item(0).await;
        for (_, text) in released.map_err(|stop| HarnessError::Call(stopped(&guard, stop).message))? {
            out += &text;
        }
        Ok(out)
    }

    /// Asserts that the text filter gives the same output however its input is cut: every single cut and every
    /// piece size for short texts, a spread of piece sizes for longer ones.
    ///
    /// # Panics
    /// When some cut gives another output.
    pub async fn assert_stream_equals_whole(&self, text: &str) {
        let whole = self.whole(text).await.map_err(|error| error.to_string());
        let mut cuts: Vec<Vec<&str>> = PIECES.iter().map(|size| pieces(text, *size)).collect();
        if text.len() <= EVERY_CUT {
            let boundaries = text.char_indices().map(|(at, _)| at);
            cuts.extend(boundaries.map(|at| text.split_at(at)).map(|(before, after)| vec![before, after]));
        }
        for cut in cuts {
            let streamed = self.stream(&cut).await.map_err(|error| error.to_string());
            assert_eq!(streamed, whole, "cut as {cut:?}");
        }
    }

    fn chain(&self) -> Chain {
        Chain::new(vec![Gate {
            binding: self.binding.clone(),
            on_error: OnError::Reject,
            hold: Hold { bytes: 1 << 20, time: Duration::from_secs(600), on_overflow: OnOverflow::Reject },
            streams: None,
            uncovered: Vec::new(),
            hooks: None,
        }])
    }
}

fn content() -> TextAt {
    TextAt::new(0, 0, channel::CONTENT)
}

/// A text in pieces of about so many bytes.
fn pieces(text: &str, size: usize) -> Vec<&str> {
    let mut rest = text;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.ceil_char_boundary(size.min(rest.len())));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

/// A test reads what a call returns; figures are for operators.
struct Unwatched;

impl Watch for Unwatched {
    fn called(&self, _: Hook, _: &'static str, _: Duration) {}
    fn edited(&self, _: usize) {}
    fn instances(&self, _: i64) {}
    fn add(&self, _: &str, _: u64, _: &[(String, String)]) {}
    fn sample(&self, _: &str, _: f64, _: &[(String, String)]) {}
}
