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
mod share;
mod watch;

pub use compose::{check_schemas, grants};
pub use lone::{Lone, lone};
pub use share::{Shared, embedded_services};
pub use watch::watch;

use crate::config::{self, Digest, Embeddings, Environment, Examined, Faults, Loaded, Sources};
use crate::proxy::Gateway;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use share::share;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often what has expired is swept away.
const SWEEP: Duration = Duration::from_secs(60);

/// How often the journal is handed what requests do not wait for: so much of it may be lost by a kill.
const HAND_OVER: Duration = Duration::from_secs(1);

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
        let (gateway, sources) = compose::compose(&shared, &loaded).await?.accept(&shared);
        let app = Arc::new(Self {
            shared,
            source,
            environment,
            current: ArcSwap::from_pointee(gateway),
            sources: Mutex::new(sources),
            generation: AtomicU64::new(1),
            changing: tokio::sync::Mutex::default(),
        });
        observe::start(&app);
        sweep(&app);
        hand_over(&app);
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
                let (gateway, sources) = composed.accept(&self.shared);
                self.current.store(Arc::new(gateway));
                *self.sources.lock() = sources;
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
        self.shared.feedback.hand_over();
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

/// Hands the journal what requests leave behind for it, for as long as the application lives.
fn hand_over(app: &Arc<App>) {
    if app.shared.journal.is_none() {
        return;
    }
    let app = Arc::downgrade(app);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(HAND_OVER);
        loop {
            ticks.tick().await;
            let Some(app) = app.upgrade() else { return };
            app.shared.feedback.hand_over();
        }
    });
}
