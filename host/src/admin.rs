//! The admin listener: health, readiness, metrics, reload, keys, what is kept for review, kept answers, usage.
//!
//! Health and metrics are open to whoever reaches the listener; everything else needs a token of a role, or, where none
//! is configured, a loopback address. What an administrator does is logged with the name of who does it, never with a
//! token. Never calls a provider.

mod approvals;
mod keys;
mod routing;
mod stale;
mod usage;

use crate::app::App;
use crate::auth::AuthError;
use crate::auth::admin::{Administrator, Role};
use crate::error::{Error, Party};
use crate::format::Format;
use crate::proxy::{Body, error_response, full, json_response, printable, request_id};
use crate::server::RequestBody;
use crate::server::body::read_limited;
use crate::shutdown::Shutdown;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a request's body.
const MAX_BODY: usize = 256 * 1024;
/// Time for it to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers requests on the admin listener.
#[derive(Clone)]
pub struct Admin {
    /// What is administered.
    pub app: Arc<App>,
    /// Whether the process is about to end.
    pub shutdown: Shutdown,
}

/// What can be asked for, and who may.
struct Action<'a> {
    method: &'a Method,
    /// The first part of the path, what stands behind it, and what behind that.
    path: [&'a str; 3],
    query: &'a str,
    body: Bytes,
}

impl Admin {
    /// Answers one request.
    pub async fn handle(self, request: Request<RequestBody>, peer: IpAddr) -> Response<Body> {
        let id = request_id(request.headers());
        let answered = self.dispatch(request, peer, &id).await;
        answered.unwrap_or_else(|error| {
            if error.party == Party::Internal {
                tracing::error!(id, error = error.chain(), "an administrator's request failed");
            }
            error_response(Format::OpenAi, &error, &id)
        })
    }

