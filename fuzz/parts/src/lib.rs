//! The modules of the host that parse and import nothing of its upper layers, under the names that they have there.
//!
//! Nothing is written here: it is the host's own source, so what is fuzzed is what runs.

#[path = "../../../host/src"]
mod host {
    pub mod chat;
    pub mod error;
    pub mod eventstream;
    pub mod format;
    pub mod sse;
    pub mod tokens;
    pub mod upload;
}

pub use host::{chat, error, eventstream, format, sse, tokens, upload};
