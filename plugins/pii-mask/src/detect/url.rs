//! Credentials in a URL: the `user:password` before the `@` of `https://user:password@host`.
//!
//! Only the credentials are taken, so that the address stays readable. Source: RFC 3986 §3.2.1.

use super::cursor::{at, before};

/// The credentials behind the `://` whose colon is at `i`.
pub fn credentials(b: &[u8], i: usize) -> Option<(usize, usize)> {
    if !(before(b, i, 1).is_ascii_alphanumeric() && at(b, i + 1) == b'/' && at(b, i + 2) == b'/') {
        return None;
    }
    let start = i + 3;
    let authority = b.get(start..)?.iter().take(256);
    let len = authority
        .take_while(|c| c.is_ascii_graphic() && !matches!(c, b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'`'))
        .count();
    let authority = b.get(start..start + len)?;
    let user_info = authority.iter().rposition(|c| *c == b'@')?;
    let colon = authority.iter().position(|c| *c == b':')?;
    // `user:@host` has no password, and `$PASSWORD`, `{password}` are not one.
    let password = authority.get(colon + 1..user_info)?;
    let real = !password.is_empty() && !matches!(password.first(), Some(b'$' | b'{' | b'<' | b'%' | b'*'));
    real.then_some((start, start + user_info))
}
