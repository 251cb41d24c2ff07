//! A store with and without a journal, and those who ask of it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use super::super::bounded::Limits;
use super::*;

const OWNER: [&str; 2] = ["acme", "web"];
const ONE: Fingerprint = [1; 32];

fn store(max_answer_bytes: usize) -> Arc<Idempotency> {
    let limits = Limits { entries: 10, bytes: 1_000_000 };
    Arc::new(Idempotency::new(Settings { ttl: Duration::from_secs(60), limits, max_answer_bytes }, None))
}

fn first(store: &Arc<Idempotency>) -> Recorder {
    match store.claim(OWNER, "key", ONE) {
        Claim::First(recorder) => recorder,
        _ => panic!("not the first"),
    }
}

fn again(store: &Arc<Idempotency>) -> Arc<Recording> {
    match store.claim(OWNER, "key", ONE) {
        Claim::Again(recording) => recording,
        _ => panic!("not another one"),
    }
}

async fn read(recording: &Recording) -> (Option<StatusCode>, Vec<Bytes>, End) {
    let head = recording.head().await.ok().map(|(status, _)| status);
    let mut pieces = Vec::new();
    loop {
        match recording.piece(pieces.len()).await {
            Ok(piece) => pieces.push(piece),
            Err(end) => return (head, pieces, end),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_reads_the_same_while_it_comes_and_later() {
    let store = store(1_000);
    let recorder = first(&store);
    let meanwhile = again(&store);
    let reading = tokio::spawn(async move { read(&meanwhile).await });
    tokio::task::yield_now().await;
    recorder.head(StatusCode::OK, HeaderMap::new());
    recorder.push("a".into());
    tokio::task::yield_now().await;
    recorder.push("b".into());
    recorder.end(End::Whole, true);
    let answer = (Some(StatusCode::OK), vec![Bytes::from("a"), Bytes::from("b")], End::Whole);
    assert_eq!(reading.await.unwrap(), answer);
    assert_eq!(read(&again(&store)).await, answer);
    tokio::time::advance(Duration::from_secs(61)).await;
    drop(first(&store));
}

#[tokio::test]
async fn a_key_stands_for_one_request_of_one_owner() {
    let store = store(1_000);
    let recorder = first(&store);
    assert!(matches!(store.claim(OWNER, "key", [2; 32]), Claim::Taken));
    assert!(matches!(store.claim(["acme", "other"], "key", [2; 32]), Claim::First(_)));
    assert!(matches!(store.claim(["other", "web"], "key", [2; 32]), Claim::First(_)));
    recorder.end(End::Whole, true);
    assert!(matches!(store.claim(OWNER, "key", [2; 32]), Claim::Taken));
}

#[tokio::test]
async fn what_is_not_to_be_kept_frees_the_key() {
    let store = store(1_000);
    let recorder = first(&store);
    let meanwhile = again(&store);
    recorder.head(StatusCode::BAD_GATEWAY, HeaderMap::new());
    recorder.end(End::Whole, false);
    assert_eq!(read(&meanwhile).await, (Some(StatusCode::BAD_GATEWAY), vec![], End::Whole));
    drop(first(&store));
    assert_eq!(read(&again(&store)).await, (None, vec![], End::Unknown), "dropped without a word");
}

#[tokio::test]
async fn of_what_is_too_large_it_is_known_that_it_was_given() {
    let store = store(100);
    let recorder = first(&store);
    let meanwhile = again(&store);
    recorder.head(StatusCode::OK, HeaderMap::new());
    recorder.push(vec![0; 200].into());
    recorder.end(End::Whole, true);
    assert_eq!(read(&meanwhile).await.1.len(), 1, "who was there reads it");
    assert_eq!(read(&again(&store)).await, (None, vec![], End::TooLarge));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_is_the_first() {
    let store = store(1_000);
    let tasks = (0..64).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            match store.claim(OWNER, "key", ONE) {
                Claim::First(recorder) => {
                    tokio::task::yield_now().await;
                    recorder.head(StatusCode::OK, HeaderMap::new());
                    recorder.end(End::Whole, true);
                    1
                }
                Claim::Again(recording) => {
                    assert_eq!(read(&recording).await.0, Some(StatusCode::OK));
                    0
                }
                Claim::Taken | Claim::Full => panic!("neither"),
            }
        })
    });
    let mut firsts = 0;
    for task in tasks.collect::<Vec<_>>() {
        firsts += task.await.unwrap();
    }
    assert_eq!(firsts, 1);
}

#[tokio::test]
async fn who_waits_for_the_end_waits_for_all() {
    let store = store(1_000);
    store.settled().await;
    let (one, other) = (claim(&store, "one"), claim(&store, "other"));
    let waiting = store.clone();
    let waiting = tokio::spawn(async move { waiting.settled().await });
    one.end(End::Whole, true);
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(other);
    waiting.await.unwrap();
}

