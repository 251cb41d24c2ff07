//! A gateway, its providers and its clients in one process and in memory, and the accounts of what happened when.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use async_trait::async_trait;
use http::{HeaderName, request};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use lockgate::app::{self, App, Source};
use lockgate::balance::Health;
use lockgate::ledger::Record;
use lockgate::limit::{Amounts, Dimension, Subject, Unit};
use lockgate::server::RequestBody;
use lockgate::upstream::{Dial, Upstream};
use lockgate::{api, auth, clock};
use lockgate_client::{Answer, Client, Open};
use lockgate_upstream::{Handler, Recorded, Reply};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The key of the tenant `acme`.
pub const KEY: &str = "acme-key-of-the-scenarios";
/// What a token costs that is asked, or answered, in dollars.
pub const PRICE: f64 = 1e-6;
/// Bytes on their way at a time.
const ON_THE_WAY: usize = 64 * 1024;
/// Where clients come from.
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A provider that answers as a script says.
#[derive(Clone)]
pub struct Provider {
    upstream: Arc<lockgate_upstream::Upstream>,
    asked: Arc<Mutex<Vec<Instant>>>,
    opens_after: Duration,
}

impl Provider {
    /// A provider.
    pub fn new(handler: impl Handler) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let handler = move |request: &Recorded| {
            log.lock().push(Instant::now());
            handler.reply(request)
        };
        let upstream = Arc::new(lockgate_upstream::Upstream::in_memory(handler));
        Self { upstream, asked, opens_after: Duration::ZERO }
    }

    /// One that always gives this reply.
    pub fn always(reply: Reply) -> Self {
        Self::new(move |_: &Recorded| reply.clone())
    }

    /// One that gives these replies in turn; the last one repeats.
    pub fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::new(lockgate_upstream::Script::new(replies))
    }

    /// The same, whose connections take this long to open.
    pub fn opening_after(mut self, time: Duration) -> Self {
        self.opens_after = time;
        self
    }

    /// How often it was asked.
    pub fn count(&self) -> usize {
        self.asked.lock().len()
    }

    /// When it was asked, from a point in time on, in milliseconds.
    pub fn asked_since(&self, from: Instant) -> Vec<u64> {
        let asked = self.asked.lock();
        asked.iter().filter(|at| **at >= from).map(|at| ms(at.duration_since(from))).collect()
    }

    /// What it was asked.
    pub fn requests(&self) -> Vec<Recorded> {
        self.upstream.requests()
    }

    /// Waits until somebody went away before an answer ended, so many times.
    pub async fn was_left(&self, times: usize) {
        self.upstream.wait_for_disconnects(times).await;
    }
}

#[async_trait]
impl Dial for Provider {
    async fn dial(&self) -> io::Result<DuplexStream> {
        if !self.opens_after.is_zero() {
            tokio::time::sleep(self.opens_after).await;
        }
        self.upstream.connect()
    }
}

/// A gateway before its providers.
pub struct Stage {
    /// The gateway.
    pub app: Arc<App>,
    /// Its configuration.
    pub config: Value,
    providers: Vec<(String, Provider)>,
    records: tokio::sync::Mutex<mpsc::Receiver<Vec<Arc<Record>>>>,
    folder: TempDir,
}

impl Stage {
    /// A gateway whose model `smart` leads to these providers, each asked for the model `m`, in this order; with these settings
    /// of the route's resilience.
    pub async fn start(providers: &[(&str, &Provider)], resilience: Value) -> Self {
        Self::configured(providers, |config| config["routes"]["smart"]["resilience"] = resilience).await
    }

    /// What the budgets of the tenant `acme` were used of, in billionths of a dollar.
    pub fn used_of_budgets(&self) -> Vec<u64> {
        let gateway = self.app.gateway();
        let subject = Subject::default().with(Dimension::Tenant, Some("acme"));
        let rules = gateway.limits.look(&subject, Amounts::default());
        let levels = rules.filter(|(rule, ..)| rule.unit == Unit::Nanodollars);
        levels.map(|(_, _, level)| level.map_or(0, |level| level.used)).collect()
    }

    /// The same, with what a scenario makes of the configuration.
    pub async fn configured(providers: &[(&str, &Provider)], change: impl FnOnce(&mut Value)) -> Self {
        // Limits and calendars go by the date.
        clock::follow_runtime();
        // What is left to chance is the same in every run.
        fastrand::seed(7);
        let mut config = config(providers.iter().map(|(name, _)| *name));
        change(&mut config);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lockgate.yaml");
        std::fs::write(&file, config.to_string()).unwrap();
        let source = Source::File(file);
        let loaded = app::read(&source, &()).unwrap();
        let app = App::start(source, loaded, Arc::new(())).await.unwrap();
        let records = app.gateway().ledger.subscribe(1, Duration::from_millis(1));
        let providers = providers.iter().map(|(name, provider)| ((*name).to_owned(), (*provider).clone()));
        let stage = Self {
            app,
            config,
            providers: providers.collect(),
            records: tokio::sync::Mutex::new(records),
            folder,
        };
        stage.connect().await;
        stage
    }

    /// Lets the gateway reach its providers without a network.
    async fn connect(&self) {
        for (name, provider) in &self.providers {
            let mut known = self.app.shared().upstreams.lock();
            let settings = known[name].settings().clone();
            let over = Upstream::over(settings, Arc::new(provider.clone())).unwrap();
            known.insert(name.clone(), Arc::new(over));
        }
        self.app.reload().await.unwrap();
    }

    /// Changes the configuration, and has it taken up.
    pub async fn reload(&mut self, change: impl FnOnce(&mut Value)) {
        change(&mut self.config);
        std::fs::write(self.folder.path().join("lockgate.yaml"), self.config.to_string()).unwrap();
        self.app.reload().await.unwrap();
        // Providers whose settings are others have connections of their own again.
        self.connect().await;
    }

