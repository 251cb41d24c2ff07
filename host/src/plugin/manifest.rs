//! What a component is, read off its exports and imports. No manifest file says it.

use std::collections::BTreeSet;
use std::fmt;
use wasmparser::{Chunk, Encoding, Parser, Payload};

/// The package and version of the contract this host speaks.
const PACKAGE: &str = "lockgate:plugin/";
const VERSION: &str = "0.1.0";

/// A place in the life of an exchange where a plugin acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hook {
    /// Before anything is sent.
    PreRequest,
    /// Orders targets.
    Routing,
    /// Speaks a provider's language.
    ProviderAdapter,
    /// Rewrites text.
    TextFilter,
    /// Judges answers.
    PostResponse,
    /// Is told afterwards.
    Observer,
}

impl Hook {
    /// Every hook.
    pub const ALL: [Self; 6] = [
        Self::PreRequest,
        Self::Routing,
        Self::ProviderAdapter,
        Self::TextFilter,
        Self::PostResponse,
        Self::Observer,
    ];

    /// Its interface's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreRequest => "pre-request",
            Self::Routing => "routing",
            Self::ProviderAdapter => "provider-adapter",
            Self::TextFilter => "text-filter",
            Self::PostResponse => "post-response",
            Self::Observer => "observer",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a component exports and imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The hooks it exports.
    pub hooks: BTreeSet<Hook>,
    /// The interfaces it imports, with their versions.
    pub imports: Vec<String>,
}

/// Why a component is not a plugin.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ManifestError {
    /// It is something else, or broken.
    #[error("it is not a WebAssembly component: {0}")]
    NotAComponent(String),
    /// It speaks another version of the contract.
    #[error("it speaks `{interface}`, and this host speaks version {VERSION} of the contract")]
    Version {
        /// What it imports or exports.
        interface: String,
    },
    /// It cannot be configured.
    #[error("it does not export `{PACKAGE}lifecycle@{VERSION}`")]
    NoLifecycle,
    /// It does nothing.
    #[error(
        "it exports no hook (pre-request, routing, provider-adapter, text-filter, post-response, observer)"
    )]
    NoHook,
}

impl Manifest {
    /// Reads a component, without compiling it.
    ///
    /// # Errors
    /// It is not a plugin of this contract.
    pub fn read(wasm: &[u8]) -> Result<Self, ManifestError> {
        let names = Names::read(wasm).map_err(ManifestError::NotAComponent)?;
        let mut hooks = BTreeSet::new();
        let mut lifecycle = false;
        for interface in names.exports.iter().filter_map(|name| contract(name)) {
            let interface = interface?;
            lifecycle |= interface == "lifecycle";
            hooks.extend(Hook::ALL.into_iter().find(|hook| hook.name() == interface));
        }
        names.imports.iter().filter_map(|name| contract(name)).try_for_each(|name| name.map(drop))?;
        if !lifecycle {
            return Err(ManifestError::NoLifecycle);
        }
        if hooks.is_empty() {
            return Err(ManifestError::NoHook);
        }
        Ok(Self { hooks, imports: names.imports })
    }
}

impl Manifest {
    /// Whether it asks for the signals of targets, and need not be handed all of them.
    #[must_use]
    pub fn asks_for_signals(&self) -> bool {
        self.imports.iter().any(|name| matches!(contract(name), Some(Ok("signals"))))
    }
}

/// The interface of the contract that a name means, if it means one of this version.
fn contract(name: &str) -> Option<Result<&str, ManifestError>> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@').unwrap_or((name, ""));
    let other = || ManifestError::Version { interface: name.to_owned() };
    Some(if version == VERSION { Ok(interface) } else { Err(other()) })
}

/// The names that a component imports and exports at its top.
#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Names {
    /// Nested modules and components are stepped over: their names are nobody's but their own.
    fn read(wasm: &[u8]) -> Result<Self, String> {
        let mut names = Self::default();
        let mut parser = Parser::new(0);
        let mut at = 0;
        loop {
            let rest = wasm.get(at..).ok_or("it is cut off")?;
            let chunk = parser.parse(rest, true).map_err(|error| error.to_string())?;
            let Chunk::Parsed { consumed, payload } = chunk else { return Err("it is cut off".to_owned()) };
            at += consumed;
            match payload {
                Payload::Version { encoding: Encoding::Module, .. } => {
                    return Err("it is a core module; build for wasm32-wasip2".to_owned());
                }
                Payload::ModuleSection { unchecked_range, .. }
                | Payload::ComponentSection { unchecked_range, .. } => at = unchecked_range.end,
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        names.imports.push(import.map_err(|error| error.to_string())?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        names.exports.push(export.map_err(|error| error.to_string())?.name.name.to_owned());
                    }
                }
                Payload::End(_) => return Ok(names),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component's preamble. Source: the component model's binary format: magic, version 13, layer 1.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn what_is_no_plugin_is_refused_with_its_reason() {
        let refused = |wasm: &[u8]| Manifest::read(wasm).map_err(|error| error.to_string()).err();
        assert!(refused(b"no wasm at all").is_some_and(|why| why.contains("not a WebAssembly component")));
        assert!(refused(b"\0asm\x01\0\0\0").is_some_and(|why| why.contains("core module")));
        assert_eq!(Manifest::read(COMPONENT), Err(ManifestError::NoLifecycle));
        let cut: Vec<u8> = [COMPONENT, &[1, 100, 0]].concat();
        assert!(refused(&cut).is_some());
    }

    #[test]
    fn only_this_version_of_the_contract_is_spoken() {
        let of = |name| contract(name).map(|found| found.map_err(|error| error.to_string()));
        assert_eq!(of("lockgate:plugin/kv@0.1.0"), Some(Ok("kv")));
        assert_eq!(of("wasi:io/streams@0.2.6"), None);
        for other in ["lockgate:plugin/kv@0.2.0", "lockgate:plugin/kv"] {
            assert!(of(other).is_some_and(|found| found.is_err_and(|why| why.contains(other))));
        }
    }
}
