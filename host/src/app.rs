//! The composition root: everything that outlives a configuration, and the exchange of one for the next.
//!
//! A change is proved before it serves: the new configuration is read, its plugins loaded and configured, its
//! coverage checked; then it is swapped in. Exchanges under way finish on the one they started with. A bad
//! change is refused with its reasons and nothing else happens.

mod compose;
mod credentials;
mod identity;
mod limits;
mod lone;
mod notices;
mod observe;
mod services;
mod watch;

pub use compose::{check_schemas, grants};
pub use lone::{Lone, lone};
pub use watch::watch;

use crate::auth::issuer::{KeySource, KeySourceSettings};
use crate::auth::{KeyFile, Keys, Lockout};
use crate::balance::Health;
use crate::config::{self, Config, Digest, Embeddings, Environment, Examined, Faults, Loaded, Sources};
use crate::credential::Credentials;
use crate::embedding::{Embedder, HashedEmbedder, MiniLmEmbedder, OpenAiEmbedder, StaticEmbedder};
use crate::ledger::{Ledger, LedgerSettings};
use crate::limit::{Counters, Durable, Local, Waiting};
use crate::plugin::{Engine, EngineSettings, Services};
use crate::proxy::Gateway;
use crate::route::canary;
use crate::store::Limits;
use crate::store::answers::{Answers, Stale};
use crate::store::feedback::Feedback;
use crate::store::idempotency::{self, Idempotency};
use crate::store::journal::Journal;
use crate::store::kv::Kv;
use crate::store::quarantine::Quarantine;
use crate::store::vectors::{VectorLimits, Vectors};
use crate::store::warm::Warm;
use crate::telemetry::Metrics;
use crate::tokens::Estimates;
use crate::upstream::Upstream;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Records that may wait for the disk before new exchanges do.
const LEDGER_BACKLOG: usize = 100_000;
/// Collections of vectors, of all tenants.
const MAX_COLLECTIONS: usize = 10_000;
/// Conversations and beginnings of prompts of which is known who answered last.
const MAX_WARM: usize = 200_000;
/// How often what has expired is swept away.
const SWEEP: Duration = Duration::from_secs(60);

/// What outlives a configuration.
pub struct Shared {
    /// The plugin engine.
    pub engine: Arc<Engine>,
    /// What plugins may ask for.
    pub services: Services,
    /// Kept answers.
    pub answers: Arc<Answers>,
    /// Answers to requests that are made once.
    pub idempotency: Arc<Idempotency>,
    /// What kept answers are found by.
    pub vectors: Arc<Vectors>,
    /// Small values of plugins.
    pub kv: Arc<Kv>,
    /// Requests kept for review.
    pub quarantine: Arc<Quarantine>,
    /// What must outlive the process, where there is a file for it.
    pub journal: Option<Arc<Journal>>,
    /// The record of exchanges.
    pub ledger: Arc<Ledger>,
    /// The operator's figures.
    pub metrics: Arc<Metrics>,
    /// Clients of providers, by name.
    pub upstreams: Mutex<HashMap<String, Arc<Upstream>>>,
    /// Credentials of the providers, by name.
    pub credentials: Mutex<HashMap<String, Arc<Credentials>>>,
    /// What was taken of the limits.
    pub counters: Arc<dyn Counters>,
    /// How many tokens texts are.
    pub tokens: Arc<Estimates>,
    /// Requests that wait for limits.
    pub waiting: Arc<Waiting>,
    /// How targets have been doing, by id.
    pub health: Mutex<HashMap<String, Arc<Health>>>,
    /// The keys that are made at run time.
    pub keys: Arc<Keys>,
    /// Those by which tokens of identity providers are verified.
    pub token_keys: Mutex<HashMap<KeySourceSettings, Arc<KeySource>>>,
    /// Who guessed keys.
    pub lockout: Arc<Lockout>,
    /// Who guessed tokens of administrators.
    pub admin_lockout: Arc<Lockout>,
    /// How canaries have been doing, by all that the configuration says of them.
    pub canaries: Mutex<HashMap<String, Weak<canary::State>>>,
    /// Which of them were rolled back.
    pub rolled_back: Arc<canary::Memory>,
    /// Which targets know a conversation, or the beginning of a prompt.
    pub warm: Arc<Warm>,
    /// What users say of answers.
    pub feedback: Arc<Feedback>,
}

