//! What plugins may ask of the host, as traits: the engine knows no store, no socket and no metric.

use super::Hook;
use crate::exchange::Keep;
use crate::secret::Secret;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// A service could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFault {
    /// `denied`, `timeout`, `unavailable`, `invalid`.
    pub code: &'static str,
    /// Why.
    pub message: String,
}

impl ServiceFault {
    /// A fault.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Small shared values, by tenant and bucket.
#[async_trait]
pub trait Kv: Send + Sync {
    /// Whether an answer may have to be waited for: the values lie elsewhere, or whoever asks has to queue.
    fn may_wait(&self) -> bool;
    /// Reads.
    async fn get(&self, tenant: &str, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, ServiceFault>;
    /// Writes.
    async fn set(
        &self,
        tenant: &str,
        bucket: &str,
        key: &str,
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Result<(), ServiceFault>;
    /// Removes.
    async fn delete(&self, tenant: &str, bucket: &str, key: &str) -> Result<(), ServiceFault>;
    /// Adds atomically and gives the sum.
    async fn incr(
        &self,
        tenant: &str,
        bucket: &str,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, ServiceFault>;
}

/// Kept answers, by tenant. What is kept is the proxy's business; plugins only mark and ask.
pub trait Answers: Send + Sync {
    /// Facts about a kept answer.
    fn describe(&self, tenant: &str, id: &str) -> Option<Vec<(String, String)>>;
    /// Forgets one.
    fn forget(&self, tenant: &str, id: &str);
    /// Checks a mark before it is set.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn check(&self, keep: &Keep) -> Result<(), ServiceFault>;
}

/// A neighbour of a vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// Its id.
    pub id: String,
    /// Cosine.
    pub similarity: f32,
    /// What was stored with it.
    pub fields: Vec<(String, String)>,
}

/// What a search for neighbours asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestQuery {
    /// Neighbours at most.
    pub limit: usize,
    /// The least cosine of a neighbour.
    pub at_least: f32,
    /// Only what was stored with fields that begin with these.
    pub among: Option<Vec<(String, String)>>,
}

/// Embeddings and nearest neighbours, by tenant and collection.
#[async_trait]
pub trait Vectors: Send + Sync {
    /// Unit vectors of texts.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ServiceFault>;
    /// Whether texts are embedded in this process, and nobody else reads them.
    fn embeds_here(&self) -> bool;
    /// As for [`Kv::may_wait`]. To compute is not to wait.
    fn may_wait(&self) -> bool;
    /// The nearest, best first.
    async fn nearest(
        &self,
        tenant: &str,
        collection: &str,
        vector: &[f32],
        query: NearestQuery,
    ) -> Result<Vec<Neighbour>, ServiceFault>;
    /// Adds or replaces.
    async fn upsert(
        &self,
        tenant: &str,
        collection: &str,
        id: &str,
        vector: Vec<f32>,
        ttl: Option<Duration>,
        fields: Vec<(String, String)>,
    ) -> Result<(), ServiceFault>;
    /// Removes.
    async fn remove(&self, tenant: &str, collection: &str, id: &str) -> Result<(), ServiceFault>;
}

/// A destination that an operator granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its base URL.
    pub url: String,
    /// Its credential; never seen by the plugin.
    pub credential: Option<Secret>,
    /// The header that carries it; `authorization` with `Bearer ` where none is named.
    pub header: Option<String>,
}

/// A request to a granted destination.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The method.
    pub method: String,
    /// Appended to the destination's URL.
    pub path: String,
    /// Headers; none that carries a credential.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Time for the whole request.
    pub timeout: Duration,
}

/// Its answer.
#[derive(Debug, Clone)]
pub struct FetchResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Requests to granted destinations.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Sends one.
    async fn send(&self, to: &Destination, request: FetchRequest) -> Result<FetchResponse, ServiceFault>;
}

/// Who is told what calls did. Called on the hot path: atomics only.
pub trait Watch: Send + Sync {
    /// A call ended.
    fn called(&self, hook: Hook, outcome: &'static str, elapsed: Duration);
    /// A plugin changed the prompt or an answer's texts.
    fn edited(&self, edits: usize);
    /// Instances were made or dropped.
    fn instances(&self, delta: i64);
    /// A plugin's own counter.
    fn add(&self, name: &str, by: u64, labels: &[(String, String)]);
    /// A plugin's own sample.
    fn sample(&self, name: &str, value: f64, labels: &[(String, String)]);
}

/// Everything a host offers to its plugins.
#[derive(Clone)]
pub struct Services {
    /// Small values.
    pub kv: Arc<dyn Kv>,
    /// Kept answers.
    pub answers: Arc<dyn Answers>,
    /// Vectors.
    pub vectors: Arc<dyn Vectors>,
    /// Requests.
    pub fetch: Arc<dyn Fetch>,
}
