//! A client's request on its way in: who asks, and for what.
//!
//! Never trusts a length, an id or an address that the client names; a credential is looked at and dropped.

use super::life::log_error;
use super::{Gateway, permit, printable};
use crate::auth::{Asker, AuthError, Principal};
use crate::chat::{Operation, Prompt};
use crate::error::{Error, Party};
use crate::exchange::Exchange;
use crate::format::{Format, InPath, openai};
use crate::secret::Secret;
use crate::server::RequestBody;
use crate::server::body::{BodyError, read_limited};
use crate::upload::Broken;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use std::net::IpAddr;
use tokio::time::Instant;

/// Headers that a plugin is never shown, whatever it is granted.
const HIDDEN: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "cookie",
    "x-amz-security-token",
    super::approval::HEADER,
];

/// Bytes of an id that a client chose for its request.
const MAX_ID: usize = 128;

/// A request as it came in.
pub struct Inbound {
    /// The client's API.
    pub format: Format,
    /// What is asked for.
    pub operation: Operation,
    /// What the path says of it, in an API that says it there.
    pub path: Option<InPath>,
    /// When it was accepted.
    pub accepted: Instant,
    /// Its id: the client's own, or a new one.
    pub id: String,
    /// Who is at the other end of the connection.
    pub peer: IpAddr,
    /// The request.
    pub request: Request<RequestBody>,
}

/// What is left of a request once its body was read.
pub struct Facts {
    /// Its id.
    pub id: String,
    /// The client's API.
    pub format: Format,
    /// The approval that came with it.
    pub approval: Option<Secret>,
    peer: IpAddr,
}

impl Inbound {
    /// Who sends it.
    ///
    /// # Errors
    /// As [`authenticate`] says.
    pub fn authenticate<'a>(
        &'a self,
        gateway: &'a Gateway,
    ) -> impl Future<Output = Result<Principal, Error>> + Send + use<'a> {
        authenticate(gateway, &self.request, self.format, self.peer, &self.id)
    }

    /// Reads the body into a canonical prompt. A form is read up to its file; the file goes on coming.
    ///
    /// # Errors
    /// 400 for what is not a request of the format, 408 and 413 for a body that is too slow or too large.
    pub async fn parse(self, gateway: &Gateway) -> Result<(Facts, Prompt), Error> {
        let (head, body) = self.request.into_parts();
        let approval = head.headers.get(super::approval::HEADER).and_then(|value| value.to_str().ok());
        let approval = approval.map(Secret::new);
        let facts = Facts { id: self.id, format: self.format, approval, peer: self.peer };
        let headers = visible(&head.headers);
        if self.operation.listens() {
            let kind = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            return Ok((facts, form(kind, body, gateway, self.operation, headers).await?));
        }
        let read = read_limited(body, gateway.max_request_bytes, gateway.body_timeout).await;
        let body = read.map_err(|error| {
            openai::upload_error(match error {
                BodyError::TooLarge { .. } => Broken::TooLarge,
                BodyError::Timeout => Broken::TooSlow,
                BodyError::Broken(_) => Broken::Off,
            })
        })?;
        let map = self.format.parse(self.operation, &body, self.path.as_ref())?;
        Ok((facts, Prompt::new(self.operation, map, headers)))
    }
}

/// Reads a form up to its file, where the model is known by then, or to its end.
async fn form(
    kind: Option<&str>,
    body: RequestBody,
    gateway: &Gateway,
    operation: Operation,
    headers: Vec<(String, String)>,
) -> Result<Prompt, Error> {
    let deadline = Instant::now() + gateway.body_timeout;
    let body = bounded(body, gateway.max_request_bytes, deadline);
    let (mut form, rest) = openai::parse_form(kind, body).await?;
    // It ends with the body, in whatever way, and that is bounded in time.
    tokio::spawn(rest);
    if !form.fields.contains_key("model") {
        form.file.upload.ended().await.map_err(openai::upload_error)?;
        form.fields.extend(openai::late_fields(form.file.upload.late()));
    }
    openai::check_fields(&mut form.fields)?;
    Ok(Prompt::new(operation, form.fields, headers).attaching(Some(form.file)))
}

/// The bytes of a body, as long as they are within the bounds.
fn bounded(
    body: RequestBody,
    max: usize,
    deadline: Instant,
) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    let body = body.into_data_stream();
    futures_util::stream::unfold(Some((body, max)), move |state| async move {
        let (mut body, left) = state?;
        match tokio::time::timeout_at(deadline, body.next()).await {
            Err(_) => Some((Err(Broken::TooSlow), None)),
            Ok(None) => None,
            Ok(Some(Err(_))) => Some((Err(Broken::Off), None)),
            Ok(Some(Ok(bytes))) => match left.checked_sub(bytes.len()) {
                Some(left) => Some((Ok(bytes), Some((body, left)))),
                None => Some((Err(Broken::TooLarge), None)),
            },
        }
    })
}

