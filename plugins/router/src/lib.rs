//! `router`: orders the targets of a route by weight, turn, cost, latency, load, quality or the operator's own order.
//!
//! This file only fetches what a strategy needs from the exchange; `candidate` reads the signals, `strategy`
//! holds the settings and ranks.
//! It never drops a target that could serve: what it likes least comes last.
#![forbid(unsafe_code)]

mod candidate;
mod strategy;

use candidate::Candidate;
use lockgate_sdk::prelude::*;
use lockgate_sdk::signals;
use strategy::{Ask, Config, Strategy};

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
        let strategy = self.config.strategy();
        let task = (strategy == Strategy::Quality).then(|| task(p).or_else(flagged)).flatten();
        let ask = match strategy {
            // Only these look into the prompt, which takes time on a large one.
            Strategy::Cost | Strategy::Quality => {
                Ask { input_tokens: input_tokens(p), output_tokens: output_limit(p), task, ..Ask::default() }
            }
            _ => Ask { streaming: p.streaming(), ..Ask::default() },
        };
        let mut candidates: Vec<Candidate<'_>> =
            targets.iter().map(|target| Candidate::new(&target.id, &target.provider)).collect();
        for name in self.config.reads(&ask) {
            for (candidate, value) in candidates.iter_mut().zip(signals::numbers(&name)) {
                candidate.note(&name, value);
            }
        }
        x.flag("router", strategy.name());
        if let Some(task) = &ask.task {
            x.flag("task", task);
        }
        let seed = if strategy.draws() { x.id() } else { String::new() };
        Ok(self.config.rank(&candidates, &seed, &ask))
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

fn input_tokens(p: &Prompt) -> u64 {
    let bytes: usize = p.texts().iter().map(|part| part.text.len()).sum();
    u64::try_from(bytes).unwrap_or(u64::MAX) / BYTES_PER_TOKEN
}

fn output_limit(p: &Prompt) -> Option<u64> {
    ["/max_completion_tokens", "/max_tokens"].iter().find_map(|at| p.json(at)?.parse().ok())
}

plugin!(Router: Routing);
