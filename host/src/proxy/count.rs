//! Counting the tokens of a request that is not sent.
//!
//! Nothing leaves the gateway, so no plugin is asked and nothing is settled.

use super::answer::json_response;
use super::estimate::count;
use super::inbound::Inbound;
use super::{Body, Gateway, permit, routes};
use crate::error::Error;
use http::{HeaderValue, Response, StatusCode};
use std::sync::Arc;

/// Answers with the tokens of a request for the first target of its route: by that model's tokenizer where there is one
/// here, and estimated otherwise; a header says which.
///
/// # Errors
/// What the client is to be told in its format.
pub async fn count_tokens(gateway: &Arc<Gateway>, inbound: Inbound) -> Result<Response<Body>, Error> {
    let (format, id) = (inbound.format, inbound.id.clone());
    let principal = inbound.authenticate(gateway).await?;
    let routes = routes(gateway, &principal)?;
    let (_, mut prompt) = inbound.parse(gateway).await?;
    let route = permit::admit(routes, &principal, &mut prompt)?;
    let prompt = Arc::new(prompt);
    let model =
        route.targets.first().map_or(prompt.model(), |target| target.model_for(prompt.model())).to_owned();
    let counted = count(gateway, &prompt, &model).await;
    let mut response = json_response(StatusCode::OK, &format.tokens(counted.tokens), &id);
    response.headers_mut().insert("x-lockgate-usage", HeaderValue::from_static(counted.by()));
    if !counted.exact {
        response.headers_mut().insert("x-lockgate-flags", HeaderValue::from_static("usage=estimated"));
    }
    Ok(response)
}
