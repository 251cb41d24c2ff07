//! Any bytes as a token, and any as the keys of its issuer: only what a known key signed is good, none of the rest panics, and
//! what a good token says is within its bounds.
//!
//! The first line of the input is a token, or, where it holds no dot, the claims of one that is signed here; the rest is a list
//! of keys.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use std::sync::LazyLock;

#[expect(dead_code, reason = "what only the rest of the module calls")]
#[path = "../../host/src/auth/issuer"]
mod issuer {
    mod claims;
    mod keyset;
    mod token;

    use keyset::Algorithm;

    /// Names that claims may give, among them hostile pointers.
    const CLAIMS: [&str; 6] = ["sub", "scope", "/act/sub", "/a~1b/0", "//", "/~0~1"];

    /// The keys of a list: how many there are, and whether one verifies the token in any way at all.
    pub fn verified(token: &[u8], keys: &[u8]) -> Option<bool> {
        let token = token::Token::parse(token)?;
        let keys = keyset::read(keys)?;
        assert!(keys.len() <= 128);
        let mut good = false;
        for key in &keys {
            for algorithm in Algorithm::ALL {
                good |= key.verifies(algorithm, token.signed(), token.signature());
            }
            if let Some(algorithm) = token.algorithm() {
                key.fits(token.key_id(), algorithm);
            }
        }
        Some(good)
    }

    /// What a token says, looked at in every way there is.
    pub fn look(token: &[u8], now: u64) -> Option<()> {
        let claims = token::Token::parse(token)?.claims()?;
        if let Some(ends) = claims.lasts(now, 60) {
            assert!(ends > now);
        }
        let words = ["a".to_owned()];
        claims.is_for(&words);
        for claim in CLAIMS {
            let claim: claims::Claim = claim.parse().expect("it is one");
            let says = claims.says(&claim, &words);
            assert_eq!(says, claims.values(&claim).contains(&"a"));
            if let Ok(Some(name)) = claims.name(&claim) {
                assert!((1..=256).contains(&name.len()) && !name.chars().any(char::is_control));
            }
        }
        Some(())
    }
}

/// The only key that anything here is signed with, and the list that publishes it.
static KEY: LazyLock<(Ed25519KeyPair, String)> = LazyLock::new(|| {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes are a seed");
    let x = URL_SAFE_NO_PAD.encode(key.public_key());
    (key, format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#))
});

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (said, keys) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    let (key, list) = &*KEY;
    let ours = !said.contains(&b'.');
    let token = if ours {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"JWT"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(said));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
        format!("{signed}.{signature}").into_bytes()
    } else {
        said.to_vec()
    };
    let _ = issuer::verified(&token, keys);
    // Nobody guesses our signature.
    assert!(issuer::verified(&token, list.as_bytes()).is_none_or(|good| good == ours));
    issuer::look(&token, 1_700_000_000);
});
