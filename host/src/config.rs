//! The configuration: one YAML file (JSON is YAML), read into validated settings.
//!
//! Reading goes in steps, and each reports everything it finds: the document's syntax; its shape, against the
//! schema that `lockgate config schema` prints; its references to the environment and to files; what its
//! names refer to. A fault names its path, line and column, and what was probably meant. Faults never show a
//! value: it may be a secret.

mod check;
mod document;
mod fault;
mod model;
mod reference;
mod shape;
mod standard;
#[cfg(test)]
mod tests;

pub use document::{Document, Position};
pub use fault::{Fault, Faults};
pub use model::{
    Admin, Binding, Cache, Config, Destination, Embeddings, Engine, Grants, Hold, Isolation, Ledger, Limits,
    Log, LogFormat, OnError, OnOverflow, PluginSource, Prices, Provider, ProviderTimeouts, ProviderTls,
    Quotas, Route, RouteTarget, Streams, Target, Tenant, TenantKey, Tls, UnknownPrice,
};
pub use reference::Environment;
pub use shape::{check_against, schema};
pub use standard::standard;

use std::path::{Path, PathBuf};

/// Bytes of a configuration file at most.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A configuration and where its parts stand.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Where everything stands, for faults that are found later.
    pub document: Document,
    /// The files it was read from: what a watch looks at.
    pub files: Vec<PathBuf>,
}

/// Reads a configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(file: &Path, environment: &dyn Environment) -> Result<Loaded, Faults> {
    let name = file.display().to_string();
    let text = match std::fs::read(file) {
        Ok(bytes) if bytes.len() > MAX_BYTES => {
            return Err(Faults::one(&name, format!("the file is larger than {MAX_BYTES} bytes")));
        }
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| Faults::one(&name, "the file is not UTF-8"))?,
        Err(error) => return Err(Faults::one(&name, format!("the file cannot be read: {error}"))),
    };
    let mut loaded = parse(&name, &text, environment)?;
    loaded.files.insert(0, file.to_owned());
    Ok(loaded)
}

/// Reads a configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(name: &str, text: &str, environment: &dyn Environment) -> Result<Loaded, Faults> {
    let document = Document::parse(name, text)?;
    let mut faults = Faults::new(name);
    shape::check(&document, &mut faults);
    let mut files = Vec::new();
    let resolved = reference::resolve(&document, environment, &mut files, &mut faults);
    faults.or(())?;
    let config: Config = serde_json::from_value(resolved).map_err(|error| {
        // The shape was checked, so what is left is a value that a type refuses; its message may quote it.
        let _ = error;
        Faults::one(name, "a value is not of the kind its place wants (an address, a number out of range)")
    })?;
    check::check(&config, &document, &mut faults);
    faults.or(Loaded { config, document, files })
}
