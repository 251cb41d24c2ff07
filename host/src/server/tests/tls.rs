//! TLS: protocols by ALPN, client certificates, reload, handshakes that do not end.

use super::certificates::{Authority, Issued};
use super::*;
use rustls::ClientConfig;
use rustls_pki_types::{PrivateKeyDer, ServerName};
use std::sync::Arc;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

fn with_tls(authority: &Authority, client_ca: Option<&Authority>) -> (Settings, Issued) {
    let issued = authority.issue("server", "localhost");
    let tls = TlsFiles {
        cert: issued.cert.clone(),
        key: issued.key.clone(),
        client_ca: client_ca.map(Authority::ca),
        client_optional: false,
    };
    (Settings { tls: Some(tls), ..settings() }, issued)
}

async fn connect(
    address: SocketAddr,
    authority: &Authority,
    protocols: &[&str],
    client: Option<&Issued>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots());
    let mut config = match client {
        Some(client) => {
            let key = PrivateKeyDer::try_from(client.key_der.clone()).unwrap();
            builder.with_client_auth_cert(vec![client.der.clone()], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Answers with the fingerprint of the client.
async fn whoami(_: Request<RequestBody>, info: ConnectionInfo) -> Response<Body> {
    assert!(info.tls);
    full(
        info.client_identity.map_or_else(|| "nobody".to_owned(), |identity| identity.fingerprint.to_string()),
    )
}

async fn ask(mut stream: TlsStream<TcpStream>) -> std::io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn both_protocols_by_alpn() {
    let authority = Authority::new();
    let (settings, _) = with_tls(&authority, None);
    let server = start(&settings, whoami);
    for protocols in [&["http/1.1"][..], &[]] {
        let stream = connect(server.address, &authority, protocols, None).await.unwrap();
        assert!(ask(stream).await.unwrap().ends_with("nobody"));
    }
    let stream = connect(server.address, &authority, &["h2", "http/1.1"], None).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    assert_eq!(text(sender.send_request(get(server.address, "/")).await.unwrap()).await, "nobody");
}

#[tokio::test]
async fn clients_show_a_certificate_of_the_authority() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (settings, _) = with_tls(&authority, Some(&clients));
    let server = start(&settings, whoami);
    let known = clients.issue("client", "agent");
    let stream = connect(server.address, &authority, &[], Some(&known)).await.unwrap();
    let expected = ClientIdentity::of(&known.der).fingerprint;
    assert_eq!(expected.len(), 64);
    assert!(ask(stream).await.unwrap().ends_with(&*expected));

    let stranger = Authority::new().issue("client", "agent");
    for client in [None, Some(&stranger)] {
        // In TLS 1.3 the refusal may come only with the first read.
        if let Ok(stream) = connect(server.address, &authority, &[], client).await {
            assert!(ask(stream).await.is_err());
        }
    }
}

#[tokio::test]
async fn where_certificates_are_optional_a_wrong_one_is_still_refused() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (mut settings, _) = with_tls(&authority, Some(&clients));
    settings.tls.as_mut().unwrap().client_optional = true;
    let server = start(&settings, whoami);
    let known = clients.issue("client", "agent");
    let stream = connect(server.address, &authority, &[], Some(&known)).await.unwrap();
    assert!(ask(stream).await.unwrap().ends_with(&*ClientIdentity::of(&known.der).fingerprint));
    let stream = connect(server.address, &authority, &[], None).await.unwrap();
    assert!(ask(stream).await.unwrap().ends_with("nobody"));
    let stranger = Authority::new().issue("client", "agent");
    if let Ok(stream) = connect(server.address, &authority, &[], Some(&stranger)).await {
        assert!(ask(stream).await.is_err());
    }
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_a_bad_one_changes_nothing() {
    let authority = Authority::new();
    let (settings, issued) = with_tls(&authority, None);
    let server = start(&settings, whoami);
    let reloader = server.tls.clone().unwrap();
    let shown = |stream: &TlsStream<TcpStream>| {
        stream.get_ref().1.peer_certificates().unwrap().first().unwrap().clone()
    };

    let before = connect(server.address, &authority, &[], None).await.unwrap();
    assert_eq!(shown(&before), issued.der);
    let renewed = authority.issue("server", "localhost");
    reloader.reload().unwrap();
    let after = connect(server.address, &authority, &[], None).await.unwrap();
    assert_eq!(shown(&after), renewed.der);
    assert!(ask(before).await.unwrap().ends_with("nobody"), "open connections go on");

    std::fs::write(&issued.cert, "no certificate").unwrap();
    assert!(matches!(reloader.reload(), Err(TlsError::Empty { .. })));
    std::fs::remove_file(&issued.key).unwrap();
    std::fs::copy(authority.ca(), &issued.cert).unwrap();
    assert!(matches!(reloader.reload(), Err(TlsError::File { what: "a private key", .. })));
    let after = connect(server.address, &authority, &[], None).await.unwrap();
    assert_eq!(shown(&after), renewed.der);
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let authority = Authority::new();
    let (mut settings, _) = with_tls(&authority, None);
    settings.tls.as_mut().unwrap().key = authority.issue("other", "localhost").key;
    let Err(error) = Server::bind(&settings) else { panic!("bound") };
    assert!(matches!(error, ServerError::Tls { source: TlsError::Invalid(_), .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end_ends_the_connection() {
    let authority = Authority::new();
    let (settings, _) = with_tls(&authority, None);
    let server = start(&settings, whoami);
    let from = tokio::time::Instant::now();
    assert_eq!(exchange(server.address, &[0x16, 0x03, 0x01]).await, "");
    assert_eq!(from.elapsed().as_secs(), settings.header_timeout().as_secs());
}
