//! A shipped adapter as a real component, spoken to as the gateway speaks to it; and properties of it.
#![expect(clippy::expect_used, reason = "tests")]

use crate::support::{House, Used, house};
use lockgate::chat::{Answer, Event, Operation, Prompt};
use lockgate::exchange::Exchange;
use lockgate::plugin::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestCaseResult, TestRunner};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// An adapter, ready for calls, and the runtime that its calls run in.
pub struct Provider {
    runtime: Runtime,
    _house: House,
    used: Used,
}

impl Provider {
    /// The shipped adapter of a name.
    pub fn new(name: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let house = house();
        let wasm = lockgate_bundle::find(name, None).expect("it is shipped").wasm;
        // The machine of a test may be busy: what takes this long would never end.
        let patient = |settings: &mut BindingSettings| {
            settings.limits.deadline = Duration::from_secs(2);
            settings.limits.wait = Duration::from_secs(20);
        };
        let used = runtime.block_on(house.bind(wasm, json!({}), patient));
        Self { runtime, _house: house, used }
    }

    /// Has a request of a model encoded.
    pub fn encode(&self, x: &Arc<Exchange>, model: &str) -> Result<Call, CallError> {
        let prompt = x.prompt();
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let target = vec![
            fact("model", model),
            fact("operation", prompt.operation().name()),
            fact("streaming", &prompt.streaming().to_string()),
        ];
        self.runtime.block_on(self.used.binding.encode(x, target))
    }

    /// Has an answer decoded, in batches.
    pub fn decode(
        &self,
        x: &Arc<Exchange>,
        status: u16,
        batches: &[Vec<Frame>],
    ) -> Result<Vec<Event>, CallError> {
        let mut events = Vec::new();
        for (at, batch) in batches.iter().enumerate() {
            let last = at + 1 == batches.len();
            let told = self.used.binding.decode(x, status, &[], batch.clone(), last);
            events.extend(self.runtime.block_on(told)?);
        }
        Ok(events)
    }

    /// The answer that frames make, in batches, after the adapter has seen the request.
    pub fn answer(&self, model: &str, batches: &[Vec<Frame>]) -> Result<Answer, TestCaseError> {
        let x = chat(json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] }));
        self.encode(&x, model).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let events = self.decode(&x, 200, batches).map_err(|error| TestCaseError::fail(error.to_string()))?;
        Ok(normal(events.into_iter().collect()))
    }
}

/// An exchange about a canonical request.
pub fn asking(operation: Operation, body: Map<String, Value>) -> Arc<Exchange> {
    let deadline = Instant::now() + Duration::from_secs(600);
    Arc::new(Exchange::new("x-1".into(), "acme".into(), Prompt::new(operation, body, Vec::new()), deadline))
}

/// An exchange about a chat.
pub fn chat(body: Value) -> Arc<Exchange> {
    let Value::Object(body) = body else { unreachable!("it is an object") };
    asking(Operation::Chat, body)
}

/// A frame.
pub fn frame(event: &str, data: impl Into<Vec<u8>>) -> Frame {
    Frame { event: event.to_owned(), data: data.into() }
}

/// Frames in batches that end at these places, wherever they are.
pub fn cut(frames: &[Frame], places: &[prop::sample::Index]) -> Vec<Vec<Frame>> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(frames.len() + 1)).collect();
    places.push(frames.len());
    places.sort_unstable();
    let mut from = 0;
    places
        .into_iter()
        .map(|to| frames.get(std::mem::replace(&mut from, to)..to).unwrap_or_default().to_vec())
        .collect()
}

/// An answer, its facts and texts in an order that does not depend on when they were told.
pub fn normal(mut answer: Answer) -> Answer {
    answer.extras.sort();
    for choice in &mut answer.choices {
        choice.texts.sort();
        choice.tools.sort_by_key(|tool| tool.part);
    }
    answer
}

/// Has a property hold for so many cases, or for as many as `PROPTEST_CASES` says: so it fuzzes for as long as one likes.
pub fn holds<S: Strategy>(cases: u32, all: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let mut config = Config { failure_persistence: None, max_shrink_iters: 1_000, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    let held = TestRunner::new(config).run(&all, property);
    assert!(held.is_ok(), "{}", held.expect_err("it does not hold"));
}

/// What an adapter may answer with instead of its work: a fault; never a trap, or more than its bounds.
pub fn only_faults(error: &CallError, codes: &[&str]) -> TestCaseResult {
    match error.fault() {
        Some((code, _)) if codes.contains(&code) => Ok(()),
        // The failure is the one before: this one is in the way of making it smaller.
        None if error.kind == CallErrorKind::Breaker => Err(TestCaseError::reject("the breaker is open")),
        _ => Err(TestCaseError::fail(error.to_string())),
    }
}
