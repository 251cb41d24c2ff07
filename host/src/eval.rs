//! What a component is worth: the real one, in the real engine, over a file of cases with known answers.
//!
//! `cases` reads, `component` loads and calls, one module a kind runs its cases, `tally` collects, `metrics`
//! reckons, `report` shows. No HTTP, no provider, no ledger: hooks are called as the gateway calls them.
//! Never decides anything about a case that the component did not decide, and never writes a file.

mod cache;
mod cases;
mod component;
mod content;
mod injection;
mod metrics;
pub mod models;
mod output;
mod pii;
mod report;
mod routing;
mod tally;

pub use component::Subject;
pub use injection::Scope;
pub use report::Report;

use crate::app::StartError;
use crate::config::Faults;
use crate::plugin::CallError;
use cases::{Line, Lines};
use component::Component;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use tally::Tally;

/// Lines and calls that went wrong, of which the reason is told.
const TOLD: usize = 20;

/// What is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Private data: `pii-mask`.
    Pii,
    /// Prompt injection: `injection-filter`.
    Injection,
    /// Unwanted content: `content-filter`.
    Content,
    /// Answers from memory: `semantic-cache`.
    Cache,
    /// Answers of a form: `output-validator`.
    Output,
    /// The order of targets: `router`.
    Routing,
}

impl Kind {
    /// The component that ships for it.
    #[must_use]
    pub const fn plugin(self) -> &'static str {
        match self {
            Self::Pii => "pii-mask",
            Self::Injection => "injection-filter",
            Self::Content => "content-filter",
            Self::Cache => "semantic-cache",
            Self::Output => "output-validator",
            Self::Routing => "router",
        }
    }
}

/// Which text of an exchange is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What the client says.
    #[default]
    Prompt,
    /// What the model says.
    Answer,
}

/// What to run, over what.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is evaluated.
    pub kind: Kind,
    /// The cases; `-` is standard input.
    pub data: PathBuf,
    /// Which component, how configured.
    pub subject: Subject,
    /// Thresholds to show; those of the data where empty. None: no table.
    pub sweep: Option<Vec<f64>>,
    /// Cases at most.
    pub limit: Option<u64>,
    /// Entities that count; all where empty.
    pub entities: Vec<String>,
    /// Names of entities or categories that mean another.
    pub aliases: Vec<(String, String)>,
    /// Where a text stands whose line does not say so.
    pub scope: Scope,
    /// Documents that attacks are put into.
    pub documents: Option<PathBuf>,
    /// Questions that the cache holds besides.
    pub distractors: Option<PathBuf>,
    /// Which text of an exchange is looked at.
    pub side: Side,
}

/// The evaluation could not be done.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The command line does not fit the configuration.
    #[error("{0}")]
    Usage(String),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Faults),
    /// The component cannot be made.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A file cannot be read.
    #[error("{}: {source}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl EvalError {
    /// Whether the command line or the configuration is to blame, not the machine.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Config(_) | Self::Start(StartError::Config(_)))
    }
}

/// A line that gave no figure, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// Its number.
    pub line: u64,
    /// Why.
    pub why: String,
}

/// Lines that gave no figure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UnusedLines {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Unused>,
}

impl UnusedLines {
    fn add(&mut self, line: u64, why: String) {
        self.count += 1;
        if self.first.len() < TOLD {
            self.first.push(Unused { line, why });
        }
    }
}

/// What happened to the lines of a file.
#[derive(Debug, Default)]
struct Drive {
    cases: u64,
    malformed: UnusedLines,
    failed: UnusedLines,
}

/// Why a case gave no figure.
enum Problem {
    /// The line does not say what it must.
    Case(String),
    /// The component failed.
    Call(CallError),
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// A kind of evaluation.
trait Trial {
    /// What a line says.
    type Case: DeserializeOwned;

    /// Runs one case and counts it.
    async fn run(
        &mut self,
        component: &mut Component,
        line: u64,
        case: Self::Case,
        tally: &mut Tally,
    ) -> Result<(), Problem>;

    /// Works out what only all cases together tell.
    fn finish(&mut self, _: &mut Tally) {}
}

/// Runs an evaluation.
///
/// # Errors
/// The component cannot be loaded, or the file cannot be read. What is wrong with single lines, and calls that
/// fail, are told in the report.
pub async fn run(options: &Options) -> Result<Report, EvalError> {
    let lines = open(&options.data)?;
    let kind = options.kind;
    let mut component = Component::load(kind, &options.subject, |config| match kind {
        Kind::Pii => pii::adjust(config),
        Kind::Injection => injection::adjust(config),
        Kind::Content => content::adjust(config),
        Kind::Cache => cache::adjust(config, options),
        Kind::Output | Kind::Routing => {}
    })
    .await?;
    let mut tally = Tally::default();
    let (on, sums) = (&mut component, &mut tally);
    let drive = match kind {
        Kind::Pii => drive(pii::Pii::new(options), on, lines, options, sums).await,
        Kind::Injection => drive(injection::Injection::new(options)?, on, lines, options, sums).await,
        Kind::Content => drive(content::Content::new(options), on, lines, options, sums).await,
        Kind::Cache => {
            let trial = cache::Cache::new(options, on).await?;
            drive(trial, on, lines, options, sums).await
        }
        Kind::Output => drive(output::Output::default(), on, lines, options, sums).await,
        Kind::Routing => drive(routing::Routing::default(), on, lines, options, sums).await,
    }?;
    Ok(Report::new(options, &component, drive, tally))
}

/// Runs each case.
async fn drive<T: Trial>(
    mut trial: T,
    component: &mut Component,
    mut lines: Lines,
    options: &Options,
    tally: &mut Tally,
) -> Result<Drive, EvalError> {
    let mut drive = Drive::default();
    while options.limit.is_none_or(|limit| drive.cases < limit) {
        let line = lines.read().map_err(|source| EvalError::Read { file: options.data.clone(), source })?;
        let Some(Line { number, value }) = line else { break };
        let case = value.and_then(|value| {
            serde_json::from_value(value).map_err(|error| format!("it is no case of this kind: {error}"))
        });
        let ran = match case {
            Ok(case) => trial.run(component, number, case, tally).await,
            Err(why) => Err(Problem::Case(why)),
        };
        match ran {
            Ok(()) => drive.cases += 1,
            Err(Problem::Case(why)) => drive.malformed.add(number, why),
            Err(Problem::Call(error)) => drive.failed.add(number, error.to_string()),
        }
    }
    trial.finish(tally);
    Ok(drive)
}

fn open(file: &std::path::Path) -> Result<Lines, EvalError> {
    Lines::open(file).map_err(|source| EvalError::Read { file: file.to_owned(), source })
}

/// The texts of a file, each under one of these keys.
fn texts(file: &std::path::Path, keys: &[&str]) -> Result<Vec<String>, EvalError> {
    let mut lines = open(file)?;
    let mut texts = Vec::new();
    loop {
        let line = lines.read().map_err(|source| EvalError::Read { file: file.to_owned(), source })?;
        let Some(line) = line else { return Ok(texts) };
        let found = line.value.ok().and_then(|value| {
            keys.iter().find_map(|key| value.get(key).and_then(|text| text.as_str()).map(str::to_owned))
        });
        let missing = || {
            let (name, number) = (file.display(), line.number);
            EvalError::Usage(format!("{name}: line {number} has no text under {}", keys.join(", ")))
        };
        texts.push(found.ok_or_else(missing)?);
    }
}
