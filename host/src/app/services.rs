//! The host's stores and clients, as the services that plugins ask for.

use crate::embedding::Embedder;
use crate::exchange::Keep;
use crate::plugin::{
    Answers, Destination, Fetch, FetchRequest, FetchResponse, Hook, Kv, NearestQuery, Neighbour,
    ServiceFault, Vectors, Watch,
};
use crate::store::{answers, kv, vectors};
use crate::telemetry::PluginMetrics;
use crate::upstream::{Upstream, UpstreamError, UpstreamSettings};
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of an answer that a plugin's request may bring.
const MAX_FETCHED: usize = 4 * 1024 * 1024;
/// Vectors from which a search that reads them leaves the async threads: below, it takes less than the way there and back
/// under load.
const LARGE_SEARCH: usize = 20_000;

/// The key-value store.
pub struct KvService(pub Arc<kv::Kv>);

#[async_trait]
impl Kv for KvService {
    fn may_wait(&self) -> bool {
        false
    }

    async fn get(&self, tenant: &str, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, ServiceFault> {
        Ok(self.0.get(tenant, bucket, key).map(Vec::from))
    }

    async fn set(
        &self,
        tenant: &str,
        bucket: &str,
        key: &str,
        value: Vec<u8>,
        ttl: Option<Duration>,
    ) -> Result<(), ServiceFault> {
        self.0.set(tenant, bucket, key, &value, ttl).map_err(|error| invalid(&error))
    }

    async fn delete(&self, tenant: &str, bucket: &str, key: &str) -> Result<(), ServiceFault> {
        self.0.delete(tenant, bucket, key);
        Ok(())
    }

    async fn incr(
        &self,
        tenant: &str,
        bucket: &str,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, ServiceFault> {
        self.0.incr(tenant, bucket, key, by, ttl).map_err(|error| invalid(&error))
    }
}

/// The kept answers.
pub struct AnswersService(pub Arc<answers::Answers>);

impl Answers for AnswersService {
    fn describe(&self, tenant: &str, id: &str) -> Option<Vec<(String, String)>> {
        self.0.describe(tenant, id)
    }

    fn forget(&self, tenant: &str, id: &str) {
        self.0.forget(tenant, id);
    }

    fn check(&self, keep: &Keep) -> Result<(), ServiceFault> {
        answers::Answers::check(keep).map_err(|error| invalid(&error))
    }
}

/// The vectors, and what makes them.
pub struct VectorsService {
    /// The collections.
    pub store: Arc<vectors::Vectors>,
    /// What embeds texts.
    pub embedder: Arc<dyn Embedder>,
}

#[async_trait]
impl Vectors for VectorsService {
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, ServiceFault> {
        self.embedder.embed(texts).await.map_err(|error| ServiceFault::new("unavailable", error.to_string()))
    }

    fn embeds_here(&self) -> bool {
        self.embedder.is_local()
    }

    fn may_wait(&self) -> bool {
        self.embedder.may_wait()
    }

    async fn nearest(
        &self,
        tenant: &str,
        collection: &str,
        vector: &[f32],
        query: NearestQuery,
    ) -> Result<Vec<Neighbour>, ServiceFault> {
        let effort = self.store.effort(tenant, collection, query.among.as_deref());
        let hits = if effort < LARGE_SEARCH {
            self.store.nearest(tenant, collection, vector, &search(&query))
        } else {
            let (store, tenant, collection) = (self.store.clone(), tenant.to_owned(), collection.to_owned());
            let vector = vector.to_vec();
            let run = move || store.nearest(&tenant, &collection, &vector, &search(&query));
            tokio::task::spawn_blocking(run)
                .await
                .map_err(|_| ServiceFault::new("unavailable", "the search was broken off"))?
        };
        let hits = hits.map_err(|error| invalid(&error))?;
        Ok(hits
            .into_iter()
            .map(|hit| Neighbour {
                id: hit.id.to_string(),
                similarity: hit.similarity,
                fields: hit.fields.to_vec(),
            })
            .collect())
    }

    async fn upsert(
        &self,
        tenant: &str,
        collection: &str,
        id: &str,
        vector: Vec<f32>,
        ttl: Option<Duration>,
        fields: Vec<(String, String)>,
    ) -> Result<(), ServiceFault> {
        self.store.upsert(tenant, collection, id, &vector, ttl, fields).map_err(|error| invalid(&error))
    }

    async fn remove(&self, tenant: &str, collection: &str, id: &str) -> Result<(), ServiceFault> {
        self.store.remove(tenant, collection, id);
        Ok(())
    }
}

fn search(query: &NearestQuery) -> vectors::Search<'_> {
    vectors::Search { limit: query.limit, at_least: query.at_least, among: query.among.as_deref() }
}

fn invalid(error: &dyn std::error::Error) -> ServiceFault {
    ServiceFault::new("invalid", error.to_string())
}

/// Requests to granted destinations: a client per base URL, made when it is first used.
#[derive(Default)]
pub struct FetchService {
    clients: Mutex<HashMap<String, Arc<Upstream>>>,
}

impl FetchService {
    fn client(&self, url: &str) -> Result<Arc<Upstream>, ServiceFault> {
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(url) {
            return Ok(client.clone());
        }
        let client = Upstream::new(plain_settings(url)).map_err(|error| {
            ServiceFault::new("invalid", format!("the destination cannot be used: {error}"))
        })?;
        let client = Arc::new(client);
        clients.insert(url.to_owned(), client.clone());
        Ok(client)
    }
}

#[async_trait]
impl Fetch for FetchService {
    async fn send(&self, to: &Destination, request: FetchRequest) -> Result<FetchResponse, ServiceFault> {
        let client = self.client(&to.url)?;
        let wrong = |what: &str| ServiceFault::new("invalid", format!("the request's {what} is none"));
        let mut outgoing = Request::new(Bytes::from(request.body));
        *outgoing.method_mut() =
            Method::from_bytes(request.method.as_bytes()).map_err(|_| wrong("method"))?;
        *outgoing.uri_mut() = client.url(&request.path).map_err(|_| wrong("path"))?;
        for (name, value) in request.headers {
            let name = HeaderName::try_from(name).map_err(|_| wrong("header"))?;
            let value = HeaderValue::try_from(value).map_err(|_| wrong("header"))?;
            outgoing.headers_mut().append(name, value);
        }
        if let Some(credential) = &to.credential {
            let (name, prefix) = match &to.header {
                Some(name) => (HeaderName::try_from(name.as_str()).map_err(|_| wrong("credential"))?, ""),
                None => (http::header::AUTHORIZATION, "Bearer "),
            };
            let mut value = HeaderValue::try_from(format!("{prefix}{}", credential.expose()))
                .map_err(|_| wrong("credential"))?;
            value.set_sensitive(true);
            outgoing.headers_mut().insert(name, value);
        }
        let exchanged = async {
            let answer = client.send(outgoing).await?;
            let headers = answer
                .headers
                .iter()
                .filter(|(name, _)| *name != http::header::SET_COOKIE)
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect();
            let body = answer.body.collect(MAX_FETCHED).await?;
            Ok::<_, UpstreamError>(FetchResponse {
                status: answer.status.as_u16(),
                headers,
                body: body.to_vec(),
            })
        };
        match tokio::time::timeout(request.timeout, exchanged).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(ServiceFault::new("unavailable", error.to_string())),
            Err(_) => Err(ServiceFault::new("timeout", "the destination did not answer in time")),
        }
    }
}

