//! Start-up and memory of a gateway with the standard chain: how long to ready with everything compiled, how
//! much it holds when idle, and how much more for each open stream.

use crate::gateway::{Gateway, Serves};
use crate::load::connect;
use crate::target::{Answer, Target};
use anyhow::{Context, Result, bail};
use http_body_util::BodyExt;
use lockgate_bench::Prompts;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long an idle gateway is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);
/// How long all streams may take to show their first word.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was measured.
#[derive(Debug)]
pub(crate) struct Memory {
    /// From start to ready, everything compiled before; one of each start.
    pub(crate) start_up: Vec<Duration>,
    /// From start to ready, nothing compiled before.
    pub(crate) cold_start_up: Duration,
    /// Resident bytes, idle.
    pub(crate) idle_bytes: Option<u64>,
    /// Resident bytes with all streams open.
    pub(crate) loaded_bytes: Option<u64>,
    /// Open streams.
    pub(crate) streams: usize,
}

impl Memory {
    /// Resident bytes that each open stream adds.
    pub(crate) fn bytes_per_stream(&self) -> Option<u64> {
        let more = self.loaded_bytes?.saturating_sub(self.idle_bytes?);
        more.checked_div(u64::try_from(self.streams).ok()?)
    }
}

/// Measures a gateway with the standard chain.
///
/// # Errors
/// It does not start, or a stream fails or starves.
pub(crate) async fn measure(
    program: &Path,
    folder: &Path,
    upstream: SocketAddr,
    starts: usize,
    streams: usize,
) -> Result<Memory> {
    let folder = folder.join("alone");
    std::fs::create_dir_all(&folder)?;
    let start = || Gateway::start(program, &folder, Serves::StandardAlone, upstream);
    let first = start().await?;
    let cold_start_up = first.start_up;
    first.process.stop().await?;
    let mut start_up = Vec::new();
    for _ in 1..starts {
        let gateway = start().await?;
        start_up.push(gateway.start_up);
        gateway.process.stop().await?;
    }
    let gateway = start().await?;
    start_up.push(gateway.start_up);
    tokio::time::sleep(SETTLE).await;
    let idle_bytes = gateway.process.resident_bytes();
    let open = open_streams(&gateway.held(), streams)
        .await
        .with_context(|| format!("the log of the gateway ends with:\n{}", gateway.process.said()))?;
    let loaded_bytes = gateway.process.resident_bytes();
    drop(open);
    gateway.process.stop().await?;
    Ok(Memory { start_up, cold_start_up, idle_bytes, loaded_bytes, streams })
}

/// Opens streams, and waits until each has shown its first bytes. They stay open until the set is dropped.
async fn open_streams(target: &Target, count: usize) -> Result<JoinSet<Result<()>>> {
    let (open, mut opened) = watch::channel(0_usize);
    let mut streams = JoinSet::new();
    for seed in 0..count {
        let (target, open) = (target.clone(), open.clone());
        streams.spawn(async move { one_stream(&target, u64::try_from(seed)?, &open).await });
    }
    let all = tokio::time::timeout(PATIENCE, opened.wait_for(|opened| *opened == count));
    tokio::select! {
        outcome = all => match outcome {
            Ok(Ok(_)) => {}
            _ => bail!("of {count} streams, {} had begun after {PATIENCE:?}", *open.borrow()),
        },
        Some(ended) = streams.join_next() => match ended? {
            Ok(()) => bail!("a stream that should stay open ended"),
            Err(error) => return Err(error.context("a stream failed")),
        },
    }
    Ok(streams)
}

async fn one_stream(target: &Target, seed: u64, open: &watch::Sender<usize>) -> Result<()> {
    let (mut sender, connection) = connect(target).await?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let prompt = Prompts::new(u64::MAX - seed).next_prompt();
    let response = sender.send_request(target.request(&prompt, Answer::Stream)).await?;
    let status = response.status();
    let mut body = response.into_body();
    if status != http::StatusCode::OK {
        bail!("answered {status}");
    }
    let mut begun = false;
    while let Some(frame) = body.frame().await {
        frame?;
        if !begun {
            begun = true;
            open.send_modify(|opened| *opened += 1);
        }
    }
    Ok(())
}
