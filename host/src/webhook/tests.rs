//! Webhooks before a server that takes, refuses and hangs up.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers each request with the next of these, and hands over what came.
async fn server(answers: Vec<&'static str>) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, received) = mpsc::channel(16);
    tokio::spawn(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !String::from_utf8_lossy(&request).contains("\r\n\r\n{") || !request.ends_with(b"}") {
                if socket.read_buf(&mut request).await.unwrap() == 0 {
                    break;
                }
            }
            sender.send(String::from_utf8(request).unwrap()).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, received)
}

fn hook(url: &str, events: Vec<&'static str>) -> Hook {
    let second = Duration::from_secs(1);
    let settings = UpstreamSettings {
        base_url: url.to_owned(),
        connect: second,
        first_byte: second,
        idle: second,
        total: second,
        ca_file: None,
        client_cert: None,
        client_key: None,
    };
    Hook::new("ops", settings, Secret::new("sixteen bytes or more"), events).unwrap()
}

fn started(hooks: Vec<Hook>, journal: Option<&Arc<Journal>>) -> Webhooks {
    let hooks = Webhooks::new(hooks, journal);
    hooks.start();
    hooks
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let line = request.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
    line.split_once(": ").unwrap().1
}

#[tokio::test]
async fn an_event_is_sent_again_until_it_is_taken_and_is_signed() {
    let (url, mut received) = server(vec![
        "HTTP/1.1 500 Oh\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 Ok\r\nconnection: close\r\n\r\n",
        "HTTP/1.1 200 Ok\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    ])
    .await;
    let hooks = started(vec![hook(&url, vec!["budget.threshold"])], None);
    hooks.tell("budget.refused", json!({ "budget": "unwanted" }));
    hooks.tell("budget.threshold", json!({ "budget": "team", "part": 0.8 }));
    hooks.tell("budget.threshold", json!({ "budget": "team", "part": 1.0 }));
    // What was told is delivered although nobody tells any more.
    drop(hooks);
    let first = received.recv().await.unwrap();
    let again = received.recv().await.unwrap();
    let next = received.recv().await.unwrap();
    assert_eq!(header(&first, "x-lockgate-delivery"), header(&again, "x-lockgate-delivery"));
    assert!(next.contains("\"part\":1.0") && again.contains("\"part\":0.8"), "{next}");
    assert!(again.starts_with("POST /hook HTTP/1.1\r\n"), "{again}");
    let body = again.split_once("\r\n\r\n").unwrap().1;
    let time = header(&again, "x-lockgate-timestamp").parse().unwrap();
    let signed = sign(&Secret::new("sixteen bytes or more"), time, body.as_bytes());
    assert_eq!(header(&again, "x-lockgate-signature"), signed);
    assert_ne!(signed, sign(&Secret::new("sixteen bytes or less"), time, body.as_bytes()));
    assert_ne!(signed, sign(&Secret::new("sixteen bytes or more"), time + 1, body.as_bytes()));
    assert!(!again.contains("sixteen"));
}

#[test]
fn the_signature_is_the_one_that_is_documented() {
    // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
    let signed = sign(&Secret::new("key"), 1_700_000_000, b"{}");
    assert_eq!(signed, "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae");
}

#[tokio::test]
async fn what_waits_is_bounded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let hooks = started(vec![hook(&url, Vec::new())], None);
    for _ in 0..10 * WAITING {
        hooks.tell("budget.refused", json!({}));
    }
    assert_eq!(hooks.0.first().unwrap().sender.capacity(), 0);
}

#[tokio::test]
async fn what_waited_when_the_process_ended_is_told_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let limits = crate::store::Limits { entries: 1, bytes: 1 };
    let open = || {
        let now = clock::unix_seconds();
        Arc::new(Journal::open(&folder.path().join("state.db"), limits, now).unwrap())
    };
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", nobody.local_addr().unwrap());
    let journal = open();
    let mut other = hook(&url, Vec::new());
    other.name = "op".to_owned();
    let hooks = started(vec![hook(&url, vec!["budget.refused"]), other], Some(&journal));
    for n in 0..2 {
        hooks.tell("budget.refused", json!({ "n": n }));
        hooks.tell("budget.threshold", json!({ "n": n }));
    }
    journal.close().await;

    let ok = "HTTP/1.1 200 Ok\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (url, mut received) = server(vec![ok; 3]).await;
    let journal = open();
    // Hooks that are not begun with take nothing of what waits, whoever they are.
    drop(Webhooks::new(vec![hook(&url, Vec::new())], Some(&journal)));
    let hooks = started(vec![hook(&url, Vec::new())], Some(&journal));
    hooks.start();
    hooks.tell("budget.threshold", json!({ "n": 2 }));
    for n in 0..3 {
        let told = received.recv().await.unwrap();
        let name = if n < 2 { "budget.refused" } else { "budget.threshold" };
        assert!(header(&told, "x-lockgate-event") == name && told.contains(&format!("\"n\":{n}")), "{told}");
        let id = header(&told, "x-lockgate-delivery");
        assert!(told.contains(&format!("\"id\":\"{id}\"")), "{told}");
    }
    // With its hook, all that is delivered is over; what waits for another one stays.
    drop(hooks);
    while Arc::strong_count(&journal) > 1 {
        tokio::task::yield_now().await;
    }
    journal.close().await;
    let left = open().take(Kind::Event, |_| true);
    assert_eq!(left.len(), 4);
    assert!(left.iter().all(|row| row.key.starts_with(b"2:op/")));
    let text: Vec<u8> = left.into_iter().flat_map(|row| row.value).collect();
    assert!(!String::from_utf8(text).unwrap().contains("sixteen"), "the secret is in no journal");
}
