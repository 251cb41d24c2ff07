//! What many keys and tenants cost: a look-up, the start, and memory.
//!
//! `cargo bench --bench keys`: 100,000 keys of 1,000 tenants, of which each has the standard guards and an adapter of its
//! own; with `-- KEYS TENANTS`, as many as that. Look-ups are timed one by one, with keys in no order. The start is that
//! of the binary, from its spawn to when it serves, with compiled plugins in its cache; memory is what Linux says that it
//! has resident then.
#![expect(clippy::expect_used, reason = "a bench that cannot begin says so")]

use lockgate::auth::{
    HolderSettings, KeyFile, KeyId, KeyRecord, KeySettings, KeyStore, KeyStoreError, Keys, Page, Permissions,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::hint::black_box;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Collects what is made, for one transaction: a disk that is waited for a hundred thousand times is not what is measured.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<KeyRecord>>>);

impl KeyStore for Made {
    fn load(&mut self, _each: &mut dyn FnMut(KeyRecord)) -> Result<(), KeyStoreError> {
        Ok(())
    }

    fn get(&mut self, _id: KeyId) -> Result<Option<KeyRecord>, KeyStoreError> {
        Ok(None)
    }

    fn list(&mut self, _page: &Page) -> Result<Vec<(u64, KeyRecord)>, KeyStoreError> {
        Ok(Vec::new())
    }

    fn put(&mut self, record: &KeyRecord) -> Result<(), KeyStoreError> {
        self.0.lock().push(record.clone());
        Ok(())
    }
}

fn main() {
    let counts: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let keys = counts.first().copied().unwrap_or(100_000);
    let tenants = counts.get(1).copied().unwrap_or(1_000);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("keys.db");
    let texts = make(&file, keys, tenants);
    look_up(&file, &texts);
    let config = folder.path().join("lockgate.yaml");
    for guards in [false, true] {
        std::fs::write(&config, configuration(&file, tenants, guards).to_string()).expect("a configuration");
        // The first start compiles.
        drop(Started::new(&config));
        let started = Started::new(&config);
        let with = if guards { "the standard guards and an adapter each" } else { "an adapter each" };
        println!(
            "start with {keys} keys and {tenants} tenants, {with}: {:.2} s, {} MiB resident",
            started.time.as_secs_f64(),
            started.resident() / 1024
        );
    }
}

/// Makes keys, and gives their texts.
fn make(file: &Path, keys: usize, tenants: usize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let made = Made::default();
    let all = Keys::load(made.clone()).expect("an empty store");
    let texts = (0..keys).map(|n| {
        let settings = KeySettings {
            name: format!("key-{n}"),
            holder: HolderSettings {
                team: Some(format!("team-{}", n % 10)),
                user: Some(format!("user-{n}")),
                ..HolderSettings::default()
            },
            permissions: Permissions { max_tokens: (n % 10 == 0).then_some(4_096), ..Permissions::default() },
            expires: None,
        };
        let tenant = format!("tenant-{}", n % tenants).into();
        let (_, key) = runtime.block_on(all.create(tenant, settings)).expect("a key");
        key.text().expose().to_owned()
    });
    let texts = texts.collect();
    KeyFile::open(file).expect("a file").put_all(&made.0.lock()).expect("a transaction");
    texts
}

fn look_up(file: &Path, texts: &[String]) {
    let from = Instant::now();
    let keys = Keys::load(KeyFile::open(file).expect("the file")).expect("the keys");
    println!("{} keys loaded in {:.2} s", keys.len(), from.elapsed().as_secs_f64());
    let mut known: Vec<&str> = texts.iter().map(String::as_str).collect();
    fastrand::shuffle(&mut known);
    let unknown: Vec<String> = known.iter().map(|text| format!("lgk_000000000000{}", &text[16..])).collect();
    let wrong: Vec<String> = known.iter().map(|text| format!("{}{}", &text[..17], "0".repeat(40))).collect();
    time("a good key", &keys, &known);
    time("a wrong secret", &keys, &wrong.iter().map(String::as_str).collect::<Vec<_>>());
    time("an unknown key", &keys, &unknown.iter().map(String::as_str).collect::<Vec<_>>());
}

fn time(what: &str, keys: &Keys, texts: &[&str]) {
    let mut times: Vec<Duration> = texts
        .iter()
        .map(|text| {
            let from = Instant::now();
            let _ = black_box(keys.identify(black_box(text.as_bytes())));
            from.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |per_mille: usize| {
        let place = (times.len() * per_mille / 1_000).min(times.len().saturating_sub(1));
        times.get(place).copied().unwrap_or_default()
    };
    println!(
        "{what}: median {:?}, 99 % {:?}, 99.9 % {:?}, slowest {:?}",
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
}

fn configuration(file: &Path, tenants: usize, guards: bool) -> Value {
    let chain = if guards {
        json!([
            { "plugin": "builtin:injection-filter" }, { "plugin": "builtin:pii-mask" },
            { "plugin": "builtin:content-filter" },
        ])
    } else {
        json!([])
    };
    let tenant = |n: usize| (format!("tenant-{n}"), json!({ "routes": ["*"] }));
    json!({
        "listen": "127.0.0.1:0",
        "admin": { "listen": "127.0.0.1:0" },
        "watch": false,
        "engine": { "cache_dir": Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled") },
        "keys": { "file": file },
        "providers": { "openai": { "credential": "sk-none" } },
        "chains": { "guards": chain },
        "routes": { "*": { "targets": ["openai/*"], "chain": "guards" } },
        "tenants": (0..tenants).map(tenant).collect::<serde_json::Map<_, _>>(),
    })
}

/// A gateway that serves; it ends when this is dropped.
struct Started {
    child: Child,
    time: Duration,
}

impl Started {
    fn new(config: &Path) -> Self {
        let from = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.args(["serve", "-c"]).arg(config).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the gateway");
        let mut log = BufReader::new(child.stderr.take().expect("its log")).lines();
        let serves = log.any(|line| line.is_ok_and(|line| line.contains("\"serving\"")));
        let started = Self { child, time: from.elapsed() };
        assert!(serves, "the gateway does not serve");
        started
    }

    /// Kilobytes.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
