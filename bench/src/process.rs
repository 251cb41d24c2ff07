//! The processes that are measured: started, watched until they are ready, stopped.

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

/// How long a process may take to be ready; the first start of a gateway compiles its plugins.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often readiness is asked for: the resolution of start-up times.
const INTERVAL: Duration = Duration::from_millis(1);

/// A process that is watched. Whether it is killed when this is dropped is the command's to say.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
    started: Instant,
}

impl Process {
    /// Starts a process whose output goes to a file.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(name: &'static str, mut command: Command, log: PathBuf) -> Result<Self> {
        let output = File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        command.stdin(std::process::Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        Ok(Self { name, child, log, started })
    }

    /// Waits until it takes connections, and, where there is a path, answers it with 200. Gives the time since
    /// its start.
    ///
    /// # Errors
    /// It ended, or was not ready in time.
    pub(crate) async fn ready(
        &mut self,
        address: SocketAddr,
        path: Option<&'static str>,
    ) -> Result<Duration> {
        loop {
            let ready = match path {
                Some(path) => answers(address, path).await.is_ok_and(|ok| ok),
                None => TcpStream::connect(address).await.is_ok(),
            };
            let elapsed = self.started.elapsed();
            if ready {
                return Ok(elapsed);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before it was ready:\n{}", self.name, self.said());
            }
            if elapsed > PATIENCE {
                bail!("{} was not ready within {PATIENCE:?}:\n{}", self.name, self.said());
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Its number, while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Resident memory in bytes, where the system tells.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    /// The system does not let it be killed.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await.with_context(|| format!("{} cannot be stopped", self.name))
    }

    /// The end of what it said.
    pub(crate) fn said(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(20).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// The time that the threads of a process have had of the processors, where the system tells.
pub(crate) fn processor_time(process: u32) -> Option<Duration> {
    // Source: the kernel's Documentation/scheduler/sched-stats.rst: the first figure is nanoseconds on a processor.
    let of = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    Some(Duration::from_nanos(threads.filter_map(of).sum()))
}

/// The upstream that answers at once.
#[derive(Debug)]
pub(crate) struct FastUpstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _child: Child,
}

impl FastUpstream {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// It cannot be started, or says nothing.
    pub(crate) async fn start(program: &Path) -> Result<Self> {
        let mut command = Command::new(program);
        command.kill_on_drop(true).stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
        let shown = program.display();
        let mut child = command.spawn().with_context(|| format!("{shown} cannot be started"))?;
        let output = child.stdout.take().context("a process without the output that was asked for")?;
        let line = BufReader::new(output).lines().next_line().await?.unwrap_or_default();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let address = address.with_context(|| format!("{shown} did not say where it listens"))?;
        Ok(Self { address, _child: child })
    }
}

/// A port that was free a moment ago.
///
/// # Errors
/// None is.
pub(crate) async fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

/// Whether a path is answered with 200.
async fn answers(address: SocketAddr, path: &'static str) -> Result<bool> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut request = http::Request::new(Empty::<bytes::Bytes>::new());
    *request.uri_mut() = http::Uri::from_static(path);
    request.headers_mut().insert(http::header::HOST, http::HeaderValue::from_static("bench"));
    let response = sender.send_request(request).await?;
    let ok = response.status() == http::StatusCode::OK;
    response.into_body().collect().await?;
    driver.abort();
    Ok(ok)
}
