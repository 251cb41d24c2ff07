//! The pool: connections used again, closed under our hands, given up when old.

use super::*;

#[tokio::test]
async fn one_connection_serves_requests_one_after_the_other() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let asking = tokio::spawn({
        let upstream = upstream.clone();
        async move {
            for _ in 0..100 {
                assert_eq!(ask(&upstream).await.unwrap(), "yes");
            }
        }
    });
    let mut connection = peer.connection().await;
    for _ in 0..100 {
        connection.answer("yes").await;
    }
    asking.await.unwrap();
    assert!(peer.accepted.is_empty());
    assert_eq!(upstream.pool.counts(), (1, 0));
}

#[tokio::test]
async fn an_answer_without_a_body_gives_its_connection_back() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let sent = sending(&upstream);
    let mut connection = peer.connection().await;
    connection.answer("").await;
    let response = sent.await.unwrap().unwrap();
    assert_eq!(upstream.pool.counts(), (1, 0));
    assert_eq!(response.body.collect(1).await.unwrap(), "");
}

/// Begins an answer whose body is not over when it is let go.
async fn let_go(peer: &mut Peer, upstream: &Arc<Upstream>, more: &str) -> Connection {
    let sent = sending(upstream);
    let mut connection = peer.connection().await;
    connection.request("hello").await;
    connection
        .say(&format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ndone\r\n{more}"))
        .await;
    let mut body = sent.await.unwrap().unwrap().body;
    assert_eq!(body.next().await.unwrap().unwrap(), "done");
    body.let_go();
    connection
}

async fn kept(upstream: &Upstream) {
    while upstream.pool.counts() != (1, 0) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_let_go_just_before_its_end_gives_its_connection_back() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let mut connection = let_go(&mut peer, &upstream, "").await;
    assert_eq!(upstream.pool.counts(), (0, 0));
    connection.say("1\r\n \r\n0\r\n\r\n").await;
    kept(&upstream).await;
    let again = sending(&upstream);
    connection.answer("").await;
    again.await.unwrap().unwrap();

    let mut other = Peer::new().await;
    let upstream = other.upstream(|_, _| {});
    let _connection = let_go(&mut other, &upstream, "0\r\n\r\n").await;
    kept(&upstream).await;
}

#[tokio::test]
async fn what_does_not_end_after_it_was_let_go_is_closed() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let mut connection = let_go(&mut peer, &upstream, "").await;
    let piece = format!("400\r\n{}\r\n", "x".repeat(1024));
    while connection.0.write_all(piece.as_bytes()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(upstream.pool.counts(), (0, 0));
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_not_used() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    for _ in 0..3 {
        let sent = sending(&upstream);
        let mut connection = peer.connection().await;
        connection.answer("yes").await;
        assert_eq!(sent.await.unwrap().unwrap().body.collect(9).await.unwrap(), "yes");
    }
}

/// Asks once, so that a connection lies in the pool.
async fn warmed(peer: &mut Peer, upstream: &Arc<Upstream>) -> Connection {
    let sent = sending(upstream);
    let mut connection = peer.connection().await;
    connection.answer("first").await;
    assert_eq!(sent.await.unwrap().unwrap().body.collect(9).await.unwrap(), "first");
    connection
}

#[tokio::test]
async fn a_connection_closed_as_it_is_used_is_replaced_once() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let mut stale = warmed(&mut peer, &upstream).await;
    let sent = sending(&upstream);
    stale.request("hello").await;
    drop(stale);
    let mut fresh = peer.connection().await;
    fresh.answer("second").await;
    assert_eq!(sent.await.unwrap().unwrap().body.collect(9).await.unwrap(), "second");

    let sent = sending(&upstream);
    fresh.request("hello").await;
    drop(fresh);
    let mut fresh = peer.connection().await;
    fresh.request("hello").await;
    drop(fresh);
    let error = sent.await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Reset, true));
    assert!(peer.accepted.is_empty(), "it is not sent a third time");
}

#[tokio::test]
async fn a_new_connection_that_is_closed_is_not_replaced() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let sent = sending(&upstream);
    let mut connection = peer.connection().await;
    connection.request("hello").await;
    drop(connection);
    assert_eq!(sent.await.unwrap().unwrap_err().kind, UpstreamErrorKind::Reset);
    assert!(peer.accepted.is_empty());
}

#[tokio::test]
async fn what_has_begun_to_answer_is_not_asked_again() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let mut connection = warmed(&mut peer, &upstream).await;
    let sent = sending(&upstream);
    connection.request("hello").await;
    connection.say("nonsense\r\n\r\n").await;
    let error = sent.await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Protocol, false));
    assert!(peer.accepted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_worked_on_is_not_asked_again() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let mut connection = warmed(&mut peer, &upstream).await;
    let sent = sending(&upstream);
    connection.request("hello").await;
    tokio::time::sleep(STALE_WINDOW).await;
    drop(connection);
    let error = sent.await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Reset, true));
    assert!(peer.accepted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_without_being_asked() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let connection = warmed(&mut peer, &upstream).await;
    let from = Instant::now();
    connection.closed().await;
    assert!(from.elapsed() <= PoolSettings::default().idle_timeout() * 2);
    assert_eq!(upstream.pool.counts(), (0, 0));
}

#[tokio::test]
async fn no_more_idle_connections_are_kept_than_allowed() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, pool| pool.max_idle_connections = 1);
    let (first, second) = (sending(&upstream), sending(&upstream));
    let (mut one, mut two) = (peer.connection().await, peer.connection().await);
    tokio::join!(one.answer("yes"), two.answer("yes"));
    for sent in [first, second] {
        assert_eq!(sent.await.unwrap().unwrap().body.collect(9).await.unwrap(), "yes");
    }
    assert_eq!(upstream.pool.counts(), (1, 0));
}
