//! Components as files: digests, limits, and compiled code kept between runs.
//!
//! This file holds the host's only `unsafe`: wasmtime's `deserialize`, which trusts its bytes. It is given
//! nothing but what this module wrote itself: into a directory that only its owner may write, under the
//! digest of what was compiled, with a checksum. A file that does not match is compiled anew.

use super::engine::Engine;
use super::manifest::{Manifest, ManifestError};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wasmtime::component::Component;

/// Bytes of a component at most.
const MAX_COMPONENT: usize = 32 * 1024 * 1024;
/// What a file of the cache begins with; the number changes with its layout.
const MAGIC: &[u8; 8] = b"lockgat1";

/// A component and what it is.
pub struct Plugin {
    pub(super) wasm: Vec<u8>,
    pub(super) component: Component,
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
    /// It is not a component that can be compiled.
    #[error("it is not a valid WebAssembly component")]
    Compile(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is not a plugin.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The compiler went away.
    #[error("the compilation was broken off")]
    BrokenOff,
}

impl Plugin {
    /// Loads a component: checks its digest, compiles it off the async threads, reads what it is.
    ///
    /// # Errors
    /// It cannot be loaded.
    pub async fn load(
        engine: &Arc<Engine>,
        name: &str,
        wasm: Vec<u8>,
        wanted: Option<&str>,
    ) -> Result<Arc<Self>, PluginError> {
        if wasm.len() > MAX_COMPONENT {
            return Err(PluginError::TooLarge { bytes: wasm.len() });
        }
        let digest = digest(&wasm);
        if let Some(wanted) = wanted
            && wanted != digest
        {
            return Err(PluginError::Digest { found: digest, wanted: wanted.to_owned() });
        }
        let engine = engine.clone();
        let name = name.to_owned();
        let loaded = tokio::task::spawn_blocking(move || {
            let component =
                compile(&engine, &digest, &wasm).map_err(|error| PluginError::Compile(error.into()))?;
            let manifest = Manifest::read(&component)?;
            Ok(Arc::new(Self { wasm, component, name, digest, manifest }))
        });
        loaded.await.map_err(|_| PluginError::BrokenOff)?
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
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Compiled code, from the cache where it is there. `key` names what `wasm` is made of.
pub(super) fn compile(engine: &Engine, key: &str, wasm: &[u8]) -> wasmtime::Result<Component> {
    let file = engine.cache_dir.as_deref().and_then(|dir| cache_file(engine, dir, key));
    if let Some(component) = file.as_deref().and_then(|file| read(engine, file)) {
        return Ok(component);
    }
    let component = Component::new(&engine.wasm, wasm)?;
    if let Some(file) = file {
        keep(&file, &component);
    }
    Ok(component)
}

/// Compiled code from the cache alone.
pub(super) fn cached(engine: &Engine, key: &str) -> Option<Component> {
    let file = cache_file(engine, engine.cache_dir.as_deref()?, key)?;
    read(engine, &file)
}

/// The file for a key and this engine's version and settings.
fn cache_file(engine: &Engine, dir: &Path, key: &str) -> Option<PathBuf> {
    if !is_private(dir) {
        return None;
    }
    let mut hasher = DefaultHasher::new();
    engine.wasm.precompile_compatibility_hash().hash(&mut hasher);
    let key = key.strip_prefix("sha256:").unwrap_or(key);
    Some(dir.join(format!("{key}-{:016x}.cwasm", hasher.finish())))
}

/// Makes the directory, and says whether only its owner may write there.
fn is_private(dir: &Path) -> bool {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    let private =
        made.and_then(|()| fs::metadata(dir)).is_ok_and(|meta| meta.is_dir() && meta.mode() & 0o022 == 0);
    if !private {
        tracing::warn!(dir = %dir.display(), "others may write the cache of compiled code, so it is not used");
    }
    private
}

fn read(engine: &Engine, file: &Path) -> Option<Component> {
    let bytes = fs::read(file).ok()?;
    let rest = bytes.strip_prefix(MAGIC.as_slice())?;
    let (sum, code) = rest.split_at_checked(32)?;
    if Sha256::digest(code).as_slice() != sum {
        tracing::warn!(file = %file.display(), "a file of the cache of compiled code is damaged");
        return None;
    }
    #[expect(
        unsafe_code,
        clippy::disallowed_methods,
        reason = "the module's documentation says why this is sound"
    )]
    // SAFETY: the bytes were written by `keep` of this module into a directory that only its owner may write,
    // and the checksum says that they are whole; wasmtime itself checks its version and settings.
    let component = unsafe { Component::deserialize(&engine.wasm, code) };
    component
        .inspect_err(|error| tracing::warn!(file = %file.display(), %error, "compiled code does not fit"))
        .ok()
}

/// Keeps compiled code. What fails here costs the next start time and nothing else.
fn keep(file: &Path, component: &Component) {
    let kept = || -> Result<(), Box<dyn std::error::Error>> {
        let code = component.serialize()?;
        // Written beside and renamed: another process never sees half a file.
        let beside = file.with_extension(format!("{:016x}", fastrand::u64(..)));
        let mut out = fs::OpenOptions::new().write(true).create_new(true).open(&beside)?;
        let written = out
            .write_all(MAGIC)
            .and_then(|()| out.write_all(&Sha256::digest(&code)))
            .and_then(|()| out.write_all(&code))
            .and_then(|()| fs::rename(&beside, file));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        Ok(written?)
    };
    if let Err(error) = kept() {
        tracing::warn!(file = %file.display(), error, "compiled code cannot be kept");
    }
}
