//! The command line: what each command does, and its exit code.
//!
//! 0: done. 1: it failed. 2: the command line or the configuration is wrong.

mod bench_models;
mod eval;
mod keys;
mod serve;

use crate::app::{self, Source};
use crate::config;
use clap::{Parser, Subcommand};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// An AI gateway whose every policy and provider adapter is a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a configuration, or, without one, the providers whose keys are in the environment.
    Serve {
        /// The configuration file.
        #[arg(short, long)]
        config: Option<PathBuf>,
    },
    /// Reports everything that is wrong with a configuration.
    Check {
        /// The configuration file.
        config: PathBuf,
    },
    /// About configurations.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Runs a component over a file of cases with known answers, and prints what it is worth.
    Eval(Box<eval::Eval>),
    /// Makes, lists, changes, rotates and revokes keys of a running gateway.
    Keys(Box<keys::Keys>),
    /// Has targets do tasks whose answers are known, through a gateway, and prints how good each is at what.
    BenchModels(Box<bench_models::BenchModels>),
    /// Reads a key from standard input and prints its hash, as configurations hold it.
    HashKey,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints the JSON Schema of configurations.
    Schema,
}

/// Runs a command.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Serve { config } => serve::serve(config.map_or(Source::Standard, Source::File)),
        Command::Check { config } => check(config),
        Command::Config { command: ConfigCommand::Schema } => {
            let schema = serde_json::to_string_pretty(&config::schema()).unwrap_or_default();
            print(&schema)
        }
        Command::Eval(args) => eval::eval(*args),
        Command::Keys(args) => keys::keys(*args),
        Command::BenchModels(args) => bench_models::bench_models(*args),
        Command::HashKey => hash_key(),
    }
}

fn check(file: PathBuf) -> ExitCode {
    let name = file.display().to_string();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), 1),
    };
    match runtime.block_on(app::check(&Source::File(file), &())) {
        Ok(()) => print(&format!("{name}: sound")),
        Err(error) => complain(&error.to_string(), 2),
    }
}

fn hash_key() -> ExitCode {
    let mut key = String::new();
    if let Err(error) = io::stdin().read_line(&mut key) {
        return complain(&error.to_string(), 1);
    }
    match key.trim_end_matches(['\n', '\r']) {
        "" => complain("there is no key on standard input", 2),
        key => print(&crate::auth::hash_key(key)),
    }
}

fn print(text: &str) -> ExitCode {
    // Whoever reads may have gone; that is no failure.
    let _ = writeln!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn complain(text: &str, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(code)
}