    async fn dispatch(
        &self,
        request: Request<RequestBody>,
        peer: IpAddr,
        id: &str,
    ) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/healthz") => {
                return Ok(json_response(StatusCode::OK, &json!({ "status": "ok" }), id));
            }
            (&Method::GET, "/readyz") => return Ok(self.readiness(id)),
            (&Method::GET, "/metrics") => return Ok(self.metrics()),
            _ => {}
        }
        let who = self.authorize(&head.headers, &head.method, &head.uri, peer).await?;
        let body = read_limited(body, MAX_BODY, PATIENCE).await.map_err(|_| {
            Error::bad_request("invalid_body", "The body is too large, came too slowly, or broke off.")
        })?;
        let action = Action::new(&head.method, &head.uri, body);
        let answered = self.act(&action, who.role, id).await;
        let status = answered.as_ref().map_or_else(|error| error.status, Response::status).as_u16();
        let (method, path) = (head.method.as_str(), printable(head.uri.path()));
        tracing::info!(id, who = %who.name, role = who.role.name(), method, path, status, "administration");
        answered
    }

    async fn act(&self, action: &Action<'_>, role: Role, id: &str) -> Result<Response<Body>, Error> {
        let needed = action.needs().ok_or_else(unknown)?;
        if role < needed {
            let message = format!("This needs the role '{}'.", needed.name());
            return Err(Error::new(Party::Client, StatusCode::FORBIDDEN, "role_needed", message));
        }
        let gateway = self.app.gateway();
        let body = &action.body;
        let done = match (action.method, action.path) {
            (&Method::POST, ["reload", ..]) => return Ok(self.reload(id).await),
            (&Method::GET, ["usage", ..]) => {
                let ledger = &self.app.shared().ledger;
                usage::answer(ledger, gateway.currency.as_ref(), action.query).await?
            }
            (&Method::POST, ["approvals", ..]) => approvals::issue(&gateway, action.query)?,
            (&Method::GET, ["quarantine", ..]) => {
                serde_json::to_value(self.app.shared().quarantine.list()).unwrap_or_default()
            }
            (&Method::DELETE, ["quarantine", wanted, _]) => {
                let released = self.app.shared().quarantine.release(wanted).ok_or_else(unknown)?;
                serde_json::to_value(released).unwrap_or_default()
            }
            (&Method::DELETE, ["cache", ..]) => {
                json!({ "removed": self.app.shared().forget_stale(&stale::read(action.query)?) })
            }
            (&Method::GET, ["routing", ..]) => routing::show(&gateway),
            (&Method::POST, ["routing", ..]) => routing::resume(&gateway, action.query)?,
            (&Method::POST, ["keys", "", _]) => {
                let made = keys::create(&gateway, body).await?;
                return Ok(json_response(StatusCode::CREATED, &made, id));
            }
            (&Method::GET, ["keys", "", _]) => keys::list(&gateway, action.query).await?,
            (&Method::POST, ["keys", key, "rotate"]) => keys::rotate(&gateway, key, body).await?,
            (&Method::GET, ["keys", key, _]) => keys::get(&gateway, key).await?,
            (&Method::PATCH, ["keys", key, _]) => keys::update(&gateway, key, body).await?,
            (&Method::DELETE, ["keys", key, _]) => keys::revoke(&gateway, key).await?,
            _ => return Err(unknown()),
        };
        Ok(json_response(StatusCode::OK, &done, id))
    }

    async fn authorize(
        &self,
        headers: &HeaderMap,
        method: &Method,
        uri: &Uri,
        peer: IpAddr,
    ) -> Result<Administrator, Error> {
        let gateway = self.app.gateway();
        let error = match gateway.admins.identify(headers, peer).await {
            Ok(administrator) => return Ok(administrator),
            Err(error) => error,
        };
        let path = printable(uri.path());
        tracing::warn!(%peer, %method, path, "an administrator's request is refused: the token is missing or wrong");
        let refused = |status, code, message: &str| Error::new(Party::Client, status, code, message);
        Err(match error {
            AuthError::Locked(wait) => {
                let message = "Too many wrong tokens came from this address. Try again later.";
                refused(StatusCode::TOO_MANY_REQUESTS, "too_many_wrong_tokens", message)
                    .retry_after(Some(wait))
            }
            AuthError::Unavailable => {
                refused(StatusCode::SERVICE_UNAVAILABLE, "identity_unavailable", &error.to_string())
            }
            _ => refused(StatusCode::UNAUTHORIZED, "unauthorized", "The admin token is missing or wrong."),
        })
    }

    fn readiness(&self, id: &str) -> Response<Body> {
        if self.shutdown.is_draining() {
            return json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "draining" }), id);
        }
        let body = json!({ "status": "ready", "generation": self.app.generation() });
        json_response(StatusCode::OK, &body, id)
    }

    fn metrics(&self) -> Response<Body> {
        let text = self.app.shared().metrics.render();
        let mut response = Response::new(full(text.into()));
        let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }

    async fn reload(&self, id: &str) -> Response<Body> {
        match self.app.reload().await {
            Ok(generation) => json_response(StatusCode::OK, &json!({ "generation": generation }), id),
            Err(faults) => {
                let list: Vec<Value> = faults
                    .list
                    .iter()
                    .map(|fault| {
                        json!({
                            "path": fault.path(),
                            "line": fault.position.map(|position| position.line),
                            "message": fault.message,
                            "suggestion": fault.suggestion,
                        })
                    })
                    .collect();
                let body = json!({ "error": { "code": "configuration_refused", "message": faults.to_string(), "faults": list } });
                json_response(StatusCode::UNPROCESSABLE_ENTITY, &body, id)
            }
        }
    }
}

impl<'a> Action<'a> {
    fn new(method: &'a Method, uri: &'a Uri, body: Bytes) -> Self {
        let mut parts = uri.path().trim_start_matches('/').splitn(3, '/');
        let mut part = || parts.next().unwrap_or_default();
        Self { method, path: [part(), part(), part()], query: uri.query().unwrap_or_default(), body }
    }

    /// The least role that may; none where there is no such action.
    fn needs(&self) -> Option<Role> {
        match (self.method, self.path) {
            (&Method::GET, ["usage" | "routing", "", ""] | ["keys", _, ""]) => Some(Role::Viewer),
            (&Method::POST, ["reload" | "approvals", "", ""] | ["routing", "resume", ""])
            | (&Method::GET, ["quarantine", "", ""])
            | (&Method::DELETE, ["cache", "", ""]) => Some(Role::Operator),
            (&Method::DELETE, ["quarantine", id, ""]) if !id.is_empty() => Some(Role::Operator),
            (&Method::POST, ["keys", "", ""]) => Some(Role::Owner),
            (&Method::POST, ["keys", id, "rotate"]) if !id.is_empty() => Some(Role::Owner),
            (&Method::PATCH | &Method::DELETE, ["keys", id, ""]) if !id.is_empty() => Some(Role::Owner),
            _ => None,
        }
    }
}

fn unknown() -> Error {
    Error::new(Party::Client, StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
}
