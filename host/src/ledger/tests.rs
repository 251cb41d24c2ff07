//! Tests of the ledger.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::report::report;
use super::*;
use crate::chat::Usage;
use crate::price::Usd;
use crate::store::file::OpenError;
use rusqlite::Connection;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

fn record(id: &str, tenant: &str) -> Record {
    Record {
        id: id.into(),
        tenant: tenant.into(),
        key: "web".into(),
        who: Who {
            team: Some("search".into()),
            tags: vec![("feature".into(), "chat".into())],
            ..Who::default()
        },
        route: "smart".into(),
        target: "openai/gpt-4o".into(),
        model: "gpt-4o".into(),
        status: 200,
        outcome: "complete",
        usage: Usage { input: 10, output: 5, ..Usage::default() },
        basis: "provider",
        cost: Some(Usd::from_nanos(75_000)),
        attempts: 1,
        cache: "miss",
        started: UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        duration: Duration::from_millis(40),
        ttft: Some(Duration::from_micros(7_500)),
        flags: vec![("pii.email".into(), "2".into())],
    }
}

fn settings(path: &Path) -> LedgerSettings {
    LedgerSettings { path: Some(path.to_owned()), backlog: 0 }
}

fn count(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT count(*) FROM exchanges", [], |row| row.get(0)).unwrap()
}

#[test]
fn totals_add_up_by_tenant() {
    let ledger = Ledger::in_memory();
    ledger.append(record("1", "acme"));
    ledger.append(Record { cost: None, ..record("2", "acme") });
    ledger.append(Record { cache: "hit", cost: Some(Usd::ZERO), ..record("3", "acme") });
    ledger.append(record("4", "beta"));
    let acme = TenantTotals {
        tenant: "acme".into(),
        requests: 3,
        unpriced: 1,
        input_tokens: 20,
        output_tokens: 10,
        cost: Usd::from_nanos(75_000),
    };
    assert_eq!(ledger.totals_of("acme"), Some(acme));
    assert_eq!(ledger.totals().iter().map(|totals| &*totals.tenant).collect::<Vec<_>>(), ["acme", "beta"]);
    assert_eq!(ledger.totals_of("nobody"), None);
}

#[tokio::test]
async fn a_record_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(settings(&path)).unwrap();
    ledger.append(record("1", "acme"));
    ledger.append(Record { cost: None, ttft: None, flags: vec![], ..record("2", "acme") });
    ledger.flush().await.unwrap();
    assert_eq!(ledger.waiting(), 0);
    let connection = Connection::open(&path).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<String>>(0)).unwrap();
    let first = text(
        "SELECT concat_ws(' ', id, tenant, key, route, target, model, status, outcome, tokens_input, tokens_output,
         cost_nano_usd, attempts, cache, started_ms, duration_us, ttft_us, flags, team, user, tags, usage_basis) FROM exchanges WHERE seq = 1",
    );
    let expected = "1 acme web smart openai/gpt-4o gpt-4o 200 complete 10 5 75000 1 miss 1700000000123 40000 7500 \
                    {\"pii.email\":\"2\"} search {\"feature\":\"chat\"} provider";
    assert_eq!(first.as_deref(), Some(expected));
    assert_eq!(text("SELECT cost_nano_usd || '' FROM exchanges WHERE seq = 2"), None);
}

#[tokio::test]
async fn what_was_flushed_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(settings(&path)).unwrap();
    for n in 0..500 {
        ledger.append(record(&n.to_string(), if n % 2 == 0 { "acme" } else { "beta" }));
    }
    ledger.flush().await.unwrap();
    // What a kill leaves behind: the files as they are while the writer still has them open.
    let after = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), after.path().join(file.file_name())).unwrap();
    }
    let reopened = Ledger::open(settings(&after.path().join("ledger.db"))).unwrap();
    assert_eq!(reopened.totals(), ledger.totals());
    assert_eq!(reopened.totals_of("acme").unwrap().requests, 250);
    reopened.append(record("more", "acme"));
    reopened.close().await.unwrap();
    assert_eq!(count(&after.path().join("ledger.db")), 501);
    assert!(matches!(reopened.flush().await, Err(LedgerError::Closed)));
}

#[test]
fn what_is_left_is_written_when_the_ledger_is_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(settings(&path)).unwrap();
    for n in 0..5_000 {
        ledger.append(record(&n.to_string(), "acme"));
    }
    drop(ledger);
    assert_eq!(count(&path), 5_000);
}

#[tokio::test]
async fn a_failing_file_delays_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(LedgerSettings { path: Some(path.clone()), backlog: 2 }).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("ALTER TABLE exchanges RENAME TO hidden").unwrap();
    ledger.append(record("1", "acme"));
    ledger.append(record("2", "acme"));
    assert!(matches!(ledger.flush().await, Err(LedgerError::Write(_))));
    assert_eq!(ledger.waiting(), 2);
    let mut room = Box::pin(ledger.room());
    assert!(futures_util::poll!(&mut room).is_pending(), "new exchanges wait");
    other.execute_batch("ALTER TABLE hidden RENAME TO exchanges").unwrap();
    room.await;
    ledger.flush().await.unwrap();
    assert_eq!((ledger.waiting(), count(&path)), (0, 2));
    ledger.room().await;
}

