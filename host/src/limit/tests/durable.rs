//! Counters in a file: never behind what was given, whenever the process ends.

use super::*;
use crate::limit::{Durable, FileError};
use crate::store::file::OpenError;

const NOW: Micros = 1_700_000_000 * SECOND;

fn demand(key: &str, meter: Meter, amount: u64) -> Demand {
    Demand { key: key.into(), meter, amount, soft: false }
}

fn month(limit: u64) -> Meter {
    Meter::Period { limit, from: 0, to: u64::MAX }
}

/// What would be left of a counter after a kill at this moment.
fn left_after_a_kill(file: &std::path::Path, key: &str, meter: Meter, now: Micros) -> u64 {
    // What a crash leaves is the file and its log as they are; a reader sees the same.
    let copy = tempfile::tempdir().unwrap();
    for name in ["counters.db", "counters.db-wal"] {
        let from = file.with_file_name(name);
        if from.exists() {
            std::fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    let again = Durable::open(&copy.path().join("counters.db"), now).unwrap();
    match again.take(&[demand(key, meter, 0)], now).now_or_never().unwrap() {
        Ok(levels) => levels[0].remaining,
        Err(refused) => panic!("{refused:?}"),
    }
}

#[tokio::test]
async fn what_was_given_is_in_the_file_whenever_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    let counters = Durable::open(&file, NOW).unwrap();
    for meter in [
        month(10_000),
        Meter::Window { limit: 10_000, window: Duration::from_secs(24 * 3600) },
        Meter::Bucket { limit: 1, window: Duration::from_secs(24 * 3600), burst: 10_000 },
    ] {
        let key = format!("{meter:?}");
        let mut given = 0;
        for step in 0..60_u64 {
            let (now, amount) = (NOW + step * SECOND, step % 7 * 17);
            counters.take(&[demand(&key, meter, amount)], now).await.unwrap();
            given += amount;
            let left = left_after_a_kill(&file, &key, meter, now);
            assert!(left <= 10_000 - given, "{key}: {left} after {given}");
            assert!(left + given + 600 >= 10_000, "{key}: {left} after {given} is too far ahead");
        }
    }
}

#[tokio::test]
async fn what_is_closed_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    let counters = Durable::open(&file, NOW).unwrap();
    let taken = demand("k", month(1_000), 300);
    counters.take(std::slice::from_ref(&taken), NOW).await.unwrap();
    counters.settle(&[Settlement { demand: taken, taken: NOW, used: 120 }], NOW);
    counters.close().await;
    assert_eq!(left_after_a_kill(&file, "k", month(1_000), NOW), 880);
    // Of another period it says nothing, and one that is over is forgotten.
    let next = Meter::Period { limit: 1_000, from: 5, to: u64::MAX };
    assert_eq!(left_after_a_kill(&file, "k", next, NOW), 1_000);
}

#[tokio::test]
async fn what_was_used_beyond_the_reservation_is_written_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    let counters = Durable::open(&file, NOW).unwrap();
    let taken = demand("k", month(1_000), 10);
    counters.take(std::slice::from_ref(&taken), NOW).await.unwrap();
    counters.settle(&[Settlement { demand: taken, taken: NOW, used: 900 }], NOW);
    while left_after_a_kill(&file, "k", month(1_000), NOW) > 100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_at_once_share_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    let counters = Arc::new(Durable::open(&file, NOW).unwrap());
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let counters = counters.clone();
        asking.spawn(async move { counters.take(&[demand("k", month(150), 1)], NOW).await.is_ok() });
    }
    let given = asking.join_all().await.into_iter().filter(|given| *given).count();
    assert_eq!(given, 150);
    assert_eq!(left_after_a_kill(&file, "k", month(150), NOW), 0);
}

#[test]
fn another_versions_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    let other = rusqlite::Connection::open(&file).unwrap();
    other.pragma_update(None, "user_version", 7).unwrap();
    let refused = Durable::open(&file, NOW);
    assert!(refused.is_err_and(|error| matches!(error, FileError::Open(OpenError::Newer { found: 7, .. }))));
}

#[derive(Debug, Clone)]
enum Step {
    Take(u64),
    /// Ends one of those that are open, having used so much of what it had reserved, in hundredths.
    End(usize, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_u64..90).prop_map(Step::Take),
        2 => (0_usize..20, 0_u64..=100).prop_map(|(which, part)| Step::End(which, part)),
    ];
    prop::collection::vec(step, 1..40)
}

/// The file gives what memory alone would give; killed at any moment it has counted no less than was given, and closed it is
/// exact.
async fn is_never_behind(steps: Vec<Step>, limit: u64) -> Result<(), TestCaseError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("counters.db");
    let (counters, alone) = (Durable::open(&file, NOW).unwrap(), Local::default());
    let meter = month(limit);
    let (mut open, mut used): (Vec<Demand>, u64) = (Vec::new(), 0);
    for (at, step) in steps.into_iter().enumerate() {
        match step {
            Step::Take(amount) => {
                let asked = demand("k", meter, amount);
                let given = counters.take(std::slice::from_ref(&asked), NOW).await;
                let expected = alone.take(std::slice::from_ref(&asked), NOW).now_or_never().unwrap();
                prop_assert_eq!(&given, &expected);
                open.extend(given.ok().map(|_| asked));
            }
            Step::End(which, part) if !open.is_empty() => {
                let taken = open.swap_remove(which % open.len());
                let spent = taken.amount * part / 100;
                let settled = [Settlement { demand: taken, taken: NOW, used: spent }];
                counters.settle(&settled, NOW);
                alone.settle(&settled, NOW);
                used += spent;
            }
            Step::End(..) => {}
        }
        if at % 4 == 0 {
            let out = used + open.iter().map(|demand| demand.amount).sum::<u64>();
            prop_assert!(left_after_a_kill(&file, "k", meter, NOW) <= limit - out);
        }
    }
    for taken in open {
        used += taken.amount;
        counters.settle(&[Settlement { used: taken.amount, demand: taken, taken: NOW }], NOW);
    }
    counters.close().await;
    prop_assert_eq!(left_after_a_kill(&file, "k", meter, NOW), limit - used);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_taken_and_settled_the_file_is_never_behind(steps in steps(), limit in 50_u64..2_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(is_never_behind(steps, limit))?;
    }
}
