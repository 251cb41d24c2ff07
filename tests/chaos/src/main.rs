//! `chaos`: a seeded hour of faults, before a gateway as its users run it.
//!
//! It ends with 1 where a bar is missed.

use anyhow::{Context, Result, bail};
use clap::Parser;
use lockgate_chaos::{Bars, KEY_OF, Plan, Report, Sky, Stage, read, serve};
use lockgate_client::Client;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// How long the gateway may take to be ready, and to end.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at a gateway that starts.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// An hour of a provider's faults in minutes.
#[derive(Parser)]
struct Options {
    /// The gateway.
    #[arg(long)]
    binary: PathBuf,
    /// Decides faults and requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds that the hour takes.
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// Providers with an hour of faults each, before the one that is always well.
    #[arg(long, default_value_t = 8)]
    skies: u64,
    /// Services that ask.
    #[arg(long, default_value_t = 11)]
    services: u64,
    /// A JSON object that is laid over the routes' settings.
    #[arg(long, default_value = "{}")]
    route: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    let takes = Duration::from_secs(options.seconds);
    let skies: Vec<Sky> =
        (0..options.skies).map(|n| Sky::new(options.seed.wrapping_add(n << 32), takes)).collect();
    let folder = tempfile::tempdir()?;
    let ledger = folder.path().join("ledger.db");
    let stage = Stage::start(&skies).await?;
    let mut configuration = stage.configuration(options.services, &ledger, takes);
    let over: serde_json::Value = serde_json::from_str(&options.route).context("--route is no JSON")?;
    let routes = configuration.pointer_mut("/routes").and_then(serde_json::Value::as_object_mut);
    let settings =
        routes.into_iter().flat_map(|routes| routes.values_mut()).filter_map(|route| route.as_object_mut());
    for route in settings {
        route.extend(over.as_object().cloned().unwrap_or_default());
    }
    let gateway = Gateway::start(&options.binary, folder.path(), configuration).await?;
    println!("an hour of seed {} in {} s, {} services", options.seed, options.seconds, options.services);
    let plan = Plan {
        seed: options.seed,
        services: options.services,
        models: skies.len(),
        at_once: 2,
        requests: u64::MAX,
        until: takes,
        rest: Duration::from_millis(200),
    };
    let direct = Plan { services: 1, models: 1, at_once: 1, seed: !options.seed, ..plan };
    // The same provider without a gateway, with books of its own.
    let beside = Stage::start(&[]).await?;
    let steady = beside.steady.address();
    let (outcomes, direct) =
        tokio::join!(serve(gateway.address, plan, &stage.books), serve(steady, direct, &beside.books));
    let direct =
        direct.iter().filter(|outcome| outcome.fault.is_none()).map(|outcome| outcome.took).collect();
    gateway.stop().await?;
    let report = Report::new(&outcomes, &stage.books, &read(&ledger)?, &skies, direct);
    print!("\n{}", report.render());
    let missed = report.missed(Bars::default());
    if !missed.is_empty() {
        bail!("{}", missed.join("\n  "));
    }
    println!("\nEvery bar is reached.");
    Ok(())
}

/// A gateway that is ready.
struct Gateway {
    address: SocketAddr,
    child: Child,
}

impl Gateway {
    async fn start(binary: &Path, folder: &Path, mut configuration: serde_json::Value) -> Result<Self> {
        let [address, admin] = free_addresses()?;
        let listeners = serde_json::json!({ "listen": address, "admin": { "listen": admin } });
        if let (Some(all), serde_json::Value::Object(listeners)) = (configuration.as_object_mut(), listeners)
        {
            all.extend(listeners);
        }
        let file = folder.join("lockgate.yaml");
        std::fs::write(&file, configuration.to_string())?;
        let log = folder.join("gateway.log");
        let mut child = Command::new(binary)
            .args(["serve", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", binary.display()))?;
        let started = Instant::now();
        let client = Client::new(admin).with_key(KEY_OF(0));
        while !client.get("/readyz").await.is_ok_and(|answer| answer.status.is_success()) {
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(status) = child.try_wait()? {
                bail!("the gateway ended with {status} before it was ready:\n{}", said());
            }
            if started.elapsed() > PATIENCE {
                bail!("the gateway was not ready within {PATIENCE:?}:\n{}", said());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(Self { address, child })
    }

    /// Tells it to end, and waits until it has written everything down.
    async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("the gateway is gone")?.to_string();
        Command::new("kill").args(["-s", "TERM", &id]).status().await?;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.context("the gateway did not end")??;
        Ok(())
    }
}

/// Addresses nobody listens on; both are held until both are known, so that they differ.
fn free_addresses() -> Result<[SocketAddr; 2]> {
    let any = (Ipv4Addr::LOCALHOST, 0);
    let (first, second) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
    Ok([first.local_addr()?, second.local_addr()?])
}
