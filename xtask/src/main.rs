//! What is done to this repository: `cargo xtask setup | test | demo | bench | chaos | tidy | compatibility | schemas`.
//!
//! Everything starts from a clone, a Rust toolchain and a C compiler; what else is missing is installed or
//! named. It writes nothing but the target directory and what `setup` says it installs.

mod bench;
mod chaos;
mod compatibility;
mod demo;
mod gateway;
mod schemas;
mod setup;
mod step;
mod test;
mod tidy;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// What is done to this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what building and testing need: the wasm target, cargo-nextest, the clients of the tests.
    Setup,
    /// Checks everything: format, lints, tests, layout, licences. Stops at the first failure.
    Test,
    /// Shows what the gateway does, between a client and scripted providers; needs no key.
    Demo {
        /// Exit when every scenario was shown.
        #[arg(long)]
        once: bool,
        /// A gateway that is built already.
        #[arg(long)]
        binary: Option<PathBuf>,
    },
    /// Measures the gateway beside a direct connection and nginx, all in one run.
    #[command(disable_help_flag = true)]
    Bench {
        /// What the benchmark is told, such as `--rounds 2`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// An hour of a provider's faults in minutes, before a gateway whose clients must not see them.
    #[command(disable_help_flag = true)]
    Chaos {
        /// What it is told, such as `--seed 7 --seconds 60`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Checks the layout: layers, sizes of files, names, headers.
    Tidy,
    /// Writes docs/compatibility.md from the snapshots of the tests.
    Compatibility,
    /// Holds what the gateway says in OpenAI's format against OpenAI's published schemas.
    Schemas {
        /// Its OpenAPI document, as JSON.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Setup => setup::all(),
        Command::Test => test::all(),
        Command::Demo { once, binary } => demo::run(once, binary),
        Command::Bench { arguments } => bench::all(&arguments),
        Command::Chaos { arguments } => chaos::all(&arguments),
        Command::Tidy => step::step("tidy", tidy::check),
        Command::Schemas { file } => schemas::check(&file),
        Command::Compatibility => step::step("docs/compatibility.md", compatibility::write),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
