//! Tokens of a scripted identity provider over real sockets: what is taken, what is refused, and when keys are fetched.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::auth::configured::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lockgate_upstream::{Recorded, Reply, Upstream};
use parking_lot::Mutex;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use std::time::Duration;

const AUDIENCE: &str = "lockgate";

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key of the provider.
struct Signer {
    id: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { id, pair: Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap() }
    }

    fn jwk(&self) -> Value {
        let x = encoded(self.pair.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": self.id, "use": "sig", "x": x })
    }

    fn token(&self, claims: &Value) -> String {
        self.headed(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.id }), claims)
    }

    fn headed(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        format!("{signed}.{}", encoded(self.pair.sign(signed.as_bytes())))
    }
}

/// The provider: it publishes keys, and counts how often they are asked for.
struct Provider {
    server: Upstream,
    keys: Arc<Mutex<Reply>>,
}

impl Provider {
    async fn start(keys: &[Value]) -> Self {
        let published = Arc::new(Mutex::new(set(keys)));
        let shown = published.clone();
        let handler = move |request: &Recorded| match request.path.as_str() {
            "/.well-known/openid-configuration" => {
                let origin = format!("http://{}", request.header("host").unwrap());
                Reply::status(200, json!({ "issuer": origin, "jwks_uri": format!("{origin}/keys") }))
            }
            "/keys" => shown.lock().clone(),
            _ => Reply::error(404, "no"),
        };
        Self { server: Upstream::start(handler).await.unwrap(), keys: published }
    }

    fn url(&self) -> String {
        self.server.origin()
    }

    fn publish(&self, keys: &[Value]) {
        *self.keys.lock() = set(keys);
    }

    fn fails(&self) {
        *self.keys.lock() = Reply::error(500, "broken");
    }

    fn fetches(&self) -> usize {
        self.server.requests().iter().filter(|request| request.path == "/keys").count()
    }

    fn source(&self) -> Arc<KeySource> {
        Arc::new(KeySource::new(KeySourceSettings { issuer: self.url(), jwks_uri: None, ca_file: None }))
    }

    fn issuer(&self, change: impl FnOnce(&mut IssuerSettings)) -> Issuer {
        let claim = |name: &str| Some(name.parse().unwrap());
        let mut settings = IssuerSettings {
            name: "corp".into(),
            issuer: self.url(),
            audience: vec![AUDIENCE.into(), "other".into()],
            algorithms: vec![Algorithm::EdDsa, Algorithm::Rs256],
            clock_skew: 60,
            require: Vec::new(),
            names: ClaimNames {
                tenant: claim("org"),
                team: claim("https://acme.example/team"),
                user: claim("sub"),
                agent: claim("/act/sub"),
                ..ClaimNames::default()
            },
            tenant: None,
            permissions: Permissions::all(),
            delegates: false,
        };
        change(&mut settings);
        Issuer::new(settings, self.source())
    }

    /// What a good token says.
    fn claims(&self) -> Value {
        let now = unix_seconds();
        json!({ "iss": self.url(), "aud": AUDIENCE, "exp": now + 300, "iat": now, "sub": "ada", "org": "acme" })
    }

    fn with(&self, change: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in change.as_object().unwrap() {
            claims.as_object_mut().unwrap().insert(name.clone(), value.clone());
        }
        claims
    }
}

fn set(keys: &[Value]) -> Reply {
    Reply::status(200, json!({ "keys": keys }))
}

fn one(issuer: Issuer) -> Issuers {
    Issuers::new(vec![Arc::new(issuer)])
}

async fn ask(issuers: &Issuers, token: &str) -> Result<Principal, Rejected> {
    issuers.identify(token.as_bytes(), &digest(token.as_bytes())).await
}

