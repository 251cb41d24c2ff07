//! That the books agree with the bills of providers of both APIs, each at its own price, whatever fails.
//!
//! A provider of OpenAI's API tells its usage with every piece of a stream; one of Anthropic's tells that of a whole answer
//! at its end, so it fails before its first word or not at all: then nothing is a guess.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use super::{ALL, Api, before, said, start};
use crate::stage::{PRICE, Provider, Stage};
use lockgate_upstream::{Recorded, Reply};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The targets in their order.
const NAMES: [&str; 4] = ["gpt", "claude", "gpt2", "claude2"];
/// Words of a whole answer.
const WORDS: usize = 6;
/// What a token costs at Anthropic's.
const DEAR: f64 = 7.0 * PRICE;

/// What an attempt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Well,
    Overloaded,
    Busy,
    /// The body of a stream ends after so many words; what is no stream, or is of Anthropic's, fails.
    Breaks(usize),
}

fn ends() -> impl Strategy<Value = Ends> {
    prop_oneof![
        3 => Just(Ends::Well),
        1 => Just(Ends::Overloaded),
        1 => Just(Ends::Busy),
        3 => (1..WORDS).prop_map(Ends::Breaks),
    ]
}

/// What the providers of an API bill, in tokens of requests and answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Bill {
    input: usize,
    output: usize,
}

type Bills = Arc<Mutex<[Bill; 2]>>;

/// Words of everything that is asked, and of the beginning of an answer in it.
fn words(request: &Recorded) -> (usize, usize) {
    let words = |text: &str| text.split_whitespace().count();
    let all = said(request);
    let begun = all.last().filter(|(role, _)| role == "assistant").map_or(0, |(_, text)| words(text));
    (all.iter().map(|(_, text)| words(text)).sum(), begun)
}

/// One word after the other, from where an answer stands.
fn pieces(from: usize, until: usize) -> Vec<String> {
    (from..until).map(|word| format!("word{word} ")).collect()
}

fn openai(request: &Recorded, ends: Ends, bills: &Bills) -> Reply {
    let (input, from) = words(request);
    let until = match ends {
        // Nothing can break off that was said to its end.
        Ends::Breaks(words) if from < WORDS => (from + words).min(WORDS),
        _ => WORDS,
    };
    {
        let bill = &mut bills.lock()[0];
        bill.input += input;
        bill.output += until - from;
    }
    if request.json()["stream"] != true {
        return Reply::chunks(pieces(from, until));
    }
    let chunk = |delta: Value, finish: Value, output: usize| {
        let chunk = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "m",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
            "usage": { "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output },
        });
        format!("data: {chunk}\n\n")
    };
    let said = pieces(from, until).into_iter().enumerate();
    let mut body: String =
        said.map(|(n, text)| chunk(json!({ "content": text }), Value::Null, n + 1)).collect();
    if until == WORDS && !matches!(ends, Ends::Breaks(_)) || from == WORDS {
        body += &chunk(json!({}), json!("stop"), until - from);
        body += "data: [DONE]\n\n";
    }
    Reply::raw(200, "text/event-stream", body)
}

fn anthropic(request: &Recorded, bills: &Bills) -> Reply {
    let (input, from) = words(request);
    {
        let bill = &mut bills.lock()[1];
        bill.input += input;
        bill.output += WORDS - from;
    }
    if request.json()["stream"] != true {
        return Reply::chunks(pieces(from, WORDS));
    }
    let delta = |text: String| json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } });
    let mut events = vec![
        start(input as u64),
        json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
    ];
    events.extend(pieces(from, WORDS).into_iter().map(delta));
    events.push(json!({ "type": "content_block_stop", "index": 0 }));
    events.push(
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null },
        "usage": { "output_tokens": WORDS - from } }),
    );
    events.push(json!({ "type": "message_stop" }));
    super::events(&events)
}

struct World {
    stage: Arc<Stage>,
    bills: Bills,
    script: Arc<Mutex<Vec<Ends>>>,
}

