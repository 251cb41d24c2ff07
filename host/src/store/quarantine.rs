//! Requests that a plugin held back for human review.
//!
//! Invariants: bounded in entries and bytes, the oldest goes first; a tenant's requests are listed for that
//! tenant alone. Holds private text: nothing here logs or shows it but to the operator who asks.

use parking_lot::Mutex;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use super::Limits;

/// A request that waits for review.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The exchange's id.
    pub id: String,
    /// Whose it is.
    pub tenant: Arc<str>,
    /// The canonical request, as the client sent it.
    pub body: String,
    /// Why: the plugin's code.
    pub code: String,
    /// When it was held back.
    pub at: Instant,
}

impl Held {
    /// How long it has been waiting.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.at.elapsed()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.id.len() + self.body.len() + self.code.len()
    }
}

/// The store. Rarely written: one lock will do.
#[derive(Debug)]
pub struct Quarantine {
    limits: Limits,
    held: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Arc<Held>>,
    bytes: usize,
}

impl Quarantine {
    /// An empty store.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, held: Mutex::default() }
    }

    /// Holds a request; the oldest make room. Says whether it could be held at all.
    pub fn put(&self, id: &str, tenant: &Arc<str>, body: &Map<String, Value>, code: &str) -> bool {
        let Ok(body) = serde_json::to_string(body) else { return false };
        let held = Held {
            id: id.to_owned(),
            tenant: tenant.clone(),
            body,
            code: code.to_owned(),
            at: Instant::now(),
        };
        let bytes = held.bytes();
        if bytes > self.limits.bytes || self.limits.entries == 0 {
            return false;
        }
        let mut queue = self.held.lock();
        while queue.items.len() >= self.limits.entries || queue.bytes + bytes > self.limits.bytes {
            let Some(oldest) = queue.items.pop_front() else { break };
            queue.bytes -= oldest.bytes();
        }
        queue.bytes += bytes;
        queue.items.push_back(Arc::new(held));
        true
    }

    /// What waits, oldest first; of one tenant, or of all.
    #[must_use]
    pub fn list(&self, tenant: Option<&str>) -> Vec<Arc<Held>> {
        let queue = self.held.lock();
        queue.items.iter().filter(|held| tenant.is_none_or(|name| *held.tenant == *name)).cloned().collect()
    }

    /// Takes a request out, as after its review.
    pub fn take(&self, tenant: &str, id: &str) -> Option<Arc<Held>> {
        let mut queue = self.held.lock();
        let at = queue.items.iter().position(|held| held.id == id && *held.tenant == *tenant)?;
        let held = queue.items.remove(at)?;
        queue.bytes -= held.bytes();
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn put(quarantine: &Quarantine, id: &str, tenant: &str) -> bool {
        let body = Map::from_iter([("model".to_owned(), Value::from("m"))]);
        quarantine.put(id, &tenant.into(), &body, "injection")
    }

    #[tokio::test(start_paused = true)]
    async fn requests_wait_in_order_until_they_are_taken() {
        let quarantine = Quarantine::new(Limits { entries: 10, bytes: 10_000 });
        assert!(put(&quarantine, "1", "a") && put(&quarantine, "2", "b") && put(&quarantine, "3", "a"));
        tokio::time::advance(Duration::from_secs(5)).await;
        let ids = |tenant| quarantine.list(tenant).iter().map(|held| held.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(None), ["1", "2", "3"]);
        assert_eq!(ids(Some("a")), ["1", "3"]);
        assert_eq!(quarantine.take("b", "1"), None);
        let held = quarantine.take("a", "1").unwrap();
        assert_eq!((held.body.as_str(), held.age()), (r#"{"model":"m"}"#, Duration::from_secs(5)));
        assert_eq!(ids(None), ["2", "3"]);
    }

    #[test]
    fn the_oldest_make_room_and_the_bytes_come_back() {
        let quarantine = Quarantine::new(Limits { entries: 2, bytes: 10_000 });
        for id in ["1", "2", "3"] {
            put(&quarantine, id, "a");
        }
        assert_eq!(quarantine.list(None).len(), 2);
        assert!(quarantine.take("a", "1").is_none());
        assert!(quarantine.take("a", "2").is_some() && quarantine.take("a", "3").is_some());
        assert_eq!(quarantine.held.lock().bytes, 0);
        assert!(!put(&Quarantine::new(Limits { entries: 2, bytes: 10 }), "1", "a"));
    }
}