impl Shared {
    /// Forgets answers that are stale, and what they are found by; says how many there were.
    pub fn forget_stale(&self, stale: &Stale) -> usize {
        let gone = self.answers.forget_stale(stale);
        gone.iter().for_each(|(tenant, id)| self.vectors.forget(tenant, id));
        gone.len()
    }
}

/// Where configurations come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// The environment alone.
    Standard,
}

/// The application could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Faults),
    /// A part cannot be made.
    #[error("{what}: {why}")]
    Part {
        /// Which.
        what: &'static str,
        /// Why.
        why: String,
    },
}

/// A gateway, and the means to change its configuration.
pub struct App {
    shared: Arc<Shared>,
    source: Source,
    environment: Arc<dyn Environment + Send + Sync>,
    current: ArcSwap<Gateway>,
    sources: Mutex<Sources>,
    generation: AtomicU64,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

/// Reads the configuration of a source, and everything that is wrong with it.
#[must_use]
pub fn examine(source: &Source, environment: &dyn Environment) -> Examined {
    let mut examined = match source {
        Source::File(file) => config::examine(file, environment),
        Source::Standard => match config::standard(environment) {
            Ok(loaded) => Examined { faults: Faults::new(&loaded.document.name), loaded: Some(loaded) },
            Err(faults) => faults.into(),
        },
    };
    if let Some(loaded) = &examined.loaded {
        let mut later = Faults::new(&loaded.document.name);
        check_schemas(loaded, &mut later);
        examined.faults.join(later);
    }
    examined
}

/// Reads the configuration of a source.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Source, environment: &dyn Environment) -> Result<Loaded, Faults> {
    examine(source, environment).sound()
}

impl App {
    /// Makes everything and composes the first configuration.
    ///
    /// # Errors
    /// The configuration is wrong, or a part of the machine does not play along.
    pub async fn start(
        source: Source,
        loaded: Loaded,
        environment: Arc<dyn Environment + Send + Sync>,
    ) -> Result<Arc<Self>, StartError> {
        let shared = Arc::new(share(&loaded.config)?);
        let composed = compose::compose(&shared, &loaded).await?;
        let app = Arc::new(Self {
            shared,
            source,
            environment,
            current: ArcSwap::from_pointee(composed.gateway),
            sources: Mutex::new(composed.sources),
            generation: AtomicU64::new(1),
            changing: tokio::sync::Mutex::default(),
        });
        app.gateway().auth.warm();
        observe::start(&app);
        sweep(&app);
        let refresh = Duration::from_millis(loaded.config.command_refresh_ms);
        if !refresh.is_zero() {
            watch::refresh(&app, refresh);
        }
        Ok(app)
    }

    /// What serves now.
    #[must_use]
    pub fn gateway(&self) -> Arc<Gateway> {
        self.current.load_full()
    }

    /// How many configurations have served.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// What outlives configurations.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The files whose change means a new configuration.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.sources.lock().files.clone()
    }

    /// The commands that print parts of the configuration, and digests of what they printed.
    #[must_use]
    pub fn commands(&self) -> Vec<(String, Digest)> {
        self.sources.lock().commands.clone()
    }

    /// Reads the configuration again and lets it serve, when it is sound.
    ///
    /// # Errors
    /// Everything that is wrong with it; what serves goes on serving.
    pub async fn reload(&self) -> Result<u64, Faults> {
        let _one = self.changing.lock().await;
        let (source, environment) = (self.source.clone(), self.environment.clone());
        // It reads files, and may wait for commands.
        let examined = tokio::task::spawn_blocking(move || examine(&source, &*environment)).await;
        let examined = examined.unwrap_or_else(|_| Faults::one("configuration", "it cannot be read").into());
        match prove(&self.shared, examined).await {
            Ok(composed) => {
                self.current.store(Arc::new(composed.gateway));
                self.gateway().auth.warm();
                *self.sources.lock() = composed.sources;
                let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
                tracing::info!(generation, "a new configuration serves");
                Ok(generation)
            }
            Err(faults) => {
                tracing::error!(faults = %faults, "the new configuration is refused; the old one goes on serving");
                Err(faults)
            }
        }
    }

    /// Writes down what is still waiting to be.
    pub async fn close(&self) {
        self.shared.counters.close().await;
        if let Some(journal) = &self.shared.journal {
            journal.close().await;
        }
        if let Err(error) = self.shared.ledger.close().await {
            tracing::error!(error = services::chain(&error), "the ledger could not be closed");
        }
    }
}

