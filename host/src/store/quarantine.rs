//! Requests kept for human review, in memory and bounded; read on the admin listener.
//!
//! The bodies are private by nature: they are never logged, and the oldest make room for new ones.

use crate::clock::unix_seconds;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::Arc;

/// Requests kept at most.
const MAX_KEPT: usize = 1_000;
/// Bytes of all kept requests at most.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A request kept for review.
#[derive(Debug, Clone, Serialize)]
pub struct Quarantined {
    /// The exchange's id.
    pub id: String,
    /// Whose it is.
    pub tenant: Arc<str>,
    /// Why, as the plugin coded it.
    pub code: String,
    /// When, in seconds since the Unix epoch.
    pub at: u64,
    /// The request as the client sent it.
    pub body: Value,
    #[serde(skip)]
    bytes: usize,
}

/// The requests kept for review.
#[derive(Debug, Default)]
pub struct Quarantine {
    kept: Mutex<(VecDeque<Quarantined>, usize)>,
}

impl Quarantine {
    /// Keeps a request.
    pub fn put(&self, id: &str, tenant: &Arc<str>, body: &Map<String, Value>, code: &str) {
        let body = Value::Object(body.clone());
        let bytes = body.to_string().len();
        let entry = Quarantined {
            id: id.to_owned(),
            tenant: tenant.clone(),
            code: code.to_owned(),
            at: unix_seconds(),
            body,
            bytes,
        };
        let mut kept = self.kept.lock();
        let (entries, total) = &mut *kept;
        *total += bytes;
        entries.push_back(entry);
        while entries.len() > 1 && (entries.len() > MAX_KEPT || *total > MAX_BYTES) {
            *total -= entries.pop_front().map_or(0, |oldest| oldest.bytes);
        }
    }

    /// All kept requests, the newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Quarantined> {
        self.kept.lock().0.iter().rev().cloned().collect()
    }

    /// Takes one out, once it was reviewed.
    #[must_use]
    pub fn release(&self, id: &str) -> Option<Quarantined> {
        let mut kept = self.kept.lock();
        let (entries, total) = &mut *kept;
        let place = entries.iter().position(|entry| entry.id == id)?;
        let entry = entries.remove(place)?;
        *total -= entry.bytes;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_a_reviewed_one_leaves() {
        let store = Quarantine::default();
        let tenant: Arc<str> = "acme".into();
        for n in 0..MAX_KEPT + 2 {
            store.put(&n.to_string(), &tenant, &Map::new(), "prompt_injection");
        }
        let listed = store.list();
        assert_eq!((listed.len(), listed.first().map(|q| q.id.as_str())), (MAX_KEPT, Some("1001")));
        assert!(store.release("0").is_none());
        assert_eq!(store.release("1001").map(|q| q.code), Some("prompt_injection".into()));
        assert_eq!(store.list().len(), MAX_KEPT - 1);
    }
}
