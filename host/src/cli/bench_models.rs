//! `lockgate bench-models`: reads the command line, runs the tasks, prints and keeps what was found.

use super::{complain, print};
use crate::eval::models::{self, Asking, Judge, Models};
use crate::route::quality::Measured;
use crate::secret::Secret;
use crate::upstream::{Upstream, UpstreamSettings};
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `lockgate bench-models`.
#[derive(Debug, Args)]
pub struct BenchModels {
    /// The tasks, one JSON object a line (`task`, `prompt` or `messages`, `expect`, `judge`, `max_tokens`); `-` is
    /// standard input.
    #[arg(short, long)]
    tasks: PathBuf,
    /// The targets (`provider/model`), as clients of the gateway name them.
    #[arg(long, value_delimiter = ',', required = true)]
    targets: Vec<String>,
    /// Who judges where a task does not say.
    #[arg(long, default_value = "exact")]
    judge: Judge,
    /// The model that judges, for `llm`; it should be none of the targets.
    #[arg(long)]
    judge_model: Option<String>,
    /// The gateway.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    gateway: String,
    /// The environment variable that holds a key of the gateway.
    #[arg(long, default_value = "LOCKGATE_API_KEY")]
    key_env: String,
    /// Requests at the same time.
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// The file that what was found is kept in; figures of other targets and tasks stay in it. A configuration names it in
    /// `routing.benchmarks`.
    #[arg(short, long)]
    out: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Runs the tasks, and prints what was found.
pub fn bench_models(args: BenchModels) -> ExitCode {
    if args.judge == Judge::Llm && args.judge_model.is_none() {
        return complain("the judge `llm` needs --judge-model", 2);
    }
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let settings = UpstreamSettings {
        base_url: args.gateway,
        connect: Duration::from_secs(5),
        first_byte: minutes(10),
        idle: minutes(2),
        total: minutes(10),
        ca_file: None,
        client_cert: None,
        client_key: None,
    };
    let gateway = match Upstream::new(settings) {
        Ok(gateway) => gateway,
        Err(error) => return complain(&error.to_string(), 2),
    };
    let key = std::env::var(&args.key_env).ok().map(Secret::new);
    let models = Models {
        tasks: args.tasks,
        targets: args.targets,
        judge: args.judge,
        asking: Asking { gateway: Some(gateway), key, judge: args.judge_model },
        at_once: args.at_once,
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), 1),
    };
    let found = match runtime.block_on(models::run(&models)) {
        Ok(found) => found,
        Err(error) => return complain(&error.to_string(), 2),
    };
    if let Some(file) = &args.out
        && let Err(why) = keep(file, &found.measured)
    {
        return complain(&format!("{}: {why}", file.display()), 1);
    }
    let done = if args.json {
        print(&serde_json::to_string_pretty(&found.measured).unwrap_or_default())
    } else {
        print(found.table().trim_end())
    };
    if found.failures.is_empty() { done } else { ExitCode::FAILURE }
}

/// Puts figures into a file beside those that are there. It is replaced in one step: a gateway that watches it never reads
/// half of it.
fn keep(file: &Path, found: &Measured) -> Result<(), String> {
    let mut all = match std::fs::read_to_string(file) {
        Ok(text) => Measured::parse(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Measured::default(),
        Err(error) => return Err(error.to_string()),
    };
    for (target, tasks) in &found.targets {
        all.targets.entry(target.clone()).or_default().extend(tasks.clone());
    }
    let text = serde_json::to_string_pretty(&all).map_err(|error| error.to_string())?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text + "\n")
        .and_then(|()| std::fs::rename(&beside, file))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::keep;
    use crate::route::quality::Measured;

    #[test]
    fn what_was_known_of_others_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quality.json");
        let figures = |target: &str, task: &str, quality: f64| {
            let text = format!(
                r#"{{"targets": {{"{target}": {{"{task}": {{"quality": {quality}, "judged": 1, "failed": 0}}}}}}}}"#
            );
            Measured::parse(&text).unwrap()
        };
        for found in [figures("a/1", "code", 0.1), figures("a/1", "chat", 0.2), figures("a/1", "code", 0.3)] {
            keep(&file, &found).unwrap();
        }
        let kept = Measured::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let code = kept.targets.get("a/1").unwrap();
        assert_eq!((code.get("code").unwrap().quality, code.len()), (Some(0.3), 2));
        std::fs::write(&file, "nonsense").unwrap();
        assert!(keep(&file, &kept).is_err(), "what is not ours is not overwritten");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "nonsense");
    }
}
