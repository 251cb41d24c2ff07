//! The journal before and after the end of its process.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tempfile::TempDir;

const MANY: Limits = Limits { entries: 1_000, bytes: 1_000_000 };

fn open(folder: &TempDir, answers: Limits, now: u64) -> Journal {
    Journal::open(&folder.path().join("state.db"), answers, now).unwrap()
}

fn row(key: &str, value: &str, expires: Option<u64>) -> Row {
    Row { key: key.into(), value: value.into(), expires }
}

fn all(journal: &Journal, kind: Kind) -> Vec<Row> {
    journal.take(kind, |_| true)
}

#[tokio::test]
async fn what_was_waited_for_is_there_without_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, MANY, 0);
    journal.put(Kind::Opinion, row("a", "1", None));
    journal.remove(Kind::Opinion, b"a".to_vec());
    journal.put(Kind::Canary, row("b", "1", None));
    journal.keep(Kind::Begun, row("a", "1", Some(100))).await.unwrap();
    journal.keep(Kind::Begun, row("a", "2", Some(100))).await.unwrap();
    // Another one reads the file while the first is still open: nothing was closed.
    let other = open(&folder, MANY, 99);
    assert_eq!(all(&other, Kind::Begun), [row("a", "2", Some(100))]);
    assert_eq!(all(&other, Kind::Begun), [], "each is given once");
    assert_eq!(all(&other, Kind::Canary), [row("b", "1", None)], "what came before it is there");
    assert_eq!(all(&other, Kind::Opinion), []);
    journal.close().await;
    assert_eq!(journal.keep(Kind::Begun, row("c", "1", None)).await, Err(Unwritten));
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, MANY, 0);
    journal.keep(Kind::Begun, row("a", "1", Some(100))).await.unwrap();
    journal.keep(Kind::Begun, row("b", "1", Some(200))).await.unwrap();
    journal.sweep(100);
    journal.close().await;
    assert_eq!(all(&open(&folder, MANY, 0), Kind::Begun), [row("b", "1", Some(200))]);
    assert_eq!(all(&open(&folder, MANY, 200), Kind::Begun), []);
}

#[tokio::test]
async fn what_is_over_leaves_its_room_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let few = Limits { entries: 3, bytes: 1_000 };
    let journal = open(&folder, few, 0);
    journal.put(Kind::Answered, row("a", "1", None));
    for key in ["b", "c"] {
        journal.put(Kind::Answered, row(key, "1", Some(100)));
    }
    journal.sweep(100);
    for key in ["d", "e"] {
        journal.put(Kind::Answered, row(key, "1", None));
    }
    journal.close().await;
    let keys: Vec<_> = all(&open(&folder, few, 0), Kind::Answered).into_iter().map(|row| row.key).collect();
    assert_eq!(keys, [b"a", b"d", b"e"]);
}

#[tokio::test]
async fn the_oldest_go_where_there_is_no_room_and_only_of_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    let few = Limits { entries: 3, bytes: 100 };
    let journal = open(&folder, few, 0);
    journal.put(Kind::Begun, row("begun", "1", None));
    for key in ["a", "b", "c", "a", "d"] {
        journal.put(Kind::Answered, row(key, "1", None));
    }
    journal.close().await;
    let journal = open(&folder, few, 0);
    let keys: Vec<_> = all(&journal, Kind::Answered).into_iter().map(|row| row.key).collect();
    assert_eq!(keys, [b"c", b"a", b"d"], "one that was written again is as if new");
    journal.put(Kind::Answered, row("large", &"x".repeat(90), None));
    journal.close().await;
    // What a smaller store may hold is what is left of a larger one.
    let journal = open(&folder, Limits { entries: 3, bytes: 10 }, 0);
    assert_eq!((all(&journal, Kind::Answered), all(&journal, Kind::Begun).len()), (vec![], 1));
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder, MANY, 0);
    journal.waiting.store(BACKLOG, Ordering::Relaxed);
    assert_eq!(journal.keep(Kind::Begun, row("a", "1", None)).await, Err(Unwritten));
    assert_eq!(journal.waiting.load(Ordering::Relaxed), BACKLOG, "what was refused takes no room");
    journal.waiting.store(0, Ordering::Relaxed);
    journal.keep(Kind::Begun, row("a", "1", None)).await.unwrap();
    journal.close().await;
    assert_eq!(journal.waiting.load(Ordering::Relaxed), 0);
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Remove(u8),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_u8..6, any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        2 => (0_u8..6).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn what_is_read_is_what_was_written_last(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut journal = open(&folder, MANY, 0);
        let mut model = BTreeMap::new();
        for step in steps.into_iter().chain([Step::Reopen]) {
            match step {
                Step::Put(key, value) => {
                    model.insert(vec![key], vec![value]);
                    journal.put(Kind::Answered, Row { key: vec![key], value: vec![value], expires: None });
                }
                Step::Remove(key) => {
                    model.remove(&vec![key]);
                    journal.remove(Kind::Answered, vec![key]);
                }
                Step::Reopen => {
                    runtime.block_on(journal.close());
                    journal = open(&folder, MANY, 0);
                    let found: BTreeMap<_, _> =
                        all(&journal, Kind::Answered).into_iter().map(|row| (row.key, row.value)).collect();
                    prop_assert_eq!(&found, &model);
                }
            }
        }
    }
}
