//! Where an issuer's keys come from: found by discovery, fetched, kept, fetched again.
//!
//! Invariants: one fetch at a time, and not another soon after, whatever tokens ask for; while there are keys, nobody
//! waits but for one that is not among them; keys serve on while the issuer cannot be reached, but not for longer than
//! a day. Nothing is fetched in the clear but from this machine.

use super::keyset::{self, Algorithm, PublicKey};
use crate::auth::Rejected;
use crate::upstream::{Upstream, UpstreamSettings};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{HeaderValue, Request, Uri, header};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// Bytes of an answer.
const MAX_ANSWER: usize = 512 * 1024;
/// Time for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// After this long keys are fetched again, once somebody comes by.
const REFRESH: Duration = Duration::from_secs(600);
/// After a fetch, the next is not made sooner.
const AGAIN: Duration = Duration::from_secs(10);
/// Keys that could not be fetched again serve for this long.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// Keys that a token without the name of one is tried with.
const MAX_TRIED: usize = 4;

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeySourceSettings {
    /// The issuer, below which discovery is.
    pub issuer: String,
    /// Where its keys are, where that is not to be discovered.
    pub jwks_uri: Option<String>,
    /// Authorities to trust instead of the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
}

/// The keys of an issuer.
#[derive(Debug)]
pub struct KeySource {
    settings: KeySourceSettings,
    born: Instant,
    current: ArcSwapOption<Vec<PublicKey>>,
    /// Changes whenever the keys do.
    generation: AtomicU64,
    /// When they were last fetched, in milliseconds after `born`.
    fetched: AtomicU64,
    /// Whoever fetches holds it; it remembers when that was last tried.
    turn: Arc<Mutex<Option<Instant>>>,
}

/// Why keys cannot be had. For the operator's log: it holds nothing that a token said.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0} is not an https URL; http is for this machine alone")]
    Insecure(String),
    #[error("{0} cannot be asked")]
    Url(String),
    #[error("{url} cannot be reached")]
    Unreachable { url: String, source: crate::upstream::UpstreamError },
    #[error("{url} answers {status}")]
    Status { url: String, status: u16 },
    #[error("{0} is no discovery document of this issuer")]
    Discovery(String),
    #[error("{0} has no key that signs in a way we know")]
    Keys(String),
}

impl KeySource {
    /// The keys that are there. Nothing is fetched yet.
    #[must_use]
    pub fn new(settings: KeySourceSettings) -> Self {
        Self {
            settings,
            born: Instant::now(),
            current: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
            fetched: AtomicU64::new(0),
            turn: Arc::default(),
        }
    }

    /// Where they are.
    #[must_use]
    pub const fn settings(&self) -> &KeySourceSettings {
        &self.settings
    }

    /// Changes whenever the keys do.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether what was verified with these keys still is; has them fetched again when it is time.
    pub(super) fn is_good(self: &Arc<Self>) -> bool {
        let age = self.age();
        if age >= REFRESH {
            self.renew();
        }
        age < STALE
    }

    /// Fetches the keys without anybody waiting for them.
    pub fn renew(self: &Arc<Self>) {
        let Ok(turn) = self.turn.clone().try_lock_owned() else { return };
        if !is_too_soon(*turn) {
            let source = self.clone();
            tokio::spawn(async move { source.fetch(turn).await });
        }
    }

