//! Holds what the gateway says in OpenAI's format against OpenAI's published schemas: the matrix of the gateway's tests,
//! with their OpenAPI document at hand.
//!
//! The document is theirs, large, and changes: it is named, not shipped.

use crate::step::{cargo, run};
use anyhow::{Context, Result};
use std::path::Path;

/// Runs the matrix with the document.
pub(crate) fn check(document: &Path) -> Result<()> {
    let document = document.canonicalize().with_context(|| format!("{} is not there", document.display()))?;
    let mut command = cargo(["test", "--package", "lockgate", "--test", "gateway", "--locked", "matrix::"]);
    command.env("LOCKGATE_OPENAPI", document);
    run(command)
}
