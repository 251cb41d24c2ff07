//! TLS and HTTP/2 towards providers, against this crate's own front door.

use super::*;
use crate::server::tests::certificates::Authority;
use crate::server::{ConnectionInfo, OpenConnections, RequestBody, Server, Settings, TlsFiles};
use crate::shutdown::Shutdown;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use std::convert::Infallible;
use tokio::sync::Notify;

type Body = UnsyncBoxBody<Bytes, Infallible>;

struct Provider {
    url: String,
    open: OpenConnections,
}

fn provide<F>(
    authority: Option<&Authority>,
    clients: Option<&Authority>,
    service: impl Fn(Request<RequestBody>, ConnectionInfo) -> F + Clone + Send + 'static,
) -> Provider
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut settings = Settings::new("127.0.0.1:0".parse().unwrap());
    settings.tls = authority.map(|authority| {
        let issued = authority.issue("server", "localhost");
        TlsFiles {
            cert: issued.cert,
            key: issued.key,
            client_ca: clients.map(Authority::ca),
            client_optional: false,
        }
    });
    let server = Server::bind(&settings).unwrap();
    let (port, open) = (server.local_addr().port(), server.open_connections());
    tokio::spawn(server.serve(service, Shutdown::never()));
    let scheme = if authority.is_some() { "https" } else { "http" };
    Provider { url: format!("{scheme}://localhost:{port}/v1"), open }
}

/// Says which protocol it was asked in, for which host, and by whom.
async fn describe(request: Request<RequestBody>, info: ConnectionInfo) -> Response<Body> {
    let host = request.uri().host().map(str::to_owned);
    let who = info.client_identity.map(|identity| identity.fingerprint.len());
    let text = format!("{:?} {host:?} {who:?}", request.version());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "hello");
    Response::new(Full::new(Bytes::from(text)).boxed_unsync())
}

fn trusting(
    provider: &Provider,
    ca: &Authority,
    change: impl FnOnce(&mut UpstreamSettings, &mut PoolSettings),
) -> Arc<Upstream> {
    upstream(&provider.url, |settings, pool| {
        settings.ca_file = Some(ca.ca());
        change(settings, pool);
    })
}

#[tokio::test]
async fn http2_where_offered_and_wanted() {
    let authority = Authority::new();
    let provider = provide(Some(&authority), None, describe);
    for (http2, said) in [
        (Http2::Auto, "HTTP/2.0 Some(\"localhost\") None"),
        (Http2::Always, "HTTP/2.0 Some(\"localhost\") None"),
        (Http2::Never, "HTTP/1.1 None None"),
    ] {
        let upstream = trusting(&provider, &authority, |_, pool| pool.http2 = http2);
        assert_eq!(ask(&upstream).await.unwrap(), said);
        assert_eq!(ask(&upstream).await.unwrap(), said);
    }
    let plain = provide(None, None, describe);
    assert!(ask(&upstream(&plain.url, |_, _| {})).await.unwrap().starts_with(b"HTTP/1.1"));
    let knowing = upstream(&plain.url, |_, pool| pool.http2 = Http2::Always);
    assert!(ask(&knowing).await.unwrap().starts_with(b"HTTP/2.0"));
}

#[tokio::test]
async fn requests_share_an_http2_connection_up_to_a_number() {
    let authority = Authority::new();
    let gate = Arc::new(Notify::new());
    let (asked, mut asks) = mpsc::unbounded_channel();
    let provider = provide(Some(&authority), None, {
        let gate = gate.clone();
        move |request, info| {
            let (gate, asked) = (gate.clone(), asked.clone());
            async move {
                asked.send(()).unwrap();
                gate.notified().await;
                describe(request, info).await
            }
        }
    });
    let upstream = trusting(&provider, &authority, |_, pool| {
        pool.http2 = Http2::Always;
        pool.max_http2_streams = 10;
    });
    let mut sent = Vec::new();
    for (requests, connections) in [(10, 1), (5, 2)] {
        sent.extend((0..requests).map(|_| sending(&upstream)));
        for _ in 0..requests {
            asks.recv().await.unwrap();
        }
        assert_eq!((provider.open.get(), upstream.pool.counts()), (connections, (0, connections)));
    }
    for _ in 0..sent.len() {
        gate.notify_one();
    }
    for sent in sent {
        sent.await.unwrap().unwrap().body.collect(99).await.unwrap();
    }
}

