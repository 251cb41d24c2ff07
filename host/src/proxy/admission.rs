//! From a request to one that its route's chain has let through: `pre-request`, reroutes, quarantine.
//!
//! Invariants: a plugin leads nowhere that the tenant and the key may not go; who is sent elsewhere starts over with what
//! the client sent. Never asks a provider.

use super::MAX_REROUTES;
use super::life::Life;
use crate::error::Error;
use crate::pipeline::admission::Admission;
use crate::route::{Route, Routes};
use std::sync::Arc;

/// Runs `pre-request` on the route, and on the one it is sent to. A reroute starts over with the request as
/// the client sent it: what one route's chain changed is undone only by that chain's own answer hooks.
pub async fn admit(life: &mut Life, routes: &Routes) -> Result<Admission, Error> {
    let original = life.asked.clone();
    for _ in 0..=MAX_REROUTES {
        let route = life.route.clone();
        life.exchange.set_attr("route.name", route.name.to_string());
        check_modalities(life, &route)?;
        match route.chain.admit(&life.exchange).await? {
            Admission::Reroute(name) => {
                life.exchange.restore_prompt(original.clone());
                drop(life.exchange.take_keeps());
                let permissions = &life.principal.permissions;
                let other = routes.resolve(&name).filter(|route| permissions.allows_route(&route.name));
                life.route = other.cloned().ok_or_else(|| {
                    Error::internal(
                        "A plugin sent the request to a route that the tenant or the key does not have.",
                    )
                })?;
                life.redirect(routes)?;
            }
            Admission::Quarantine(rejection) => {
                life.gateway.quarantine.put(
                    life.exchange.id(),
                    life.exchange.tenant(),
                    original.body(),
                    &rejection.code,
                );
                return Err(crate::pipeline::gate::rejection_error(rejection));
            }
            admission => {
                check_model(life, routes, original.model())?;
                return Ok(admission);
            }
        }
    }
    Err(Error::internal("Plugins sent the request from route to route without end."))
}

/// A plugin may ask for another model within the route; what leads elsewhere is a reroute's to say.
fn check_model(life: &Life, routes: &Routes, asked: &str) -> Result<(), Error> {
    let prompt = life.exchange.prompt();
    let permissions = &life.principal.permissions;
    let stays = || {
        routes.resolve(prompt.model()).is_some_and(|route| Arc::ptr_eq(route, &life.route))
            && permissions.allows(&life.route.name, prompt.model())
    };
    if prompt.model() == asked || stays() {
        return Ok(());
    }
    Err(Error::internal("A plugin asked for a model that the route does not serve."))
}

fn check_modalities(life: &Life, route: &Route) -> Result<(), Error> {
    let refused =
        life.exchange.prompt().modalities().into_iter().find(|kind| !route.modalities.contains(kind));
    match refused {
        None => Ok(()),
        Some(kind) => Err(Error::bad_request(
            "unsupported_modality",
            format!("The route '{}' does not admit input of the kind '{}'.", route.name, kind.name()),
        )),
    }
}
