//! The providers' own packages for Node. A warning, or any other word on standard error, is an error.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::packages::{environment, script, without_version};
use std::fs::File;
use std::path::PathBuf;
use tokio::process::Command;

/// Where Node is: scripts run without the environment's `PATH`.
fn node() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("node")).find(|file| file.is_file());
    found.unwrap_or_else(|| unreachable!("there is no node: install it (Debian: apt-get install nodejs npm)"))
}

/// Runs the script of a package, in the environment that has it. Node looks for packages beside a script; beside a
/// script on standard input, that is the working directory.
async fn run(package: &str, base_url: impl FnOnce(String) -> String) {
    let script = File::open(script(&format!("{package}_package.mjs"))).unwrap();
    let mut command = Command::new(node());
    command.args(["--trace-warnings", "--throw-deprecation", "--input-type=module"]);
    command.current_dir(environment(&format!("node-{package}"))).stdin(script);
    let ended = crate::packages::run(command, base_url).await;
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[tokio::test]
async fn the_openai_package_works_unchanged() {
    run("openai", |url| url).await;
}

#[tokio::test]
async fn the_anthropic_package_works_unchanged() {
    run("anthropic", without_version).await;
}
