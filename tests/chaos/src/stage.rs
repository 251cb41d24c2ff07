//! The providers, and a gateway's configuration for them: each stormy one is the first target of a model of its own, the
//! steady one is the second of all.

use crate::books::Books;
use crate::provider::Provider;
use crate::weather::Sky;
use lockgate_upstream::Upstream;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The key of a service.
pub const KEY_OF: fn(u64) -> String = |service| format!("key-of-service-{service}");

/// What one token of either provider costs, in dollars.
const PRICE: f64 = 1e-6;

/// The providers.
#[derive(Debug)]
pub struct Stage {
    /// Those under a sky of faults each.
    pub stormy: Vec<Upstream>,
    /// The one that is always well.
    pub steady: Upstream,
    /// What all bill.
    pub books: Arc<Books>,
}

impl Stage {
    /// Starts a stormy provider for each sky, and the steady one.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(skies: &[Sky]) -> io::Result<Self> {
        let books = Arc::<Books>::default();
        let begun = Instant::now();
        let provider =
            |sky, stormy| Provider { sky, stormy, begun, books: books.clone(), seen: Default::default() };
        let mut stormy = Vec::new();
        for sky in skies {
            stormy.push(Upstream::start(provider(sky.clone(), true)).await?);
        }
        let steady = Upstream::start(provider(Sky::calm(), false)).await?;
        Ok(Self { stormy, steady, books })
    }

    /// The model whose first target is the stormy provider of this place.
    #[must_use]
    pub fn model(place: usize) -> String {
        format!("words-{place}")
    }

    /// A configuration with a model for each stormy provider, and a key for each service; listeners are the caller's to add. `hour`: how
    /// long an hour takes. What the gateway waits before it tries a target again is as much shorter.
    #[must_use]
    pub fn configuration(&self, services: u64, ledger: &Path, hour: Duration) -> Value {
        let in_hour = |ms: u64| (ms * hour.as_secs()).div_ceil(3_600).max(50);
        let provider = |upstream: &Upstream| {
            json!({
                "adapter": "builtin:openai", "base_url": upstream.base_url(), "credential": "not-a-key",
            })
        };
        let target = |name: &str| json!({ "target": format!("{name}/words"), "prefill": "message" });
        let resilience = json!({
            "timeouts": { "first_token_ms": 1_500, "between_tokens_ms": 1_500 },
            "mid_stream": "continue",
            "breaker": { "open_ms": in_hour(5_000), "max_open_ms": in_hour(60_000) },
        });
        let keys: Vec<Value> = (0..services)
            .map(|service| json!({ "name": format!("s{service}"), "hash": hash(&KEY_OF(service)) }))
            .collect();
        let price = json!({ "input_cost_per_token": PRICE, "output_cost_per_token": PRICE, "mode": "chat" });
        let mut providers = Map::new();
        let (mut routes, mut prices) = (Map::new(), Map::new());
        providers.insert("steady".into(), provider(&self.steady));
        prices.insert("steady/words".into(), price.clone());
        for (place, upstream) in self.stormy.iter().enumerate() {
            let name = format!("stormy-{place}");
            let targets = [target(&name), target("steady")];
            let route = json!({ "targets": targets, "resilience": resilience });
            routes.insert(Self::model(place), route);
            prices.insert(format!("{name}/words"), price.clone());
            providers.insert(name, provider(upstream));
        }
        let names: Vec<&String> = routes.keys().collect();
        json!({
            "watch": false,
            "log": { "level": "error" },
            "providers": providers,
            "tenants": { "chaos": { "keys": keys, "routes": names } },
            "routes": routes,
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
