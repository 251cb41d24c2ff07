//! A component as it was handed in: its bytes, their digest, and what it says it is.
//!
//! Nothing is compiled here: what a binding compiles is the component after it was configured, so compiling
//! it bare would be wasted.

use super::engine::Engine;
use super::manifest::{Manifest, ManifestError};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// Bytes of a component at most.
const MAX_COMPONENT: usize = 32 * 1024 * 1024;

/// A component and what it is.
pub struct Plugin {
    pub(super) wasm: Bytes,
    /// Its name in logs: the builtin's, or the file's.
    pub name: String,
    /// `sha256:…` of its bytes.
    pub digest: String,
    /// Its hooks and imports.
    pub manifest: Manifest,
}

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// It is too large.
    #[error("it is {bytes} bytes large, and at most {MAX_COMPONENT} are loaded")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is not the one the configuration names.
    #[error("its digest is {found}, and the configuration wants {wanted}")]
    Digest {
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// It is not a plugin.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The thread that read it went away.
    #[error("reading it was broken off")]
    BrokenOff,
}

impl Plugin {
    /// Loads a component: checks its digest and reads what it is, off the async threads. Whether its code is
    /// valid is found when it is first compiled, by [`Binding::prepare`](super::Binding::prepare).
    ///
    /// # Errors
    /// It cannot be loaded.
    pub async fn load(
        _: &Arc<Engine>,
        name: &str,
        wasm: impl Into<Bytes>,
        wanted: Option<&str>,
    ) -> Result<Arc<Self>, PluginError> {
        let wasm = wasm.into();
        if wasm.len() > MAX_COMPONENT {
            return Err(PluginError::TooLarge { bytes: wasm.len() });
        }
        let read = tokio::task::spawn_blocking(move || (digest(&wasm), Manifest::read(&wasm), wasm));
        let (digest, manifest, wasm) = read.await.map_err(|_| PluginError::BrokenOff)?;
        Self::made(name, wasm, digest, manifest, wanted)
    }

    /// A component that ships with the binary, whose digest was taken when that was built. Only the few pages of it are read
    /// that say what it is: where its code is compiled already, the others never become resident.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub fn shipped(
        name: &str,
        (wasm, digest): (&'static [u8], &'static str),
        wanted: Option<&str>,
    ) -> Result<Arc<Self>, PluginError> {
        Self::made(name, wasm.into(), digest.to_owned(), Manifest::read(wasm), wanted)
    }

    fn made(
        name: &str,
        wasm: Bytes,
        digest: String,
        manifest: Result<Manifest, ManifestError>,
        wanted: Option<&str>,
    ) -> Result<Arc<Self>, PluginError> {
        match wanted {
            Some(wanted) if wanted != digest => {
                Err(PluginError::Digest { found: digest, wanted: wanted.to_owned() })
            }
            _ => Ok(Arc::new(Self { wasm, name: name.to_owned(), digest, manifest: manifest? })),
        }
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// `sha256:…` of some bytes.
fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