/// Waits for all of a form, for those who must see it whole.
///
/// # Errors
/// It does not come to its end.
pub async fn settle(prompt: &mut Prompt) -> Result<(), Error> {
    if let Some(file) = prompt.attachment() {
        let upload = file.upload.clone();
        upload.ended().await.map_err(openai::upload_error)?;
        prompt.complete(openai::late_fields(upload.late()));
    }
    Ok(())
}

impl Facts {
    /// Sets the facts that plugins may be granted.
    pub fn describe(&self, gateway: &Gateway, exchange: &Exchange, principal: &Principal) {
        exchange.set_attr("client.format", self.format.name());
        exchange.set_attr("client.ip", self.peer.to_string());
        exchange.set_attr("principal.key", principal.key.to_string());
        let holder = &principal.holder;
        for (name, value) in [
            ("principal.team", &holder.team),
            ("principal.user", &holder.user),
            ("principal.service", &holder.service),
            ("principal.agent", &holder.agent),
            ("principal.on-behalf-of", &holder.on_behalf_of),
        ] {
            if let Some(value) = value {
                exchange.set_attr(name, value.to_string());
            }
        }
        if let Some(organisation) = gateway.limits.organisation(&principal.tenant) {
            exchange.set_attr("principal.organisation", organisation);
        }
        if !holder.tags.is_empty() {
            // Neither a name nor a value holds either sign.
            let tags: Vec<String> =
                holder.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
            exchange.set_attr("principal.tags", tags.join(","));
        }
        for (kind, count) in exchange.prompt().media() {
            exchange.flag(&format!("media.{}", kind.name()), &count.to_string());
        }
    }
}

/// Who sends a request, in a client API that it may speak.
///
/// # Errors
/// 401 for a credential that is missing or unknown, without telling which part was wrong; 429 where too many were; 404
/// for an API that the principal may not speak, as for a path that leads nowhere.
pub fn authenticate<'a, B>(
    gateway: &'a Gateway,
    request: &'a Request<B>,
    format: Format,
    peer: IpAddr,
    id: &'a str,
) -> impl Future<Output = Result<Principal, Error>> + Send + use<'a, B> {
    let asker = Asker::of(request, peer);
    let (method, path) = (request.method(), request.uri().path());
    async move {
        let principal = gateway.auth.authenticate(asker).await;
        let principal = principal.and_then(|principal| {
            permit::routes(gateway, &principal)?;
            principal.told(asker.headers)
        });
        let refused = match principal {
            Ok(principal) if principal.permissions.allows_format(format.name()) => return Ok(principal),
            Ok(_) => unknown_path(method, path),
            Err(error) => unidentified(error),
        };
        log_error(id, &refused);
        Err(refused)
    }
}

fn unidentified(error: AuthError) -> Error {
    let (status, code) = match error {
        AuthError::Missing | AuthError::Invalid => (StatusCode::UNAUTHORIZED, "invalid_api_key"),
        AuthError::Locked(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_wrong_keys"),
        AuthError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "identity_unavailable"),
        AuthError::NotDelegated => (StatusCode::FORBIDDEN, "not_delegated"),
        AuthError::NoName => (StatusCode::BAD_REQUEST, "invalid_name"),
        AuthError::NoTags => (StatusCode::BAD_REQUEST, "invalid_tags"),
        AuthError::NoPriority => (StatusCode::BAD_REQUEST, "invalid_priority"),
    };
    let wait = match error {
        AuthError::Locked(wait) => Some(wait),
        _ => None,
    };
    Error::new(Party::Client, status, code, error.to_string()).retry_after(wait)
}

/// A path that leads nowhere.
#[must_use]
pub fn unknown_path(method: &Method, path: &str) -> Error {
    let message = format!("Unknown request URL: {method} {}.", printable(path));
    Error::new(Party::Client, StatusCode::NOT_FOUND, "unknown_url", message)
}

/// The id of a request: the client's own where it is short and harmless to log.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    match given.filter(|id| !id.is_empty() && id.len() <= MAX_ID && id.bytes().all(|b| b.is_ascii_graphic()))
    {
        Some(id) => id.to_owned(),
        None => format!("req_{:032x}", fastrand::u128(..)),
    }
}

/// Whether a header, by its lower-case name, may carry a credential: it is shown to nothing.
#[must_use]
pub fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name)
}

fn visible(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !is_hidden(name.as_str()))
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}
