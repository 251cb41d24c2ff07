//! The settings of kept answers, and of what they are found by.

use crate::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// What `vectors.embed` uses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(tag = "backend", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Embeddings {
    /// A table of word pieces distilled from all-MiniLM-L6-v2, which ships with the gateway: needs no service.
    Builtin {},
    /// Hashed words and runs of letters: needs neither a service nor a table, and sees no meaning beyond letters.
    Hashed {},
    /// A whole sentence model such as all-MiniLM-L6-v2, run on the processor: milliseconds a text.
    Minilm {
        /// The folder with its `config.json`, `vocab.txt` and `model.safetensors`.
        model: PathBuf,
    },
    /// An OpenAI-compatible endpoint.
    Openai {
        /// Its base URL, such as `https://api.openai.com/v1`.
        base_url: String,
        /// Its key.
        #[schemars(with = "Option<String>")]
        credential: Option<Secret>,
        /// The model.
        model: String,
        /// Numbers in a vector.
        dimensions: usize,
    },
}

impl Default for Embeddings {
    fn default() -> Self {
        Self::Builtin {}
    }
}

/// Kept answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Answers at most.
    pub max_entries: usize,
    /// Bytes of all of them at most.
    pub max_bytes: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self { max_entries: 100_000, max_bytes: 256 * 1024 * 1024 }
    }
}
