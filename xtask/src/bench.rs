//! The benchmark: builds what is measured and what measures, in release, and runs it.
//!
//! What it takes and how long is said by the benchmark itself: `cargo xtask bench --help` shows it.

use crate::setup;
use crate::step::{cargo, command, run, step, target_directory};
use anyhow::Result;
use std::ffi::OsString;

/// Builds and runs the benchmark with its own arguments.
pub(crate) fn all(arguments: &[OsString]) -> Result<()> {
    step("target wasm32-wasip2", setup::wasm_target)?;
    step("build", || {
        let packages = ["--package", "lockgate", "--package", "lockgate-bench"];
        run(cargo(["build", "--release", "--locked"].iter().chain(&packages)))
    })?;
    println!("\n==> bench");
    let program = target_directory().join("release").join(format!("bench{}", std::env::consts::EXE_SUFFIX));
    run(command(program, arguments))
}