/// Lets time pass for what waits, but not while sockets are waited for.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_token_names_who_asks_and_is_verified_once() {
    let signer = Signer::new("k1");
    let provider = Provider::start(&[signer.jwk()]).await;
    let issuers = one(provider.issuer(|_| {}));
    let claims = provider.with(&json!({
        "aud": ["somebody", "other"], "https://acme.example/team": "core", "act": { "sub": "agent-7" },
    }));
    let token = signer.token(&claims);
    for _ in 0..3 {
        let who = ask(&issuers, &token).await.unwrap();
        assert_eq!((&*who.tenant, &*who.key), ("acme", "corp"));
        let holder = &who.holder;
        let names = [&holder.team, &holder.user, &holder.agent].map(|name| name.as_deref().unwrap());
        assert_eq!((names, holder.service.as_deref()), (["core", "ada", "agent-7"], None));
    }
    assert_eq!(provider.fetches(), 1);
    assert_eq!(issuers.0.first().unwrap().verified.len(), 1);
    let fixed = provider.issuer(|settings| {
        settings.tenant = Some("fixed".into());
        settings.names.tenant = None;
    });
    assert_eq!(&*ask(&one(fixed), &token).await.unwrap().tenant, "fixed");
}

#[tokio::test]
async fn a_token_that_is_not_for_us_or_not_for_now_is_refused() {
    let signer = Signer::new("k1");
    let provider = Provider::start(&[signer.jwk()]).await;
    let issuers = one(provider.issuer(|settings| {
        settings.require = vec![("scope".parse().unwrap(), vec!["chat".into()])];
    }));
    let now = unix_seconds();
    let good = provider.with(&json!({ "scope": "email chat" }));
    assert!(ask(&issuers, &signer.token(&good)).await.is_ok());
    for change in [
        json!({ "aud": "somebody" }),
        json!({ "aud": ["somebody"] }),
        json!({ "aud": null }),
        json!({ "exp": now - 61 }),
        json!({ "exp": "soon" }),
        json!({ "exp": null }),
        json!({ "exp": -1 }),
        json!({ "nbf": now + 62 }),
        json!({ "nbf": "now" }),
        json!({ "scope": "email" }),
        json!({ "scope": "chatter" }),
        json!({ "org": null }),
        json!({ "org": ["acme"] }),
        json!({ "org": "" }),
        json!({ "sub": { "name": "ada" } }),
    ] {
        let claims = provider.with(&json!({ "scope": ["chat"] }));
        let mut claims = claims.as_object().unwrap().clone();
        claims.extend(change.as_object().unwrap().clone());
        let token = signer.token(&claims.into());
        assert_eq!(ask(&issuers, &token).await, Err(Rejected::Ended), "{change}");
    }
    let skewed = provider.with(&json!({ "scope": "chat", "exp": now - 30, "nbf": now + 30 }));
    assert!(ask(&issuers, &signer.token(&skewed)).await.is_ok(), "clocks differ");
    let elsewhere = provider.with(&json!({ "iss": "https://evil.example" }));
    assert_eq!(ask(&issuers, &signer.token(&elsewhere)).await, Err(Rejected::Unknown));
}

