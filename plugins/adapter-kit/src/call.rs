//! The HTTP request of an adapter: its facts, headers and path.
//!
//! Invariant: what a client can choose (a model's name) never leaves its segment of the path.

use lockgate_sdk::prelude::{Body, Call, Secret, Value};

/// A fact about the target, empty where there is none.
#[must_use]
pub fn fact<'a>(target: &'a [(String, String)], name: &str) -> &'a str {
    target.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// A header of plain text.
#[must_use]
pub fn text(name: &str, value: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(value.to_owned()))
}

/// A header that the host puts the provider's key into.
#[must_use]
pub fn secret(name: &str, prefix: &str) -> (String, Value) {
    let secret = Secret { name: "api-key".to_owned(), prefix: prefix.to_owned() };
    (name.to_owned(), Value::Secret(secret))
}

/// A `POST` of JSON whose answer the adapter decodes.
#[must_use]
pub fn post(path: String, auth: Option<(String, Value)>, body: Body) -> Call {
    let mut headers = vec![text("content-type", "application/json")];
    headers.extend(auth);
    Call { method: "POST".to_owned(), path, headers, body, signer: None, native: None }
}

/// A name as one segment of a path, or as the value of a query parameter.
///
/// # Errors
/// When it cannot be one: it is empty or made of dots alone.
pub fn segment(name: &str) -> Result<String, String> {
    if name.bytes().all(|byte| byte == b'.') {
        return Err(format!("`{name}` cannot be part of a path"));
    }
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn a_name_stays_in_its_segment() {
        for (name, path) in [
            ("gpt-4o.mini_2", Some("gpt-4o.mini_2")),
            ("a/../b?x#y", Some("a%2F..%2Fb%3Fx%23y")),
            ("ü %", Some("%C3%BC%20%25")),
            ("..", None),
            ("", None),
        ] {
            assert_eq!(segment(name).ok().as_deref(), path, "{name}");
        }
    }
}
