//! Everything that must hold before a change is good.
//!
//! Cheap steps come first, and the first failure ends it: what comes after would only repeat it.

use crate::step::{cargo, root, run, step, succeeds, target_directory};
use crate::{setup, tidy};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Runs every check.
pub(crate) fn all() -> Result<()> {
    setup::all()?;
    step("format", || run(cargo(["fmt", "--all", "--check"])))?;
    step("format of the plugins", || run(in_plugins(cargo(["fmt", "--all", "--check"]))))?;
    step("format of the example plugins", || run(in_examples(cargo(["fmt", "--all", "--check"]))))?;
    step("tidy", tidy::check)?;
    step("lints", || {
        run(cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
    })?;
    step("lints of the plugins", || {
        run(in_plugins(cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])))
    })?;
    step("lints of the example plugins", || {
        run(in_examples(cargo(["clippy", "--workspace", "--locked", "--", "-D", "warnings"])))
    })?;
    step("tests", tests)?;
    step("examples in the documentation", || {
        run(for_tests(cargo(["test", "--workspace", "--doc", "--locked"])))
    })?;
    step("example configurations", examples)?;
    step("tests of the plugins", || run(in_plugins(cargo(["test", "--workspace", "--locked"]))))?;
    step("licences, bans and sources", licences)?;
    step("advisories", advisories)?;
    println!("\nEverything passed.");
    Ok(())
}

fn tests() -> Result<()> {
    if setup::has_nextest() {
        run(for_tests(cargo(["nextest", "run", "--workspace", "--locked"])))
    } else {
        println!("    cargo-nextest is not there; the tests run with cargo test");
        run(for_tests(cargo(["test", "--workspace", "--all-targets", "--locked"])))
    }
}

/// Every example is a configuration that the gateway takes.
fn examples() -> Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("examples"))
        .context("the folder examples cannot be read")?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    ensure!(!files.is_empty(), "there is no example");
    for file in files {
        let mut check = cargo(["run", "--quiet", "--locked", "--package", "lockgate", "--", "check"]);
        check.arg(&file);
        // What the example takes from the environment.
        let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let names = text.split("${env:").skip(1).filter_map(|rest| rest.split(['}', ':']).next());
        for name in names {
            check.env(name, "not-a-secret");
        }
        run(check)?;
    }
    Ok(())
}

fn licences() -> Result<()> {
    setup::deny()?;
    for manifest in ["Cargo.toml", "plugins/Cargo.toml"] {
        run(deny(manifest, &["check", "bans", "licenses", "sources"]))?;
    }
    Ok(())
}

fn advisories() -> Result<()> {
    if !succeeds(setup::impatient(deny("Cargo.toml", &["fetch", "db"]))) {
        println!("    SKIPPED: the database of advisories cannot be fetched");
        return Ok(());
    }
    for manifest in ["Cargo.toml", "plugins/Cargo.toml"] {
        run(setup::impatient(deny(manifest, &["check", "advisories"])))?;
    }
    Ok(())
}

fn deny(manifest: &str, arguments: &[&str]) -> Command {
    let mut command =
        cargo(["deny", "--log-level", "error", "--config", "deny.toml", "--manifest-path", manifest]);
    command.args(arguments);
    command
}

/// The plugins are a workspace of their own; natively compiled, they share the target directory that their
/// components are built in.
fn in_plugins(mut command: Command) -> Command {
    command.current_dir(root().join("plugins")).env("CARGO_TARGET_DIR", target_directory().join("plugins"));
    command
}

/// So are the example plugins; they share what is compiled for the shipped ones.
fn in_examples(command: Command) -> Command {
    let mut command = in_plugins(command);
    command.current_dir(root().join("examples/plugins"));
    command
}

/// What tests find beside the repository.
fn for_tests(mut command: Command) -> Command {
    command.env("LOCKGATE_TEST_CLIENTS", setup::clients());
    command
}
