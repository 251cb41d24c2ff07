//! Providers that hang, break off, talk nonsense or too much.

use super::*;

fn seconds(from: Instant) -> u64 {
    from.elapsed().as_secs()
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(&Upstream::new(UpstreamSettings::new(url)).unwrap()).await.unwrap_err();
    assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Connect, true), "{error:?}");
}

/// What becomes of an answer that the peer leaves off with: the error, and how much came before it.
async fn broken(said: &str) -> (UpstreamErrorKind, bool, usize) {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let sent = sending(&upstream);
    let mut connection = peer.connection().await;
    connection.request("hello").await;
    connection.say(said).await;
    drop(connection);
    let mut body = match sent.await.unwrap() {
        Ok(response) => response.body,
        Err(error) => return (error.kind, error.retryable, 0),
    };
    let mut came = 0;
    loop {
        match body.next().await.unwrap() {
            Ok(piece) => came += piece.len(),
            Err(error) => {
                assert!(body.next().await.is_none());
                assert_eq!(upstream.pool.counts(), (0, 0));
                return (error.kind, error.retryable, came);
            }
        }
    }
}

#[tokio::test]
async fn answers_that_break_off_are_never_complete() {
    use UpstreamErrorKind::{Protocol, Reset};
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (said, expected) in [
        ("", (Reset, true, 0)),
        ("HTTP/1.1 200 OK\r\ncontent-", (Reset, true, 0)),
        ("SSH-2.0-OpenSSH\r\n\r\n", (Protocol, false, 0)),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", (Reset, false, 4)),
        (&format!("{chunked}4\r\nhalf\r\n"), (Reset, false, 4)),
        (&format!("{chunked}4\r\nhalf\r\nzz\r\n"), (Protocol, false, 4)),
    ] {
        assert_eq!(broken(said).await, expected, "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end() {
    let peer = Peer::new().await;
    let upstream = peer.upstream(|settings, _| settings.base_url = peer.url.replace("http://", "https://"));
    let from = Instant::now();
    let error = ask(&upstream).await.unwrap_err();
    assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Timeout(Phase::Connect), true));
    assert_eq!(seconds(from), 10);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_begin() {
    let peer = Peer::new().await;
    let upstream = peer.upstream(|settings, _| settings.first_byte = Duration::from_secs(20));
    let from = Instant::now();
    let error = ask(&upstream).await.unwrap_err();
    assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Timeout(Phase::FirstByte), true));
    assert_eq!(seconds(from), 20);
}

/// An answer that says something every so often, in seconds.
async fn dripping(every: u64, idle: u64, total: u64) -> (UpstreamErrorKind, u64) {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|settings, _| {
        settings.idle = Duration::from_secs(idle);
        settings.total = Duration::from_secs(total);
    });
    let from = Instant::now();
    let sent = sending(&upstream);
    let mut connection = peer.connection().await;
    connection.request("hello").await;
    connection.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let mut body = sent.await.unwrap().unwrap().body;
    let drip = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(every)).await;
            if connection.0.write_all(b"1\r\n.\r\n").await.is_err() {
                return;
            }
        }
    });
    loop {
        if let Err(error) = body.next().await.unwrap() {
            assert!(!error.retryable);
            let took = seconds(from);
            // The peer sees the close.
            drip.await.unwrap();
            return (error.kind, took);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_and_length_are_bounded_apart() {
    assert_eq!(dripping(30, 20, 100).await, (UpstreamErrorKind::Timeout(Phase::Idle), 20));
    assert_eq!(dripping(15, 20, 100).await, (UpstreamErrorKind::Timeout(Phase::Total), 100));
}

#[tokio::test]
async fn too_much_is_refused() {
    for (limit, collected, kind) in [
        (5, 100, Some(UpstreamErrorKind::TooLarge)),
        (100, 5, Some(UpstreamErrorKind::TooLarge)),
        (6, 6, None),
    ] {
        let mut peer = Peer::new().await;
        let upstream = peer.upstream(|_, pool| pool.max_response_bytes = limit);
        let sent = sending(&upstream);
        let mut connection = peer.connection().await;
        connection.request("hello").await;
        connection
            .say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
            .await;
        let collected = sent.await.unwrap().unwrap().body.collect(collected).await;
        assert_eq!(collected.as_ref().err().map(|error| error.kind), kind);
        match kind {
            Some(_) => connection.closed().await,
            None => assert_eq!(collected.unwrap(), "abcdef"),
        }
    }
}
