//! The services that a binding must be granted: values, kept answers, vectors, HTTP.
//!
//! Grants are asked at each use and everything is in the tenant's namespace. Time in which the guest waits for
//! a service is not charged to its deadline.
//!
//! What leaves the process or stays behind waits until the exchange has got as far as the call: a guard ahead may
//! still say no. Looking into the memory of this process does not.

use super::{MAX_BATCH, MAX_KEY, MAX_LOG, check_key, fault, no_exchange};
use crate::exchange::Keep;
use crate::plugin::bindings::host::lockgate::plugin::{http, kv, responses, types, vectors};
use crate::plugin::instance::{ExchangeHandle, State};
use crate::plugin::services::{FetchRequest, NearestQuery, ServiceFault};
use std::time::Duration;
use wasmtime::component::Resource;

/// Bytes of one value of the key-value service.
const MAX_VALUE: usize = 1024 * 1024;
/// The longest that an answer is kept.
const MAX_KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

fn of_service(error: ServiceFault) -> types::Fault {
    fault(error.code, error.message)
}

fn granted(list: &[String], name: &str, what: &str) -> Result<(), types::Fault> {
    if list.iter().any(|granted| granted == name) {
        return Ok(());
    }
    Err(fault("denied", format!("the {what} is not granted to this binding")))
}

fn ttl(ms: u32) -> Option<Duration> {
    (ms > 0).then(|| Duration::from_millis(ms.into()))
}

impl kv::Host for State {
    async fn get(&mut self, bucket: String, key: String) -> Result<Option<Vec<u8>>, types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        self.certain().await;
        self.clock.pause();
        let got = self.around.services.kv.get(&self.around.tenant, &bucket, &key).await;
        self.clock.resume();
        got.map_err(of_service)
    }

    async fn set(
        &mut self,
        bucket: String,
        key: String,
        value: Vec<u8>,
        ttl_ms: u32,
    ) -> Result<(), types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        check_key(&key)?;
        if value.len() > MAX_VALUE {
            return Err(fault("invalid", format!("a value has at most {MAX_VALUE} bytes")));
        }
        self.certain().await;
        self.clock.pause();
        let set = self.around.services.kv.set(&self.around.tenant, &bucket, &key, value, ttl(ttl_ms)).await;
        self.clock.resume();
        set.map_err(of_service)
    }

    async fn delete(&mut self, bucket: String, key: String) -> Result<(), types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        self.certain().await;
        self.clock.pause();
        let deleted = self.around.services.kv.delete(&self.around.tenant, &bucket, &key).await;
        self.clock.resume();
        deleted.map_err(of_service)
    }

    async fn incr(&mut self, bucket: String, key: String, by: i64, ttl_ms: u32) -> Result<i64, types::Fault> {
        granted(&self.around.grants.kv, &bucket, "bucket")?;
        check_key(&key)?;
        self.certain().await;
        self.clock.pause();
        let sum = self.around.services.kv.incr(&self.around.tenant, &bucket, &key, by, ttl(ttl_ms)).await;
        self.clock.resume();
        sum.map_err(of_service)
    }
}

impl responses::Host for State {
    fn keep(
        &mut self,
        _: Resource<ExchangeHandle>,
        id: String,
        ttl_ms: u32,
        tags: Vec<String>,
    ) -> Result<(), types::Fault> {
        check_key(&id)?;
        let x = self.exchange().ok_or_else(no_exchange)?;
        if tags.len() > MAX_BATCH || tags.iter().any(|tag| tag.len() > MAX_KEY) {
            return Err(fault("invalid", "too many tags, or too long ones"));
        }
        let ttl = ttl(ttl_ms).unwrap_or(MAX_KEEP).min(MAX_KEEP);
        let mark = Keep { id, ttl, tags };
        self.around.services.answers.check(&mark).map_err(of_service)?;
        x.keep(self.around.id, mark).map_err(|full| fault("invalid", full.to_string()))
    }

    fn describe(&mut self, id: String) -> Result<Option<Vec<(String, String)>>, types::Fault> {
        Ok(self.around.services.answers.describe(&self.around.tenant, &id))
    }

    async fn forget(&mut self, id: String) -> Result<(), types::Fault> {
        self.certain().await;
        self.around.services.answers.forget(&self.around.tenant, &id);
        Ok(())
    }
}

impl vectors::Host for State {
    async fn embed(&mut self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, types::Fault> {
        if texts.len() > MAX_BATCH {
            return Err(fault("invalid", format!("at most {MAX_BATCH} texts are embedded at once")));
        }
        if !self.around.services.vectors.embeds_here() {
            self.certain().await;
        }
        self.clock.pause();
        let embedded = self.around.services.vectors.embed(&texts).await;
        self.clock.resume();
        embedded.map_err(of_service)
    }

    async fn nearest(
        &mut self,
        collection: String,
        vector: Vec<f32>,
        query: vectors::Query,
    ) -> Result<Vec<vectors::Hit>, types::Fault> {
        granted(&self.around.grants.vectors, &collection, "collection")?;
        let vectors::Query { limit, at_least, among } = query;
        let query = NearestQuery { limit: MAX_BATCH.min(limit as usize), at_least, among };
        self.clock.pause();
        let found =
            self.around.services.vectors.nearest(&self.around.tenant, &collection, &vector, query).await;
        self.clock.resume();
        let found = found.map_err(of_service)?;
        Ok(found
            .into_iter()
            .map(|hit| vectors::Hit { id: hit.id, similarity: hit.similarity, fields: hit.fields })
            .collect())
    }

    async fn upsert(
        &mut self,
        collection: String,
        id: String,
        vector: Vec<f32>,
        ttl_ms: u32,
        fields: Vec<(String, String)>,
    ) -> Result<(), types::Fault> {
        granted(&self.around.grants.vectors, &collection, "collection")?;
        check_key(&id)?;
        if fields.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() > MAX_LOG {
            return Err(fault("invalid", format!("a vector's fields have at most {MAX_LOG} bytes")));
        }
        self.certain().await;
        self.clock.pause();
        let tenant = self.around.tenant.clone();
        let stored =
            self.around.services.vectors.upsert(&tenant, &collection, &id, vector, ttl(ttl_ms), fields).await;
        self.clock.resume();
        stored.map_err(of_service)
    }

    async fn remove(&mut self, collection: String, id: String) -> Result<(), types::Fault> {
        granted(&self.around.grants.vectors, &collection, "collection")?;
        self.certain().await;
        self.clock.pause();
        let removed = self.around.services.vectors.remove(&self.around.tenant, &collection, &id).await;
        self.clock.resume();
        removed.map_err(of_service)
    }
}

impl http::Host for State {
    async fn send(&mut self, r: http::Request) -> Result<http::Response, types::Fault> {
        let around = self.around.clone();
        let Some(destination) = around.grants.http.as_ref().and_then(|granted| granted.get(&r.grant)) else {
            return Err(fault("denied", "the destination is not granted to this binding"));
        };
        self.certain().await;
        let timeout = ttl(r.timeout_ms).unwrap_or(Duration::MAX).min(self.clock.left());
        let request =
            FetchRequest { method: r.method, path: r.path, headers: r.headers, body: r.body, timeout };
        self.clock.pause();
        let sent = around.services.fetch.send(destination, request).await;
        self.clock.resume();
        let answer = sent.map_err(of_service)?;
        Ok(http::Response { status: answer.status, headers: answer.headers, body: answer.body })
    }
}
