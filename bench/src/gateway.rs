//! Lockgate: its configuration for the benchmark, with one route for each chain that is measured.
//!
//! The model that a client names is the route, so one process serves all chains, and rounds of them can
//! alternate.

use crate::process::{Process, free_address};
use crate::target::{Asks, Target};
use anyhow::Result;
use lockgate_bench::{HELD_MODEL, MODEL, PROMPT_BYTES, Texts};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// The key of the benchmark's tenant.
const KEY: &str = "bench-key";
/// The route with the standard chain, `isolation: reuse`.
pub(crate) const STANDARD: &str = "standard-reuse";
/// The route with the standard chain, `isolation: fresh`.
pub(crate) const STANDARD_FRESH: &str = "standard-fresh";
/// The route with no plugin but the provider's adapter.
pub(crate) const EMPTY: &str = "empty";
/// The route whose provider speaks Anthropic's API, without a chain.
pub(crate) const FOREIGN: &str = "anthropic";
/// The route with limits on four levels, budgets on three, rules, and targets that are ranked by latency; without a chain.
pub(crate) const LIMITED: &str = "limits";
/// The route with the cache alone.
const CACHE: &str = "semantic-cache";
/// The route with the standard chain to the model whose streams stay open.
const HELD: &str = "standard-held";

/// Every chain of shipped plugins alone: its name, and its bindings.
fn single_chains() -> Vec<(&'static str, Value)> {
    vec![
        ("injection-filter", injection_filter()),
        ("pii-mask", pii_mask()),
        ("content-filter", content_filter()),
        (CACHE, semantic_cache()),
        ("output-validator", output_validator()),
        ("audit-log", audit_log()),
    ]
}

/// The chain that Lockgate serves when it is given none: the same bindings in the same order.
fn standard_chain() -> Vec<Value> {
    vec![injection_filter(), pii_mask(), content_filter(), semantic_cache(), output_validator(), audit_log()]
}

fn injection_filter() -> Value {
    json!({"plugin": "builtin:injection-filter"})
}

fn pii_mask() -> Value {
    json!({"plugin": "builtin:pii-mask"})
}

fn content_filter() -> Value {
    let config = json!({
        "profanity": "mask",
        "words": ["project heron", "bluebird"],
        "patterns": [{"name": "ticket", "pattern": r"\b[A-Z]{2,6}-\d{1,6}\b"}],
    });
    json!({"plugin": "builtin:content-filter", "config": config})
}

fn semantic_cache() -> Value {
    let grants = json!({"responses": true, "vectors": ["semantic-cache"]});
    json!({"plugin": "builtin:semantic-cache", "on_error": "skip", "grants": grants})
}

fn output_validator() -> Value {
    json!({
        "plugin": "builtin:output-validator", "streams": "on-demand", "hooks": ["pre-request", "post-response"],
    })
}

fn audit_log() -> Value {
    json!({"plugin": "builtin:audit-log", "on_error": "skip", "grants": {"http": {}}})
}

fn with_isolation(chain: Vec<Value>, isolation: &str) -> Vec<Value> {
    chain
        .into_iter()
        .map(|mut binding| {
            if let Some(binding) = binding.as_object_mut() {
                binding.insert("isolation".into(), isolation.into());
            }
            binding
        })
        .collect()
}

/// The routes that are measured, in the order of the table: a route's name, its chain, and what else it says.
fn routes() -> Vec<(String, Vec<Value>, Value)> {
    let openai = || json!({"targets": [format!("fast/{MODEL}")]});
    let mut routes =
        vec![(EMPTY.to_owned(), Vec::new(), openai()), (LIMITED.to_owned(), Vec::new(), contracts())];
    for (name, binding) in single_chains() {
        routes.push((name.to_owned(), vec![binding], openai()));
    }
    let router = json!({"plugin": "builtin:router", "on_error": "skip"});
    let routed = json!({"targets": [format!("fast/{MODEL}")], "router": router});
    routes.push(("router".to_owned(), Vec::new(), routed));
    let anthropic = json!({"targets": [format!("messages/{MODEL}")]});
    routes.push((FOREIGN.to_owned(), Vec::new(), anthropic));
    routes.push((STANDARD.to_owned(), with_isolation(standard_chain(), "reuse"), openai()));
    routes.push((STANDARD_FRESH.to_owned(), with_isolation(standard_chain(), "fresh"), openai()));
    routes
}

/// A route with rules that are looked at, and targets that are ranked by how fast they have been; breakers and retries are
/// everybody's.
fn contracts() -> Value {
    json!({
        "targets": [format!("fast/{MODEL}"), format!("fast/{MODEL}-too")],
        "router": {"plugin": "builtin:router", "config": {"strategy": "latency"}, "on_error": "skip"},
        "rules": [
            {"name": "tagged", "when": {"tags": "nightly"}, "targets": [format!("fast/{MODEL}-too")]},
            {"name": "long", "when": {"bytes": {"min": 100_000}}, "targets": [format!("fast/{MODEL}-too")]},
            {"name": "mesh", "when": {"service": "batch", "model": "gpt-*"}, "targets": [format!("fast/{MODEL}-too")]},
        ],
    })
}

