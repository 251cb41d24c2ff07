//! Digests of values: HMAC-SHA-256 with the operator's key; without one, SHA-256 over salt and value.
//!
//! With the same key a value has the same digest in every exchange and every tenant that shares the key.
//! Source: RFC 2104.

use sha2::{Digest, Sha256};

/// The digest of a value; the label keeps equal values of different kinds apart where there is a key.
pub fn of(key: &str, salt: &str, label: &str, value: &str) -> [u8; 32] {
    if key.is_empty() {
        return Sha256::new().chain_update(salt).chain_update(value).finalize().into();
    }
    hmac(key.as_bytes(), &[label.as_bytes(), b"\0", salt.as_bytes(), value.as_bytes()])
}

/// RFC 2104 over SHA-256.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    let hashed: [u8; 32] = Sha256::digest(key).into();
    let key = if key.len() > block.len() { &hashed } else { key };
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    let mut inner = Sha256::new().chain_update(block.map(|b| b ^ 0x36));
    for part in parts {
        inner.update(part);
    }
    Sha256::new().chain_update(block.map(|b| b ^ 0x5c)).chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_rfc_4231() {
        let digest = hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert!(digest.starts_with(&[0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]));
        assert!(digest.ends_with(&[0x64, 0xec, 0x38, 0x43]));
    }
}
