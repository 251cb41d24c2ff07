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
use tracing_subscriber::util::TryInitError;

/// Libraries that see requests in the clear.
const TRANSPORTS: [&str; 6] = ["h2", "hyper", "hyper_util", "hyper_rustls", "rustls", "tokio_rustls"];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object per line.
    #[default]
    Json,
    /// One line of text.
    Text,
}

/// Why logging cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is not one.
    #[error("`{filter}` is not a log filter, such as `info` or `info,lockgate=debug`")]
    Filter {
        /// What was given.
        filter: String,
        /// Why.
        #[source]
        source: ParseError,
    },
    /// It is set up already.
    #[error("logging is set up already")]
    Twice(#[source] TryInitError),
}

/// Sends the log of the process to standard error, from now on. `filter` is a level, or levels by target:
/// `info,lockgate::plugin=debug`.
///
/// # Errors
/// The filter is not one, or logging was set up before.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    use tracing_subscriber::util::SubscriberInitExt;
    subscriber(format, filter, std::io::stderr)?.try_init().map_err(LoggingError::Twice)
}

pub(super) fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    writer: W,
) -> Result<Box<dyn tracing::Subscriber + Send + Sync>, LoggingError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let chosen = EnvFilter::builder()
        .parse(filter)
        .map_err(|source| LoggingError::Filter { filter: filter.to_owned(), source })?;
    let most = chosen.max_level_hint().unwrap_or(LevelFilter::TRACE);
    let harmless = filter_fn(move |line| {
        *line.level() <= most && (*line.level() <= Level::INFO || !is_transport(line.target()))
    })
    .with_max_level_hint(most);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let registry = tracing_subscriber::registry().with(chosen).with(harmless);
    Ok(match format {
        LogFormat::Json => Box::new(registry.with(lines.json().flatten_event(true).with_span_list(false))),
        LogFormat::Text => Box::new(registry.with(lines.with_ansi(false))),
    })
}

fn is_transport(target: &str) -> bool {
    TRANSPORTS.contains(&target.split("::").next().unwrap_or_default())
}
