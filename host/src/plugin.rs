//! Sandboxed components: everything that touches wasmtime.
//!
//! - What happens once: [`Engine`] (settings, epoch ticker, compiled-code cache).
//! - Once per component: [`Plugin`] (digest, hooks, imports).
//! - Once per component and configuration: a template (configured, snapshotted, compiled), shared by tenants.
//! - Once per use in a chain and tenant: [`Binding`] (grants, limits, instances, breaker).
//! - Once per call: an instance is borrowed, or made, and given back only when the call succeeded.
//!
//! A binding reports what a call did; whether a failure closes or opens the way is not decided here. A
//! component gets what it is granted and nothing else: no sockets, no files, no environment, no credential.

mod artifact;
mod binding;
mod bindings;
mod breaker;
mod call;
mod candidates;
mod console;
mod convert;
mod engine;
mod grants;
mod hooks;
mod imports;
mod instance;
mod manifest;
mod meter;
mod services;
pub mod side;
mod snapshot;
mod source;
mod template;

pub use binding::{Binding, BindingSettings, Isolation, Limits, LoadError};
pub use call::{
    Call, CallBody, CallError, CallErrorKind, Decision, Edit, Frame, HeaderValue, Issue, ObservedEvent,
    Outcome, Rejection, Verdict,
};
pub use candidates::{Candidates, Ranked, Signal, TargetView};
pub use engine::{Engine, EngineError, EngineSettings};
pub use grants::{Grants, UngrantedImport};
pub use manifest::{Hook, Manifest, ManifestError};
pub use services::{
    Answers, Destination, Fetch, FetchRequest, FetchResponse, Kv, NearestQuery, Neighbour, ServiceFault,
    Services, Vectors, Watch,
};
pub use side::SideSettings;
pub use source::{Plugin, PluginError};
