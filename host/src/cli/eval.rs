//! `lockgate eval`: reads the command line, runs the evaluation, prints the report.

use super::{complain, print};
use crate::eval::{self, Kind, Options, Scope, Side, Subject};
use clap::Args;
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `lockgate eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// What is evaluated.
    kind: Kind,
    /// The cases, one JSON object a line; `-` is standard input.
    #[arg(short, long)]
    data: PathBuf,
    /// The configuration file; without one the shipped component with its defaults.
    #[arg(short, long)]
    config: Option<PathBuf>,
    /// The chain that uses the component, or the route whose router it is.
    #[arg(long, requires = "config")]
    chain: Option<String>,
    /// The component's own configuration, as JSON.
    #[arg(long, value_name = "JSON", value_parser = object)]
    plugin_config: Option<Value>,
    /// Thresholds for the table, such as 0.5,0.8; `auto` for those of the data.
    #[arg(long, value_name = "THRESHOLDS")]
    sweep: Option<String>,
    /// Cases at most.
    #[arg(long)]
    limit: Option<u64>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Print the texts of mistakes whole. They may be private.
    #[arg(long)]
    show_text: bool,
    /// pii: entities that count, such as person,email; all by default.
    #[arg(long, value_delimiter = ',')]
    entities: Vec<String>,
    /// pii, content: a name that means another, such as BADGE=ID.
    #[arg(long = "alias", value_name = "FROM=TO", value_parser = alias)]
    aliases: Vec<(String, String)>,
    /// injection: where a text stands whose line does not say so.
    #[arg(long, default_value = "user")]
    scope: Scope,
    /// injection: documents, one `text` a line, that each attack is put into.
    #[arg(long, value_name = "FILE")]
    documents: Option<PathBuf>,
    /// cache: questions, one `text` a line, that are kept besides.
    #[arg(long, value_name = "FILE")]
    distractors: Option<PathBuf>,
    /// content: which side is filtered.
    #[arg(long, default_value = "prompt")]
    side: Side,
}

/// Evaluates, and prints what was found.
pub fn eval(args: Eval) -> ExitCode {
    let sweep = match args.sweep.as_deref().map(thresholds).transpose() {
        Ok(sweep) => sweep,
        Err(why) => return complain(&why, 2),
    };
    let options = Options {
        kind: args.kind,
        data: args.data,
        subject: Subject { config: args.config, chain: args.chain, plugin_config: args.plugin_config },
        sweep,
        limit: args.limit,
        entities: args.entities,
        aliases: args.aliases,
        scope: args.scope,
        documents: args.documents,
        distractors: args.distractors,
        side: args.side,
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), 1),
    };
    let mut report = match runtime.block_on(eval::run(&options)) {
        Ok(report) => report,
        Err(error) => return complain(&error.to_string(), if error.is_usage() { 2 } else { 1 }),
    };
    if !args.show_text {
        report.shorten();
    }
    let done = print(&if args.json { report.json() } else { report.table() });
    if report.is_complete() { done } else { ExitCode::FAILURE }
}

fn thresholds(list: &str) -> Result<Vec<f64>, String> {
    if list == "auto" {
        return Ok(Vec::new());
    }
    let read = |word: &str| word.trim().parse().ok().filter(|value: &f64| value.is_finite());
    let all: Option<Vec<f64>> = list.split(',').map(read).collect();
    all.ok_or_else(|| format!("`{list}` is no list of thresholds: write 0.5,0.8 or auto"))
}

fn object(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if value.is_object() { Ok(value) } else { Err("this must be a JSON object".into()) }
}

fn alias(text: &str) -> Result<(String, String), String> {
    let (from, to) = text.split_once('=').ok_or("write FROM=TO")?;
    Ok((from.to_owned(), to.to_owned()))
}
