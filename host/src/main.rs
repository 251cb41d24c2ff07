//! The `lockgate` binary: the command line and nothing else.

use clap::Parser as _;
use std::process::ExitCode;

/// An exchange is some hundred small allocations, made on one thread and often freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lockgate::cli::run(lockgate::cli::Cli::parse())
}
