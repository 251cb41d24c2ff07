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
