//! Where a provider is, and how a call's path is joined to it.
//!
//! Invariants: a joined URL has the base's scheme and authority, and its path begins with the base's path;
//! nothing in a path can climb out of it. A base URL carries no credential.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};
use rustls_pki_types::ServerName;
use std::fmt;

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no URL.
    #[error("it is not a URL")]
    Syntax,
    /// It is neither `http` nor `https`.
    #[error("it must start with http:// or https://")]
    Scheme,
    /// It carries a credential.
    #[error("it must not contain a user name or password")]
    Credential,
    /// A base URL has a query or a fragment.
    #[error("it must not have a query or a fragment")]
    Query,
    /// A path is none.
    #[error("a path must hold no fragment, space or backslash")]
    Path,
    /// A path climbs.
    #[error("a path must not contain `.` or `..` segments")]
    Climbs,
    /// A URL of another place.
    #[error("it is not below the base URL")]
    Elsewhere,
}

/// A provider's base URL.
#[derive(Clone)]
pub struct BaseUrl {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end; empty for the root.
    prefix: String,
    host: HeaderValue,
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.prefix)
    }
}

impl BaseUrl {
    /// Reads a base URL.
    ///
    /// # Errors
    /// As [`UrlError`] says.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        // `Uri` drops a fragment without a word.
        if text.contains(['?', '#']) {
            return Err(UrlError::Query);
        }
        let parts = text.parse::<Uri>().map_err(|_| UrlError::Syntax)?.into_parts();
        let scheme =
            parts.scheme.filter(|s| *s == Scheme::HTTP || *s == Scheme::HTTPS).ok_or(UrlError::Scheme)?;
        let authority = parts.authority.filter(|a| !a.host().is_empty()).ok_or(UrlError::Syntax)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::Credential);
        }
        let path = parts.path_and_query.as_ref().map_or("/", PathAndQuery::path);
        check_path(path)?;
        let prefix = path.trim_end_matches('/').to_owned();
        let standard = if scheme == Scheme::HTTPS { 443 } else { 80 };
        let host = match authority.port_u16() {
            Some(port) if port == standard => HeaderValue::from_str(authority.host()),
            _ => HeaderValue::from_str(authority.as_str()),
        };
        Ok(Self { scheme, host: host.map_err(|_| UrlError::Syntax)?, authority, prefix })
    }

    /// The URL of a path, which may carry a query. A slash that is missing is put in; with nothing it is the
    /// base URL itself.
    ///
    /// # Errors
    /// It is not a path, or it climbs.
    pub fn join(&self, path: &str) -> Result<Uri, UrlError> {
        if path.contains(['#', '\\', ' ']) {
            return Err(UrlError::Path);
        }
        let nothing = path.is_empty() || path.starts_with('?');
        let slash = if path.starts_with('/') || nothing && !self.prefix.is_empty() { "" } else { "/" };
        let whole = format!("{}{slash}{path}", self.prefix);
        let whole = PathAndQuery::try_from(whole).map_err(|_| UrlError::Path)?;
        check_path(whole.path())?;
        self.absolute(whole)
    }

    /// What is asked for by a URI that [`BaseUrl::join`] gave, or by a bare path.
    ///
    /// # Errors
    /// It leads elsewhere, or climbs.
    pub(super) fn resolve(&self, uri: &Uri) -> Result<Uri, UrlError> {
        let Some(authority) = uri.authority() else {
            return self.join(uri.path_and_query().map_or("/", PathAndQuery::as_str));
        };
        let below = uri
            .path()
            .strip_prefix(&*self.prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if uri.scheme() != Some(&self.scheme) || *authority != self.authority || !below {
            return Err(UrlError::Elsewhere);
        }
        check_path(uri.path())?;
        Ok(uri.clone())
    }

    fn absolute(&self, path: PathAndQuery) -> Result<Uri, UrlError> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|_| UrlError::Path)
    }

    pub(super) fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// The value of `host`.
    pub(super) fn host_header(&self) -> HeaderValue {
        self.host.clone()
    }

    /// The name that the provider's certificate must have.
    pub(super) fn server_name(&self) -> Result<ServerName<'static>, UrlError> {
        let host = self.authority.host();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        ServerName::try_from(host.to_owned()).map_err(|_| UrlError::Syntax)
    }

    /// Where to connect to.
    pub(super) fn target(&self) -> Result<Uri, UrlError> {
        self.absolute(PathAndQuery::from_static("/"))
    }
}