#[tokio::test]
async fn a_signature_is_of_a_published_key_by_an_algorithm_that_fits_it() {
    let (signer, stranger) = (Signer::new("k1"), Signer::new("k1"));
    let symmetric =
        json!({ "kty": "oct", "kid": "shared", "k": encoded("a secret that everybody can read") });
    let provider = Provider::start(&[signer.jwk(), symmetric]).await;
    let issuers = one(provider.issuer(|_| {}));
    let claims = provider.claims();
    assert!(ask(&issuers, &signer.token(&claims)).await.is_ok());
    let unnamed = signer.headed(&json!({ "alg": "EdDSA" }), &claims);
    assert!(ask(&issuers, &unnamed).await.is_ok(), "with one key none need be named");

    let mut refused = vec![stranger.token(&claims), stranger.headed(&json!({ "alg": "EdDSA" }), &claims)];
    // Signed with what is public: the confusion of algorithms.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, signer.pair.public_key().as_ref());
    let shared = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a secret that everybody can read");
    for (id, key) in [("k1", key), ("shared", shared)] {
        let header = json!({ "alg": "HS256", "kid": id });
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        refused.push(format!("{signed}.{}", encoded(ring::hmac::sign(&key, signed.as_bytes()))));
    }
    for header in [
        json!({ "alg": "none", "kid": "k1" }),
        json!({ "alg": "RS256", "kid": "k1" }),
        json!({ "alg": "ES256", "kid": "k1" }),
        json!({ "alg": "eddsa", "kid": "k1" }),
        json!({ "alg": "EdDSA", "kid": "k1", "crit": ["b64"], "b64": false }),
        json!({ "alg": "EdDSA", "kid": "k1", "typ": "dpop+jwt" }),
        json!({ "alg": "EdDSA", "kid": "x".repeat(300) }),
    ] {
        refused.push(signer.headed(&header, &claims));
    }
    let good = signer.token(&claims);
    let (signed, _) = good.rsplit_once('.').unwrap();
    refused.extend([format!("{signed}."), signed.to_owned(), format!("{good}.x"), format!("{good}A")]);
    // What was signed by somebody else says something else.
    let other = signer.token(&provider.with(&json!({ "org": "beta" })));
    let signature = other.rsplit_once('.').unwrap().1;
    refused.push(format!("{signed}.{signature}"));
    for token in refused {
        assert_eq!(ask(&issuers, &token).await, Err(Rejected::Unknown), "{token}");
    }
    let narrow = one(provider.issuer(|settings| settings.algorithms = vec![Algorithm::Rs256]));
    assert_eq!(ask(&narrow, &good).await, Err(Rejected::Unknown), "it is not of the operator's list");
}

#[tokio::test]
async fn an_unknown_key_is_fetched_once_and_not_soon_again() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let provider = Provider::start(&[old.jwk()]).await;
    let issuers = one(provider.issuer(|_| {}));
    let (first, second) = (old.token(&provider.claims()), new.token(&provider.claims()));
    assert!(ask(&issuers, &first).await.is_ok());
    provider.publish(&[new.jwk()]);
    assert_eq!(ask(&issuers, &second).await, Err(Rejected::Unknown), "keys were fetched just now");
    assert_eq!(provider.fetches(), 1);
    pass(Duration::from_secs(11)).await;
    let asked = (0..20).map(|_| ask(&issuers, &second));
    assert!(futures_util::future::join_all(asked).await.iter().all(Result::is_ok));
    assert_eq!(provider.fetches(), 2, "one fetch for all");
    assert_eq!(
        ask(&issuers, &first).await,
        Err(Rejected::Unknown),
        "what was verified with a key that is gone"
    );
}

#[tokio::test]
async fn keys_serve_on_while_the_issuer_is_gone_but_not_for_ever() {
    let signer = Signer::new("k1");
    let provider = Provider::start(&[signer.jwk()]).await;
    let issuers = one(provider.issuer(|_| {}));
    let token = signer.token(&provider.claims());
    assert!(ask(&issuers, &token).await.is_ok());
    provider.fails();
    pass(Duration::from_secs(700)).await;
    let before = provider.fetches();
    assert!(ask(&issuers, &token).await.is_ok(), "nobody waits");
    while provider.fetches() == before {
        tokio::task::yield_now().await;
    }
    assert!(ask(&issuers, &signer.token(&provider.with(&json!({ "sub": "bob" })))).await.is_ok());
    pass(Duration::from_secs(25 * 3600)).await;
    assert_eq!(ask(&issuers, &token).await, Err(Rejected::Unavailable));
    provider.publish(&[signer.jwk()]);
    pass(Duration::from_secs(11)).await;
    assert!(ask(&issuers, &token).await.is_ok());
}

#[tokio::test]
async fn a_token_that_cannot_be_verified_is_neither_good_nor_a_guess() {
    let signer = Signer::new("k1");
    let provider = Provider::start(&[]).await;
    let issuers = one(provider.issuer(|_| {}));
    let token = signer.token(&provider.claims());
    assert_eq!(ask(&issuers, &token).await, Err(Rejected::Unavailable), "a list without keys");
    assert_eq!(ask(&issuers, "no-token").await, Err(Rejected::Unknown));
}

