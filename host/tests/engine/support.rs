//! A gateway around the engine in miniature: services in memory, a watch that counts, exchanges.
#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use lockgate::chat::{Operation, Prompt};
use lockgate::exchange::{BindingId, Exchange, Keep};
use lockgate::pipeline::coverage::Streams;
use lockgate::pipeline::gate::Gate;
use lockgate::pipeline::stream::{Hold, OnError, OnOverflow};
use lockgate::plugin::*;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// What calls did.
#[derive(Default)]
pub struct Counts {
    outcomes: Mutex<HashMap<&'static str, u64>>,
    own: Mutex<HashMap<String, u64>>,
    instances: AtomicI64,
    edits: AtomicI64,
}

impl Counts {
    pub fn outcome(&self, name: &str) -> u64 {
        self.outcomes.lock().get(name).copied().unwrap_or_default()
    }

    /// A counter of the plugin's own.
    pub fn own(&self, name: &str) -> u64 {
        self.own.lock().get(name).copied().unwrap_or_default()
    }

    /// Instances alive.
    pub fn instances(&self) -> i64 {
        self.instances.load(Ordering::SeqCst)
    }

    pub fn edits(&self) -> i64 {
        self.edits.load(Ordering::SeqCst)
    }
}

impl Watch for Counts {
    fn called(&self, _: Hook, outcome: &'static str, _: Duration) {
        *self.outcomes.lock().entry(outcome).or_default() += 1;
    }