#[tokio::test]
async fn dropping_cancels_one_http2_request_only() {
    let authority = Authority::new();
    let (dropped, mut drops) = mpsc::unbounded_channel();
    struct Canary(mpsc::UnboundedSender<()>);
    impl Drop for Canary {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let provider = provide(Some(&authority), None, move |_, _| {
        let stream =
            futures_util::stream::unfold((0, Canary(dropped.clone())), |(said, canary)| async move {
                if said > 0 {
                    std::future::pending::<()>().await;
                }
                Some((Ok(http_body::Frame::data(Bytes::from_static(b"one"))), (said + 1, canary)))
            });
        std::future::ready(Response::new(StreamBody::new(stream).boxed_unsync()))
    });
    let upstream = trusting(&provider, &authority, |_, _| {});
    for _ in 0..3 {
        let mut response = upstream.send(hello(&upstream)).await.unwrap();
        assert_eq!(response.body.next().await.unwrap().unwrap(), "one");
        drop(response);
        drops.recv().await.unwrap();
        assert_eq!(provider.open.get(), 1);
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let authority = Authority::new();
    let provider = provide(Some(&authority), None, describe);
    let elsewhere = |settings: &mut UpstreamSettings, _: &mut PoolSettings| {
        settings.base_url = provider.url.replace("localhost", "127.0.0.1")
    };
    for upstream in
        [trusting(&provider, &Authority::new(), |_, _| {}), trusting(&provider, &authority, elsewhere)]
    {
        let error = ask(&upstream).await.unwrap_err();
        assert_eq!((error.kind, error.retryable), (UpstreamErrorKind::Tls, true));
    }
    let system = Upstream::new(UpstreamSettings::new(&provider.url)).unwrap();
    assert_eq!(ask(&system).await.unwrap_err().kind, UpstreamErrorKind::Tls);
}

#[tokio::test]
async fn a_client_certificate_is_shown() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let provider = provide(Some(&authority), Some(&clients), describe);
    let issued = clients.issue("client", "gateway");
    let known = trusting(&provider, &authority, |settings, _| {
        settings.client_cert = Some(issued.cert.clone());
        settings.client_key = Some(issued.key.clone());
    });
    assert_eq!(ask(&known).await.unwrap(), "HTTP/2.0 Some(\"localhost\") Some(64)");
    // In TLS 1.3 the client learns only afterwards that its certificate was wanted.
    assert!(ask(&trusting(&provider, &authority, |_, _| {})).await.is_err());
}

#[tokio::test]
async fn files_that_are_not_usable_are_told() {
    let authority = Authority::new();
    let issued = authority.issue("client", "gateway");
    let other = authority.issue("other", "gateway");
    let refused = |change: &dyn Fn(&mut UpstreamSettings)| {
        let mut settings = UpstreamSettings::new("https://localhost");
        change(&mut settings);
        Upstream::new(settings).unwrap_err()
    };
    let half = refused(&|settings| settings.client_cert = Some(issued.cert.clone()));
    assert!(matches!(half, UpstreamSetupError::Tls(UpstreamTlsError::Half)));
    let missing = refused(&|settings| settings.ca_file = Some("/nowhere.pem".into()));
    assert!(matches!(missing, UpstreamSetupError::Tls(UpstreamTlsError::File { what: "certificates", .. })));
    let empty = refused(&|settings| settings.ca_file = Some(issued.key.clone()));
    assert!(matches!(empty, UpstreamSetupError::Tls(UpstreamTlsError::Empty { .. })));
    let mixed = refused(&|settings| {
        settings.client_cert = Some(issued.cert.clone());
        settings.client_key = Some(other.key.clone());
    });
    assert!(matches!(mixed, UpstreamSetupError::Tls(UpstreamTlsError::Invalid(_))));
}