fn check_path(path: &str) -> Result<(), UrlError> {
    if !path.contains(['.', '%']) {
        return Ok(());
    }
    let climbs =
        |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    // A server may decode `%2f` and `%5c` into separators before it looks at the segments.
    let decoded = |path: &str| path.to_ascii_lowercase().replace("%2f", "/").replace("%5c", "/");
    if path.split('/').any(climbs) || path.contains('%') && decoded(path).split('/').any(climbs) {
        return Err(UrlError::Climbs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn paths_are_joined() {
        for (base, path, url) in [
            ("https://api.example.com/v1", "/chat?x=1", "https://api.example.com/v1/chat?x=1"),
            ("https://api.example.com/v1/", "/chat", "https://api.example.com/v1/chat"),
            ("http://127.0.0.1:9", "/", "http://127.0.0.1:9/"),
            ("http://[::1]:9/a/b", "//c", "http://[::1]:9/a/b//c"),
            ("https://x.example", "/models/a:b%20c?q=../..", "https://x.example/models/a:b%20c?q=../.."),
            ("https://x.example/hook", "", "https://x.example/hook"),
            ("https://x.example/hook", "?a=1", "https://x.example/hook?a=1"),
            ("https://x.example", "", "https://x.example/"),
            ("https://x.example/v1", "chat", "https://x.example/v1/chat"),
            // Not another place, but a path that looks like one.
            ("https://x.example", "https://evil.example/", "https://x.example/https://evil.example/"),
            ("https://x.example", "@evil.example/", "https://x.example/@evil.example/"),
        ] {
            let base = BaseUrl::parse(base).unwrap();
            let joined = base.join(path).unwrap();
            assert_eq!(joined.to_string(), url);
            assert_eq!(base.resolve(&joined).unwrap(), joined);
        }
    }

    #[test]
    fn a_path_stays_below_the_base() {
        let base = BaseUrl::parse("https://x.example/v1").unwrap();
        for path in ["/..", "..", "/../admin", "/a/%2e%2E/b", "/.", "/a%2f..%2F..", "/%5C..%5c..", "/a/..?q"]
        {
            assert_eq!(base.join(path), Err(UrlError::Climbs), "{path}");
        }
        for path in ["/a b", "/a#b", "/a\\b", "/a\nb", "/\u{7f}"] {
            assert_eq!(base.join(path), Err(UrlError::Path), "{path}");
        }
        for uri in [
            "https://evil.example/v1/a",
            "http://x.example/v1/a",
            "https://x.example/v2",
            "https://x.example/v11/a",
        ] {
            assert_eq!(base.resolve(&uri.parse().unwrap()), Err(UrlError::Elsewhere), "{uri}");
        }
        assert_eq!(base.resolve(&"/chat".parse().unwrap()).unwrap(), "https://x.example/v1/chat");
    }

    #[test]
    fn what_is_no_base_url() {
        for (text, error) in [
            ("api.example.com/v1", UrlError::Syntax),
            ("/v1", UrlError::Scheme),
            ("ftp://x.example", UrlError::Scheme),
            ("https://key:secret@x.example", UrlError::Credential),
            ("https://x.example/?key=secret", UrlError::Query),
            ("https://x.example/#v1", UrlError::Query),
            ("https://x.example/a/../b", UrlError::Climbs),
            ("https://", UrlError::Syntax),
        ] {
            assert_eq!(BaseUrl::parse(text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn the_host_header_names_the_port_where_it_matters() {
        for (url, host) in [
            ("https://x.example:443", "x.example"),
            ("https://x.example:80", "x.example:80"),
            ("http://[::1]:80", "[::1]"),
            ("http://[::1]:81", "[::1]:81"),
        ] {
            assert_eq!(BaseUrl::parse(url).unwrap().host_header(), host);
        }
    }
}
