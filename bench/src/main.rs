//! Measures Lockgate beside a direct connection and nginx, all in one run against the same upstream.
//!
//! It starts every process itself, on free ports of the loopback interface, and kills them at its end. What is
//! not there (nginx, Lockgate) is left out and said to be; what is there and fails, fails the run, after the
//! others were measured.

mod gateway;
mod load;
mod memory;
mod nginx;
mod process;
mod report;
mod rounds;
mod target;

use anyhow::{Context, Result, bail};
use clap::Parser;
use gateway::{Gateway, Serves};
use lockgate_bench::{MODEL, PROMPT_BYTES, Texts};
use nginx::Nginx;
use process::FastUpstream;
use report::{DIRECT, NGINX, Report};
use rounds::Durations;
use std::path::{Path, PathBuf};
use std::time::Duration;
use target::{Asks, Target};

/// Files that the benchmark may have open: two for each open stream, and some.
const OPEN_FILES: u64 = 16 * 1024;

/// Measures Lockgate beside a direct connection and nginx.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rounds; every figure is a median of them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Milliseconds of each measurement of one connection; others take as long or twice as long.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    measure_ms: u64,
    /// Bytes of each prompt.
    #[arg(long, default_value_t = PROMPT_BYTES)]
    prompt_bytes: usize,
    /// Texts that prompts are made of, in place of a few words over and over and an e-mail address: JSONL with `text`, as
    /// `lockgate eval` reads. Each prompt begins with one of them, and goes on with the next. The guards must let them pass.
    #[arg(long)]
    texts: Option<PathBuf>,
    /// Open streams when memory is measured.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..))]
    streams: u16,
    /// Measures only the targets whose name contains one of these; `direct` always.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The gateway's binary; the one beside this program where none is named.
    #[arg(long)]
    lockgate: Option<PathBuf>,
    /// The document that is written; `bench/results.json` in the target directory where none is named.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let beside = std::env::current_exe()?.parent().map(Path::to_owned).context("this program is nowhere")?;
    let binary = |name: &str| beside.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    // Children inherit the limit. Where it cannot be raised, opening the streams says what failed.
    let _ = rlimit::increase_nofile_limit(OPEN_FILES);
    let upstream = FastUpstream::start(&binary("fast-upstream")).await?;
    let folder = tempfile::Builder::new().prefix("lockgate-bench-").tempdir()?;
    let lockgate = arguments.lockgate.clone().unwrap_or_else(|| binary("lockgate"));
    let lockgate = lockgate.is_file().then_some(lockgate);

    let report = measure(&arguments, &upstream, folder.path(), lockgate.as_deref()).await?;
    println!("{}", report.table());
    if lockgate.is_none() {
        println!(
            "Lockgate was left out: there is no binary of it beside this program (cargo xtask bench builds it)."
        );
    }
    let out = match (&arguments.out, beside.parent()) {
        (Some(out), _) => out.clone(),
        (None, Some(target)) => target.join("bench/results.json"),
        (None, None) => bail!("name a file with --out"),
    };
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&out, serde_json::to_vec_pretty(&report.json())?)
        .with_context(|| format!("{} cannot be written", out.display()))?;
    println!("Every round is in {}", out.display());
    match report.rows.iter().filter(|(_, outcome)| outcome.is_err()).count() {
        0 => Ok(()),
        failed => bail!("{failed} of {} targets failed", report.rows.len()),
    }
}

async fn measure(
    arguments: &Arguments,
    upstream: &FastUpstream,
    folder: &Path,
    lockgate: Option<&Path>,
) -> Result<Report> {
    let texts = arguments.texts.as_deref().map(read_texts).transpose()?.unwrap_or_default();
    let plain = |name: &str, address| Target {
        name: name.into(),
        address,
        key: "none",
        model: MODEL.into(),
        asks: Asks::Anew,
        prompt_bytes: arguments.prompt_bytes,
        texts: texts.clone(),
        process: None,
    };
    let mut targets = vec![plain(DIRECT, upstream.address)];
    let nginx = Nginx::start(folder, upstream.address).await?;
    targets.extend(nginx.as_ref().map(|nginx| plain(NGINX, nginx.address)));
    let gateway = match lockgate {
        Some(program) => {
            eprintln!("starting lockgate (the first start compiles its plugins)");
            Some(Gateway::start(program, folder, Serves::EveryChain, upstream.address).await?)
        }
        None => None,
    };
    let ours = gateway.iter().flat_map(Gateway::targets);
    targets.extend(ours.map(|target| Target {
        prompt_bytes: arguments.prompt_bytes,
        texts: texts.clone(),
        ..target
    }));
    let wanted = |name: &str| arguments.only.iter().any(|only| name.contains(only.as_str()));
    targets.retain(|target| arguments.only.is_empty() || target.name == DIRECT || wanted(&target.name));

    let unit = Duration::from_millis(arguments.measure_ms);
    let durations = Durations { latency: unit, throughput: 2 * unit, streams: unit };
    let measured = rounds::run(&targets, usize::from(arguments.rounds), durations).await;
    if let Some(gateway) = gateway {
        let said = gateway.process.said();
        if measured.iter().any(|(_, outcome)| outcome.is_err()) && !said.is_empty() {
            eprintln!("the log of lockgate ends with:\n{said}");
        }
        gateway.process.stop().await?;
    }
    let memory = match lockgate {
        Some(program) => {
            eprintln!("start-up and memory");
            let starts = usize::from(arguments.rounds);
            let streams = usize::from(arguments.streams);
            Some(memory::measure(program, folder, upstream.address, starts, streams).await?)
        }
        None => None,
    };
    Ok(Report {
        rows: measured
            .into_iter()
            .map(|(target, outcome)| (target.name, outcome.map_err(|error| format!("{error:#}"))))
            .collect(),
        memory,
        nginx_version: nginx.map(|nginx| nginx.version.clone()),
        rounds: usize::from(arguments.rounds),
        prompt_bytes: arguments.prompt_bytes,
        of_texts: arguments.texts.is_some(),
    })
}

/// The texts of a file, a JSON object a line.
fn read_texts(file: &Path) -> Result<Texts> {
    let said = |text: &str| format!("{}: {text}", file.display());
    let lines = std::fs::read_to_string(file).with_context(|| said("it cannot be read"))?;
    let text = |line: &str| -> Result<String> {
        let line: serde_json::Value = serde_json::from_str(line).with_context(|| said("it is not JSONL"))?;
        let text = line.get("text").and_then(serde_json::Value::as_str);
        Ok(text.with_context(|| said("a line has no `text`"))?.to_owned())
    };
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    let texts: Texts = lines.map(text).collect::<Result<Vec<_>>>()?.into_iter().collect();
    if texts.is_empty() {
        bail!(said("it has no text"));
    }
    Ok(texts)
}
