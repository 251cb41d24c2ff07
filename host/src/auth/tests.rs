//! Tests of the authenticator.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::server::CertificateNames;
use futures_util::FutureExt as _;
use http::HeaderValue;
use proptest::prelude::*;

fn key(tenant: &str, name: &str, key: &str) -> TenantKey {
    hashed(tenant, name, &hash_key(key))
}

fn hashed(tenant: &str, name: &str, hash: &str) -> TenantKey {
    TenantKey {
        tenant: tenant.into(),
        name: name.into(),
        hash: hash.into(),
        holder: Holder::default(),
        permissions: Permissions::all(),
    }
}

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn of(configured: impl IntoIterator<Item = TenantKey>, anonymous: Option<&str>) -> Sources {
    let (configured, anonymous) = (configured.into_iter().collect(), anonymous.map(Into::into));
    Sources { configured, anonymous, ..Sources::default() }
}

/// Nothing that these tests show is waited for.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

fn authenticator(anonymous: Option<&str>) -> Authenticator {
    let keys =
        [key("acme", "web", "sk-acme"), key("acme", "batch", "sk-batch"), key("beta", "web", "sk-beta")];
    Authenticator::new(of(keys, anonymous)).unwrap()
}

fn ask(auth: &Authenticator, headers: &[(&'static str, &'static str)]) -> Result<String, AuthError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    let asker = Asker { headers: &map, peer: HERE, certificate: None };
    now(auth.authenticate(asker)).map(|who| format!("{}/{}", who.tenant, who.key))
}

fn shows(auth: &Authenticator, key: &str) -> Result<String, AuthError> {
    shows_from(auth, HERE, key)
}

fn shows_from(auth: &Authenticator, peer: IpAddr, key: &str) -> Result<String, AuthError> {
    let headers = HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), key.parse().unwrap())]);
    let asker = Asker { headers: &headers, peer, certificate: None };
    now(auth.authenticate(asker)).map(|who| format!("{}/{}", who.tenant, who.key))
}

#[test]
fn a_key_is_found_in_every_header_that_sdks_use() {
    let auth = authenticator(None);
    for header in [
        ("authorization", "Bearer sk-acme"),
        ("authorization", "bearer  sk-acme "),
        ("x-api-key", "sk-acme"),
        ("x-goog-api-key", "sk-acme"),
        ("api-key", "sk-acme"),
    ] {
        assert_eq!(ask(&auth, &[header]).as_deref(), Ok("acme/web"), "{header:?}");
    }
    assert_eq!(ask(&auth, &[("x-api-key", "sk-batch")]).as_deref(), Ok("acme/batch"));
    assert_eq!(
        ask(&auth, &[("authorization", "Basic eA=="), ("api-key", "sk-beta")]).as_deref(),
        Ok("beta/web")
    );
}

#[test]
fn what_is_no_key_is_refused() {
    let auth = authenticator(None);
    assert_eq!(ask(&auth, &[]), Err(AuthError::Missing));
    assert_eq!(ask(&auth, &[("x-api-key", "")]), Err(AuthError::Missing));
    for wrong in
        ["Bearer sk-acm", "Bearer sk-acme2", "Bearer SK-ACME", "Bearer ", "Bearer", "sk-acme", "Basic c2s="]
    {
        assert_eq!(ask(&auth, &[("authorization", wrong)]), Err(AuthError::Invalid), "{wrong}");
    }
    let twice = [("x-api-key", "sk-acme"), ("x-api-key", "sk-beta")];
    assert_eq!(ask(&auth, &twice), Err(AuthError::Invalid));
    let hash = hash_key("sk-acme");
    assert_eq!(shows(&auth, &hash), Err(AuthError::Invalid), "the hash is not the key");
}

#[test]
fn anonymous_is_who_sends_nothing_and_nobody_else() {
    let auth = authenticator(Some("public"));
    assert_eq!(ask(&auth, &[]).as_deref(), Ok("public/anonymous"));
    assert_eq!(ask(&auth, &[("x-api-key", "sk-acme")]).as_deref(), Ok("acme/web"));
    assert_eq!(ask(&auth, &[("x-api-key", "typo")]), Err(AuthError::Invalid));
    assert_eq!(ask(&auth, &[("authorization", "Basic eA==")]), Err(AuthError::Invalid));
    let open = Authenticator::new(of([], Some("public"))).unwrap();
    assert_eq!(ask(&open, &[("authorization", "Bearer anything")]).as_deref(), Ok("public/anonymous"));
    let closed = Authenticator::new(of([], None)).unwrap();
    assert_eq!(ask(&closed, &[]), Err(AuthError::Missing));
}

#[test]
fn keys_that_cannot_be_used_are_all_named() {
    let bad = |hash: &str| hashed("a", "n", hash);
    let malformed = [
        bad("sk-plain"),
        bad("sha256:"),
        bad(&hash_key("x").replace("sha256:", "sha512:")),
        bad(&format!("{}0", hash_key("x"))),
        bad(&format!("sha256:{}", "g".repeat(64))),
    ];
    assert_eq!(Authenticator::new(of(malformed, None)).unwrap_err().len(), 5);
    let shared = [key("a", "x", "same"), key("b", "y", "same")];
    let errors = Authenticator::new(of(shared, None)).unwrap_err();
    assert_eq!(
        errors.first().map(ToString::to_string).as_deref(),
        Some("key 'y' of tenant 'b' is also key 'x' of tenant 'a'")
    );
}