/// The settings of a client that is no provider's.
pub fn plain_settings(url: &str) -> UpstreamSettings {
    UpstreamSettings {
        base_url: url.to_owned(),
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        total: Duration::from_secs(120),
        ca_file: None,
        client_cert: None,
        client_key: None,
    }
}

/// An OpenAI-compatible endpoint of embeddings.
pub struct EmbeddingsClient {
    /// Its client.
    pub upstream: Upstream,
    /// Its key.
    pub credential: Option<crate::secret::Secret>,
}

#[async_trait]
impl crate::embedding::Fetch for EmbeddingsClient {
    async fn post(
        &self,
        path: &str,
        body: Bytes,
        limit: usize,
    ) -> Result<Bytes, crate::embedding::FetchError> {
        use crate::embedding::FetchError;
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.upstream.url(path).map_err(|error| FetchError::Connection(error.into()))?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(http::header::CONTENT_TYPE, json);
        if let Some(credential) = &self.credential {
            let mut value = HeaderValue::try_from(format!("Bearer {}", credential.expose()))
                .map_err(|error| FetchError::Connection(error.into()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
        }
        let answer =
            self.upstream.send(request).await.map_err(|error| FetchError::Connection(error.into()))?;
        if !answer.status.is_success() {
            return Err(FetchError::Status(answer.status.as_u16()));
        }
        answer.body.collect(limit).await.map_err(|error| FetchError::Connection(error.into()))
    }
}

/// The metrics of a binding, as the engine reports to them.
pub struct Watched(pub Arc<PluginMetrics>);

impl Watch for Watched {
    fn called(&self, hook: Hook, outcome: &'static str, elapsed: Duration) {
        self.0.called(hook.name(), outcome, elapsed);
    }

    fn edited(&self, edits: usize) {
        self.0.edited(edits);
    }

    fn instances(&self, delta: i64) {
        self.0.instances(delta);
    }

    fn add(&self, name: &str, by: u64, labels: &[(String, String)]) {
        self.0.add(name, by, labels);
    }

    fn sample(&self, name: &str, value: f64, labels: &[(String, String)]) {
        self.0.sample(name, value, labels);
    }
}

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
