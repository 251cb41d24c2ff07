//! Listeners with real sockets: protocols, limits, panics, disconnects, the drain, TLS.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

pub(crate) mod certificates;
mod limits;
mod tls;
mod unread;

use super::*;
use crate::shutdown::{Drain, Shutdown};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

type Body = UnsyncBoxBody<Bytes, Infallible>;

fn full(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(text.into()).boxed_unsync())
}

/// A running listener.
struct Running {
    address: SocketAddr,
    drain: Drain,
    serving: JoinHandle<()>,
    open: OpenConnections,
    tls: Option<TlsReloader>,
}

fn settings() -> Settings {
    Settings::new("127.0.0.1:0".parse().unwrap())
}

fn start<F>(
    settings: &Settings,
    service: impl Fn(Request<RequestBody>, ConnectionInfo) -> F + Clone + Send + 'static,
) -> Running
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let server = Server::bind(settings).unwrap();
    let drain = Drain::new(Duration::from_secs(30));
    let (address, open, tls) = (server.local_addr(), server.open_connections(), server.tls_reloader());
    let serving = tokio::spawn(server.serve(service, drain.shutdown()));
    Running { address, drain, serving, open, tls }
}

/// Answers with what it was asked, and by whom.
async fn echo(request: Request<RequestBody>, info: ConnectionInfo) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    full(format!("{} {} {:?} {} {body:?}", head.method, head.uri.path(), head.version, info.peer.ip()))
}

/// Sends bytes and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    rest(&mut stream).await
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end, too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// Reads until this has come.
async fn until(stream: &mut TcpStream, what: &str) -> String {
    let mut answer = String::new();
    while !answer.contains(what) {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the connection ended after {answer:?}");
        answer.push_str(std::str::from_utf8(buffer.get(..read).unwrap()).unwrap());
    }
    answer
}