/// Composes what was read. Where that was faulty already, what it is still good for is finding more faults.
async fn prove(shared: &Arc<Shared>, examined: Examined) -> Result<compose::Composed, Faults> {
    let Examined { loaded, mut faults } = examined;
    let composed = match &loaded {
        Some(loaded) => compose::compose(shared, loaded).await,
        None => Err(Faults::new("")),
    };
    match composed {
        Ok(composed) => faults.or(composed),
        Err(later) => {
            faults.join(later);
            faults.or(()).and(Err(Faults::one("configuration", "it cannot be read")))
        }
    }
}

/// Checks a configuration as a start would, without serving it.
///
/// # Errors
/// Everything that is wrong with it.
pub async fn check(source: &Source, environment: &dyn Environment) -> Result<(), StartError> {
    let examined = examine(source, environment);
    let mut config = match &examined.loaded {
        Some(loaded) => loaded.config.clone(),
        None => return examined.sound().map(drop).map_err(Into::into),
    };
    config.ledger.file = None;
    config.counters.file = None;
    config.keys.file = None;
    config.state.file = None;
    if !examined.faults.list.is_empty() {
        // A faulty part would end this before the other faults are found.
        config.embeddings = Embeddings::default();
    }
    let shared = Arc::new(share(&config)?);
    prove(&shared, examined).await?;
    Ok(())
}

fn share(config: &Config) -> Result<Shared, StartError> {
    let part = |what, error: &dyn std::error::Error| StartError::Part { what, why: services::chain(error) };
    let settings = EngineSettings { cache_dir: cache_dir(config), pooling: config.engine.pooling };
    let engine = Engine::new(&settings).map_err(|error| part("the plugin engine", &error))?;
    let limits = Limits { entries: config.cache.max_entries, bytes: config.cache.max_bytes };
    let answers = Arc::new(Answers::new(limits));
    let kv = Arc::new(Kv::new(limits, None));
    let vectors = Arc::new(Vectors::new(VectorLimits {
        entries_per_collection: config.cache.max_entries,
        collections: 10_000,
        bytes: config.cache.max_bytes,
    }));
    let services = Services {
        kv: Arc::new(services::KvService(kv.clone())),
        answers: Arc::new(services::AnswersService(answers.clone())),
        vectors: Arc::new(services::VectorsService {
            store: vectors.clone(),
            embedder: embedder(&config.embeddings)?,
        }),
        fetch: Arc::new(services::FetchService::default()),
    };
    let ledger = Ledger::open(LedgerSettings { path: config.ledger.file.clone(), backlog: LEDGER_BACKLOG })
        .map_err(|error| part("the ledger", &error))?;
    let counters: Arc<dyn Counters> = match &config.counters.file {
        None => Arc::new(Local::default()),
        Some(file) => {
            let opened = Durable::open(file, crate::limit::now());
            Arc::new(opened.map_err(|error| part("the counters", &error))?)
        }
    };
    let once = &config.idempotency;
    let once = idempotency::Settings {
        ttl: Duration::from_secs(once.ttl_s),
        limits: Limits { entries: once.max_entries, bytes: once.max_bytes },
        max_answer_bytes: once.max_answer_bytes,
    };
    let journal = match config.state_file() {
        None => None,
        Some(file) => {
            let opened = Journal::open(&file, once.limits, crate::clock::unix_seconds());
            Some(Arc::new(opened.map_err(|error| part("the state", &error))?))
        }
    };
    let idempotency = Arc::new(Idempotency::new(once, journal.clone()));
    let keys = match &config.keys.file {
        None => Keys::default(),
        Some(file) => {
            let opened = KeyFile::open(file).map_err(|error| part("the keys", &error))?;
            Keys::load(opened).map_err(|error| part("the keys", &error))?
        }
    };
    let (metrics, waiting) = (Metrics::new(), Arc::<Waiting>::default());
    let watched = waiting.clone();
    metrics.watch_waiting(move || watched.len());
    Ok(Shared {
        engine,
        services,
        answers,
        idempotency,
        vectors,
        kv,
        quarantine: Arc::default(),
        ledger: Arc::new(ledger),
        metrics,
        upstreams: Mutex::default(),
        credentials: Mutex::default(),
        counters,
        tokens: Arc::default(),
        waiting,
        health: Mutex::default(),
        keys: Arc::new(keys),
        token_keys: Mutex::default(),
        lockout: Arc::default(),
        admin_lockout: Arc::default(),
        canaries: Mutex::default(),
        rolled_back: Arc::new(canary::Memory::new(journal.clone())),
        warm: Arc::new(Warm::new(MAX_WARM)),
        feedback: Arc::new(Feedback::new(journal.clone())),
        journal,
    })
}