impl World {
    async fn new() -> Self {
        let (bills, script) = (Bills::default(), Arc::<Mutex<Vec<Ends>>>::default());
        let provider = |name: &str| {
            let (bills, script, of) = (bills.clone(), script.clone(), name.starts_with("claude"));
            Provider::new(move |request: &Recorded| {
                let ends = script.lock().pop().unwrap_or(Ends::Well);
                let streams = request.json()["stream"] == true;
                match ends {
                    Ends::Busy => Reply::error(429, "slow down").with_header("retry-after-ms", "50"),
                    Ends::Overloaded => Reply::error(529, "Overloaded"),
                    Ends::Breaks(_) if of || !streams => Reply::error(500, "oops"),
                    _ if of => anthropic(request, &bills),
                    ends => openai(request, ends, &bills),
                }
            })
        };
        let providers = NAMES.map(provider);
        let all: Vec<_> = NAMES.into_iter().zip(&providers).collect();
        let stage = before(&all, |config| {
            for name in NAMES.iter().filter(|name| name.starts_with("claude")) {
                let price = &mut config["prices"]["overrides"][format!("{name}/m")];
                price["input_cost_per_token"] = json!(DEAR);
                price["output_cost_per_token"] = json!(DEAR);
            }
            let targets = NAMES.map(|name| json!({ "target": format!("{name}/m"), "prefill": "message" }));
            config["routes"]["smart"] = json!({
                "targets": targets, "attempts": 8,
                "resilience": {
                    "mid_stream": "continue",
                    "breaker": { "min_calls": 100_000, "outlier_rate": 0 },
                },
            });
            config["budgets"] = json!({
                "all": { "usd": 100.0, "per": "month", "rolling": true },
                "tenant": { "by": ["tenant"], "usd": 50.0, "per": "month", "rolling": true },
            });
        })
        .await;
        Self { stage: Arc::new(stage), bills, script }
    }

    async fn check(&self, script: Vec<Ends>, clients: Vec<(Api, bool)>) -> TestCaseResult {
        *self.script.lock() = script;
        *self.bills.lock() = [Bill::default(); 2];
        let before = self.stage.used_of_budgets();
        let mut asking = tokio::task::JoinSet::new();
        let count = clients.len();
        for (api, stream) in clients {
            let stage = self.stage.clone();
            asking.spawn(async move {
                let (answer, _) = api.ask(&stage, "three words here", stream).await;
                (api, stream, answer)
            });
        }
        for (api, stream, answer) in asking.join_all().await {
            if answer.status == 200 && api.is_whole(&answer, stream) {
                let (text, whole) = (api.text(&answer), pieces(0, WORDS).concat());
                prop_assert_eq!(text.trim(), whole.trim(), "{}", answer.body);
            } else {
                prop_assert!(!api.error(&answer).is_empty(), "{}", answer.body);
            }
        }
        let (mut input, mut output, mut nanos) = (0, 0, 0);
        for _ in 0..count {
            let record = self.stage.record().await;
            prop_assert_ne!(record.basis, "estimate");
            input += record.usage.input;
            output += record.usage.output;
            nanos += record.cost.unwrap().nanos();
        }
        let [openai, anthropic] = *self.bills.lock();
        let billed = (openai.input + anthropic.input, openai.output + anthropic.output);
        prop_assert_eq!((input, output), (billed.0 as u64, billed.1 as u64), "the ledger and the bills");
        let cost = (openai.input + openai.output) + 7 * (anthropic.input + anthropic.output);
        prop_assert_eq!(nanos, cost as u64 * 1_000, "each at its own price");
        for (used, before) in self.stage.used_of_budgets().into_iter().zip(before) {
            prop_assert_eq!(used - before, nanos, "a budget is used of what it cost");
        }
        Ok(())
    }
}

#[test]
fn whatever_fails_the_ledger_has_what_both_apis_bill() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let world = runtime.block_on(World::new());
    let client = prop::sample::select(ALL.to_vec());
    let cases = (prop::collection::vec(ends(), 0..12), prop::collection::vec(client, 1..5));
    let config = Config { cases: 96, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let agree = TestRunner::new(config).run(&cases, |(script, clients)| {
        runtime.block_on(async {
            let agree = world.check(script, clients).await;
            // Whoever is being left alone is well again.
            tokio::time::sleep(Duration::from_secs(600)).await;
            agree
        })
    });
    if let Err(broken) = agree {
        panic!("{broken}");
    }
}
