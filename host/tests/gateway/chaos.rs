//! A seeded hour of faults before a gateway whose clients must not see them, short enough for the suite.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, soon};
use lockgate_chaos::{Bars, Plan, Report, Sky, Stage, Weather, read, serve};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// How long the hour takes: so short that most requests meet some fault's minute.
const HOUR: Duration = Duration::from_secs(6);

#[tokio::test]
async fn no_client_sees_an_hour_of_faults_and_every_token_is_booked_once() {
    let skies: Vec<Sky> = (0..4).map(|n| Sky::new(n, HOUR)).collect();
    let stage = Stage::start(&skies).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.db");
    let services = 11;
    let mut config = stage.configuration(services, &ledger, HOUR);
    config["listen"] = json!("127.0.0.1:0");
    config["admin"] = json!({ "listen": "127.0.0.1:0" });
    config["log"]["level"] = json!("info");
    config["engine"] = json!({ "cache_dir": Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled") });
    let mut gateway = Gateway::start(&config).await;
    let plan = Plan {
        seed: 7,
        services,
        models: skies.len(),
        at_once: 2,
        requests: 15,
        until: Duration::MAX,
        rest: Duration::from_millis(300),
    };
    let outcomes = soon("every answer", serve(gateway.address, plan, &stage.books)).await;
    gateway.signal("TERM").await;
    assert!(gateway.exit().await.success());
    let report = Report::new(&outcomes, &stage.books, &read(&ledger).unwrap(), &skies, Vec::new());
    assert!(report.admitted >= 250, "{}", report.render());
    let met: usize = Weather::FAULTS.into_iter().map(|fault| stage.books.have_met(fault)).sum();
    assert!(met >= 10, "the faults are met: {met}");
    // One is always well, so that nobody has to see a fault.
    let missed = report.missed(Bars { availability: 1.0 });
    assert!(missed.is_empty(), "{missed:#?}\n{}", report.render());
}
