//! Which models are good enough for what: a set of tasks, asked of targets through a gateway, and judged.
//!
//! Invariants: only an answer that the target itself gave counts, neither another's nor a kept one; a task without an
//! answer or without a judgement is no task that was done badly. Never prints what was
//! asked or answered.

mod ask;
mod judge;
mod task;
#[cfg(test)]
mod tests;

pub use ask::Asking;
pub use judge::Judge;

use super::cases::Lines;
use crate::route::quality::{Figures, Measured};
use futures_util::StreamExt as _;
use futures_util::stream;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use task::Task;

/// Tasks of one run at most: all of them are held.
const MAX_TASKS: usize = 100_000;

/// What is to be run.
pub struct Models {
    /// The tasks, one JSON object a line.
    pub tasks: PathBuf,
    /// The targets, as clients of the gateway name them.
    pub targets: Vec<String>,
    /// Who judges where a task does not say.
    pub judge: Judge,
    /// The gateway.
    pub asking: Asking,
    /// Requests at the same time.
    pub at_once: usize,
}

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The tasks cannot be read.
    #[error("{file}: {source}")]
    File {
        /// Which file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no task.
    #[error("line {line}: {why}")]
    Line {
        /// Its number.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// There is nothing to do.
    #[error("there are no tasks")]
    Empty,
    /// There is too much.
    #[error("there are more than {MAX_TASKS} tasks")]
    TooMany,
}

/// One task, done by one target.
struct Done {
    target: usize,
    task: String,
    result: Result<Judged, String>,
}

/// An answer that was judged.
struct Judged {
    score: f64,
    cost: Option<f64>,
    took: Duration,
}

/// What was found, and why what failed did.
pub struct Found {
    /// The figures.
    pub measured: Measured,
    /// Reasons for failures, by target, and how often each occurred.
    pub failures: BTreeMap<(String, String), u64>,
}

/// Asks everything of every target.
///
/// # Errors
/// Nothing was asked, because the tasks are none.
pub async fn run(models: &Models) -> Result<Found, ModelsError> {
    let tasks = read(models)?;
    let pairs = tasks.iter().flat_map(|task| (0..models.targets.len()).map(move |target| (target, task)));
    let done: Vec<Done> = stream::iter(pairs.map(|(target, task)| one(models, target, task)))
        .buffer_unordered(models.at_once.max(1))
        .collect()
        .await;
    Ok(sum(models, done))
}

fn read(models: &Models) -> Result<Vec<Task>, ModelsError> {
    let file = || models.tasks.display().to_string();
    let failed = |source| ModelsError::File { file: file(), source };
    let mut lines = Lines::open(&models.tasks).map_err(failed)?;
    let mut tasks = Vec::new();
    while let Some(line) = lines.read().map_err(failed)? {
        let wrong = |why| ModelsError::Line { line: line.number, why };
        let task = line.value.and_then(|value| Task::read(value, models.judge)).map_err(wrong)?;
        if tasks.len() >= MAX_TASKS {
            return Err(ModelsError::TooMany);
        }
        tasks.push(task);
    }
    if tasks.is_empty() { Err(ModelsError::Empty) } else { Ok(tasks) }
}

async fn one(models: &Models, target: usize, task: &Task) -> Done {
    let id = models.targets.get(target).map(String::as_str).unwrap_or_default();
    let judged = async {
        let answer = models.asking.ask(id, task).await?;
        let score = judge::score(&models.asking, task, &answer.text).await?;
        Ok(Judged { score, cost: answer.cost, took: answer.took })
    };
    Done { target, task: task.category.clone(), result: judged.await }
}

fn sum(models: &Models, done: Vec<Done>) -> Found {
    let mut groups: BTreeMap<(usize, String), Vec<Result<Judged, String>>> = BTreeMap::new();
    for Done { target, task, result } in done {
        groups.entry((target, task)).or_default().push(result);
    }
    let mut found = Found { measured: Measured::default(), failures: BTreeMap::new() };
    for ((target, task), results) in groups {
        let Some(id) = models.targets.get(target) else { continue };
        let (mut judged, mut failed) = (Vec::new(), 0);
        for result in results {
            match result {
                Ok(one) => judged.push(one),
                Err(why) => {
                    failed += 1;
                    *found.failures.entry((id.clone(), why)).or_default() += 1;
                }
            }
        }
        let tasks = found.measured.targets.entry(id.clone()).or_default();
        tasks.insert(task, figures(&judged, failed));
    }
    found
}

fn figures(judged: &[Judged], failed: u64) -> Figures {
    let mut times: Vec<Duration> = judged.iter().map(|one| one.took).collect();
    times.sort_unstable();
    let costs: Option<Vec<f64>> = judged.iter().map(|one| one.cost).collect();
    Figures {
        quality: mean(judged.iter().map(|one| one.score)),
        judged: judged.len() as u64,
        failed,
        // One answer of unknown price makes the mean unknown.
        cost_usd: costs.and_then(|costs| mean(costs.into_iter())),
        latency_ms: times.get(times.len() / 2).map(|time| time.as_secs_f64() * 1e3),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of tasks are far below 2^52")]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

impl Found {
    /// The figures for people.
    #[must_use]
    pub fn table(&self) -> String {
        let width = self.measured.targets.keys().map(|id| id.chars().count()).max().unwrap_or(0).max(6);
        let mut out =
            format!("{:width$}  {:12}  quality  judged  failed    USD each  p50 ms\n", "target", "task");
        for (id, tasks) in &self.measured.targets {
            for (task, figures) in tasks {
                let plain = |value: Option<f64>, digits: usize| {
                    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
                };
                let _ = writeln!(
                    out,
                    "{id:width$}  {task:12}  {:>7}  {:>6}  {:>6}  {:>10}  {:>6}",
                    plain(figures.quality, 3),
                    figures.judged,
                    figures.failed,
                    plain(figures.cost_usd, 6),
                    plain(figures.latency_ms, 0),
                );
            }
        }
        for ((id, why), count) in &self.failures {
            let _ = writeln!(out, "{id}: {count} times: {why}");
        }
        out
    }
}