#[test]
fn the_hash_is_sha_256() {
    // Source: FIPS 180-2, appendix B.1.
    assert_eq!(hash_key("abc"), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(
        parse_hash(&hash_key("abc").to_uppercase().replace("SHA256", "sha256")),
        parse_hash(&hash_key("abc"))
    );
}

#[tokio::test]
async fn who_guesses_is_locked_out_and_who_does_not_is_not() {
    let settings =
        LockoutSettings { failures: 5, first: Duration::from_secs(60), longest: Duration::from_secs(600) };
    let lockout = Arc::new(Lockout::default());
    let keys = [key("acme", "web", "sk-acme"), key("acme", "late", "sk-late")];
    let auth = Authenticator::new(Sources { lockout: (lockout, Some(settings)), ..of(keys, None) }).unwrap();
    let there: IpAddr = "192.0.2.7".parse().unwrap();
    assert!(shows(&auth, "sk-acme").is_ok());
    for guess in 0..5 {
        assert_eq!(shows(&auth, &format!("guess-{guess}")), Err(AuthError::Invalid));
    }
    for locked in ["guess", "sk-late"] {
        let Err(AuthError::Locked(wait)) = shows(&auth, locked) else {
            unreachable!("{locked} is looked at")
        };
        assert!(wait <= settings.first);
    }
    assert!(shows(&auth, "sk-acme").is_ok(), "it was good from there before");
    assert!(shows_from(&auth, there, "sk-late").is_ok(), "elsewhere nobody guessed");
    assert_eq!(ask(&auth, &[]), Err(AuthError::Missing), "who shows nothing does not guess");
}

#[tokio::test]
async fn a_key_that_has_ended_locks_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Arc::new(Keys::load(KeyFile::open(&folder.path().join("k")).unwrap()).unwrap());
    let settings = KeySettings {
        name: "old".into(),
        holder: HolderSettings::default(),
        permissions: Permissions::default(),
        expires: Some(1),
    };
    let (_, old) = keys.create("acme".into(), settings).await.unwrap();
    let patience =
        LockoutSettings { failures: 1, first: Duration::from_secs(60), longest: Duration::from_secs(600) };
    let sources = Sources { keys, lockout: (Arc::default(), Some(patience)), ..of([], Some("public")) };
    let auth = Authenticator::new(sources).unwrap();
    for _ in 0..5 {
        assert_eq!(shows(&auth, old.text().expose()), Err(AuthError::Invalid), "no longer open to any key");
    }
    let unknown = format!("{}x", old.text().expose());
    assert_eq!(shows(&auth, &unknown), Err(AuthError::Invalid));
    assert!(matches!(shows(&auth, &unknown), Err(AuthError::Locked(_))));
}

#[test]
fn a_certificate_is_who_asks_where_no_key_is_and_before_keys_where_its_rule_says_so() {
    let rule = |name: &str, common_name: &str, outranks_keys| CertificateRule {
        name: name.into(),
        wants: vec![(Field::CommonName, common_name.into())],
        tenant: "mesh".into(),
        holder: Holder::default(),
        names: None,
        permissions: Permissions::all(),
        outranks_keys,
    };
    let certificates = vec![rule("first", "billing", false), rule("sdk", "sdk-*", true)];
    let auth = Sources { certificates, ..of([key("acme", "web", "sk-acme")], Some("public")) };
    let auth = Authenticator::new(auth).unwrap();
    let ask = |common_name: &str, shown: Option<&'static str>| {
        let names = CertificateNames { common_name: Some(common_name.into()), ..CertificateNames::default() };
        let identity = ClientIdentity { fingerprint: "00".into(), names: Arc::new(names) };
        let headers: HeaderMap = shown
            .map(|shown| (HeaderName::from_static("x-api-key"), HeaderValue::from_static(shown)))
            .into_iter()
            .collect();
        let asker = Asker { headers: &headers, peer: HERE, certificate: Some(&identity) };
        now(auth.authenticate(asker)).map(|who| format!("{}/{}", who.tenant, who.key))
    };
    assert_eq!(ask("billing", None).as_deref(), Ok("mesh/first"));
    assert_eq!(ask("billing", Some("sk-acme")).as_deref(), Ok("acme/web"));
    assert_eq!(ask("billing", Some("wrong")), Err(AuthError::Invalid), "a wrong key is not overlooked");
    assert_eq!(ask("sdk-7", Some("unused")).as_deref(), Ok("mesh/sdk"));
    assert_eq!(ask("other", None).as_deref(), Ok("public/anonymous"));
}

proptest! {
    #[test]
    fn no_header_panics_and_only_keys_come_in(value in prop::collection::vec(any::<u8>(), 0..40)) {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        for name in ["authorization", "x-api-key"] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
            let asker = Asker { headers: &headers, peer: HERE, certificate: None };
            prop_assert!(now(authenticator(None).authenticate(asker)).is_err());
        }
    }
}