    /// Changes the routes alone, while exchanges are under way.
    pub async fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut config = self.config.clone();
        change(&mut config);
        std::fs::write(self.folder.path().join("lockgate.yaml"), config.to_string()).unwrap();
        self.app.reload().await.unwrap();
    }

    /// The same, where nobody knows how targets have been doing.
    pub async fn rearrange(&self, change: impl FnOnce(&mut Value)) {
        self.app.shared().health.lock().clear();
        self.change(change).await;
    }

    /// Changes the configuration to one that is refused, for its prices.
    pub async fn refused(&self, change: impl FnOnce(&mut Value)) {
        let mut config = self.config.clone();
        change(&mut config);
        config["prices"]["file"] = json!(self.folder.path().join("there is none.json"));
        std::fs::write(self.folder.path().join("lockgate.yaml"), config.to_string()).unwrap();
        let faults = self.app.reload().await.unwrap_err();
        assert!(faults.to_string().contains("price list"), "{faults}");
    }

    /// How a target has been doing.
    pub fn health(&self, target: &str) -> Arc<Health> {
        self.app.shared().health.lock()[target].clone()
    }

    /// Asks, and waits for the head of the answer.
    pub async fn open(&self, body: &Value) -> Open {
        self.open_with(body, &[]).await
    }

    /// The same with other headers.
    pub async fn open_with(&self, body: &Value, headers: &[(&str, &str)]) -> Open {
        let client = Client::new(SocketAddr::new(PEER, 80)).with_key(KEY);
        let mut request = client.request(http::Method::POST, "/v1/chat/completions");
        let all = request.headers_mut().unwrap();
        for (name, value) in headers {
            all.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        self.send(request, body).await
    }

    /// Sends a request over a connection of its own, and waits for the head of the answer.
    pub async fn send(&self, request: request::Builder, body: &Value) -> Open {
        Client::open_over(self.connection(), request, body.to_string()).await.unwrap()
    }

    /// A connection of a client.
    fn connection(&self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(ON_THE_WAY);
        let app = self.app.clone();
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let gateway = app.gateway();
            async move { Ok::<_, Infallible>(api::handle(gateway, request.map(RequestBody::from), PEER).await) }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service),
        );
        ours
    }

    /// Asks, and waits for all of the answer, also of one that breaks off.
    pub async fn ask(&self, body: &Value) -> Answer {
        self.ask_with(body, &[]).await
    }

    /// The same with other headers.
    pub async fn ask_with(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let open = self.open_with(body, headers).await;
        let (status, headers) = (open.status, open.headers.clone());
        Answer { status, headers, body: open.all().await }
    }

    /// Asks, and says how long it took, in milliseconds.
    pub async fn timed(&self, body: &Value) -> (Answer, u64) {
        let from = Instant::now();
        let answer = self.ask(body).await;
        (answer, ms(from.elapsed()))
    }

    /// The next record of the ledger.
    pub async fn record(&self) -> Arc<Record> {
        let batch = tokio::time::timeout(Duration::from_secs(3_600), self.records.lock().await.recv()).await;
        batch.unwrap().unwrap().remove(0)
    }
}

/// The configuration of a gateway with these providers.
fn config<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    let names: Vec<&str> = names.collect();
    let provider = |name: &str| json!({ "adapter": "builtin:openai", "credential": "sk-of-a-scenario", "base_url": format!("http://{name}.test/v1") });
    let price = json!({ "input_cost_per_token": PRICE, "output_cost_per_token": PRICE, "mode": "chat" });
    json!({
        "watch": false,
        "engine": { "cache_dir": Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"), "pooling": false },
        "providers": names.iter().map(|name| ((*name).to_owned(), provider(name))).collect::<serde_json::Map<_, _>>(),
        "routes": { "smart": { "targets": names.iter().map(|name| format!("{name}/m")).collect::<Vec<_>>() } },
        "tenants": { "acme": { "keys": [{ "name": "web", "hash": auth::hash_key(KEY) }], "routes": ["smart"] } },
        "prices": { "overrides": names.iter().map(|name| (format!("{name}/m"), price.clone())).collect::<serde_json::Map<_, _>>() },
    })
}

/// A request, whole or streamed.
pub fn ask(text: &str) -> Value {
    json!({ "model": "smart", "messages": [{ "role": "user", "content": text }] })
}

/// The same, streamed.
pub fn streamed(text: &str) -> Value {
    let mut body = ask(text);
    body["stream"] = json!(true);
    body
}

/// A binding of a shipped plugin. Its deadline is far away: the suite runs on busy machines.
pub fn binding(plugin: &str, config: &Value) -> Value {
    json!({ "plugin": plugin, "config": config, "limits": { "deadline_ms": 30_000, "wait_ms": 60_000 } })
}

/// Words of everything that a chat request says: what its provider bills as input.
pub fn words(request: &Recorded) -> u64 {
    let body = request.json();
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let words =
        |message: &Value| message["content"].as_str().unwrap_or_default().split_whitespace().count() as u64;
    messages.iter().map(words).sum()
}

/// A time in whole milliseconds.
pub fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

/// Whether something took as long as expected: timers round up to a millisecond each.
#[track_caller]
pub fn near(took: u64, expected: u64) {
    assert!((expected..=expected + 8).contains(&took), "it took {took} ms, not {expected}");
}

/// A reply after so many milliseconds.
pub fn late(text: &str, after: u64) -> Reply {
    Reply::text(text).after(Duration::from_millis(after))
}

/// Lets time pass.
pub async fn pass(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// The status and the code of an error.
pub fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.error("code"))
}
