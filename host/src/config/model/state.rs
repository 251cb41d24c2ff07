//! The settings of what outlives the process, besides the keys.

use super::Config;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// What was taken of limits and budgets.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Counters {
    /// The SQLite file that those of an hour and more are kept in; in memory alone where none is named.
    pub file: Option<PathBuf>,
}

/// The record of exchanges.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// The SQLite file it is written to; in memory alone where none is named.
    pub file: Option<PathBuf>,
}

/// What outlives the process, besides the ledger, the counters and the keys: requests under idempotency keys and their
/// answers, canaries that were rolled back, what users think of targets, and webhooks that wait.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// The SQLite file that it is kept in. Where none is named, one beside that of `counters`, with `.state` after its name;
    /// where that has none either, in memory alone.
    pub file: Option<PathBuf>,
}

impl Config {
    /// The file that state is kept in.
    #[must_use]
    pub fn state_file(&self) -> Option<PathBuf> {
        self.state.file.clone().or_else(|| {
            let mut beside = self.counters.file.clone()?.into_os_string();
            beside.push(".state");
            Some(beside.into())
        })
    }
}
