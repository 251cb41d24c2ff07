//! Counting the tokens of a request that is not sent.
//!
//! Nothing leaves the gateway, so no plugin is asked and nothing is settled.

use super::answer::json_response;
use super::inbound::Inbound;
use super::life::{BYTES_PER_TOKEN, put};
use super::{Body, Gateway, permit, routes};
use crate::error::Error;
use http::{Response, StatusCode};
use std::sync::Arc;

/// Answers with the tokens of a request, estimated by its length; a flag says so.
///
/// # Errors
/// What the client is to be told in its format.
pub async fn count_tokens(gateway: &Arc<Gateway>, inbound: Inbound) -> Result<Response<Body>, Error> {
    let (format, id) = (inbound.format, inbound.id.clone());
    let principal = inbound.authenticate(gateway).await?;
    let routes = routes(gateway, &principal)?;
    let (_, mut prompt) = inbound.parse(gateway).await?;
    permit::admit(routes, &principal, &mut prompt)?;
    let tokens = (prompt.text_bytes() as u64).div_ceil(BYTES_PER_TOKEN);
    let mut response = json_response(StatusCode::OK, &format.tokens(tokens), &id);
    put(response.headers_mut(), "x-lockgate-flags", "usage=estimated");
    Ok(response)
}
