//! The client endpoints: which path leads where. No policy of its own; every answer carries the request's id.

mod endpoint;
mod feedback;

use crate::chat::Operation;
use crate::error::{Error, Party};
use crate::format::Format;
use crate::proxy::{self, Body, Gateway, Inbound, error_response, json_response, request_id};
use crate::server::RequestBody;
use endpoint::{Asked, Endpoint};
use http::{Method, Request, Response, StatusCode};
use serde_json::json;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// Answers one request of a client.
pub async fn handle(gateway: Arc<Gateway>, request: Request<RequestBody>, peer: IpAddr) -> Response<Body> {
    let id = request_id(request.headers());
    let endpoint = Endpoint::of(&request);
    let format = endpoint.format;
    let answered = dispatch(&gateway, endpoint, request, peer, id.clone()).await;
    let mut response = answered.unwrap_or_else(|error| error_response(format, &error, &id));
    if let Some(name) = format.own_id_header()
        && let Some(id) = response.headers().get("x-request-id").cloned()
    {
        response.headers_mut().insert(name, id);
    }
    response
}

async fn dispatch(
    gateway: &Arc<Gateway>,
    endpoint: Endpoint,
    request: Request<RequestBody>,
    peer: IpAddr,
    id: String,
) -> Result<Response<Body>, Error> {
    let accepted = Instant::now();
    let format = endpoint.format;
    let (asked, predicts) = match endpoint.asked {
        Asked::Estimate(asked) => (*asked, true),
        asked => (asked, false),
    };
    let (operation, path, counts) = match asked {
        Asked::Chat(path) => (Operation::Chat, path, false),
        Asked::Other(operation) => (operation, None, false),
        Asked::Tokens(path) => (Operation::Chat, path, true),
        Asked::Estimate(_) => return Err(proxy::unknown_path(request.method(), request.uri().path())),
        Asked::Models => return models(gateway, format, &request, peer, None, &id).await,
        Asked::Model(model) => return models(gateway, format, &request, peer, Some(&model), &id).await,
        Asked::Reject(kept) => return reject(gateway, format, &request, peer, &kept, &id).await,
        Asked::Feedback if request.method() == Method::POST => {
            return feedback::take(gateway, request, peer, &id).await;
        }
        Asked::Feedback => return Err(wrong_method(&request)),
        Asked::Unknown => return Err(proxy::unknown_path(request.method(), request.uri().path())),
    };
    if request.method() != Method::POST {
        return Err(wrong_method(&request));
    }
    let inbound = Inbound { format, operation, path, accepted, id, peer, request };
    match (predicts, counts) {
        (true, _) => proxy::estimate(gateway, inbound).await,
        (_, true) => proxy::count_tokens(gateway, inbound).await,
        _ => proxy::serve(gateway, inbound).await,
    }
}

async fn models(
    gateway: &Gateway,
    format: Format,
    request: &Request<RequestBody>,
    peer: IpAddr,
    model: Option<&str>,
    id: &str,
) -> Result<Response<Body>, Error> {
    if request.method() != Method::GET {
        return Err(wrong_method(request));
    }
    let principal = proxy::authenticate(gateway, request, format, peer, id).await?;
    let routes = proxy::routes(gateway, &principal)?;
    let mut models = routes.models().filter(|(id, _)| principal.permissions.allows(id, id));
    let body = match model {
        None => format.models(models),
        Some(model) => {
            let (id, owner) =
                models.find(|(id, _)| *id == model).ok_or_else(|| proxy::unknown_model(model))?;
            format.model(id, owner)
        }
    };
    Ok(json_response(StatusCode::OK, &body, id))
}

/// Takes a kept answer away that was wrong for who got it. A tenant has only its own: another's is not there.
async fn reject(
    gateway: &Gateway,
    format: Format,
    request: &Request<RequestBody>,
    peer: IpAddr,
    kept: &str,
    id: &str,
) -> Result<Response<Body>, Error> {
    if request.method() != Method::POST {
        return Err(wrong_method(request));
    }
    let principal = proxy::authenticate(gateway, request, format, peer, id).await?;
    if !gateway.answers.reject(&principal.tenant, kept) {
        let message = "There is no kept answer of this id.";
        return Err(Error::new(Party::Client, StatusCode::NOT_FOUND, "unknown_answer", message));
    }
    Ok(json_response(StatusCode::OK, &json!({ "id": kept, "rejected": true }), id))
}

fn wrong_method(request: &Request<RequestBody>) -> Error {
    let message = format!("Method {} is not allowed here.", request.method());
    Error::new(Party::Client, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}
