//! What each plugin of the standard chain takes for a request and for its answer, in the sandbox.
//!
//! `cargo bench --bench chain` measures what ships; with `-- FOLDER` also the components of the same names in that
//! folder, in turn with those that ship, so that what the machine does meanwhile meets both alike. Each figure is a
//! median. Services that a plugin asks answer at once: what they take is not the plugin's.
#![expect(clippy::expect_used, reason = "a bench that cannot begin says so")]

#[expect(dead_code, reason = "a bench needs less of it than the tests")]
#[path = "../tests/engine/support.rs"]
mod support;

use lockgate::chat::{TextAt, channel};
use lockgate::exchange::Exchange;
use lockgate::plugin::{EngineSettings, Grants, Hook};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{House, Used, exchange, of};
use tokio::runtime::Builder;

/// Calls of each, in turn.
const CALLS: usize = 600;
/// Ordinary words, as a user and as a model write them, with what guards look for in real texts.
const PROSE: &str = "Hello, I am writing on behalf of Maria Keller, who ordered a coffee machine on the 3rd of March and has been \
    waiting for it ever since. Could you please summarise what went wrong and draft a polite reply? Her order number is \
    88-1204, the parcel was handed over in Rotterdam, and according to the tracking page it has not moved for nine days. \
    She can be reached at maria.keller@example.org or on +49 30 901820. Don't promise a refund yet: our policy says that \
    we first ask the carrier, wait for two working days, and only then offer a replacement. If she insists, explain the \
    steps in simple words; she isn't a native speaker. Keep it below 120 words, use short sentences, and finish with the \
    name of our support team in Lyon.\n";

/// The chain that Lockgate serves when it is given none, but for the audit log, which is called when all is over.
fn standard() -> [(&'static str, Value); 5] {
    let content = json!({
        "profanity": "mask",
        "words": ["project heron", "bluebird"],
        "patterns": [{"name": "ticket", "pattern": r"\b[A-Z]{2,6}-\d{1,6}\b"}],
    });
    [
        ("injection-filter", json!({})),
        ("pii-mask", json!({})),
        ("content-filter", content),
        ("semantic-cache", json!({})),
        ("output-validator", json!({})),
    ]
}

async fn bind(house: &House, wasm: &'static [u8], name: &str, config: &Value) -> Used {
    let grants = match name {
        "semantic-cache" => {
            Grants { responses: true, vectors: vec!["semantic-cache".into()], ..Grants::default() }
        }
        _ => Grants::default(),
    };
    house.bind(wasm, config.clone(), |settings| settings.grants = grants).await
}

/// A request, and its answer in one piece; how long each took.
async fn call(used: &Used, x: &Arc<Exchange>, answer: &str) -> (Duration, Duration) {
    let started = Instant::now();
    used.binding.on_request(x).await.expect("the request is judged");
    let asked = started.elapsed();
    if !used.binding.has(Hook::TextFilter) {
        return (asked, Duration::ZERO);
    }
    let started = Instant::now();
    let at = TextAt::new(0, 0, channel::CONTENT);
    used.binding.inspect(x, &at, answer, 0, true).await.expect("the answer is judged");
    (asked, started.elapsed())
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

fn main() {
    // Cargo says `--bench`.
    let other = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    runtime.block_on(async {
        let house = of(&EngineSettings::default());
        let mut plugins: Vec<(&str, Vec<Used>)> = Vec::new();
        for (name, config) in standard() {
            let shipped = lockgate_bundle::find(name, None).expect("it ships");
            let mut both = vec![bind(&house, shipped.wasm, name, &config).await];
            if let Some(folder) = &other {
                let file = Path::new(folder).join(format!("{}.wasm", name.replace('-', "_")));
                let wasm = std::fs::read(&file).expect("the folder has all the components");
                both.push(bind(&house, wasm.leak(), name, &config).await);
            }
            plugins.push((name, both));
        }
        let words =
            "account answer article because before between board building budget change chapter city ";
        let texts = [
            ("1 KiB of words", format!("Case 1, for someone@example.org: {}", words.repeat(12))),
            ("2 KiB of prose", PROSE.repeat(3)),
        ];
        let answer = "I have written to <EMAIL_1> and will report when there is an answer.";
        for (label, text) in texts {
            println!(
                "{label} ({} bytes), an answer of {}: µs each, request + answer",
                text.len(),
                answer.len()
            );
            let mut all = [0.0; 2];
            for (name, versions) in &plugins {
                let mut times = vec![(Vec::new(), Vec::new()); versions.len()];
                for n in 0..CALLS {
                    // What is counted differs, so that no two requests are the same.
                    let text = format!("{n} {text}");
                    for (used, (asked, answered)) in versions.iter().zip(&mut times) {
                        let (a, b) = call(used, &exchange(&text), answer).await;
                        asked.push(a);
                        answered.push(b);
                    }
                }
                let mut line = format!("  {name:<18}");
                for ((asked, answered), all) in times.iter_mut().zip(&mut all) {
                    let (asked, answered) = (median(asked), median(answered));
                    *all += asked + answered;
                    line += &format!("{asked:8.1} + {answered:5.1}");
                }
                println!("{line}");
            }
            println!("  {:<18}{}", "in all", all.map(|sum| format!("{sum:8.1}        ")).concat());
        }
    });
}
