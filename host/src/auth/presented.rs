//! The credential that a request shows.

use super::AuthError;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};

/// The headers that the usual SDKs send their key in, in the order they are looked at.
const KEY_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("api-key"),
];

/// The key or token in the headers. A header that comes twice is ambiguous, and no key.
pub(super) fn presented(headers: &HeaderMap) -> Result<&[u8], AuthError> {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => Ok(Some(value.as_bytes().trim_ascii())),
            _ => Err(AuthError::Invalid),
        }
    };
    let authorization = one(&AUTHORIZATION)?;
    if let Some(token) = authorization.and_then(bearer) {
        return Ok(token);
    }
    for name in &KEY_HEADERS {
        if let Some(key) = one(name)?.filter(|key| !key.is_empty()) {
            return Ok(key);
        }
    }
    // Something of another scheme is not nothing.
    Err(if authorization.is_some() { AuthError::Invalid } else { AuthError::Missing })
}

/// The token of a `Bearer` credential; the scheme's case does not matter. Source: RFC 9110, 11.1.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = value.split_at_checked(6)?;
    let token = rest.strip_prefix(b" ")?.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}