    fn edited(&self, edits: usize) {
        self.edits.fetch_add(i64::try_from(edits).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    fn instances(&self, delta: i64) {
        self.instances.fetch_add(delta, Ordering::SeqCst);
    }

    fn add(&self, name: &str, by: u64, _: &[(String, String)]) {
        *self.own.lock().entry(name.to_owned()).or_default() += by;
    }

    fn sample(&self, _: &str, _: f64, _: &[(String, String)]) {}
}

/// A log that can be read.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens to what this thread logs, as long as the guard is there.
    pub fn listen() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Services that keep nothing but what a test needs: `get` of the key `wait` tells `asked` and waits for
/// `go`, of the key `panic` panics, of any other gives `tenant/bucket/key`. All values are one sum.
#[derive(Default)]
pub struct Memory {
    pub asked: Notify,
    pub go: Notify,
    /// Whether values may have to be waited for.
    pub may_wait: AtomicBool,
    counted: AtomicI64,
}

impl Memory {
    /// What was added to all values.
    pub fn counted(&self) -> i64 {
        self.counted.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl Kv for Memory {
    fn may_wait(&self) -> bool {
        self.may_wait.load(Ordering::SeqCst)
    }

    async fn get(&self, tenant: &str, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, ServiceFault> {
        match key {
            "wait" => {
                self.asked.notify_one();
                self.go.notified().await;
            }
            "panic" => panic!("a service panics"),
            _ => {}
        }
        Ok(Some(format!("{tenant}/{bucket}/{key}").into_bytes()))
    }

    async fn set(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: Vec<u8>,
        _: Option<Duration>,
    ) -> Result<(), ServiceFault> {
        Ok(())
    }

    async fn delete(&self, _: &str, _: &str, _: &str) -> Result<(), ServiceFault> {
        Ok(())
    }

    async fn incr(
        &self,
        _: &str,
        _: &str,
        _: &str,
        by: i64,
        _: Option<Duration>,
    ) -> Result<i64, ServiceFault> {
        Ok(self.counted.fetch_add(by, Ordering::SeqCst) + by)
    }
}

impl Answers for Memory {
    fn describe(&self, _: &str, _: &str) -> Option<Vec<(String, String)>> {
        None
    }

    fn forget(&self, _: &str, _: &str) {}

    fn check(&self, _: &Keep) -> Result<(), ServiceFault> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl Vectors for Memory {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ServiceFault> {
        Ok(vec![vec![1.0]; texts.len()])
    }

    fn embeds_here(&self) -> bool {
        true
    }

    fn may_wait(&self) -> bool {
        false
    }

    async fn nearest(
        &self,
        _: &str,
        _: &str,
        _: &[f32],
        _: NearestQuery,
    ) -> Result<Vec<Neighbour>, ServiceFault> {
        Ok(Vec::new())
    }

    async fn upsert(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: Vec<f32>,
        _: Option<Duration>,
        _: Vec<(String, String)>,
    ) -> Result<(), ServiceFault> {
        Ok(())
    }

    async fn remove(&self, _: &str, _: &str, _: &str) -> Result<(), ServiceFault> {
        Ok(())
    }
}

#[async_trait::async_trait]
impl Fetch for Memory {
    async fn send(&self, _: &Destination, _: FetchRequest) -> Result<FetchResponse, ServiceFault> {
        Err(ServiceFault::new("unavailable", "there is no network here"))
    }
}

/// An engine and what surrounds it.
pub struct House {
    pub engine: Arc<Engine>,
    pub memory: Arc<Memory>,
}

/// A house whose engine keeps no code and allocates instances one by one.
pub fn house() -> House {
    of(&EngineSettings { pooling: false, ..EngineSettings::default() })
}

pub fn of(settings: &EngineSettings) -> House {
    House { engine: Engine::new(settings).expect("an engine can be made"), memory: Arc::default() }
}

/// A binding and what it did.
pub struct Used {
    pub binding: Arc<Binding>,
    pub counts: Arc<Counts>,
}

impl House {
    pub async fn plugin(&self, wasm: &'static [u8]) -> Arc<Plugin> {
        Plugin::load(&self.engine, "guest", wasm, None).await.expect("the guest is a plugin")
    }

    /// A binding with usual settings, changed by `change`; with a deadline that a busy machine does not miss for it.
    pub async fn bind(
        &self,
        wasm: &'static [u8],
        config: Value,
        change: impl FnOnce(&mut BindingSettings),
    ) -> Used {
        self.try_bind(wasm, config, change).await.expect("the binding can be made")
    }

    pub async fn try_bind(
        &self,
        wasm: &'static [u8],
        config: Value,
        change: impl FnOnce(&mut BindingSettings),
    ) -> Result<Used, LoadError> {
        static IDS: AtomicU32 = AtomicU32::new(1);
        let mut settings = BindingSettings {
            id: BindingId(IDS.fetch_add(1, Ordering::Relaxed)),
            name: "guest".into(),
            tenant: "acme".into(),
            plugin: self.plugin(wasm).await,
            config,
            grants: Grants::default(),
            limits: Limits { deadline: Duration::from_secs(1), ..Limits::default() },
            isolation: Isolation::Reuse,
        };
        change(&mut settings);
        let services = Services {
            kv: self.memory.clone(),
            answers: self.memory.clone(),
            vectors: self.memory.clone(),
            fetch: self.memory.clone(),
        };
        let counts = Arc::new(Counts::default());
        let binding = Binding::prepare(&self.engine, settings, services, counts.clone()).await?;
        Ok(Used { binding, counts })
    }

    /// A binding of the hostile guest.
    pub async fn hostile(&self, deed: &str, change: impl FnOnce(&mut BindingSettings)) -> Used {
        self.bind(lockgate_guests::HOSTILE, json!({ "deed": deed }), change).await
    }
}

/// A binding in a chain.
pub fn gate(used: &Used, on_error: OnError) -> Gate {
    Gate {
        binding: used.binding.clone(),
        on_error,
        hold: Hold { bytes: 1 << 20, time: Duration::from_secs(60), on_overflow: OnOverflow::Reject },
        streams: Some(Streams::Gather),
        uncovered: Vec::new(),
        hooks: None,
    }
}

/// A chat request with one message.
pub fn exchange(text: &str) -> Arc<Exchange> {
    let body = json!({ "model": "smart", "messages": [{ "role": "user", "content": text }] });
    let Value::Object(body) = body else { unreachable!("it is an object") };
    let headers = vec![("x-lockgate-cache".into(), "skip".into()), ("user-agent".into(), "curl".into())];
    let prompt = Prompt::new(Operation::Chat, body, headers);
    let deadline = Instant::now() + Duration::from_secs(60);
    Arc::new(Exchange::new("x-1".into(), "acme".into(), prompt, deadline))
}

/// A flag of an exchange.
pub fn flag(x: &Exchange, key: &str) -> Option<String> {
    x.flags().into_iter().find(|(name, _)| name == key).map(|(_, value)| value)
}
