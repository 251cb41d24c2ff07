//! Upstreams against real sockets: a scripted peer that says exactly what a test wants, and the front door
//! of this very crate where TLS and HTTP/2 matter.

#![expect(clippy::unwrap_used, reason = "tests")]

mod faults;
mod reuse;
mod tls;

use super::*;
use bytes::Bytes;
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

fn upstream(url: &str, change: impl FnOnce(&mut UpstreamSettings, &mut PoolSettings)) -> Arc<Upstream> {
    let (mut settings, mut pool) = (UpstreamSettings::new(url), PoolSettings::default());
    change(&mut settings, &mut pool);
    Arc::new(Upstream::with_pool(settings, &pool).unwrap())
}

/// A peer whose connections are handed to the test as they are accepted.
struct Peer {
    url: String,
    accepted: mpsc::UnboundedReceiver<Connection>,
}

/// The peer's end of a connection.
struct Connection(TcpStream);

impl Peer {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (sender, accepted) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if sender.send(Connection(stream)).is_err() {
                    return;
                }
            }
        });
        Self { url, accepted }
    }

    async fn connection(&mut self) -> Connection {
        self.accepted.recv().await.unwrap()
    }

    /// An upstream to this peer.
    fn upstream(&self, change: impl FnOnce(&mut UpstreamSettings, &mut PoolSettings)) -> Arc<Upstream> {
        upstream(&self.url, change)
    }
}

impl Connection {
    /// Reads a request that ends with `end`.
    async fn request(&mut self, end: &str) -> String {
        let mut request = Vec::new();
        while !request.ends_with(end.as_bytes()) {
            assert_ne!(self.0.read_buf(&mut request).await.unwrap(), 0, "closed after {request:?}");
        }
        String::from_utf8(request).unwrap()
    }

    async fn say(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).await.unwrap();
    }

    async fn answer(&mut self, body: &str) {
        self.request("hello").await;
        self.say(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    }

    /// Waits until the other end has closed.
    async fn closed(mut self) {
        let mut rest = Vec::new();
        // A reset closes, too.
        let _ = self.0.read_to_end(&mut rest).await;
    }
}

fn hello(upstream: &Upstream) -> Request<Bytes> {
    let uri = upstream.url("/chat?x=1").unwrap();
    Request::post(uri).body(Bytes::from_static(b"hello")).unwrap()
}

/// Sends a request in the background.
fn sending(upstream: &Arc<Upstream>) -> tokio::task::JoinHandle<Result<UpstreamResponse, UpstreamError>> {
    let (upstream, request) = (upstream.clone(), hello(upstream));
    tokio::spawn(async move { upstream.send(request).await })
}

/// Sends a request and reads the whole answer.
async fn ask(upstream: &Upstream) -> Result<Bytes, UpstreamError> {
    upstream.send(hello(upstream)).await?.body.collect(1 << 20).await
}

#[tokio::test]
async fn what_is_sent_and_what_comes_back() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let mut request = hello(&upstream);
    for (name, value) in [
        ("authorization", "Bearer key"),
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers"),
        ("host", "evil.example"),
        ("content-length", "7"),
        ("accept-encoding", "gzip"),
        ("x-many", "1"),
        ("x-many", "2"),
    ] {
        request.headers_mut().append(name, value.parse().unwrap());
    }
    let sent = tokio::spawn({
        let upstream = upstream.clone();
        async move { upstream.send(request).await }
    });
    let mut connection = peer.connection().await;
    let request = connection.request("hello").await;
    let mut lines: Vec<&str> = request.lines().collect();
    assert_eq!(lines.remove(0), "POST /v1/chat?x=1 HTTP/1.1");
    lines.sort_unstable();
    let host = format!("host: {}", peer.url.trim_start_matches("http://").trim_end_matches("/v1"));
    let expected = [
        "",
        "accept-encoding: identity",
        "authorization: Bearer key",
        "content-length: 5",
        "hello",
        &host,
        concat!("user-agent: lockgate/", env!("CARGO_PKG_VERSION")),
        "x-many: 1",
        "x-many: 2",
    ];
    assert_eq!(lines, expected);

    connection
        .say("HTTP/1.1 429 Too Many\r\nretry-after: 3\r\nconnection: x-hop\r\nx-hop: 1\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let mut response = sent.await.unwrap().unwrap();
    assert_eq!(response.status, 429);
    assert_eq!(response.headers.len(), 1);
    assert_eq!(response.headers.get("retry-after").unwrap(), "3");
    for piece in ["one", "two"] {
        connection.say(&format!("3\r\n{piece}\r\n")).await;
        assert_eq!(response.body.next().await.unwrap().unwrap(), piece);
    }
    connection.say("0\r\nx-trailer: 1\r\n\r\n").await;
    assert!(response.body.next().await.is_none());
    assert!(response.body.next().await.is_none());
}

#[tokio::test]
async fn a_path_is_joined_and_another_place_is_refused() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let sent = tokio::spawn({
        let upstream = upstream.clone();
        async move { upstream.send(Request::get("/models").body(Bytes::new()).unwrap()).await }
    });
    assert!(peer.connection().await.request("\r\n\r\n").await.starts_with("GET /v1/models HTTP/1.1"));
    sent.abort();
    let elsewhere = Request::get("http://evil.example/v1/models").body(Bytes::new()).unwrap();
    let error = upstream.send(elsewhere).await.unwrap_err();
    assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Request, false));
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let mut request = hello(&upstream);
    *request.method_mut() = Method::PUT;
    *request.uri_mut() = upstream.url("/chat?key=hunter2").unwrap();
    request.headers_mut().insert("authorization", "hunter2".parse().unwrap());
    let sent = tokio::spawn({
        let upstream = upstream.clone();
        async move { upstream.send(request).await }
    });
    let mut connection = peer.connection().await;
    connection.request("hello").await;
    connection.say("HTTP/1.1 200 OK\r\nset-cookie: hunter2\r\ncontent-length: 9\r\n\r\nhunter2").await;
    let mut response = sent.await.unwrap().unwrap();
    let mut printed = format!("{upstream:?} {response:?} {:?}", response.body);
    response.body.next().await.unwrap().unwrap();
    drop(connection);
    let error = response.body.next().await.unwrap().unwrap_err();
    printed.push_str(&format!("{error} {error:?} {:?}", UpstreamSettings::new("http://x:hunter2@y")));
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[tokio::test]
async fn dropping_the_request_cancels_it() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let sent = sending(&upstream);
    let mut connection = peer.connection().await;
    connection.request("hello").await;
    sent.abort();
    connection.closed().await;
}

#[tokio::test]
async fn dropping_the_answer_cancels_it() {
    let mut peer = Peer::new().await;
    let upstream = peer.upstream(|_, _| {});
    let sent = sending(&upstream);
    let mut connection = peer.connection().await;
    connection.request("hello").await;
    connection.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n").await;
    let mut response = sent.await.unwrap().unwrap();
    assert_eq!(response.body.next().await.unwrap().unwrap(), "one");
    drop(response);
    connection.closed().await;
    assert_eq!(upstream.pool.counts(), (0, 0), "a connection with half an answer is not used again");
}
