//! The gateway as its users run it: the release binary, a configuration file, two ports.
//!
//! It is killed when its handle is dropped; its log stays beside its configuration.

use crate::setup;
use crate::step::{cargo, run, step, target_directory};
use anyhow::{Context, Result, bail};
use lockgate_client::Client;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// Long enough to compile every plugin for the first time on a slow machine.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// Between two looks at a gateway that starts.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Lines of the log shown when it does not start.
const SHOWN_LINES: usize = 20;

/// Builds the release binary, unless one is named, and returns its path.
pub(crate) fn binary(named: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(named) = named {
        return named.canonicalize().with_context(|| format!("{} is not there", named.display()));
    }
    step("target wasm32-wasip2", setup::wasm_target)?;
    step("build the gateway and its plugins", || {
        run(cargo(["build", "--release", "--locked", "--package", "lockgate"]))
    })?;
    Ok(target_directory().join("release").join(format!("lockgate{}", std::env::consts::EXE_SUFFIX)))
}

/// A gateway that is ready.
pub(crate) struct Gateway {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    /// Its configuration file.
    pub(crate) file: PathBuf,
    /// From the start of the process until it was ready.
    pub(crate) start_up: Duration,
    child: Child,
}

impl Gateway {
    /// Starts a gateway in `folder` and waits until it is ready. `configuration` is all but its listeners.
    pub(crate) async fn start(binary: &Path, folder: &Path, name: &str, configuration: &str) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let [address, admin] = free_addresses()?;
        let file = folder.join(format!("{name}.yaml"));
        let listeners = format!("listen: {address}\nadmin: {{ listen: \"{admin}\" }}\n");
        fs::write(&file, format!("{listeners}{configuration}"))?;
        let log = folder.join(format!("{name}.log"));
        let started = Instant::now();
        let mut child = Command::new(binary)
            .args(["serve", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        loop {
            if Client::new(admin).get("/readyz").await.is_ok_and(|answer| answer.status.is_success()) {
                return Ok(Self { address, file, start_up: started.elapsed(), child });
            }
            if let Some(status) = child.try_wait()? {
                bail!("the gateway ended with {status} before it was ready:\n{}", tail(&log));
            }
            if started.elapsed() > READY_WITHIN {
                bail!("the gateway was not ready within {READY_WITHIN:?}:\n{}", tail(&log));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Ends it, and waits until its ports are free.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("the gateway cannot be stopped")
    }
}

/// Addresses nobody listens on; both are held until both are known, so that they differ.
fn free_addresses() -> Result<[SocketAddr; 2]> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let (first, second) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
    Ok([first.local_addr()?, second.local_addr()?])
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES)).map(|line| format!("  {line}\n")).collect()
}
