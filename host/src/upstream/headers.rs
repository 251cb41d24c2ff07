//! What passes between the gateway's two sides, and what belongs to one connection only.
//!
//! Source: RFC 9110, section 7.6.1.

use super::error::UpstreamError;
use super::payload::{Payload, Sent};
use super::url::BaseUrl;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};

const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("lockgate/", env!("CARGO_PKG_VERSION")));

/// Takes out what belongs to one connection only.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// A request that may be sent, and sent again.
pub(super) struct Prepared {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Payload,
    host: HeaderValue,
}

impl Prepared {
    pub fn new(request: Request<Payload>, base: &BaseUrl) -> Result<Self, UpstreamError> {
        let (head, body) = request.into_parts();
        let uri = base.resolve(&head.uri).map_err(UpstreamError::request)?;
        let mut headers = head.headers;
        strip(&mut headers);
        // The length is the body's, the host is the provider's.
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::HOST);
        headers.remove(header::EXPECT);
        // Nothing here undoes a compression, and adapters could not.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
        Ok(Self { method: head.method, uri, headers, body, host: base.host_header() })
    }

    /// The request as HTTP/1.1 says it: a path, and a host in the headers.
    pub fn http1(&self) -> Request<Sent> {
        let path = self.uri.path_and_query().cloned().map(Uri::from).unwrap_or_default();
        let mut request = self.request(path, Version::HTTP_11);
        request.headers_mut().insert(header::HOST, self.host.clone());
        request
    }

    /// The request as HTTP/2 says it.
    pub fn http2(&self) -> Request<Sent> {
        self.request(self.uri.clone(), Version::HTTP_2)
    }

    fn request(&self, uri: Uri, version: Version) -> Request<Sent> {
        let mut request = Request::new(self.body.sent());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = version;
        request.headers_mut().clone_from(&self.headers);
        request
    }
}