async fn http2(address: SocketAddr) -> hyper::client::conn::http2::SendRequest<Empty<Bytes>> {
    let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(address: SocketAddr, path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://{address}{path}")).body(Empty::new()).unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Tells when it is dropped.
struct Canary(mpsc::UnboundedSender<()>);

impl Drop for Canary {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn http1_keeps_a_connection_for_several_requests() {
    let server = start(&settings(), echo);
    let first = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi";
    let answer = exchange(
        server.address,
        format!("{first}GET /b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
    )
    .await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.contains("POST /a HTTP/1.1 127.0.0.1 b\"hi\"") && answer.contains("GET /b"), "{answer}");
}

#[tokio::test]
async fn http2_by_prior_knowledge_even_when_its_preface_is_cut() {
    let server = start(&settings(), echo);
    let mut sender = http2(server.address).await;
    let answers =
        [sender.send_request(get(server.address, "/a")), sender.send_request(get(server.address, "/b"))];
    for (answer, path) in std::iter::zip(answers, ["/a", "/b"]) {
        assert!(text(answer.await.unwrap()).await.starts_with(&format!("GET {path} HTTP/2.0")));
    }

    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame.get(3), Some(&4), "the server's SETTINGS");
}

#[tokio::test]
async fn a_method_that_begins_like_the_preface_is_http1() {
    let server = start(&settings(), echo);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for byte in b"PROPFIND / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(rest(&mut stream).await.contains("PROPFIND / HTTP/1.1"));
}

#[tokio::test]
async fn http2_can_be_turned_off() {
    let server = start(&Settings { http2: false, ..settings() }, echo);
    let answer = exchange(server.address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test]
async fn a_panic_ends_one_request_only() {
    let server = start(&settings(), |request: Request<RequestBody>, _| async move {
        assert_eq!(request.uri().path(), "/fine", "made to panic");
        full("fine")
    });
    let two =
        "GET /bad HTTP/1.1\r\nhost: x\r\n\r\nGET /fine HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(server.address, two.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 500") && answer.ends_with("fine"), "{answer}");

    let mut sender = http2(server.address).await;
    assert_eq!(sender.send_request(get(server.address, "/bad")).await.unwrap().status(), 500);
    assert_eq!(sender.send_request(get(server.address, "/fine")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_before_the_answer_and_within_it() {
    let (dropped, mut drops) = mpsc::unbounded_channel();
    let (begun, mut begins) = mpsc::unbounded_channel();
    let server = start(&settings(), move |request: Request<RequestBody>, _| {
        let (canary, begun) = (Canary(dropped.clone()), begun.clone());
        async move {
            begun.send(()).unwrap();
            if request.uri().path() == "/never" {
                let _canary = canary;
                return std::future::pending().await;
            }
            let stream = futures_util::stream::unfold((true, canary), |(first, canary)| async move {
                if !first {
                    std::future::pending::<()>().await;
                }
                Some((Ok(http_body::Frame::data(Bytes::from_static(b"beginning"))), (false, canary)))
            });
            Response::new(StreamBody::new(stream).boxed_unsync())
        }
    });
    for path in ["/never", "/stream"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
        begins.recv().await.unwrap();
        if path == "/stream" {
            until(&mut stream, "beginning").await;
        }
        drop(stream);
        drops.recv().await.unwrap();
    }
    for path in ["/never", "/stream"] {
        let mut sender = http2(server.address).await;
        let answer = sender.send_request(get(server.address, path));
        let answer = tokio::spawn(answer);
        begins.recv().await.unwrap();
        if path == "/stream" {
            let mut answer = answer.await.unwrap().unwrap();
            assert!(answer.frame().await.is_some());
            drop(answer);
        } else {
            answer.abort();
        }
        drops.recv().await.unwrap();
    }
}

#[tokio::test]
async fn draining_finishes_what_is_open_and_takes_nothing_new() {
    let (pieces, source) = mpsc::channel::<Bytes>(1);
    let source = std::sync::Arc::new(parking_lot::Mutex::new(Some(source)));
    let server = start(&settings(), move |_, _| {
        let source = source.lock().take().unwrap();
        let stream = futures_util::stream::unfold(source, |mut source| async move {
            Some((Ok(http_body::Frame::data(source.recv().await?)), source))
        });
        std::future::ready(Response::new(StreamBody::new(stream).boxed_unsync()))
    });
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    pieces.send(Bytes::from_static(b"one")).await.unwrap();
    until(&mut busy, "one").await;
    assert_eq!(server.open.get(), 2);

    server.drain.start();
    assert_eq!(rest(&mut idle).await, "");
    pieces.send(Bytes::from_static(b"two")).await.unwrap();
    until(&mut busy, "two").await;
    assert!(TcpStream::connect(server.address).await.is_err(), "the listener is closed");
    assert!(!server.serving.is_finished());
    drop(pieces);
    assert!(rest(&mut busy).await.ends_with("0\r\n\r\n"), "finished, then closed");
    server.serving.await.unwrap();
    assert_eq!(server.open.get(), 0);
}

#[tokio::test]
async fn aborting_drops_what_is_open() {
    let (dropped, mut drops) = mpsc::unbounded_channel();
    let (begun, mut begins) = mpsc::unbounded_channel();
    let server = start(&settings(), move |_, _| {
        let (canary, begun) = (Canary(dropped.clone()), begun.clone());
        async move {
            begun.send(()).unwrap();
            let _canary = canary;
            std::future::pending().await
        }
    });
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut sender = http2(server.address).await;
    let answer = tokio::spawn(sender.send_request(get(server.address, "/")));
    begins.recv().await.unwrap();
    begins.recv().await.unwrap();
    server.drain.start();
    server.drain.abort();
    server.serving.await.unwrap();
    drops.recv().await.unwrap();
    drops.recv().await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    assert!(answer.await.unwrap().is_err());
}

#[tokio::test]
async fn what_cannot_be_bound_is_told() {
    let server = Server::bind(&settings()).unwrap();
    let taken = Settings { listen: server.local_addr(), ..settings() };
    assert!(matches!(Server::bind(&taken), Err(ServerError::Listen { .. })));
    let zero = Settings { idle_timeout_ms: 0, ..settings() };
    assert_eq!(Server::bind(&zero).err().unwrap().to_string(), "`idle_timeout_ms` must not be 0");
    drop(Shutdown::never());
}
