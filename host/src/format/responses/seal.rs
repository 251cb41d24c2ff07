//! Reasoning that only its provider can read, as the `encrypted_content` of a reasoning item.
//!
//! A seal says all that is needed to give the reasoning back to who wrote it: the provider's format, the words where
//! there are any, and the signature or the encrypted data. It hides nothing from the client, and is no proof of
//! anything to the gateway: the words in it are read by the guards like all others.

use crate::chat::channel::Opaque;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// What tells the gateway's seals from others.
const MARK: &str = "lockgate.1:";

/// Seals what was told, together with the words it belongs to.
pub fn seal(opaque: Opaque<'_>, words: &str, told: &str) -> String {
    let sealed = match opaque {
        Opaque::Signature(format) => json!({ "format": format, "text": words, "signature": told }),
        Opaque::Encrypted(format) => json!({ "format": format, "data": told }),
    };
    format!("{MARK}{}", STANDARD.encode(sealed.to_string()))
}

/// Opens a seal: one detail of canonical reasoning. None for what the gateway has not sealed.
pub fn open(sealed: &str) -> Option<Map<String, Value>> {
    let bytes = STANDARD.decode(sealed.strip_prefix(MARK)?).ok()?;
    let Ok(Value::Object(mut told)) = serde_json::from_slice(&bytes) else { return None };
    let mut take = |name: &str| told.remove(name).filter(Value::is_string);
    let mut detail = Map::new();
    match (take("signature"), take("data")) {
        (Some(signature), None) => {
            detail.insert("type".into(), "reasoning.text".into());
            detail.insert("text".into(), take("text").unwrap_or_else(|| "".into()));
            detail.insert("signature".into(), signature);
        }
        (None, Some(data)) => {
            detail.insert("type".into(), "reasoning.encrypted".into());
            detail.insert("data".into(), data);
        }
        _ => return None,
    }
    detail.insert("format".into(), take("format")?);
    Some(detail)
}
