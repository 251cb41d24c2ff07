//! Installs what building and testing need, where it is missing.
//!
//! Every part looks first and does nothing when all is there. What cannot be installed is named together
//! with the command that would do it.

use crate::step::{cargo, command, output, run, step, succeeds, target_directory};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What plugins are compiled for.
const WASM_TARGET: &str = "wasm32-wasip2";
/// The clients that the tests run, each with what it needs besides. Each has an environment of its own.
const PYTHON_CLIENTS: [&[&str]; 7] = [
    &["openai==3.52.0"],
    &["anthropic==2.11.0"],
    &["google-genai==3.4.0"],
    &["mistralai==3.7.0"],
    &["cohere==7.3.1"],
    &["litellm==1.106.2", "mcp==2.3.0"],
    &["langchain-openai==1.6.7"],
];
/// The clients that the tests run with Node, each with what it needs besides, under the name of its environment. The
/// newest openai that runs on Node 20, which is what Debian has.
const NODE_CLIENTS: [(&str, &[&str]); 2] = [
    ("node-openai", &["openai@6.49.0", "zod@4.6.7"]),
    ("node-anthropic", &["@anthropic-ai/sdk@1.12.0", "zod@4.6.7"]),
];
/// The oldest Node that runs them.
const OLDEST_NODE: u32 = 20;
/// The checker of licences and sources.
const CARGO_DENY: &str = "0.20.2";

/// Everything that tests need, but for cargo-deny, which takes minutes to build and is only wanted last.
pub(crate) fn all() -> Result<()> {
    step("target wasm32-wasip2", wasm_target)?;
    step("cargo-nextest", nextest)?;
    step("the providers' Python packages", || PYTHON_CLIENTS.iter().try_for_each(|wanted| python(wanted)))?;
    step("the providers' Node packages", || {
        NODE_CLIENTS.iter().try_for_each(|(name, wanted)| node(name, wanted))
    })
}

/// The target that plugins are compiled for.
pub(crate) fn wasm_target() -> Result<()> {
    if has_wasm_target() {
        return Ok(());
    }
    let add = || run(command("rustup", ["target", "add", WASM_TARGET]));
    // The download is retried once: it is the one thing here that fails for no reason of ours.
    if add().is_err() {
        add().with_context(|| {
            format!("the target {WASM_TARGET} cannot be installed; run: rustup target add {WASM_TARGET}")
        })?;
    }
    if !has_wasm_target() {
        bail!(
            "the target {WASM_TARGET} was added, but not to the toolchain of this repository (see rust-toolchain.toml)"
        );
    }
    Ok(())
}

fn has_wasm_target() -> bool {
    let libraries = output(command("rustc", ["--print", "target-libdir", "--target", WASM_TARGET]));
    libraries.is_some_and(|folder| Path::new(&folder).is_dir())
}

fn nextest() -> Result<()> {
    if has_nextest() {
        return Ok(());
    }
    run(cargo(["install", "cargo-nextest", "--locked"])).context("run: cargo install cargo-nextest --locked")
}

/// Whether cargo-nextest is there.
pub(crate) fn has_nextest() -> bool {
    succeeds(cargo(["nextest", "--version"]))
}

/// The folder of the clients' environments, each under its client's name.
pub(crate) fn clients() -> PathBuf {
    target_directory().join("clients")
}

fn python(wanted: &[&str]) -> Result<()> {
    let pinned = || wanted.iter().filter_map(|one| one.split_once("=="));
    let Some((client, _)) = pinned().next() else { bail!("a client has no version") };
    let environment = clients().join(client);
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python3" });
    let mut probe = "from importlib.metadata import version".to_owned();
    pinned().for_each(|(package, version)| probe += &format!("; assert version('{package}') == '{version}'"));
    if succeeds(command(&python, ["-c", &probe])) {
        return Ok(());
    }
    if !succeeds(command("python3", ["-c", "import venv, ensurepip"])) {
        bail!(
            "the tests of the Python packages need python3 with venv and pip; install it (Debian: python3-venv)"
        );
    }
    let mut create = command("python3", ["-m", "venv"]);
    create.arg(&environment);
    run(create)?;
    let mut install = command(&python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    install.args(wanted);
    run(install).with_context(|| format!("{} cannot be installed", wanted.join(" ")))
}

fn node(name: &str, wanted: &[&str]) -> Result<()> {
    let environment = clients().join(name);
    let recent = format!("parseInt(process.versions.node) >= {OLDEST_NODE}");
    let mut probe = format!("assert({recent})");
    for (package, version) in wanted.iter().filter_map(|one| one.rsplit_once('@')) {
        let manifest = environment.join("node_modules").join(package).join("package.json");
        probe += &format!("; assert.equal(require({manifest:?}).version, {version:?})");
    }
    if succeeds(command("node", ["-e", &probe])) {
        return Ok(());
    }
    if !succeeds(command("node", ["-e", &format!("assert({recent})")]))
        || !succeeds(command("npm", ["--version"]))
    {
        bail!(
            "the tests of the Node packages need node {OLDEST_NODE} or later, and npm; install them (Debian: apt-get install nodejs npm)"
        );
    }
    let mut install =
        command("npm", ["install", "--save-exact", "--ignore-scripts", "--no-audit", "--no-fund"]);
    install.args(["--loglevel", "error", "--prefix"]).arg(&environment).args(wanted);
    run(install).with_context(|| format!("{} cannot be installed", wanted.join(" ")))
}

/// cargo-deny; building it takes minutes.
pub(crate) fn deny() -> Result<()> {
    if succeeds(cargo(["deny", "--version"])) {
        return Ok(());
    }
    println!("    cargo-deny is missing; building it takes some minutes");
    run(cargo(["install", "cargo-deny", "--version", CARGO_DENY, "--locked"]))
        .with_context(|| format!("run: cargo install cargo-deny --version {CARGO_DENY} --locked"))
}

/// A command that fetches over git must not wait for a password or a dead line.
pub(crate) fn impatient(mut command: Command) -> Command {
    command.env("GIT_TERMINAL_PROMPT", "0");
    command.env("GIT_HTTP_LOW_SPEED_LIMIT", "1000").env("GIT_HTTP_LOW_SPEED_TIME", "20");
    command
}
