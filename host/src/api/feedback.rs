//! What users say of an answer: `POST /v1/feedback`.
//!
//! It names the answer by its request's id and says how good it was. Nothing else of what is sent is kept.

use crate::error::{Error, Party};
use crate::format::Format;
use crate::proxy::{self, Body, Gateway, json_response};
use crate::server::RequestBody;
use crate::server::body::read_limited;
use http::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use std::net::IpAddr;

/// Bytes of a body.
const MAX_BODY: usize = 4 * 1024;

/// An opinion.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    request_id: String,
    score: f64,
}

/// Takes an opinion.
///
/// # Errors
/// 400 for what is none, 404 for an answer that the key did not get, or that was spoken of before.
pub async fn take(
    gateway: &Gateway,
    request: Request<RequestBody>,
    peer: IpAddr,
    id: &str,
) -> Result<Response<Body>, Error> {
    let principal = proxy::authenticate(gateway, &request, Format::OpenAi, peer, id).await?;
    let invalid = |why: &str| Error::bad_request("invalid_feedback", why);
    let body = read_limited(request.into_body(), MAX_BODY, gateway.body_timeout).await;
    let body = body.map_err(|_| invalid("The body is too large, came too slowly, or broke off."))?;
    let said: Said = serde_json::from_slice(&body)
        .map_err(|_| invalid("An opinion is an object with `request_id` and `score`, and nothing else."))?;
    if !(0.0..=1.0).contains(&said.score) {
        return Err(invalid("A score is a number from 0 to 1.").param("score"));
    }
    if !gateway.feedback.give(&principal.tenant, &principal.own_name(), &said.request_id, said.score) {
        let message = "There is no answer of this id to speak of, or it was spoken of already.";
        return Err(Error::new(Party::Client, StatusCode::NOT_FOUND, "unknown_answer", message));
    }
    Ok(json_response(StatusCode::OK, &json!({ "object": "feedback", "request_id": said.request_id }), id))
}
