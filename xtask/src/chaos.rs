//! Chaos: builds the gateway and what lays faults before it, and runs it.
//!
//! What it takes and how long is said by the program itself: `cargo xtask chaos --help` shows it.

use crate::gateway;
use crate::step::{cargo, command, run, step, target_directory};
use anyhow::Result;
use std::ffi::OsString;

/// Builds and runs it with its own arguments.
pub(crate) fn all(arguments: &[OsString]) -> Result<()> {
    let gateway = gateway::binary(None)?;
    step("build the faults", || {
        run(cargo(["build", "--release", "--locked", "--package", "lockgate-chaos"]))
    })?;
    println!("\n==> chaos");
    let program = target_directory().join("release").join(format!("chaos{}", std::env::consts::EXE_SUFFIX));
    let mut chaos = command(program, ["--binary".into(), gateway.into_os_string()]);
    chaos.args(arguments);
    run(chaos)
}
