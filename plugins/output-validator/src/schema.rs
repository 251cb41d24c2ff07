//! Compiles JSON Schemas (draft 2020-12, draft-07 and the others, by `$schema`) and keeps what was compiled.
//!
//! Invariants: `format` is an annotation unless the operator wants it checked; a `$ref` reaches only the schema
//! itself, the drafts' own meta-schemas and the operator's documents; patterns have a bound on their work.
//! It never fetches anything: what it does not hold makes a schema unusable.

use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// How many of the requests' schemas are kept compiled.
const KEPT: usize = 32;
/// How many bytes of schema text are kept at most; a longer schema is compiled each time.
const KEPT_BYTES: usize = 256 * 1024;
/// How many steps a pattern with look-around or back-references may take; the others are linear.
const PATTERN_STEPS: usize = 100_000;
/// How much of a reason is told.
const MAX_REASON_BYTES: usize = 300;

/// What a schema without `$schema` is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Draft {
    /// As draft 2020-12, or as draft-07 where it is none of 2020-12 (`items` as a list, say).
    #[default]
    #[serde(rename = "2020-12")]
    Draft202012,
    /// As draft-07.
    #[serde(rename = "draft-07")]
    Draft7,
}

/// What compiles schemas.
pub struct Compiler {
    documents: Documents,
    formats: bool,
    draft: Draft,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The newest last: hash, text, what it became.
    entries: VecDeque<(u64, String, Arc<Validator>)>,
    bytes: usize,
}

/// The operator's documents by URI.
#[derive(Clone, Default)]
struct Documents(Arc<BTreeMap<String, Value>>);

impl Retrieve for Documents {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let known = self.0.get(uri.as_str()).cloned();
        known.ok_or_else(|| "it is not among the configured documents, and nothing is ever fetched".into())
    }
}

impl Compiler {
    /// A compiler that knows these documents. `formats`: whether `format` is checked.
    pub fn new(documents: BTreeMap<String, Value>, formats: bool, draft: Draft) -> Self {
        Self { documents: Documents(Arc::new(documents)), formats, draft, kept: Mutex::default() }
    }

    /// Compiles a schema.
    ///
    /// # Errors
    /// It is not a schema, or refers to what is not known.
    pub fn compile(&self, schema: &Value) -> Result<Validator, String> {
        if schema.get("$schema").is_some() {
            return self.build(schema, None);
        }
        match self.draft {
            Draft::Draft7 => self.build(schema, Some(jsonschema::Draft::Draft7)),
            Draft::Draft202012 => self
                .build(schema, Some(jsonschema::Draft::Draft202012))
                .or_else(|why| self.build(schema, Some(jsonschema::Draft::Draft7)).map_err(|_| why)),
        }
    }

    fn build(&self, schema: &Value, draft: Option<jsonschema::Draft>) -> Result<Validator, String> {
        let options = jsonschema::options();
        let options = match draft {
            Some(draft) => options.with_draft(draft),
            None => options,
        };
        options
            .with_retriever(self.documents.clone())
            .should_validate_formats(self.formats)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS))
            .build(schema)
            .map_err(|error| {
                let why = error.to_string();
                let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
                crate::note::clip(&format!("not a usable JSON Schema: {why}{source}"), MAX_REASON_BYTES)
            })
    }

    /// Compiles the text of a schema, or gives what the same text became before.
    ///
    /// # Errors
    /// As [`Compiler::compile`].
    pub fn cached(&self, text: &str) -> Result<Arc<Validator>, String> {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., found)) = kept.entries.iter().find(|(h, t, _)| *h == hash && t == text) {
            return Ok(found.clone());
        }
        let schema =
            serde_json::from_str(text).map_err(|error| format!("not a usable JSON Schema: {error}"))?;
        let validator = Arc::new(self.compile(&schema)?);
        if text.len() <= KEPT_BYTES {
            kept.bytes += text.len();
            kept.entries.push_back((hash, text.to_owned(), validator.clone()));
            while kept.entries.len() > KEPT || kept.bytes > KEPT_BYTES {
                let Some((_, gone, _)) = kept.entries.pop_front() else { break };
                kept.bytes = kept.bytes.saturating_sub(gone.len());
            }
        }
        Ok(validator)
    }
}

#[cfg(test)]
mod tests;