/// Limits and budgets that nobody reaches, of the one route that is measured with them.
fn limits() -> (Value, Value) {
    let of = |by: &[&str], more: Value| {
        let mut limit = json!({"only": {"route": LIMITED}, "by": by});
        if let (Some(limit), Some(more)) = (limit.as_object_mut(), more.as_object()) {
            limit.extend(more.clone());
        }
        limit
    };
    let (many, dear) = (1_000_000_000_u64, 1_000_000);
    let limits = json!({
        "all": of(&[], json!({"requests": many, "concurrent": 10_000})),
        "tenant": of(&["tenant"], json!({"requests": many, "tokens": many})),
        "key": of(&["tenant", "key"], json!({"requests": many, "tokens": {"limit": many, "burst": many}})),
        "model": of(&["tenant", "model"], json!({"requests": many})),
    });
    let budgets = json!({
        "all": of(&[], json!({"usd": dear, "per": "month"})),
        "tenant": of(&["tenant"], json!({"usd": dear, "per": "week"})),
        "key": of(&["tenant", "key"], json!({"usd": dear, "per": "day"})),
    });
    (limits, budgets)
}

/// Which routes a gateway has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    /// Every chain, each with its route.
    EveryChain,
    /// The standard chain alone, as in a plain installation: what start-up and memory are measured on.
    StandardAlone,
}

fn configuration(
    serves: Serves,
    folder: &Path,
    addresses: (SocketAddr, SocketAddr),
    upstream: SocketAddr,
) -> Value {
    let held = json!({"targets": [format!("fast/{HELD_MODEL}")]});
    let wanted = match serves {
        Serves::EveryChain => routes(),
        Serves::StandardAlone => vec![(HELD.to_owned(), with_isolation(standard_chain(), "reuse"), held)],
    };
    let (mut chains, mut table, mut names) = (Map::new(), Map::new(), Vec::new());
    for (name, chain, mut route) in wanted {
        if let Some(route) = route.as_object_mut() {
            route.insert("chain".into(), name.clone().into());
        }
        chains.insert(name.clone(), chain.into());
        table.insert(name.clone(), route);
        names.push(Value::from(name));
    }
    let hash = Sha256::digest(KEY.as_bytes()).iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let (limits, budgets) = limits();
    json!({
        "listen": addresses.0.to_string(),
        "admin": {"listen": addresses.1.to_string()},
        "watch": false,
        "log": {"level": "warn"},
        "engine": {"cache_dir": folder.join("compiled")},
        "providers": {
            "fast": {"adapter": "builtin:openai", "base_url": format!("http://{upstream}/v1"), "credential": "none"},
            "messages": {"adapter": "builtin:anthropic", "base_url": format!("http://{upstream}"), "credential": "none"},
        },
        "chains": chains,
        "routes": table,
        "rate_limits": limits,
        "budgets": budgets,
        "counters": {"file": folder.join("counters.db")},
        "prices": {"overrides": {"fast/answer": {"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6}}},
        "tenants": {"bench": {"keys": [{"name": "bench", "hash": hash}], "routes": names}},
    })
}

/// A gateway, running.
#[derive(Debug)]
pub(crate) struct Gateway {
    address: SocketAddr,
    /// From its start to ready.
    pub(crate) start_up: Duration,
    /// Its process.
    pub(crate) process: Process,
}

impl Gateway {
    /// Starts a gateway before the upstream. What it compiles is kept in the folder, for the next one.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn start(
        program: &Path,
        folder: &Path,
        serves: Serves,
        upstream: SocketAddr,
    ) -> Result<Self> {
        let (address, admin) = (free_address().await?, free_address().await?);
        let file: PathBuf = folder.join("lockgate.yaml");
        // JSON is YAML.
        let configuration = configuration(serves, folder, (address, admin), upstream);
        std::fs::write(&file, serde_json::to_vec_pretty(&configuration)?)?;
        let mut command = Command::new(program);
        command.arg("serve").arg("-c").arg(&file).kill_on_drop(true);
        let mut process = Process::start("lockgate", command, folder.join("lockgate.log"))?;
        let start_up = process.ready(admin, Some("/readyz")).await?;
        Ok(Self { address, start_up, process })
    }

    /// One target for each chain, and the cache once more with what it is for: a question asked before.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for (route, ..) in routes() {
            targets.push(self.target(&route));
            if route == CACHE {
                let name = format!("lockgate {route}, hit");
                targets.push(Target { name, asks: Asks::TheSame, ..self.target(&route) });
            }
        }
        targets
    }

    /// The target whose streams stay open, behind the standard chain.
    pub(crate) fn held(&self) -> Target {
        self.target(HELD)
    }

    fn target(&self, route: &str) -> Target {
        Target {
            name: format!("lockgate {route}"),
            address: self.address,
            key: KEY,
            model: route.to_owned(),
            asks: Asks::Anew,
            prompt_bytes: PROMPT_BYTES,
            texts: Texts::default(),
            process: self.process.id(),
        }
    }
}
