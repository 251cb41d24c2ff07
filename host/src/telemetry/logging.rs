//! Log lines on standard error: JSON for machines, text for people.
//!
//! Invariant: libraries that carry requests log nothing below `info`, whatever the filter says: at `debug`
//! and `trace` they would print what they carry, credentials included.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Libraries that see requests in the clear.
const TRANSPORTS: [&str; 6] = ["h2", "hyper", "hyper_util", "hyper_rustls", "rustls", "tokio_rustls"];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object per line.
    #[default]
    Json,
    /// One line of text.
    Text,
}

/// A filter is none.
#[derive(Debug, thiserror::Error)]
#[error("`{filter}` is not a log filter, such as `info` or `info,lockgate=debug`")]
pub struct FilterError {
    filter: String,
    #[source]
    source: ParseError,
}

/// Checks a filter: a level, or levels by target, such as `info,lockgate::plugin=debug`.
///
/// # Errors
/// It is none.
pub fn check_filter(filter: &str) -> Result<(), FilterError> {
    parse(filter).map(drop)
}

/// Sends the log of the process to standard error from now on. A filter that is none gives way to `info`, and
/// the log says so. Only the first call of a process counts.
pub fn init(format: Format, filter: &str) {
    let (filter, fault) = match parse(filter) {
        Ok(filter) => (filter, None),
        Err(fault) => (EnvFilter::new("info"), Some(fault)),
    };
    // A second call finds a logger in place, which is what it wanted.
    let _ = subscriber(format, filter, std::io::stderr).try_init();
    if let Some(fault) = fault {
        tracing::warn!(error = %fault, "logging at `info`");
    }
}

pub(super) fn parse(filter: &str) -> Result<EnvFilter, FilterError> {
    let refused = |source| FilterError { filter: filter.to_owned(), source };
    EnvFilter::builder().parse(filter).map_err(refused)
}

pub(super) fn subscriber<W>(
    format: Format,
    chosen: EnvFilter,
    writer: W,
) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let most = chosen.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let harmless = filter_fn(move |line| {
        *line.level() <= most && (*line.level() <= Level::INFO || !is_transport(line.target()))
    })
    .with_max_level_hint(most);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry().with(chosen).with(harmless);
    match format {
        Format::Json => Box::new(registry.with(lines.json().flatten_event(true).with_span_list(false))),
        Format::Text => Box::new(registry.with(lines.with_ansi(false))),
    }
}

fn is_transport(target: &str) -> bool {
    TRANSPORTS.contains(&target.split("::").next().unwrap_or_default())
}
