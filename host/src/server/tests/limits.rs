//! What a client may cost.

use super::*;

#[tokio::test]
async fn malformed_http_is_answered() {
    let server = start(&Settings { max_header_bytes: 1024, ..settings() }, echo);
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "x".repeat(2000));
    for (bytes, status) in [
        ("garbage\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nbad header: x\r\n\r\n", "400"),
        ("GET / HTTP/9.9\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "400"),
        (&long, "431"),
    ] {
        let answer = exchange(server.address, bytes.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{bytes:?}: {answer:?}");
    }
}

#[tokio::test]
async fn large_headers_are_refused_in_http2() {
    let server = start(&Settings { max_header_bytes: 1024, ..settings() }, echo);
    let mut request = get(server.address, "/");
    request.headers_mut().insert("long", "x".repeat(2000).parse().unwrap());
    let answer = http2(server.address).await.send_request(request).await;
    assert!(answer.map_or(true, |answer| answer.status() == 431));
}

#[tokio::test(start_paused = true)]
async fn a_header_that_does_not_end_ends_the_connection() {
    let server = start(&settings(), echo);
    for beginning in ["", "PRI * HT", "GET / HTTP/1.1\r\nhost"] {
        let from = tokio::time::Instant::now();
        assert_eq!(exchange(server.address, beginning.as_bytes()).await, "");
        assert_eq!(from.elapsed().as_secs(), settings().header_timeout().as_secs(), "{beginning:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_header_has_the_same_limit() {
    let server = start(&settings(), echo);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    until(&mut stream, "b\"\"").await;
    let from = tokio::time::Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nhost").await.unwrap();
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(from.elapsed().as_secs(), settings().header_timeout().as_secs());
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed() {
    let server = start(&settings(), echo);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let from = tokio::time::Instant::now();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 200"));
    assert_eq!(from.elapsed().as_secs(), settings().idle_timeout().as_secs());

    let mut sender = http2(server.address).await;
    text(sender.send_request(get(server.address, "/")).await.unwrap()).await;
    let from = tokio::time::Instant::now();
    while sender.ready().await.is_ok() && server.open.get() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(from.elapsed() >= settings().idle_timeout());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_is_dropped() {
    let (dropped, mut drops) = mpsc::unbounded_channel();
    let server = start(&settings(), move |_, _| {
        let stream = futures_util::stream::unfold(Canary(dropped.clone()), |canary| async move {
            Some((Ok(http_body::Frame::data(Bytes::from(vec![0; 1 << 20]))), canary))
        });
        std::future::ready(Response::new(StreamBody::new(stream).boxed_unsync()))
    });
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let from = tokio::time::Instant::now();
    drops.recv().await.unwrap();
    assert_eq!(from.elapsed().as_secs(), settings().write_timeout().as_secs());
}

#[tokio::test]
async fn a_connection_too_many_waits() {
    let server = start(&Settings { max_connections: 1, ..settings() }, echo);
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    until(&mut first, "GET /1").await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(b"GET /2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    // The first is served on, as often as it likes, while the second is not even accepted.
    for _ in 0..20 {
        first.write_all(b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        until(&mut first, "GET /1").await;
        assert_eq!(server.open.get(), 1);
    }
    drop(first);
    assert!(rest(&mut second).await.contains("GET /2"));
}

#[tokio::test]
async fn a_body_over_the_bound_is_told_to_the_service() {
    let server = start(&settings(), |request: Request<RequestBody>, _| async move {
        match body::read_limited(request.into_body(), 4, Duration::from_secs(5)).await {
            Ok(body) => full(body),
            Err(error) => full(error.to_string()),
        }
    });
    for (request, answer) in [
        ("content-length: 4\r\n\r\nfour", "four"),
        ("content-length: 5\r\n\r\n", "the body is larger than 4 bytes"),
        (
            "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            "the body is larger than 4 bytes",
        ),
        ("transfer-encoding: chunked\r\n\r\nzz\r\n", "the body broke off"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{request}");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(until(&mut stream, answer).await.starts_with("HTTP/1.1 200"));
    }
}
