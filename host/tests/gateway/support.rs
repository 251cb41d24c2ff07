//! A gateway as its users run it: the binary, a configuration file, free ports, and its log, line by line.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use lockgate_client::{Answer, Client};
use lockgate_upstream::{Handler, Upstream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// How long a test waits for what must happen; compiling every plugin for the first time takes a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// The key of the tenant `acme`.
pub const KEY: &str = "acme-key-of-the-tests";
/// The credential that the gateway shows the provider.
pub const CREDENTIAL: &str = "sk-provider-credential";

/// Ends what waits for too long.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// A binding of a shipped plugin. Its deadlines are far away: the suite runs on busy machines.
pub fn binding(plugin: &str, config: Value) -> Value {
    json!({ "plugin": plugin, "config": config, "limits": { "deadline_ms": 30_000, "wait_ms": 60_000 } })
}

/// The chain of `lockgate serve` without a configuration.
pub fn standard_chain() -> Value {
    let mut cache = binding("builtin:semantic-cache", json!({}));
    cache["grants"] = json!({ "responses": true, "vectors": ["semantic-cache"] });
    cache["on_error"] = json!("skip");
    let mut validator = binding("builtin:output-validator", json!({}));
    validator["streams"] = json!("on-demand");
    validator["hooks"] = json!(["pre-request", "post-response"]);
    let mut audit = binding("builtin:audit-log", json!({}));
    audit["grants"] = json!({ "http": {} });
    audit["on_error"] = json!("skip");
    json!([
        binding("builtin:injection-filter", json!({})),
        binding("builtin:pii-mask", json!({})),
        binding("builtin:content-filter", json!({})),
        cache,
        validator,
        audit
    ])
}

/// A configuration with the provider `openai` behind every model, and this chain.
pub fn config(upstream: &Upstream, chain: Value) -> Value {
    json!({
        "listen": "127.0.0.1:0",
        "admin": { "listen": "127.0.0.1:0" },
        "watch": false,
        "engine": { "cache_dir": Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled") },
        "providers": { "openai": {
            "adapter": "builtin:openai", "base_url": upstream.base_url(), "credential": CREDENTIAL,
        } },
        "chains": { "tested": chain },
        "routes": { "*": { "targets": ["openai/*"], "chain": "tested" } },
        "tenants": { "acme": { "keys": [{ "name": "web", "hash": hash(KEY) }], "routes": ["*"] } },
    })
}

/// The same configuration with another provider of the OpenAI format.
pub fn with_provider(mut config: Value, name: &str, upstream: &Upstream) -> Value {
    config["providers"][name] = config["providers"]["openai"].clone();
    config["providers"][name]["base_url"] = upstream.base_url().into();
    config
}

/// A key as a configuration holds it.
pub fn hash(key: &str) -> String {
    lockgate::auth::hash_key(key)
}

/// A chat request with one message of the user.
pub fn ask(text: &str) -> Value {
    json!({ "model": "gpt-test", "messages": [{ "role": "user", "content": text }] })
}

/// The same, streamed.
pub fn ask_streamed(text: &str) -> Value {
    with(ask(text), "stream", json!(true))
}

/// The same body with another field.
pub fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// A provider and a gateway before it.
pub struct Stage {
    pub upstream: Upstream,
    pub gateway: Gateway,
}

impl Stage {
    /// Starts both, with this chain.
    pub async fn start(handler: impl Handler, chain: Value) -> Self {
        Self::configured(handler, chain, |config| config).await
    }

    /// Starts both, with what a test makes of the configuration.
    pub async fn configured(
        handler: impl Handler,
        chain: Value,
        change: impl FnOnce(Value) -> Value,
    ) -> Self {
        let upstream = Upstream::start(handler).await.unwrap();
        let config = change(config(&upstream, chain));
        Self { gateway: Gateway::start(&config).await, upstream }
    }

    /// Asks as the tenant `acme`, and waits for all of the answer.
    pub async fn chat(&self, body: &Value) -> Answer {
        soon("an answer", self.gateway.client().chat(body)).await.unwrap()
    }
}

/// A gateway process; it is killed when this is dropped.
pub struct Gateway {
    /// Where clients connect.
    pub address: SocketAddr,
    /// Where operators do.
    pub admin_address: SocketAddr,
    /// Its configuration file.
    pub file: PathBuf,
    /// What it logs.
    pub log: Log,
    child: Child,
    _folder: TempDir,
}

impl Gateway {
    /// Starts the binary with a configuration and waits until it serves.
    pub async fn start(config: &Value) -> Self {
        Self::changed(config, |_| {}).await
    }

    /// Starts the binary with a configuration, and with nothing but this environment.
    pub async fn within(environment: &[(&str, &str)], config: &Value) -> Self {
        let change = |command: &mut Command| {
            command.env_clear().envs(environment.iter().copied());
        };
        Self::changed(config, change).await
    }

    async fn changed(config: &Value, change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lockgate.yaml");
        std::fs::write(&file, config.to_string()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.args(["serve", "-c"]).arg(&file);
        change(&mut command);
        Self::run(command, file, folder).await
    }

    /// Starts the binary without a configuration, and with nothing but this environment.
    pub async fn standard(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.arg("serve").env_clear().envs(environment.iter().copied());
        Self::run(command, PathBuf::new(), folder).await
    }

    async fn run(mut command: Command, file: PathBuf, folder: TempDir) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let log = Log::of(child.stderr.take().unwrap());
        let serving = log.wait_for("\"serving\"").await;
        let fields: Value = serde_json::from_str(&serving).unwrap();
        let address = |name: &str| fields[name].as_str().unwrap_or_default().parse().unwrap();
        Self {
            address: address("listen"),
            admin_address: address("admin"),
            file,
            log,
            child,
            _folder: folder,
        }
    }

    /// A client with the key of `acme`.
    pub fn client(&self) -> Client {
        self.anybody().with_key(KEY)
    }

    /// A client without a key.
    pub fn anybody(&self) -> Client {
        Client::new(self.address)
    }

    /// A client of the admin listener.
    pub fn admin(&self) -> Client {
        Client::new(self.admin_address)
    }

    /// The base URL that SDKs are given.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Writes another configuration, with the listeners of the running one.
    pub fn write(&self, config: &Value) {
        std::fs::write(&self.file, config.to_string()).unwrap();
    }

    /// Writes another configuration and has it taken up.
    pub async fn reload(&self, config: &Value) -> Answer {
        self.write(config);
        soon("the reload", self.admin().post("/reload", "")).await.unwrap()
    }

    /// Sends a signal.
    pub async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub async fn exit(&mut self) -> ExitStatus {
        soon("the end of the gateway", self.child.wait()).await.unwrap()
    }

    /// Its metrics.
    pub async fn metrics(&self) -> Metrics {
        Metrics(self.admin().get("/metrics").await.unwrap().body)
    }
}

/// The lines that a gateway logged.
#[derive(Clone)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Log {
    fn of(stderr: tokio::process::ChildStderr) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (sender, count) = watch::channel(0);
        let log = Self { lines: lines.clone(), count };
        tokio::spawn(async move {
            let mut reader = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                lines.lock().push(line);
                sender.send_modify(|count| *count += 1);
            }
        });
        log
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        self.lines.lock().join("\n")
    }

    /// Waits for a line that holds this.
    pub async fn wait_for(&self, needle: &str) -> String {
        let mut count = self.count.clone();
        loop {
            // Before the look: a line that comes during it must wake the wait.
            count.mark_unchanged();
            if let Some(line) = self.lines.lock().iter().find(|line| line.contains(needle)) {
                return line.clone();
            }
            match tokio::time::timeout(PATIENCE, count.changed()).await {
                Ok(Ok(())) => {}
                _ => panic!("the gateway did not log {needle:?}:\n{}", self.text()),
            }
        }
    }
}

/// The text of the metrics.
pub struct Metrics(pub String);

impl Metrics {
    /// The sum of a family's samples whose labels hold all of these.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let lines = self
            .0
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}
