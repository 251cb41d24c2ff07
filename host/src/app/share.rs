//! What outlives a configuration: the stores, the files, the engine, and what was learnt.

use super::{StartError, services};
use crate::auth::issuer::{KeySource, KeySourceSettings};
use crate::auth::{KeyFile, Keys, Lockout};
use crate::balance::Health;
use crate::config::{self, Config, Embeddings};
use crate::credential::Credentials;
use crate::embedding::{Embedder, HashedEmbedder, MiniLmEmbedder, OpenAiEmbedder, StaticEmbedder};
use crate::ledger::{Ledger, LedgerSettings};
use crate::limit::{Counters, Durable, Local, Waiting};
use crate::plugin::{Engine, EngineSettings, Services, SideSettings};
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
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Records that may wait for the disk before new exchanges do.
const LEDGER_BACKLOG: usize = 100_000;
/// Collections of vectors, of all tenants.
const MAX_COLLECTIONS: usize = 10_000;
/// Conversations and beginnings of prompts of which is known who answered last.
const MAX_WARM: usize = 200_000;

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
    /// How canaries have been doing, by [`canary::name`].
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

pub(super) fn share(config: &Config) -> Result<Shared, StartError> {
    let part = |what, error: &dyn std::error::Error| StartError::Part { what, why: services::chain(error) };
    let mut side = SideSettings::default();
    side.threads = config.engine.side_threads.unwrap_or(side.threads);
    let settings = EngineSettings { cache_dir: cache_dir(config), pooling: config.engine.pooling, side };
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