/// The services that plugins get where nothing is configured: everything in memory, embeddings without a service.
#[must_use]
pub fn embedded_services() -> Services {
    let limits =
        Limits { entries: config::Cache::default().max_entries, bytes: config::Cache::default().max_bytes };
    let (kv, answers) = (Arc::new(Kv::new(limits, None)), Arc::new(Answers::new(limits)));
    serve_plugins(&kv, &answers, Arc::new(StaticEmbedder), limits)
}

fn serve_plugins(
    kv: &Arc<Kv>,
    answers: &Arc<Answers>,
    embedder: Arc<dyn Embedder>,
    limits: Limits,
) -> Services {
    let store = Arc::new(Vectors::new(VectorLimits {
        entries_per_collection: limits.entries,
        collections: MAX_COLLECTIONS,
        bytes: limits.bytes,
    }));
    Services {
        kv: Arc::new(services::KvService(kv.clone())),
        answers: Arc::new(services::AnswersService(answers.clone())),
        vectors: Arc::new(services::VectorsService { store, embedder }),
        fetch: Arc::new(services::FetchService::default()),
    }
}

fn embedder(settings: &Embeddings) -> Result<Arc<dyn Embedder>, StartError> {
    match settings {
        Embeddings::Builtin {} => Ok(Arc::new(StaticEmbedder)),
        Embeddings::Hashed {} => Ok(Arc::new(HashedEmbedder)),
        Embeddings::Minilm { model } => match MiniLmEmbedder::load(model) {
            Ok(embedder) => Ok(Arc::new(embedder)),
            Err(error) => Err(StartError::Part { what: "the embeddings", why: services::chain(&error) }),
        },
        Embeddings::Openai { base_url, credential, model, dimensions } => {
            let upstream = Upstream::new(services::plain_settings(base_url))
                .map_err(|error| StartError::Part { what: "the embeddings", why: services::chain(&error) })?;
            let client = services::EmbeddingsClient { upstream, credential: credential.clone() };
            Ok(Arc::new(OpenAiEmbedder::new(client, model.clone(), *dimensions)))
        }
    }
}

/// Where compiled plugins are kept: as configured, or the user's cache directory.
fn cache_dir(config: &Config) -> Option<PathBuf> {
    let user = || {
        let xdg = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        xdg.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
            .map(|dir| dir.join("lockgate"))
    };
    config.engine.cache_dir.clone().or_else(user)
}

/// Sweeps what has expired out of the stores, for as long as the application lives.
fn sweep(app: &Arc<App>) {
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            let Some(app) = app.upgrade() else { return };
            app.shared.kv.sweep();
            app.shared.answers.sweep();
            app.shared.idempotency.sweep();
            if let Some(journal) = &app.shared.journal {
                journal.sweep(crate::clock::unix_seconds());
            }
        }
    });
}
