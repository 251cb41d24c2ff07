//! What a principal may ask for: looked at where a request is known, and again wherever it could become another.
//!
//! Invariant: what is not allowed is answered like what does not exist, where only the answer could tell the two apart.
//! Never decides who asks.

use super::{Gateway, find_route, unknown_model};
use crate::auth::{AuthError, Permissions, Principal};
use crate::chat::{Operation, Prompt};
use crate::error::{Error, Party};
use crate::route::{Route, Routes};
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The fields that bound an answer, in tokens.
const BOUNDS: [&str; 3] = ["max_completion_tokens", "max_tokens", "max_output_tokens"];
/// The fields that say how many answers a model writes.
const COPIES: [&str; 2] = ["n", "best_of"];

/// The routes of a principal, behind the chain that it is given.
///
/// # Errors
/// Its tenant or its chain is no longer configured: it is then nobody.
pub fn routes<'g>(gateway: &'g Gateway, principal: &Principal) -> Result<&'g Routes, AuthError> {
    let chain = principal.permissions.chain.as_deref();
    let routes = gateway.tenants.get(&principal.tenant).and_then(|routes| routes.behind(chain));
    routes.ok_or_else(|| {
        let (tenant, key) = (&*principal.tenant, &*principal.key);
        tracing::warn!(tenant, key, chain, "a credential is of a tenant or a chain that is not configured");
        AuthError::Invalid
    })
}

/// The route that serves a request, where the principal may ask for it; bounds the answer where it must be.
///
/// # Errors
/// There is no such model for it, or the request offers a tool or asks for more tokens than it may.
pub fn admit(routes: &Routes, principal: &Principal, prompt: &mut Prompt) -> Result<Arc<Route>, Error> {
    let route = find_route(routes, prompt.model())?;
    let permissions = &principal.permissions;
    if !permissions.allows(&route.name, prompt.model()) {
        return Err(unknown_model(prompt.model()));
    }
    tools(permissions, prompt)?;
    tokens(permissions, prompt)?;
    Ok(route)
}

fn tools(permissions: &Permissions, prompt: &Prompt) -> Result<(), Error> {
    if permissions.tools.is_none() {
        return Ok(());
    }
    let body = prompt.body();
    let list = |name: &str| body.get(name).and_then(Value::as_array).into_iter().flatten();
    let named = list("tools").map(tool_name);
    let functions = list("functions").map(|tool| field(tool, "name"));
    // A search that a provider makes by itself is asked for by a field of its own.
    let search = body.get("web_search_options").filter(|value| !value.is_null()).map(|_| "web_search");
    match named.chain(functions).chain(search).find(|name| !permissions.allows_tool(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("The tool '{}' may not be used with this API key.", super::printable(name));
            Err(Error::new(Party::Client, StatusCode::FORBIDDEN, "tool_not_allowed", message).param("tools"))
        }
    }
}

/// The name of a tool; of one that the provider has itself, what kind it is.
fn tool_name(tool: &Value) -> &str {
    let kind = field(tool, "type");
    let inner = tool.get(kind).map_or("", |inner| field(inner, "name"));
    [inner, field(tool, "name"), kind].into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn tokens(permissions: &Permissions, prompt: &mut Prompt) -> Result<(), Error> {
    let Some(most) = permissions.max_tokens.filter(|_| prompt.operation().speaks()) else { return Ok(()) };
    let body = prompt.body();
    let mut copies = 1;
    for name in COPIES {
        copies = copies.max(number(body, name)?.unwrap_or(1));
    }
    let mut said = None;
    for name in BOUNDS {
        if let Some(asked) = number(body, name)? {
            said = Some(name);
            if asked.saturating_mul(copies) > most {
                return Err(too_many(most, name));
            }
        }
    }
    if said.is_some() {
        return Ok(());
    }
    let each = most / copies;
    if each == 0 {
        return Err(too_many(most, "n"));
    }
    let name =
        if prompt.operation() == Operation::Completions { "max_tokens" } else { "max_completion_tokens" };
    let bounded = prompt.merge(&json!({ name: each }).to_string());
    bounded.map_err(|error| Error::internal("The answer could not be bounded.").caused_by(error))
}

/// A number of the request. One that is not whole cannot be compared, and is refused.
fn number(body: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, Error> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) => Ok(Some(number)),
            None => {
                let message = format!("{name}: must be a whole number.");
                Err(Error::bad_request("invalid_value", message).param(name))
            }
        },
    }
}

fn too_many(most: u64, name: &'static str) -> Error {
    let message =
        format!("This API key may ask for {most} tokens of an answer at most, all choices together.");
    Error::new(Party::Client, StatusCode::FORBIDDEN, "max_tokens_exceeded", message).param(name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn prompt(body: Value) -> Prompt {
        let Value::Object(body) = body else { unreachable!("an object") };
        Prompt::new(Operation::Chat, body, Vec::new())
    }

    fn bounded(most: u64, body: Value) -> Result<Value, String> {
        let permissions = Permissions { max_tokens: Some(most), ..Permissions::default() };
        let mut prompt = prompt(body);
        tokens(&permissions, &mut prompt).map_err(|error| error.code.into_owned())?;
        Ok(Value::Object(prompt.body().clone()))
    }

    #[test]
    fn an_answer_is_bounded_whatever_its_bound_is_called_and_however_many_there_are() {
        assert_eq!(bounded(100, json!({})).unwrap(), json!({ "max_completion_tokens": 100 }));
        assert_eq!(bounded(100, json!({ "n": 3 })).unwrap().get("max_completion_tokens"), Some(&json!(33)));
        for fits in [json!({ "max_tokens": 100 }), json!({ "max_completion_tokens": 50, "n": 2 })] {
            assert_eq!(bounded(100, fits.clone()), Ok(fits));
        }
        for more in [
            json!({ "max_tokens": 101 }),
            json!({ "max_tokens": 1, "max_completion_tokens": 101 }),
            json!({ "max_output_tokens": 51, "n": 2 }),
            json!({ "max_tokens": 51, "best_of": 2 }),
            json!({ "max_tokens": u64::MAX, "n": u64::MAX }),
            json!({ "n": 101 }),
        ] {
            assert_eq!(bounded(100, more.clone()), Err("max_tokens_exceeded".into()), "{more}");
        }
        for odd in [json!({ "max_tokens": "9" }), json!({ "max_tokens": -1 }), json!({ "max_tokens": 1e9 })] {
            assert_eq!(bounded(100, odd.clone()), Err("invalid_value".into()), "{odd}");
        }
    }

    #[test]
    fn every_way_to_offer_a_tool_is_seen() {
        let allowed = Permissions { tools: Some(vec!["get_*".into()]), ..Permissions::default() };
        let refused = |body: Value| tools(&allowed, &prompt(body)).is_err();
        assert!(!refused(
            json!({ "tools": [{ "type": "function", "function": { "name": "get_weather" } }] })
        ));
        assert!(!refused(json!({ "messages": [] })));
        for body in [
            json!({ "tools": [{ "type": "function", "function": { "name": "delete_all" } }] }),
            json!({ "tools": [{ "type": "function", "function": { "name": "get_x" } }, { "type": "web_search" }] }),
            json!({ "tools": [{ "type": "custom", "custom": { "name": "run" } }] }),
            json!({ "tools": [{}] }),
            json!({ "tools": [{ "type": "function", "function": {} }] }),
            json!({ "functions": [{ "name": "delete_all" }] }),
            json!({ "web_search_options": {} }),
        ] {
            assert!(refused(body.clone()), "{body}");
        }
    }
}
