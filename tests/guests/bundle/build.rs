//! Builds the guests' workspace for wasm32-wasip2 and lists its components.
//!
//! The inner cargo gets a target directory of its own and none of the outer build's flags.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const TARGET: &str = "wasm32-wasip2";

fn main() -> ExitCode {
    match build_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            println!("cargo::error={}", fault.lines().next().unwrap_or_default());
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn build_all() -> Result<(), String> {
    let bundle = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let guests = bundle.parent().ok_or("the crate has moved")?;
    let root = guests.ancestors().nth(2).ok_or("the crate has moved")?;
    for path in [root.join("sdk/src"), root.join("sdk/Cargo.toml"), root.join("wit"), guests.join(".cargo")] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    println!("cargo::rerun-if-changed={}", guests.join("Cargo.toml").display());
    let members = members(guests);
    for member in &members {
        println!("cargo::rerun-if-changed={}", guests.join(member).display());
    }
    let out = PathBuf::from(variable("OUT_DIR")?);
    // OUT_DIR is <target>/<profile>/build/<package>/out, with an optional <triple> before the profile.
    let target = out.ancestors().nth(4).map_or_else(|| out.join("guests"), |target| target.join("guests"));
    build(guests, &target)?;
    let list = list(&members, &target.join(TARGET).join("release"));
    fs::write(out.join("guests.rs"), list)
        .map_err(|error| format!("the list of guests cannot be written: {error}"))
}

/// Every folder with a manifest, but this crate.
fn members(guests: &Path) -> Vec<String> {
    let entries = fs::read_dir(guests).into_iter().flatten().flatten();
    let mut members: Vec<String> = entries
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name != "bundle")
        .collect();
    members.sort();
    members
}

fn build(guests: &Path, target: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(guests);
    cargo.args(["build", "--release", "--locked", "--quiet", "--target", TARGET, "--target-dir"]).arg(target);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let kept = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_"];
        let outer = text.starts_with("CARGO") || text.starts_with("RUSTFLAGS");
        let wrapper =
            matches!(text.as_ref(), "RUSTC" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "RUSTDOC");
        if (outer || wrapper) && !kept.iter().any(|keep| text.starts_with(keep)) {
            cargo.env_remove(&name);
        }
    }
    let output = cargo.output().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the guests do not build (is the target {TARGET} installed?)\n{said}"));
    }
    Ok(())
}

fn list(members: &[String], built: &Path) -> String {
    let mut list = String::new();
    for member in members {
        let wasm = built.join(format!("{}.wasm", member.replace('-', "_")));
        let name = member.replace('-', "_").to_uppercase();
        let _ = writeln!(list, "/// `{member}`.\npub const {name}: &[u8] = include_bytes!({wasm:?});");
    }
    let names = members.iter().map(|member| member.replace('-', "_")).collect::<Vec<_>>().join(" ");
    let _ = writeln!(list, "/// Gives every guest's name to a macro.");
    let _ =
        writeln!(list, "#[macro_export]\nmacro_rules! each {{ ($check:ident) => {{ $check!({names}); }}; }}");
    list
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo did not set {name}"))
}
