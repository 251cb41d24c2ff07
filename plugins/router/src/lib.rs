//! `router`: orders the targets of a route by weight, turn, cost, latency, load, quality or the operator's own order.
//!
//! This file only fetches from the exchange what `rank` asks for; `rank` is the strategies, `config` their settings.
//! It never drops a target that could serve: what it likes least comes last.
#![forbid(unsafe_code)]

mod config;
mod rank;

use config::{Config, Strategy};
use lockgate_sdk::prelude::*;
use lockgate_sdk::signals;
use rank::Facts;

/// A token is about this many bytes of text; good enough to compare prices.
const BYTES_PER_TOKEN: u64 = 4;

/// The header in which a caller says what kind of task it is: `code`, `translate`.
const TASK: &str = "x-lockgate-task";
/// Bytes of it.
const MAX_TASK: usize = 32;

struct Router {
    config: Config,
}

impl Plugin for Router {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        let issues = config.issues();
        if issues.is_empty() {
            return Ok(Self { config });
        }
        Err(issues.into_iter().map(|(pointer, message)| Issue::new(pointer, message)).collect())
    }
}

impl Routing for Router {
    fn rank(&self, x: &Exchange, p: &Prompt, targets: Vec<Target>) -> Result<Vec<u32>, Fault> {
        if targets.len() < 2 {
            return Ok(Vec::new());
        }
        let strategy = self.config.strategy;
        let task = (strategy == Strategy::Quality).then(|| task(p).or_else(flagged)).flatten();
        if let Some(task) = &task {
            x.flag("task", task);
        }
        let names: Vec<rank::Target<'_>> = targets
            .iter()
            .map(|target| rank::Target { id: &target.id, provider: &target.provider })
            .collect();
        let ranked = self.config.rank(&names, &Asked { x, p, task });
        if ranked.lasts && self.config.hold_ms > 0 {
            signals::hold(self.config.hold_ms);
        }
        Ok(ranked.order)
    }
}

/// An exchange that may be asked.
struct Asked<'a> {
    x: &'a Exchange,
    p: &'a Prompt,
    task: Option<String>,
}

impl Facts for Asked<'_> {
    fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        signals::numbers(name)
    }

    fn seed(&self) -> String {
        self.x.id()
    }

    fn streaming(&self) -> bool {
        self.p.streaming()
    }

    fn input_tokens(&self) -> u64 {
        let bytes: usize = self.p.texts().iter().map(|part| part.text.len()).sum();
        u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_PER_TOKEN
    }

    fn output_limit(&self) -> Option<u64> {
        ["/max_completion_tokens", "/max_tokens"].iter().find_map(|at| self.p.json(at)?.parse().ok())
    }

    fn task(&self) -> Option<&str> {
        self.task.as_deref()
    }
}

/// The category of the task, as a plugin before this one found it: the same for all targets.
fn flagged() -> Option<String> {
    signals::texts("task").into_iter().next()?
}

/// The category of the task, as the caller says it.
fn task(p: &Prompt) -> Option<String> {
    let said = p.header(TASK).into_iter().next()?.trim().to_ascii_lowercase();
    let is_name = (1..=MAX_TASK).contains(&said.len())
        && said.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    is_name.then_some(said)
}

plugin!(Router: Routing);
