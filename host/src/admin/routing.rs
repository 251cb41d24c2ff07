//! What an operator sees of canaries, and how one that was rolled back may try again.

use crate::error::{Error, Party};
use crate::proxy::Gateway;
use crate::route::canary::{Figures, State};
use http::StatusCode;
use serde_json::{Value, json};
use std::collections::HashMap;

/// How every canary does.
#[must_use]
pub fn show(gateway: &Gateway) -> Value {
    let mut states: Vec<&State> = gateway.canaries().collect();
    states.sort_by(|one, other| (&one.tenant, &one.route).cmp(&(&other.tenant, &other.route)));
    let canaries: Vec<Value> = states.into_iter().map(describe).collect();
    json!({ "canaries": canaries })
}

/// Lets the canary try again that a query names (`tenant`, `route`).
///
/// # Errors
/// The query names none.
pub fn resume(gateway: &Gateway, query: &str) -> Result<Value, Error> {
    let said: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).collect();
    let is = |name: &str, value: &str| said.get(name).is_some_and(|said| said == value);
    let state = gateway.canaries().find(|state| is("tenant", &state.tenant) && is("route", &state.route));
    let state = state.ok_or_else(|| {
        let message = "There is no canary of this 'tenant' and 'route'.";
        Error::new(Party::Client, StatusCode::NOT_FOUND, "not_found", message)
    })?;
    state.resume();
    gateway.metrics.canary_off(&state.tenant, &state.route, false);
    tracing::info!(tenant = %state.tenant, route = %state.route, "a canary is resumed");
    Ok(describe(state))
}

fn describe(state: &State) -> Value {
    let (canary, baseline) = state.figures();
    json!({
        "tenant": state.tenant,
        "route": state.route,
        "rolled_back": state.is_off(),
        "reason": state.why(),
        "canary": figures(&canary),
        "baseline": figures(&baseline),
    })
}

fn figures(figures: &Figures) -> Value {
    json!({
        "attempts": figures.attempts,
        "error_rate": figures.error_rate,
        "latency_ms": figures.latency.map(|time| time.as_secs_f64() * 1e3),
    })
}
