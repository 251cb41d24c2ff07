//! The configuration: one YAML file (JSON is YAML), read into validated settings.
//!
//! Reading goes in steps, and each reports everything it finds: the document's syntax; its shape, against the
//! schema that `lockgate config schema` prints; its references to the environment and to files; what its
//! names refer to. A fault names its path, line and column, and what was probably meant. Faults never show a
//! value: it may be a secret.

mod check;
mod command;
mod document;
mod fault;
mod model;
mod preset;
mod prune;
mod reference;
mod shape;
mod standard;
#[cfg(test)]
mod tests;

pub use command::run as run_command;
pub use document::{Document, Position};
pub use fault::{Fault, Faults};
pub use model::{
    Admin, Aws, Binding, Cache, Config, Destination, Embeddings, Engine, Entra, Google, Grants, Hold,
    Isolation, Ledger, Limits, Log, LogFormat, OnError, OnOverflow, PluginSource, Prices, Provider,
    ProviderKey, ProviderTimeouts, ProviderTls, Quotas, Route, RouteTarget, Streams, Target, Tenant,
    TenantKey, Tls, UnknownPrice, Written,
};
pub use model::{identity, limit, over, resilience, routing};
pub use reference::{Digest, Environment, Sources, digest};
pub use shape::{check_against, schema};
pub use standard::standard;

use std::path::Path;

/// Bytes of a configuration file at most.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A configuration and where its parts stand.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Where everything stands, for faults that are found later.
    pub document: Document,
    /// What it was read from: what a watch looks at.
    pub sources: Sources,
}

/// What could be read of a configuration, and everything that is wrong with it.
#[derive(Debug)]
pub struct Examined {
    /// The configuration without its faulty parts, where what is left is one: later steps look for more faults
    /// in it. Never to be served while there are faults.
    pub loaded: Option<Loaded>,
    /// What is wrong.
    pub faults: Faults,
}

impl Examined {
    /// The configuration, when nothing is wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn sound(mut self) -> Result<Loaded, Faults> {
        let loaded = self.faults.or(self.loaded)?;
        loaded.ok_or_else(|| Faults::one("configuration", "it cannot be read"))
    }
}

impl From<Faults> for Examined {
    fn from(faults: Faults) -> Self {
        Self { loaded: None, faults }
    }
}

/// Reads a configuration file.
#[must_use]
pub fn examine(file: &Path, environment: &dyn Environment) -> Examined {
    let name = file.display().to_string();
    let text = match std::fs::read(file) {
        Ok(bytes) if bytes.len() > MAX_BYTES => {
            return Faults::one(&name, format!("the file is larger than {MAX_BYTES} bytes")).into();
        }
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned()),
        Err(error) => Err(format!("the file cannot be read: {error}")),
    };
    match text {
        Ok(text) => {
            let mut examined = examine_text(&name, &text, environment);
            if let Some(loaded) = &mut examined.loaded {
                loaded.sources.files.insert(0, file.to_owned());
            }
            examined
        }
        Err(why) => Faults::one(&name, why).into(),
    }
}

/// Reads a configuration file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(file: &Path, environment: &dyn Environment) -> Result<Loaded, Faults> {
    examine(file, environment).sound()
}

/// Reads a configuration.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(name: &str, text: &str, environment: &dyn Environment) -> Result<Loaded, Faults> {
    examine_text(name, text, environment).sound()
}

fn examine_text(name: &str, text: &str, environment: &dyn Environment) -> Examined {
    let document = match Document::parse(name, text) {
        Ok(document) => document,
        Err(faults) => return faults.into(),
    };
    let mut faults = Faults::new(name);
    shape::check(&document, &mut faults);
    let misshapen: Vec<String> = faults.list.iter().map(|fault| fault.pointer.clone()).collect();
    let mut sources = reference::Sources::default();
    let mut resolved = reference::resolve(&document, environment, &mut sources, &mut faults);
    prune::prune(&mut resolved, &misshapen);
    match serde_json::from_value::<Config>(resolved) {
        Ok(mut config) => {
            config.providers.iter_mut().for_each(|(name, provider)| provider.complete(name));
            let mut later = Faults::new(name);
            check::check(&config, &document, &mut later);
            faults.join(later);
            Examined { loaded: Some(Loaded { config, document, sources }), faults }
        }
        // The shape was checked, so what is left is a value that a type refuses; the error may quote it.
        Err(_) if faults.list.is_empty() => Faults::one(
            name,
            "a value is not of the kind its place wants (an address, a number out of range)",
        )
        .into(),
        Err(_) => faults.into(),
    }
}
