//! Who asks without a key of ours: tokens of an identity provider, and client certificates.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use crate::support::{Gateway, ask, config, soon};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use lockgate_client::Answer;
use lockgate_upstream::{Recorded, Reply, Upstream};
use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An identity provider, and the key that it signs with.
struct Provider {
    server: Upstream,
    pair: Ed25519KeyPair,
}

impl Provider {
    async fn start() -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x }] });
        let handler = move |request: &Recorded| match request.path.as_str() {
            "/keys" => Reply::status(200, keys.clone()),
            _ => {
                let origin = format!("http://{}", request.header("host").unwrap());
                Reply::status(200, json!({ "issuer": origin, "jwks_uri": format!("{origin}/keys") }))
            }
        };
        Self { server: Upstream::start(handler).await.unwrap(), pair }
    }

    fn token(&self, audience: &str, more: &Value) -> String {
        let ends = lockgate::clock::unix_seconds() + 300;
        let mut claims = json!({ "iss": self.server.origin(), "aud": audience, "exp": ends, "sub": "ada" });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let parts = [json!({ "alg": "EdDSA", "kid": "k" }), claims];
        let signed = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes())))
    }
}

fn with_provider(upstream: &Upstream, provider: &Provider) -> Value {
    let mut config = config(upstream, json!([]));
    let issuer = provider.server.origin();
    config["identity"] = json!({ "issuers": [
        {
            "name": "corp", "issuer": issuer, "audience": ["models"],
            "claims": { "tenant": "org", "team": "team", "agent": "/act/sub" },
            "permissions": { "models": ["gpt-test"] },
        },
        {
            "name": "staff", "issuer": issuer, "audience": ["lockgate-admin"],
            "admin": { "claim": "groups", "roles": { "platform": "owner", "support": "viewer" } },
        },
    ] });
    config
}

async fn chat(gateway: &Gateway, token: &str) -> Answer {
    soon("an answer", gateway.anybody().with_key(token).chat(&ask("hi"))).await.unwrap()
}

#[tokio::test]
async fn a_token_of_the_identity_provider_is_who_asks() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let provider = Provider::start().await;
    let mut config = with_provider(&upstream, &provider);
    config["log"] = json!({ "level": "trace" });
    config["rate_limits"] = json!({ "each": { "by": ["user"], "requests": 2, "per": "hour" } });
    let gateway = Gateway::start(&config).await;
    let acme = json!({ "org": "acme", "team": "core", "act": { "sub": "agent-7" } });
    let token = provider.token("models", &acme);
    assert_eq!(chat(&gateway, &token).await.status, 200);
    let again = provider.token("models", &json!({ "org": "acme", "jti": "another" }));
    assert_eq!(chat(&gateway, &again).await.status, 200);
    assert_eq!(chat(&gateway, &token).await.status, 429, "both were of the same user");
    let bob = provider.token("models", &json!({ "org": "acme", "sub": "bob" }));
    assert_eq!(chat(&gateway, &bob).await.status, 200);
    let models = gateway.anybody().with_key(&bob).get("/v1/models/other").await.unwrap();
    assert_eq!(models.status, 404);
    let expired = json!({ "org": "acme", "exp": 1 });
    let claims = [
        ("models", json!({ "org": "nobody" })),
        ("models", json!({})),
        ("somebody", acme.clone()),
        ("lockgate-admin", json!({ "org": "acme", "groups": ["platform"] })),
        ("models", expired),
    ];
    let mut bodies = Vec::new();
    for (audience, claims) in claims {
        let refused = chat(&gateway, &provider.token(audience, &claims)).await;
        assert_eq!(refused.status, 401, "{audience} {claims}: {}", refused.body);
        bodies.push(refused.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "what is wrong is not told");
    let log = gateway.log.text();
    for part in token.split('.').chain(bob.split('.')).filter(|part| part.len() > 40) {
        assert!(!log.contains(part), "a token is in the log");
    }
}

#[tokio::test]
async fn a_token_gives_an_administrator_a_role() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let provider = Provider::start().await;
    let gateway = Gateway::start(&with_provider(&upstream, &provider)).await;
    let groups = |groups: Value| provider.token("lockgate-admin", &json!({ "groups": groups }));
    for (token, path, wanted) in [
        (groups(json!(["support", "everybody"])), "/usage", 200),
        (groups(json!(["support"])), "/reload", 403),
        (groups(json!(["support", "platform"])), "/reload", 200),
        (groups(json!("platform support")), "/reload", 200),
        (groups(json!(["everybody"])), "/usage", 401),
        (groups(json!({ "platform": true })), "/usage", 401),
        (provider.token("models", &json!({ "org": "acme", "groups": ["platform"] })), "/usage", 401),
    ] {
        let admin = gateway.admin().with_key(token);
        let method = if path == "/reload" { Method::POST } else { Method::GET };
        let open = admin.open(admin.request(method, path), "").await.unwrap();
        assert_eq!(open.rest().await.unwrap().status.as_u16(), wanted, "{path}");
    }
    assert_eq!(gateway.admin().get("/usage").await.unwrap().status, 401);
    let done = gateway.log.wait_for("staff:ada").await;
    assert!(done.contains("\"administration\""), "{done}");
}

/// An authority, and what it issues, in files of a folder.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, name: SanType) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(name);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

