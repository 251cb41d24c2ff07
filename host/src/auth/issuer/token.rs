//! The parts of a token in compact form: what it says of itself, before anything of it is believed.
//!
//! Source: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best current practices).

use super::claims::Claims;
use super::keyset::Algorithm;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Bytes of a token.
const MAX_BYTES: usize = 16 * 1024;
/// Bytes of the name of a key.
const MAX_KEY_ID: usize = 256;
/// What a token may say that it is; anything else (a token to log out, a proof of possession) is not for us.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    /// Extensions that must be understood: none is.
    crit: Option<Value>,
}

/// A token. Its `Debug` would show it, so there is none.
pub(super) struct Token<'a> {
    algorithm: Option<Algorithm>,
    key_id: Option<String>,
    signed: &'a [u8],
    signature: Vec<u8>,
    payload: Map<String, Value>,
}

impl<'a> Token<'a> {
    /// The parts of what looks like a token.
    pub fn parse(shown: &'a [u8]) -> Option<Self> {
        if shown.len() > MAX_BYTES {
            return None;
        }
        let mut dots = shown.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        let (first, second) = (dots.next()?, dots.next()?);
        if dots.next().is_some() {
            return None;
        }
        let (signed, signature) = shown.split_at_checked(second)?;
        let (header, payload) = signed.split_at_checked(first)?;
        let decode = |part: &[u8]| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let kind = header.typ.as_deref().map(str::to_ascii_lowercase);
        let fits = header.crit.is_none()
            && kind.is_none_or(|kind| TYPES.contains(&kind.as_str()))
            && header.kid.as_ref().is_none_or(|id| id.len() <= MAX_KEY_ID);
        let payload =
            fits.then(|| serde_json::from_slice(&decode(payload.get(1..)?).unwrap_or_default()).ok())??;
        let signature = decode(signature.get(1..)?)?;
        Some(Self { algorithm: Algorithm::of(&header.alg), key_id: header.kid, signed, signature, payload })
    }

    /// How it says that it is signed, where that is a way we know.
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The key that it names.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Whose it says that it is.
    pub fn issuer(&self) -> Option<String> {
        self.payload.get("iss")?.as_str().map(str::to_owned)
    }

    /// What is signed.
    pub fn signed(&self) -> &[u8] {
        self.signed
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What it says, for whoever verified it.
    pub fn claims(&self) -> Option<Claims> {
        Claims::read(self.payload.clone())
    }
}
