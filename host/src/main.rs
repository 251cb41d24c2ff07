//! The `lockgate` binary: the command line and nothing else.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    lockgate::cli::run(lockgate::cli::Cli::parse())
}
