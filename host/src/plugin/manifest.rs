//! What a component is, read off its exports and imports. No manifest file says it.

use std::collections::BTreeSet;
use std::fmt;
use wasmtime::component::Component;

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
    /// It exports another version of the contract.
    #[error("it exports `{export}`, and this host speaks version {VERSION} of the contract")]
    Version {
        /// The export.
        export: String,
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
    /// Reads a component.
    ///
    /// # Errors
    /// It is not a plugin of this contract.
    pub fn read(component: &Component) -> Result<Self, ManifestError> {
        let engine = component.engine();
        let kind = component.component_type();
        let mut hooks = BTreeSet::new();
        let mut lifecycle = false;
        for (name, _) in kind.exports(engine) {
            let Some(rest) = name.strip_prefix(PACKAGE) else { continue };
            let (interface, version) = rest.split_once('@').unwrap_or((rest, ""));
            if version != VERSION {
                return Err(ManifestError::Version { export: name.to_owned() });
            }
            lifecycle |= interface == "lifecycle";
            hooks.extend(Hook::ALL.into_iter().find(|hook| hook.name() == interface));
        }
        if !lifecycle {
            return Err(ManifestError::NoLifecycle);
        }
        if hooks.is_empty() {
            return Err(ManifestError::NoHook);
        }
        let imports = kind.imports(engine).map(|(name, _)| name.to_owned()).collect();
        Ok(Self { hooks, imports })
    }
}
