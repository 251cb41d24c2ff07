//! Builds the plugins' workspace for wasm32-wasip2 and lists its components for the host to embed.
//!
//! The inner cargo gets a target directory of its own and none of the outer build's flags: a component must
//! come out the same whoever embeds it.

use sha2::{Digest as _, Sha256};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-wasip2";

fn main() {
    let bundle = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let Some(root) = bundle.parent().and_then(Path::parent) else { fail("the crate has moved") };
    let plugins = root.join("plugins");
    let members = members(&plugins);
    for path in
        [root.join("sdk/src"), root.join("sdk/Cargo.toml"), root.join("wit"), plugins.join("Cargo.toml")]
    {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    println!("cargo::rerun-if-changed={}", plugins.join(".cargo").display());
    for member in crates(&plugins) {
        for part in ["src", "data", "Cargo.toml", "config.schema.json"] {
            let path = plugins.join(&member).join(part);
            if path.exists() {
                println!("cargo::rerun-if-changed={}", path.display());
            }
        }
    }
    let out = PathBuf::from(variable("OUT_DIR"));
    let target = target_directory(&out);
    build(&plugins, &target);
    let list: String = members.iter().map(|member| entry(&plugins.join(member), &target)).collect();
    let list = format!("&[\n{list}]\n");
    if let Err(error) = fs::write(out.join("builtins.rs"), list) {
        fail(&format!("the list of plugins cannot be written: {error}"));
    }
}

/// The plugins: every crate with a schema of its configuration. The others are what plugins share.
fn members(plugins: &Path) -> Vec<String> {
    let mut members = crates(plugins);
    members.retain(|member| plugins.join(member).join("config.schema.json").is_file());
    members
}

/// Every folder with a manifest, but this crate.
fn crates(plugins: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(plugins).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let mut crates: Vec<String> = entries
        .into_iter()
        .filter(|entry| entry.path().join("Cargo.toml").is_file() && entry.file_name() != "bundle")
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    crates.sort();
    crates
}

/// Beside the outer build's artifacts, so that every profile and worktree of one target directory shares it.
fn target_directory(out: &Path) -> PathBuf {
    // OUT_DIR is <target>/<profile>/build/<package>/out, with an optional <triple> before the profile.
    out.ancestors().nth(4).map_or_else(|| out.join("plugins"), |target| target.join("plugins"))
}

fn build(plugins: &Path, target: &Path) {
    let mut cargo = Command::new(variable("CARGO"));
    cargo.current_dir(plugins);
    cargo.args(["build", "--release", "--locked", "--quiet", "--target", TARGET, "--target-dir"]).arg(target);
    for (name, _) in env::vars_os() {
        let name_text = name.to_string_lossy();
        let inherited = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_"];
        let outer = name_text.starts_with("CARGO") || name_text.starts_with("RUSTFLAGS");
        let wrapper =
            matches!(name_text.as_ref(), "RUSTC" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "RUSTDOC");
        if (outer || wrapper) && !inherited.iter().any(|keep| name_text.starts_with(keep)) {
            cargo.env_remove(&name);
        }
    }
    let output = match cargo.output() {
        Ok(output) => output,
        Err(error) => fail(&format!("cargo cannot be started: {error}")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("can't find crate for `core`") || said.contains("target may not be installed") {
            fail(&format!("the target {TARGET} is not installed; run: rustup target add {TARGET}"));
        }
        fail(&format!("the plugins do not build:\n{said}"));
    }
}

fn entry(plugin: &Path, target: &Path) -> String {
    let manifest = fs::read_to_string(plugin.join("Cargo.toml")).unwrap_or_default();
    let field = |key: &str| {
        manifest
            .lines()
            .find_map(|line| {
                line.strip_prefix(key)?.trim().strip_prefix('=')?.trim().strip_prefix('"')?.strip_suffix('"')
            })
            .map_or_else(|| fail(&format!("{} has no {key}", plugin.display())), str::to_owned)
    };
    let (name, version) = (field("name"), field("version"));
    let wasm = target.join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
    let schema = plugin.join("config.schema.json");
    let digest = match fs::read(&wasm) {
        Ok(bytes) => Sha256::digest(bytes),
        Err(error) => fail(&format!("{} cannot be read: {error}", wasm.display())),
    };
    let digest = digest.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let mut entry = String::new();
    let _ = writeln!(
        entry,
        "    Builtin {{ name: {name:?}, version: {version:?}, wasm: include_bytes!({wasm:?}), digest: {digest:?}, \
         config_schema: include_str!({schema:?}) }},"
    );
    entry
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

#[expect(clippy::disallowed_methods, reason = "a build script has nothing to clean up")]
fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    // cargo reports the error above once the script has ended with failure.
    std::process::exit(1)
}