#[tokio::test]
async fn discovery_is_believed_only_of_the_issuer_itself() {
    let signer = Signer::new("k1");
    let keys = signer.jwk();
    let liar = move |request: &Recorded| {
        let origin = format!("http://{}", request.header("host").unwrap());
        match request.path.as_str() {
            "/other/keys" | "/insecure/keys" => set(std::slice::from_ref(&keys)),
            path if path.starts_with("/insecure") => Reply::status(
                200,
                json!({ "issuer": format!("{origin}/insecure"), "jwks_uri": "http://192.0.2.1/keys" }),
            ),
            _ => Reply::status(200, json!({ "issuer": origin, "jwks_uri": format!("{origin}/other/keys") })),
        }
    };
    let server = Upstream::start(liar).await.unwrap();
    for path in ["/other", "/insecure"] {
        let issuer = format!("{}{path}", server.origin());
        let source = Arc::new(KeySource::new(KeySourceSettings { issuer, jwks_uri: None, ca_file: None }));
        assert_eq!(source.keys_for(None, Algorithm::EdDsa).await, Err(Rejected::Unavailable));
    }
    assert!(is_safe("https://x.example/a") && is_safe("http://127.0.0.1:1") && is_safe("http://[::1]/"));
    for url in
        ["http://x.example", "http://127.0.0.1.evil.example", "ftp://127.0.0.1", "x", "http://10.0.0.1"]
    {
        assert!(!is_safe(url), "{url}");
    }
}

#[test]
fn published_signatures_verify() {
    let verified = |jwk: Value, algorithm, token: &str| {
        let keys = keyset::read(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        keys.first().unwrap().verifies(algorithm, signed.as_bytes(), &signature)
    };
    let claims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    // Source: RFC 7515, appendix A.2.
    let rsa = json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" });
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{claims}.{signature}");
    assert!(verified(rsa.clone(), Algorithm::Rs256, &token));
    assert!(!verified(rsa.clone(), Algorithm::Ps256, &token));
    assert!(!verified(rsa, Algorithm::Rs256, &token.replacen("eyJpc3", "eyJpc4", 1)));
    // Source: RFC 7515, appendix A.3.
    let ec = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert!(verified(ec, Algorithm::Es256, &format!("eyJhbGciOiJFUzI1NiJ9.{claims}.{signature}")));
    // Source: RFC 8037, appendix A.4.
    let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert!(verified(ed, Algorithm::EdDsa, token));
}

#[test]
fn keys_that_are_for_something_else_are_passed_over() {
    let point = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let read = |field: &str, value: Value| {
        let mut key = point.clone();
        key.as_object_mut().unwrap().insert(field.into(), value);
        keyset::read(json!({ "keys": [key] }).to_string().as_bytes())
    };
    assert!(read("alg", json!("EdDSA")).is_some() && read("key_ops", json!(["verify"])).is_some());
    for (field, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("alg", json!("HS256")),
        ("kty", json!("oct")),
        ("crv", json!("X25519")),
        ("x", json!("not base64!")),
    ] {
        assert!(read(field, value.clone()).is_none(), "{field} {value}");
    }
    for text in ["", "[]", "{}", r#"{"keys": {}}"#, r#"{"keys": []}"#] {
        assert!(keyset::read(text.as_bytes()).is_none(), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_token_panics(parts in proptest::collection::vec("[A-Za-z0-9_.{}\":-]{0,40}", 0..5)) {
        let text = parts.join(".");
        let _ = Token::parse(text.as_bytes());
        let header = encoded(r#"{"alg":"EdDSA"}"#);
        let _ = Token::parse(format!("{header}.{}.{}", encoded(&text), encoded(&text)).as_bytes());
    }
}
