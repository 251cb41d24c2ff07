//! Tests of the authenticator.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use http::HeaderValue;
use proptest::prelude::*;

fn key(tenant: &str, name: &str, key: &str) -> TenantKey {
    TenantKey { tenant: tenant.into(), name: name.into(), hash: hash_key(key), holder: Holder::default() }
}

fn authenticator(anonymous: Option<&str>) -> Authenticator {
    let keys =
        [key("acme", "web", "sk-acme"), key("acme", "batch", "sk-batch"), key("beta", "web", "sk-beta")];
    Authenticator::new(keys, anonymous.map(Into::into)).unwrap()
}

fn ask(auth: &Authenticator, headers: &[(&'static str, &'static str)]) -> Result<String, AuthError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_static(value));
    }
    auth.authenticate(&map).map(|who| format!("{}/{}", who.tenant, who.key))
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
    assert_eq!(auth.identify(hash.as_bytes()), Err(AuthError::Invalid), "the hash is not the key");
}

#[test]
fn anonymous_is_who_sends_nothing_and_nobody_else() {
    let auth = authenticator(Some("public"));
    assert_eq!(ask(&auth, &[]).as_deref(), Ok("public/anonymous"));
    assert_eq!(ask(&auth, &[("x-api-key", "sk-acme")]).as_deref(), Ok("acme/web"));
    assert_eq!(ask(&auth, &[("x-api-key", "typo")]), Err(AuthError::Invalid));
    assert_eq!(ask(&auth, &[("authorization", "Basic eA==")]), Err(AuthError::Invalid));
    let open = Authenticator::new([], Some("public".into())).unwrap();
    assert_eq!(ask(&open, &[("authorization", "Bearer anything")]).as_deref(), Ok("public/anonymous"));
    let closed = Authenticator::new([], None).unwrap();
    assert_eq!(ask(&closed, &[]), Err(AuthError::Missing));
}

#[test]
fn keys_that_cannot_be_used_are_all_named() {
    let bad = |hash: &str| TenantKey {
        tenant: "a".into(),
        name: "n".into(),
        hash: hash.into(),
        holder: Holder::default(),
    };
    let malformed = [
        bad("sk-plain"),
        bad("sha256:"),
        bad(&hash_key("x").replace("sha256:", "sha512:")),
        bad(&format!("{}0", hash_key("x"))),
        bad(&format!("sha256:{}", "g".repeat(64))),
    ];
    assert_eq!(Authenticator::new(malformed, None).unwrap_err().len(), 5);
    let errors = Authenticator::new([key("a", "x", "same"), key("b", "y", "same")], None).unwrap_err();
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

proptest! {
    #[test]
    fn no_header_panics_and_only_keys_come_in(value in prop::collection::vec(any::<u8>(), 0..40)) {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        for name in ["authorization", "x-api-key"] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), value.clone())]);
            prop_assert!(authenticator(None).authenticate(&headers).is_err());
        }
    }
}
