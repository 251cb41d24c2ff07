//! The two providers, and a gateway's configuration for them.

use crate::books::Books;
use crate::provider::Provider;
use crate::weather::Sky;
use lockgate_upstream::Upstream;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// The key of a service.
pub const KEY_OF: fn(u64) -> String = |service| format!("key-of-service-{service}");

/// What one token of either provider costs, in dollars.
const PRICE: f64 = 1e-6;

/// Two providers.
#[derive(Debug)]
pub struct Stage {
    /// The one under a sky of faults.
    pub stormy: Upstream,
    /// The one that is always well.
    pub steady: Upstream,
    /// What both bill.
    pub books: Arc<Books>,
}

impl Stage {
    /// Starts both.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(sky: Sky) -> io::Result<Self> {
        let books = Arc::<Books>::default();
        let begun = Instant::now();
        let provider = |sky| Provider { sky, begun, books: books.clone(), seen: Default::default() };
        let (stormy, steady) = (provider(sky), provider(Sky::calm()));
        let (stormy, steady) = (Upstream::start(stormy).await?, Upstream::start(steady).await?);
        Ok(Self { stormy, steady, books })
    }

    /// A configuration with both behind one model, and a key for each service; listeners are the caller's to add.
    #[must_use]
    pub fn configuration(&self, services: u64, ledger: &Path) -> Value {
        let provider = |upstream: &Upstream| {
            json!({
                "adapter": "builtin:openai", "base_url": upstream.base_url(), "credential": "not-a-key",
                "timeouts": { "first_byte_ms": 1_500, "idle_ms": 1_500 },
            })
        };
        let keys: Vec<Value> = (0..services)
            .map(|service| json!({ "name": format!("s{service}"), "hash": hash(&KEY_OF(service)) }))
            .collect();
        let price = json!({ "input_cost_per_token": PRICE, "output_cost_per_token": PRICE, "mode": "chat" });
        let prices: Map<String, Value> =
            ["stormy/words", "steady/words"].into_iter().map(|id| (id.to_owned(), price.clone())).collect();
        json!({
            "watch": false,
            "log": { "level": "error" },
            "providers": { "stormy": provider(&self.stormy), "steady": provider(&self.steady) },
            "routes": { "words": { "targets": ["stormy/words", "steady/words"] } },
            "tenants": { "chaos": { "keys": keys, "routes": ["words"] } },
            "prices": { "overrides": prices },
            "ledger": { "file": ledger },
        })
    }
}

/// A key as configurations hold it.
fn hash(key: &str) -> String {
    let digest: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digest}")
}