#[test]
fn a_newer_file_is_refused_and_a_folder_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = Ledger::open(settings(&path)).unwrap_err();
    assert!(matches!(refused, LedgerError::Open(OpenError::Newer { found: 99, known: 2 })));
    assert!(matches!(Ledger::open(settings(folder.path())), Err(LedgerError::Open(OpenError::Database(_)))));
}

#[tokio::test(start_paused = true)]
async fn subscribers_get_batches_by_size_and_by_time() {
    let ledger = Ledger::in_memory();
    ledger.append(record("before", "acme"));
    let mut batches = ledger.subscribe(2, Duration::from_secs(5));
    for id in ["1", "2", "3"] {
        ledger.append(record(id, "acme"));
    }
    let ids = |batch: Vec<Arc<Record>>| batch.iter().map(|record| record.id.clone()).collect::<Vec<_>>();
    let began = tokio::time::Instant::now();
    assert_eq!(ids(batches.recv().await.unwrap()), ["1", "2"]);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(ids(batches.recv().await.unwrap()), ["3"]);
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    drop(ledger);
    assert_eq!(batches.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_misses_and_a_gone_one_is_forgotten() {
    let ledger = Ledger::in_memory();
    let gone = ledger.subscribe(1, Duration::ZERO);
    let slow = ledger.subscribe(1, Duration::ZERO);
    drop(gone);
    for n in 0..10_000 {
        ledger.append(record(&n.to_string(), "acme"));
        tokio::task::yield_now().await;
    }
    let missed = ledger.missed();
    assert!((5_000..10_000).contains(&missed), "{missed}");
    assert_eq!(slow.len(), 4);
    drop(slow);
    tokio::task::yield_now().await;
    let _third = ledger.subscribe(1, Duration::ZERO);
    assert_eq!(ledger.feeds.load().len(), 1);
}

#[test]
fn a_record_is_told_in_named_values_and_nothing_unknown() {
    let fields = Record { cost: None, ttft: None, ..record("1", "acme") }.fields();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"flag.pii.email") && names.contains(&"usage.input"));
    assert!(!names.contains(&"cost-usd") && !names.contains(&"ttft-ms"));
    let before = Record { started: UNIX_EPOCH - Duration::from_secs(1), ..record("1", "acme") };
    assert_eq!((before.started_ms(), before.ended_ms()), (0, 40));
    assert!(record("1", "acme").started < SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000));
}

#[tokio::test]
async fn a_file_of_the_first_version_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("tests/version-1.sql")).unwrap();
    drop(old);
    let ledger = Ledger::open(settings(&path)).unwrap();
    assert_eq!(ledger.totals_of("acme").unwrap().cost, Usd::from_nanos(75_000));
    ledger.append(record("2", "acme"));
    ledger.close().await.unwrap();
    assert_eq!(count(&path), 2);
    let again = Ledger::open(settings(&path)).unwrap();
    assert_eq!(again.totals_of("acme").unwrap().requests, 2);
    let query = Query { by: vec![Column::Team], ..Query::default() };
    let rows = report(&path, &query).unwrap();
    let teams: Vec<_> = rows.iter().map(|row| (row.group[0].as_deref(), row.requests)).collect();
    assert_eq!(teams, [(None, 1), (Some("search"), 1)]);
}

#[tokio::test]
async fn a_report_sums_by_what_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger = Ledger::open(settings(&path)).unwrap();
    let later = UNIX_EPOCH + Duration::from_millis(1_700_000_000_999);
    ledger.append(record("1", "acme"));
    ledger.append(Record { model: "small".into(), cost: None, ..record("2", "acme") });
    ledger.append(Record { cache: "hit", cost: Some(Usd::ZERO), ..record("3", "acme") });
    ledger.append(Record { started: later, who: Who::default(), ..record("4", "beta") });
    ledger.close().await.unwrap();
    let ask = |query: Query| report(&path, &query).unwrap();
    let by_model = ask(Query { by: vec![Column::Tenant, Column::Model], ..Query::default() });
    let line = |row: &Sums| {
        let group: Vec<&str> = row.group.iter().map(|name| name.as_deref().unwrap_or("-")).collect();
        (group.join(" "), row.requests, row.unpriced, row.input_tokens, row.cost.nanos())
    };
    let lines: Vec<_> = by_model.iter().map(line).collect();
    let expected = [
        ("acme gpt-4o".to_owned(), 2, 0, 10, 75_000),
        ("beta gpt-4o".to_owned(), 1, 0, 10, 75_000),
        ("acme small".to_owned(), 1, 1, 10, 0),
    ];
    assert_eq!(lines, expected);
    let of_beta = ask(Query { tenant: Some("beta".into()), by: vec![Column::Feature], ..Query::default() });
    assert_eq!(of_beta.iter().map(line).collect::<Vec<_>>(), [("-".to_owned(), 1, 0, 10, 75_000)]);
    let by_feature = ask(Query { by: vec![Column::Feature], ..Query::default() });
    assert_eq!(by_feature.len(), 2);
    let since = ask(Query { since_ms: Some(1_700_000_000_500), ..Query::default() });
    assert_eq!(since.iter().map(line).collect::<Vec<_>>(), [(String::new(), 1, 0, 10, 75_000)]);
    let until = ask(Query { until_ms: Some(1_700_000_000_500), ..Query::default() });
    assert_eq!(until[0].requests, 3);
}