fn uri(name: &str) -> SanType {
    SanType::URI(Ia5String::try_from(name).unwrap())
}

fn listening(config: &mut Value, folder: &Path, authority: &Authority) {
    let (certificate, key) = authority.issue(SanType::DnsName(Ia5String::try_from("localhost").unwrap()));
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).unwrap();
        folder.join(name)
    };
    config["tls"] = json!({
        "cert": write("cert.pem", certificate.pem()), "key": write("key.pem", key.serialize_pem()),
        "client_ca": write("ca.pem", authority.0.pem()), "client_optional": true,
    });
}

/// Asks over TLS: the status, and the body.
async fn ask_as(
    gateway: &Gateway,
    authority: &Authority,
    shown: Option<&(rcgen::Certificate, KeyPair)>,
    key: Option<&str>,
) -> (u16, String) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let client = match shown {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
                .unwrap()
        }
    };
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    let body = ask("hi").to_string();
    let key = key.map_or_else(String::new, |key| format!("authorization: Bearer {key}\r\n"));
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{key}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[tokio::test]
async fn a_certificate_of_the_mesh_is_who_asks() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let mut config = config(&upstream, json!([]));
    listening(&mut config, folder.path(), &authority);
    config["tenants"]["mesh"] = json!({ "routes": ["*"] });
    config["identity"] = json!({ "certificates": [
        { "name": "sdk", "uri": "spiffe://acme.example/sdk", "tenant": "mesh", "outranks_keys": true },
        { "name": "prod", "uri": "spiffe://acme.example/prod/*", "tenant": "mesh", "names": "service" },
    ] });
    config["rate_limits"] = json!({ "each": { "by": ["service"], "requests": 1, "per": "hour" } });
    let gateway = Gateway::start(&config).await;
    let billing = authority.issue(uri("spiffe://acme.example/prod/billing"));
    let mail = authority.issue(uri("spiffe://acme.example/prod/mail"));
    let (sdk, other) = (
        authority.issue(uri("spiffe://acme.example/sdk")),
        authority.issue(uri("spiffe://acme.example/dev")),
    );
    let key = Some(crate::support::KEY);
    for (shown, key, wanted) in [
        (Some(&billing), None, 200),
        (Some(&billing), None, 429),
        (Some(&mail), None, 200),
        (Some(&billing), key, 200),
        (Some(&billing), Some("wrong"), 401),
        (Some(&sdk), Some("unused"), 200),
        (Some(&other), None, 401),
        (None, None, 401),
        (None, key, 200),
    ] {
        let (status, answer) = ask_as(&gateway, &authority, shown, key).await;
        assert_eq!(status, wanted, "{key:?}: {answer}");
    }
    let usage = gateway.admin().get("/usage").await.unwrap().json();
    let requests = |tenant: &str| {
        let found = usage.as_array().unwrap().iter().find(|total| total["tenant"] == tenant);
        found.map_or(0, |total| total["requests"].as_u64().unwrap())
    };
    assert_eq!((requests("mesh"), requests("acme")), (4, 2), "{usage}");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_at_load_with_its_place() {
    let upstream = Upstream::start(|_: &Recorded| Reply::echo()).await.unwrap();
    let gateway = Gateway::start(&config(&upstream, json!([]))).await;
    let mut broken = config(&upstream, json!([]));
    broken["tls"] = Value::Null;
    broken["identity"] = json!({
        "issuers": [
            { "name": "a", "issuer": "http://idp.example", "audience": ["x"], "tenant": "acmee" },
            { "name": "a", "issuer": "https://idp.example", "audience": [""], "jwks_uri": "ftp://x" },
        ],
        "certificates": [{ "name": "c", "tenant": "acme" }, { "name": "d", "tenant": "nobody", "dns": "a*b" }],
        "lockout": { "first_ms": 9, "longest_ms": 8 },
    });
    broken["admin"]["tokens"] = json!([
        { "name": "a", "role": "owner", "hash": crate::support::hash("x") },
        { "name": "a", "role": "viewer", "hash": crate::support::hash("x") },
    ]);
    broken["tenants"]["acme"]["chains"] = json!(["nowhere"]);
    broken["tenants"]["acme"]["keys"][0]["permissions"] =
        json!({ "chain": "testde", "models": ["*x*"], "max_tokens": 1 });
    broken.as_object_mut().unwrap().remove("tls");
    let refused = gateway.reload(&broken).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    let faults = refused.json()["error"]["faults"].as_array().cloned().unwrap();
    let paths: Vec<&str> = faults.iter().map(|fault| fault["path"].as_str().unwrap()).collect();
    for path in [
        "identity.issuers[0].issuer",
        "identity.issuers[0].tenant",
        "identity.issuers[1].name",
        "identity.issuers[1].audience",
        "identity.issuers[1].jwks_uri",
        "identity.issuers[1]",
        "identity.certificates",
        "identity.certificates[0]",
        "identity.certificates[1].dns",
        "identity.certificates[1].tenant",
        "identity.lockout.longest_ms",
        "admin.tokens[1].name",
        "admin.tokens[1].hash",
        "tenants.acme.chains[0]",
        "tenants.acme.keys[0].permissions.chain",
        "tenants.acme.keys[0].permissions.models",
    ] {
        assert!(paths.contains(&path), "{path} is not in {paths:?}");
    }
}
