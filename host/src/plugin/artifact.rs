//! Compiled code, kept on disk between runs.
//!
//! This file holds the host's only `unsafe`: wasmtime's `deserialize`, which trusts its bytes as machine code.
//! It is given nothing but what this module wrote itself: from a directory that belongs to this process's
//! user and that nobody else may write, under the digest of what was compiled and of the engine's settings,
//! with the checksum of the code in its name. A file that does not match is deleted and compiled anew.

use super::engine::Engine;
use super::source::hex;
use crate::clock;
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasmtime::component::Component;

/// How its files end.
const SUFFIX: &str = ".cwasm";
/// Bytes of compiled code that are kept; past them, what was not used for longest goes.
const MAX_KEPT: u64 = 1024 * 1024 * 1024;

/// A directory of compiled code.
#[derive(Debug)]
pub(super) struct CodeCache {
    dir: PathBuf,
    owner: u32,
    /// What the code was compiled by: wasmtime's version and the settings.
    compiler: String,
    most: u64,
}

impl CodeCache {
    /// Opens, and makes, a directory. None when others may write there: its code could be anybody's.
    pub(super) fn open(dir: &Path, wasm: &wasmtime::Engine) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        wasm.precompile_compatibility_hash().hash(&mut hasher);
        let compiler = format!("{:016x}", hasher.finish());
        match private_owner(dir) {
            Ok(Some(owner)) => Some(Self { dir: dir.to_owned(), owner, compiler, most: MAX_KEPT }),
            Ok(None) => {
                tracing::warn!(dir = %dir.display(), "others may write the cache of compiled code; it is not used");
                None
            }
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "the cache of compiled code cannot be used");
                None
            }
        }
    }

    /// The code kept under a key.
    pub(super) fn load(&self, wasm: &wasmtime::Engine, key: &str) -> Option<Component> {
        let (file, sum) = self.find(key)?;
        let trusted = self.is_trusted(&file, &sum).unwrap_or_else(|error| {
            tracing::warn!(file = %file.display(), %error, "compiled code cannot be read");
            false
        });
        if !trusted {
            tracing::warn!(file = %file.display(), "a file of the cache of compiled code is damaged; it is deleted");
            let _ = fs::remove_file(&file);
            return None;
        }
        #[expect(
            unsafe_code,
            clippy::disallowed_methods,
            reason = "the module's documentation says why this is sound"
        )]
        // SAFETY: `keep` wrote the file into a directory that only this user may write; owner, mode and
        // checksum were just verified; wasmtime itself checks its version and settings.
        let component = unsafe { Component::deserialize_file(wasm, &file) };
        component
            .inspect_err(|error| tracing::warn!(file = %file.display(), %error, "compiled code does not fit"))
            .ok()
    }

    /// Keeps code under a key. What fails here costs the next start time and nothing else.
    pub(super) fn keep(&self, key: &str, component: &Component) {
        let kept = component.serialize().map_err(io::Error::other).and_then(|code| self.write(key, &code));
        if let Err(error) = kept.and_then(|()| self.prune()) {
            tracing::warn!(dir = %self.dir.display(), %error, "compiled code cannot be kept");
        }
    }

    /// Written beside and renamed, so another process never sees half a file.
    fn write(&self, key: &str, code: &[u8]) -> io::Result<()> {
        let beside = self.dir.join(format!("{:016x}.part", fastrand::u64(..)));
        let file = self.dir.join(format!("{}{}{SUFFIX}", self.prefix(key), hex(&Sha256::digest(code))));
        let written =
            create(&beside).and_then(|mut out| out.write_all(code)).and_then(|()| fs::rename(&beside, &file));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn prefix(&self, key: &str) -> String {
        format!("{key}-{}-", self.compiler)
    }

    /// The file of a key, and the checksum it should have.
    fn find(&self, key: &str) -> Option<(PathBuf, String)> {
        let prefix = self.prefix(key);
        fs::read_dir(&self.dir).ok()?.flatten().find_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let sum = name.strip_prefix(&prefix)?.strip_suffix(SUFFIX)?.to_owned();
            Some((entry.path(), sum))
        })
    }

    /// Whether a file is ours and whole. Marks it as used.
    fn is_trusted(&self, path: &Path, sum: &str) -> io::Result<bool> {
        let mut file = File::open(path)?;
        let about = file.metadata()?;
        if !about.is_file() || about.uid() != self.owner || others_may_write(&about) {
            return Ok(false);
        }
        // Read in pieces: what is read whole stays with the allocator for as long as the process lives.
        let mut digest = Sha256::new();
        io::copy(&mut file, &mut digest)?;
        file.set_modified(clock::now())?;
        Ok(hex(&digest.finalize()) == sum)
    }

    /// Deletes what was not used for longest, down to the bound.
    fn prune(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(&self.dir)?
            .flatten()
            .filter(|entry| entry.path().extension().is_some_and(|suffix| suffix == "cwasm"))
            .filter_map(|entry| {
                let about = entry.metadata().ok()?;
                Some((about.modified().ok()?, about.len(), entry.path()))
            })
            .collect();
        files.sort_unstable_by(|a, b| b.cmp(a));
        let mut kept = 0;
        for (_, bytes, file) in files {
            kept += bytes;
            if kept > self.most {
                fs::remove_file(file)?;
            }
        }
        Ok(())
    }
}

/// Compiled code, from the cache where it is there. `key` names what `wasm` is made of.
pub(super) fn compile(engine: &Engine, key: &str, wasm: &[u8]) -> wasmtime::Result<Component> {
    if let Some(component) = cached(engine, key) {
        return Ok(component);
    }
    let component = Component::new(&engine.wasm, wasm)?;
    if let Some(cache) = &engine.cache {
        cache.keep(key, &component);
    }
    Ok(component)
}

/// Compiled code from the cache alone.
pub(super) fn cached(engine: &Engine, key: &str) -> Option<Component> {
    engine.cache.as_ref()?.load(&engine.wasm, key)
}

/// Makes a directory that nobody else may write, and says who owns it; none when others may write it. Who
/// this process is shows in whom a file belongs to that it makes.
fn private_owner(dir: &Path) -> io::Result<Option<u32>> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let about = fs::metadata(dir)?;
    let probe = dir.join(format!("{:016x}.part", fastrand::u64(..)));
    let me = create(&probe)?.metadata()?.uid();
    fs::remove_file(&probe)?;
    Ok((about.is_dir() && about.uid() == me && !others_may_write(&about)).then_some(me))
}

fn create(file: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)
}

fn others_may_write(about: &Metadata) -> bool {
    about.mode() & 0o022 != 0
}

#[cfg(test)]
mod tests;