/// A store of the journal in a folder, and the journal.
fn kept(folder: &tempfile::TempDir, max_answer_bytes: usize) -> (Arc<Idempotency>, Arc<Journal>) {
    let limits = Limits { entries: 10, bytes: 1_000_000 };
    let journal = Journal::open(&folder.path().join("state.db"), limits, unix_seconds()).unwrap();
    let journal = Arc::new(journal);
    let settings = Settings { ttl: Duration::from_secs(60), limits, max_answer_bytes };
    (Arc::new(Idempotency::new(settings, Some(journal.clone()))), journal)
}

fn claim(store: &Arc<Idempotency>, name: &str) -> Recorder {
    match store.claim(OWNER, name, ONE) {
        Claim::First(recorder) => recorder,
        _ => panic!("not the first"),
    }
}

#[tokio::test]
async fn after_a_restart_a_key_stands_for_its_answer_or_for_nobody_knows() {
    let folder = tempfile::tempdir().unwrap();
    let (store, journal) = kept(&folder, 1_000);
    let mut whole = claim(&store, "whole");
    let (mut refused, mut large, mut open) =
        (claim(&store, "refused"), claim(&store, "large"), claim(&store, "open"));
    for recorder in [&mut whole, &mut refused, &mut large, &mut open] {
        recorder.begun().await.unwrap();
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-odd", http::HeaderValue::from_bytes(b"caf\xe9").unwrap());
    headers.append("x-two", http::HeaderValue::from_static("1"));
    headers.append("x-two", http::HeaderValue::from_static("2"));
    whole.head(StatusCode::CREATED, headers.clone());
    whole.push("a".into());
    whole.push("b".into());
    whole.end(End::Whole, true);
    refused.head(StatusCode::BAD_REQUEST, HeaderMap::new());
    refused.end(End::Whole, false);
    large.head(StatusCode::OK, HeaderMap::new());
    large.push(vec![0; 2_000].into());
    large.end(End::Whole, true);
    open.head(StatusCode::OK, HeaderMap::new());
    open.push("half an ans".into());
    // What follows the others in the journal is there when they are; the one that is open ends with its process.
    journal.keep(Kind::Opinion, Row { key: vec![], value: vec![], expires: None }).await.unwrap();
    std::mem::forget(open);

    let (store, _journal) = kept(&folder, 1_000);
    let again = |name| match store.claim(OWNER, name, ONE) {
        Claim::Again(recording) => recording,
        _ => panic!("not another one"),
    };
    assert_eq!(again("whole").head().await.unwrap(), (StatusCode::CREATED, headers));
    assert_eq!(read(&again("whole")).await, (Some(StatusCode::CREATED), vec!["ab".into()], End::Whole));
    assert_eq!(read(&again("large")).await, (None, vec![], End::TooLarge));
    assert_eq!(read(&again("open")).await, (None, vec![], End::Unknown));
    assert!(matches!(store.claim(OWNER, "open", [2; 32]), Claim::Taken));
    claim(&store, "refused").end(End::Whole, false);
}

#[tokio::test]
async fn a_beginning_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (store, journal) = kept(&folder, 1_000);
    journal.close().await;
    let mut recorder = claim(&store, "key");
    assert_eq!(recorder.begun().await, Err(Unwritten));
    recorder.end(End::Whole, false);
    claim(&store, "key").end(End::Whole, false);
}

#[tokio::test]
async fn of_an_answer_that_cannot_be_written_it_stays_known_that_its_request_had_begun() {
    let folder = tempfile::tempdir().unwrap();
    let (store, journal) = kept(&folder, 1_000);
    let mut recorder = claim(&store, "key");
    recorder.begun().await.unwrap();
    recorder.head(StatusCode::OK, HeaderMap::new());
    journal.close().await;
    recorder.end(End::Whole, true);
    let (store, _journal) = kept(&folder, 1_000);
    let Claim::Again(recording) = store.claim(OWNER, "key", ONE) else { panic!("it is made again") };
    assert_eq!(read(&recording).await, (None, vec![], End::Unknown));
}

#[test]
fn what_no_version_wrote_is_nothing_and_makes_nothing_again() {
    let written = {
        let recording = Recording::new(ONE);
        recording.begin(StatusCode::OK, HeaderMap::new());
        recording.push("body".into());
        recording.written(End::Whole)
    };
    assert!(Recording::read(written.clone()).is_some());
    for end in 0..written.len() - "body".len() {
        assert!(Recording::read(written[..end].to_vec()).is_none(), "{end}");
    }
    let store = store(1_000);
    store.restore(&key(["acme", "web", "key"]), Recording::read(vec![1, 2, 3]), None);
    assert!(matches!(store.claim(OWNER, "key", ONE), Claim::Taken));
}
