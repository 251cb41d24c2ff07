//! What a call of a plugin costs: warm and fresh, with and without text.
//!
//! `cargo bench --bench engine`; the figures that the design counts on are in `ARCHITECTURE.md`.
#![expect(clippy::expect_used, reason = "a bench that cannot begin says so")]

#[expect(dead_code, reason = "a bench needs less of it than the tests")]
#[path = "../tests/engine/support.rs"]
mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use lockgate::chat::{TextAt, channel};
use lockgate::plugin::{EngineSettings, Isolation, TargetView};
use lockgate_guests::ECHO;
use serde_json::json;
use std::sync::Arc;
use support::{Used, exchange, of};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

fn bind(runtime: &Runtime, wasm: &'static [u8], config: serde_json::Value, isolation: Isolation) -> Used {
    runtime.block_on(async {
        let house = of(&EngineSettings::default());
        house.bind(wasm, config, |settings| settings.isolation = isolation).await
    })
}

fn calls(criterion: &mut Criterion) {
    let runtime = runtime();
    let x = exchange("hello");
    for (name, isolation) in [("warm", Isolation::Reuse), ("fresh", Isolation::Fresh)] {
        let used = bind(&runtime, ECHO, json!({}), isolation);
        criterion.bench_function(&format!("{name}/empty call"), |bench| {
            let nobody: Arc<Vec<TargetView>> = Arc::default();
            bench.to_async(&runtime).iter(|| used.binding.rank(&x, nobody.clone()));
        });
        criterion.bench_function(&format!("{name}/pre-request that flags twice"), |bench| {
            bench.to_async(&runtime).iter(|| used.binding.on_request(&x));
        });
    }
}

fn texts(criterion: &mut Criterion) {
    let runtime = runtime();
    let x = exchange("hello");
    let at = TextAt::new(0, 0, channel::CONTENT);
    for (name, isolation) in [("warm", Isolation::Reuse), ("fresh", Isolation::Fresh)] {
        let used = bind(&runtime, ECHO, json!({ "from": "lock", "to": "gate" }), isolation);
        let mut group = criterion.benchmark_group(name);
        for kib in [1, 16] {
            let text = "A lock has two gates and one chamber between them. ".repeat(20 * kib);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(format!("inspect of {kib} KiB, twenty edits each"), |bench| {
                bench.to_async(&runtime).iter(|| used.binding.inspect(&x, &at, &text, 0, false));
            });
        }
    }
}

criterion_group!(benches, calls, texts);
criterion_main!(benches);
