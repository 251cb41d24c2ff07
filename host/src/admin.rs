//! The admin listener: health, readiness, metrics, reload, what is kept for review, kept answers, usage.
//!
//! Health and metrics are open to whoever reaches the listener; everything else needs the admin token, or,
//! where none is configured, a loopback address. Never calls a provider.

mod approvals;
mod stale;
mod usage;

use crate::app::App;
use crate::error::{Error, Party};
use crate::format::Format;
use crate::proxy::{Body, error_response, full, json_response, request_id};
use crate::secret::Secret;
use crate::server::RequestBody;
use crate::shutdown::Shutdown;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;

/// Answers requests on the admin listener.
#[derive(Clone)]
pub struct Admin {
    /// What is administered.
    pub app: Arc<App>,
    /// The token, where there is one.
    pub token: Option<Secret>,
    /// Whether the process is about to end.
    pub shutdown: Shutdown,
}

impl Admin {
    /// Answers one request.
    pub async fn handle(self, request: Request<RequestBody>, peer: IpAddr) -> Response<Body> {
        let id = request_id(request.headers());
        let answered = self.dispatch(&request, peer, &id).await;
        answered.unwrap_or_else(|error| error_response(Format::OpenAi, &error, &id))
    }

    async fn dispatch(
        &self,
        request: &Request<RequestBody>,
        peer: IpAddr,
        id: &str,
    ) -> Result<Response<Body>, Error> {
        let ok = |body: &Value| json_response(StatusCode::OK, body, id);
        let path = request.uri().path();
        match (request.method(), path) {
            (&Method::GET, "/healthz") => return Ok(ok(&json!({ "status": "ok" }))),
            (&Method::GET, "/readyz") => return Ok(self.readiness(id)),
            (&Method::GET, "/metrics") => return Ok(self.metrics()),
            _ => self.authorize(request, peer)?,
        }
        match (request.method(), path) {
            (&Method::POST, "/reload") => Ok(self.reload(id).await),
            (&Method::POST, "/approvals") => {
                let query = request.uri().query().unwrap_or_default();
                Ok(ok(&approvals::issue(&self.app.gateway(), query)?))
            }
            (&Method::GET, "/usage") => {
                let query = request.uri().query().unwrap_or_default();
                let (gateway, ledger) = (self.app.gateway(), &self.app.shared().ledger);
                Ok(ok(&usage::answer(ledger, gateway.currency.as_ref(), query).await?))
            }
            (&Method::GET, "/quarantine") => {
                let kept = self.app.shared().quarantine.list();
                Ok(ok(&serde_json::to_value(kept).unwrap_or_default()))
            }
            (&Method::DELETE, path) if path.starts_with("/quarantine/") => {
                let wanted = path.trim_start_matches("/quarantine/");
                let released = self.app.shared().quarantine.release(wanted).ok_or_else(unknown)?;
                Ok(ok(&serde_json::to_value(released).unwrap_or_default()))
            }
            (&Method::DELETE, "/cache") => {
                let stale = stale::read(request.uri().query().unwrap_or_default())?;
                Ok(ok(&json!({ "removed": self.app.shared().forget_stale(&stale) })))
            }
            _ => Err(unknown()),
        }
    }

    fn authorize(&self, request: &Request<RequestBody>, peer: IpAddr) -> Result<(), Error> {
        let allowed = match &self.token {
            None => peer.is_loopback(),
            Some(token) => {
                let given =
                    request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
                let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
                given.as_bytes().ct_eq(token.expose().as_bytes()).into()
            }
        };
        if allowed {
            return Ok(());
        }
        Err(Error::new(
            Party::Client,
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The admin token is missing or wrong.",
        ))
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

fn unknown() -> Error {
    Error::new(Party::Client, StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
}
