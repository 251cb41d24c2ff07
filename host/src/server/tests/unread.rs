//! Bodies that the service does not read.

use super::*;

/// Refuses without looking at the body, and tells that it was asked.
fn refusing(
    asked: mpsc::UnboundedSender<()>,
) -> impl Fn(Request<RequestBody>, ConnectionInfo) -> std::future::Ready<Response<Body>> + Clone + Send + 'static
{
    move |_, _| {
        let _ = asked.send(());
        std::future::ready(full("refused"))
    }
}

#[tokio::test]
async fn a_connection_goes_on_behind_a_small_body_that_comes_late() {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let server = start(&settings(), refusing(asked));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    for head in ["content-length: 5\r\n\r\n", "transfer-encoding: chunked\r\n\r\n"] {
        stream.write_all(format!("POST / HTTP/1.1\r\nhost: x\r\n{head}").as_bytes()).await.unwrap();
        asks.recv().await.unwrap();
        let body: &[u8] = if head.contains("chunked") { b"5\r\nlater\r\n0\r\n\r\n" } else { b"later" };
        stream.write_all(body).await.unwrap();
        let answer = until(&mut stream, "refused").await;
        assert!(!answer.contains("connection: close"), "{answer}");
    }
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut stream).await.contains("refused"));
}

#[tokio::test]
async fn a_large_body_ends_the_connection_but_not_before_the_answer_is_read() {
    let (asked, _asks) = mpsc::unbounded_channel();
    let server = start(&settings(), refusing(asked));
    // More than sockets hold between them: the client is still sending when its answer is ready.
    let length = 64 << 20;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; length]).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("connection: close") && answer.ends_with("refused"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_ends_the_connection() {
    let (asked, _asks) = mpsc::unbounded_channel();
    let server = start(&settings(), refusing(asked));
    let answer = async {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n").await.unwrap();
        let answer = until(&mut stream, "refused").await;
        assert_eq!(stream.read(&mut [0; 8]).await.unwrap(), 0);
        answer
    };
    let from = tokio::time::Instant::now();
    assert!(answer.await.contains("connection: close"));
    assert!(from.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_client_that_waits_to_be_told_is_not_told_to_send() {
    let (asked, _asks) = mpsc::unbounded_channel();
    let server = start(&settings(), refusing(asked));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = until(&mut stream, "refused").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
}
