//! The client endpoints: which path leads where. No policy of its own; every answer carries the request's id.

use crate::chat::Operation;
use crate::error::{Error, Party};
use crate::format::openai;
use crate::proxy::{self, Body, Gateway, Inbound, error_response, request_id};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// Answers one request of a client.
pub async fn handle(gateway: Arc<Gateway>, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
    let id = request_id(request.headers());
    let answered = dispatch(&gateway, request, peer, id.clone()).await;
    answered.unwrap_or_else(|error| error_response(&error, &id))
}

async fn dispatch(
    gateway: &Arc<Gateway>,
    request: Request<Incoming>,
    peer: IpAddr,
    id: String,
) -> Result<Response<Body>, Error> {
    let path = request.uri().path();
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let operation = match path {
        "/chat/completions" => Operation::Chat,
        "/embeddings" => Operation::Embeddings,
        "/models" => return models(gateway, &request, None, &id),
        _ => match path.strip_prefix("/models/") {
            Some(model) => return models(gateway, &request, Some(model), &id),
            None => return Err(unknown_path(&request)),
        },
    };
    if request.method() != Method::POST {
        return Err(wrong_method(&request));
    }
    let inbound = Inbound { operation, accepted: Instant::now(), id, peer, request };
    proxy::serve(gateway, inbound).await
}

fn models(
    gateway: &Gateway,
    request: &Request<Incoming>,
    model: Option<&str>,
    id: &str,
) -> Result<Response<Body>, Error> {
    if request.method() != Method::GET {
        return Err(wrong_method(request));
    }
    let principal = proxy::authenticate(gateway, request.headers(), id)?;
    let routes =
        gateway.tenants.get(&principal.tenant).ok_or_else(|| Error::internal("The tenant has no routes."))?;
    let body = match model {
        None => openai::render_models(routes.models()),
        Some(model) => {
            let (id, owner) =
                routes.models().find(|(id, _)| *id == model).ok_or_else(|| proxy::unknown_model(model))?;
            openai::render_model(id, owner)
        }
    };
    Ok(json_response(StatusCode::OK, &body, id))
}

/// A JSON answer.
#[must_use]
pub fn json_response(status: StatusCode, body: &Value, id: &str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

fn unknown_path(request: &Request<Incoming>) -> Error {
    let message =
        format!("Unknown request URL: {} {}.", request.method(), proxy::printable(request.uri().path()));
    Error::new(Party::Client, StatusCode::NOT_FOUND, "unknown_url", message)
}

fn wrong_method(request: &Request<Incoming>) -> Error {
    let message = format!("Method {} is not allowed here.", request.method());
    Error::new(Party::Client, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
