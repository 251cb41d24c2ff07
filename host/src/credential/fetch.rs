//! Asking a token endpoint: one request, a small JSON answer, bounded in time and size.

use super::SignError;
use super::renewed::Fetched;
use crate::secret::Secret;
use crate::upstream::{Upstream, UpstreamSettings};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use serde_json::Value;
use std::time::Duration;

/// Bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;
/// Time for all of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts a form.
///
/// # Errors
/// The endpoint is not reached, or refuses.
pub async fn post(url: &str, fields: &[(&str, &str)]) -> Result<Fetched<Secret>, SignError> {
    let form: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    ask(url, Method::POST, (header::CONTENT_TYPE, form_type), form.into()).await
}

/// Gets from a metadata service, which wants a header that no redirected browser would send.
///
/// # Errors
/// The service is not reached, or refuses.
pub async fn get(url: &str, name: &'static str, value: &'static str) -> Result<Fetched<Secret>, SignError> {
    let header = (HeaderName::from_static(name), HeaderValue::from_static(value));
    ask(url, Method::GET, header, Bytes::new()).await
}

async fn ask(
    url: &str,
    method: Method,
    header: (HeaderName, HeaderValue),
    body: Bytes,
) -> Result<Fetched<Secret>, SignError> {
    let unavailable = |why: String| SignError::Unavailable(why);
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let settings = UpstreamSettings {
        connect: PATIENCE,
        first_byte: PATIENCE,
        total: PATIENCE,
        ..UpstreamSettings::new(base)
    };
    let upstream = Upstream::new(settings).map_err(|error| unavailable(error.to_string()))?;
    let path = query.map_or_else(String::new, |query| format!("?{query}"));
    let uri = upstream.url(&path).map_err(|error| unavailable(error.to_string()))?;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().insert(header.0, header.1);
    let failed = |_| unavailable("the token endpoint could not be reached".into());
    let answered = upstream.send(request).await.map_err(failed)?;
    let status = answered.status;
    let answer = answered.body.collect(MAX_ANSWER).await.map_err(failed)?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if !status.is_success() {
        // The code is of a fixed set (RFC 6749, section 5.2); a description might repeat what was sent.
        let code = answer.get("error").and_then(Value::as_str).unwrap_or("no reason");
        let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(60).collect();
        return Err(unavailable(format!("the token endpoint answered {} ({code})", status.as_u16())));
    }
    read(&answer).ok_or_else(|| unavailable("the token endpoint gave no token".into()))
}

/// `access_token` and `expires_in`, which Microsoft's metadata service writes as a string. It may be missing (RFC 6749,
/// section 5.1): then the token is used once.
pub(super) fn read(answer: &Value) -> Option<Fetched<Secret>> {
    let token = answer.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    let seconds = match answer.get("expires_in") {
        None | Some(Value::Null) => 0.0,
        Some(Value::String(text)) => text.parse().ok()?,
        Some(number) => number.as_f64()?,
    };
    Some(Fetched::new(Secret::new(token), Duration::try_from_secs_f64(seconds).ok()?))
}