    /// The keys that a token may be signed by, and their generation.
    pub(super) async fn keys_for(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<(Vec<PublicKey>, u64), Rejected> {
        // Before the keys: those that come in between are then verified anew.
        let generation = self.generation();
        if self.is_good() {
            let fitting = self.fitting(id, algorithm);
            if !fitting.is_empty() {
                return Ok((fitting, generation));
            }
        }
        // What is fetched is kept even where it comes too late for this one.
        let _ = tokio::time::timeout(PATIENCE, self.fetched_since(Instant::now())).await;
        let generation = self.generation();
        if self.age() >= STALE {
            return Err(Rejected::Unavailable);
        }
        let fitting = self.fitting(id, algorithm);
        if fitting.is_empty() { Err(Rejected::Unknown) } else { Ok((fitting, generation)) }
    }

    fn fitting(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<PublicKey> {
        let current = self.current.load();
        let keys = current.iter().flat_map(|keys| keys.iter());
        keys.filter(|key| key.fits(id, algorithm)).take(MAX_TRIED).cloned().collect()
    }

    fn age(&self) -> Duration {
        if self.current.load().is_none() {
            return Duration::MAX;
        }
        self.born.elapsed().saturating_sub(Duration::from_millis(self.fetched.load(Ordering::Acquire)))
    }

    /// Waits until the keys were fetched after some time, or cannot be now.
    async fn fetched_since(self: &Arc<Self>, asked: Instant) {
        let turn = self.turn.clone().lock_owned().await;
        let meanwhile = turn.is_some_and(|last| last >= asked);
        if !meanwhile && !is_too_soon(*turn) {
            let source = self.clone();
            // Whoever asked may go away; others wait for the same fetch.
            let _ = tokio::spawn(async move { source.fetch(turn).await }).await;
        }
    }

    async fn fetch(&self, mut turn: OwnedMutexGuard<Option<Instant>>) {
        let issuer = &self.settings.issuer;
        match self.ask().await {
            Ok(keys) => {
                let known = self.current.load();
                let changed = known.as_deref().is_none_or(|known| *known != keys);
                let elapsed = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.fetched.store(elapsed, Ordering::Release);
                if changed {
                    tracing::info!(issuer, keys = keys.len(), "the keys of an issuer of tokens were fetched");
                    self.current.store(Some(Arc::new(keys)));
                    self.generation.fetch_add(1, Ordering::Release);
                }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(issuer, %error, cause, "the keys of an issuer of tokens cannot be fetched");
            }
        }
        *turn = Some(Instant::now());
    }

    async fn ask(&self) -> Result<Vec<PublicKey>, FetchError> {
        let url = match &self.settings.jwks_uri {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        let answer = self.get(&url).await?;
        keyset::read(&answer).ok_or(FetchError::Keys(url))
    }

    /// Where the keys are. Source: OpenID Connect Discovery 1.0, sections 4 and 4.3.
    async fn discover(&self) -> Result<String, FetchError> {
        let issuer = &self.settings.issuer;
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let answer = self.get(&url).await?;
        let found: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let text = |name: &str| found.get(name).and_then(Value::as_str);
        match text("jwks_uri") {
            Some(keys) if text("issuer") == Some(issuer) => Ok(keys.to_owned()),
            _ => Err(FetchError::Discovery(url)),
        }
    }

    async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        if !is_safe(url) {
            return Err(FetchError::Insecure(url.to_owned()));
        }
        let unusable = || FetchError::Url(url.to_owned());
        let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
        let settings = UpstreamSettings {
            connect: PATIENCE,
            first_byte: PATIENCE,
            total: PATIENCE,
            ca_file: self.settings.ca_file.clone(),
            ..UpstreamSettings::new(base)
        };
        let upstream = Upstream::new(settings).map_err(|_| unusable())?;
        let path = query.map_or_else(String::new, |query| format!("?{query}"));
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = upstream.url(&path).map_err(|_| unusable())?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let failed = |source| FetchError::Unreachable { url: url.to_owned(), source };
        let answered = upstream.send(request).await.map_err(failed)?;
        if !answered.status.is_success() {
            return Err(FetchError::Status { url: url.to_owned(), status: answered.status.as_u16() });
        }
        answered.body.collect(MAX_ANSWER).await.map_err(failed)
    }
}

fn is_too_soon(last: Option<Instant>) -> bool {
    last.is_some_and(|last| last.elapsed() < AGAIN)
}

/// Whether nobody on the way can change what is fetched: https, or this machine.
#[must_use]
pub fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        _ => false,
    }
}
