//! Where one exchange may go, and whither it is sent first: rules, pins, residency, a canary.
//!
//! Invariants: until it is decided, nothing may be asked; what was decided is for one route and no other; whatever
//! ranks, retries, mirrors or comes back later, [`Life::allows`] has the last word before a target is asked.

use super::life::Life;
use super::{MAX_REROUTES, mirror};
use crate::auth::Principal;
use crate::chat::Prompt;
use crate::error::{Error, Party};
use crate::route::affinity::{self, Marks};
use crate::route::canary::{By, Canary};
use crate::route::residency::Regions;
use crate::route::rule::{Action, Asked, Plan};
use crate::route::{Route, Routes, Target};
use http::StatusCode;
use std::sync::Arc;
use tokio::time::Instant;

/// The course of one exchange.
#[derive(Default)]
pub struct Course {
    /// The id of the target that its model is pinned to.
    pub pin: Option<Arc<str>>,
    /// What a rule says.
    pub plan: Option<Arc<Plan>>,
    /// Whether it tries a canary.
    pub canary: bool,
    /// What it is known by, where that decides who is asked first.
    pub marks: Option<Marks>,
    /// What of its answer is to be compared with a mirror's.
    pub heard: Option<Box<mirror::Heard>>,
    /// Whether it is itself a mirror's: nobody gets its answer.
    pub mirrors: bool,
    allowed: Option<Allowed>,
}

/// What may be asked.
struct Allowed {
    /// On which route.
    route: Arc<Route>,
    /// The places; none for all.
    places: Option<Vec<usize>>,
}

impl Allowed {
    fn admits(&self, route: &Arc<Route>, place: usize) -> bool {
        Arc::ptr_eq(&self.route, route) && self.places.as_ref().is_none_or(|places| places.contains(&place))
    }
}

/// The route that a request goes on by the rules of the one that it came to, and what they say of it there.
///
/// # Errors
/// Rules send it from route to route, or to one that the tenant does not have.
pub fn direct(
    routes: &Routes,
    mut route: Arc<Route>,
    principal: &Principal,
    prompt: &Prompt,
    course: &mut Course,
) -> Result<Arc<Route>, Error> {
    if course.pin.is_none() {
        course.pin = principal.holder.pinned.find(prompt.model()).cloned();
    }
    if route.policy.is_none() {
        course.plan = None;
        return Ok(route);
    }
    let asked = Asked::new(principal, prompt);
    if let (None, Some(policy)) = (&course.pin, &route.policy) {
        course.pin = policy.pins.find(asked.key(), asked.model()).cloned();
    }
    for _ in 0..=MAX_REROUTES {
        course.plan = None;
        match route.policy.as_ref().and_then(|policy| policy.decide(&route.name, &asked)) {
            None => return Ok(route),
            Some(Action::Plan(plan)) => {
                course.plan = Some(plan.clone());
                return Ok(route);
            }
            Some(Action::Route(name)) => {
                let allowed = |route: &&Arc<Route>| principal.permissions.allows_route(&route.name);
                route = routes.named(name).filter(allowed).cloned().ok_or_else(|| {
                    Error::internal(
                        "A rule sent the request to a route that the tenant or the key does not have.",
                    )
                })?;
            }
        }
    }
    Err(Error::internal("Rules sent the request from route to route without end."))
}

impl Life {
    /// Whether a target may be asked: the last word before it is.
    #[must_use]
    pub fn allows(&self, place: usize) -> bool {
        self.course.allowed.as_ref().is_some_and(|allowed| allowed.admits(&self.route, place))
    }

    /// Lets a mirror's exchange ask these places of its route.
    pub fn allow(&mut self, places: Vec<usize>) {
        self.course.allowed = Some(Allowed { route: self.route.clone(), places: Some(places) });
    }

    /// Takes away what may be asked but these places.
    pub fn restrict(&mut self, left: &[usize]) {
        if let Some(allowed) = &mut self.course.allowed {
            let all = allowed.places.take().unwrap_or_else(|| (0..allowed.route.targets.len()).collect());
            allowed.places = Some(all.into_iter().filter(|place| left.contains(place)).collect());
        }
    }

    /// Looks at the rules of the route that a plugin sent it to.
    ///
    /// # Errors
    /// As [`direct`] has it.
    pub fn redirect(&mut self, routes: &Routes) -> Result<(), Error> {
        let route = self.route.clone();
        self.route = direct(routes, route, &self.principal, &self.asked, &mut self.course)?;
        Ok(())
    }
}

/// The places that are to be ranked, in the order of the configuration, and those of a canary that go before them. Here
/// it is decided what may be asked at all.
///
/// # Errors
/// Nothing may be asked.
pub fn decide(life: &mut Life) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let route = life.route.clone();
    let demands = demands(life);
    let all = 0..route.targets.len();
    let Some(policy) = &route.policy else {
        let own: Vec<usize> = (0..route.ranked().len()).collect();
        let places = match demands.is_empty() && life.course.pin.is_none() {
            true => None,
            false => Some(permitted(&route, &demands, pinned(life, &route)?.unwrap_or_else(|| own.clone()))?),
        };
        let ranked = places.clone().unwrap_or(own);
        life.course.allowed = Some(Allowed { route, places });
        return Ok((ranked, Vec::new()));
    };
    if let Some(plan) = &life.course.plan {
        life.exchange.flag("rule", &plan.rule);
    }
    let planned = life.course.plan.as_ref().and_then(|plan| plan.targets.clone());
    let fixed = match pinned(life, &route)? {
        Some(place) => Some(place),
        None => planned,
    };
    if let Some(places) = fixed {
        let places = permitted(&route, &demands, places)?;
        life.course.allowed = Some(Allowed { route, places: Some(places.clone()) });
        return Ok((places, Vec::new()));
    }
    let canary = policy.canary.as_ref().filter(|canary| !life.course.mirrors && draws(life, canary));
    life.course.canary = canary.is_some();
    let first: Vec<usize> = canary.map(|canary| canary.places.clone()).unwrap_or_default();
    let open = all.filter(|place| first.contains(place) || !policy.hidden.contains(place)).collect();
    let places = permitted(&route, &demands, open)?;
    let kept = |place: &usize| places.contains(place);
    let first: Vec<usize> = first.into_iter().filter(kept).collect();
    life.course.canary = !first.is_empty();
    if let Some(canary) = canary
        && life.course.canary
    {
        life.exchange.flag("canary", "true");
        passed_over(life, canary, &first);
    }
    let own: Vec<usize> = (0..policy.own).filter(kept).collect();
    if own.is_empty() && first.is_empty() {
        return Err(not_compliant());
    }
    life.course.allowed = Some(Allowed { route: route.clone(), places: Some(places) });
    Ok((own, first))
}

/// What is demanded of the region of every target.
#[must_use]
pub fn demands(life: &Life) -> Vec<Regions> {
    let policy = life.route.policy.as_ref();
    let mut demands = policy.map(|policy| policy.residency.demands(&life.exchange)).unwrap_or_default();
    let own = &life.principal.permissions.residency;
    if !own.is_empty() {
        demands.push(Regions::new(own));
    }
    demands
}

/// The places whose region meets every demand.
///
/// # Errors
/// There is none.
pub fn permitted(route: &Route, demands: &[Regions], places: Vec<usize>) -> Result<Vec<usize>, Error> {
    let meets = |target: &Target| demands.iter().all(|demand| demand.admit(target.fact("region")));
    let places: Vec<usize> =
        places.into_iter().filter(|place| route.targets.get(*place).is_some_and(meets)).collect();
    if places.is_empty() { Err(not_compliant()) } else { Ok(places) }
}

/// The one place that a pinned exchange may ask; none where it is not pinned.
fn pinned(life: &Life, route: &Route) -> Result<Option<Vec<usize>>, Error> {
    let Some(pin) = &life.course.pin else { return Ok(None) };
    match route.targets.iter().position(|target| *target.id == **pin) {
        Some(place) => Ok(Some(vec![place])),
        None => Err(Error::new(
            Party::Internal,
            StatusCode::SERVICE_UNAVAILABLE,
            "pinned_target_unavailable",
            "The model is pinned to a target that the route of this request does not have.",
        )),
    }
}

fn not_compliant() -> Error {
    Error::new(
        Party::Client,
        StatusCode::FORBIDDEN,
        "no_compliant_target",
        "No target of this model may process this request where its data must stay.",
    )
}

/// What the choke point answers; it is not the target's doing, and another may be allowed.
#[must_use]
pub fn forbidden() -> Error {
    Error { retryable: true, ..not_compliant() }
}

fn draws(life: &Life, canary: &Canary) -> bool {
    let principal = &life.principal;
    match canary.by {
        By::Request => fastrand::f64() < canary.share && !canary.state.is_off(),
        By::Key => canary.draws(&principal.key),
        By::User => canary.draws(principal.holder.user.as_ref().unwrap_or(&principal.key)),
        By::Conversation => {
            let mark = affinity::conversation(&[&principal.key], &life.asked);
            canary.draws(&mark.map_or_else(|| life.exchange.id().to_owned(), |mark| mark.to_string()))
        }
    }
}

/// An attempt has ended that began at `began`: it says how a canary or its baseline does.
pub fn attempted(life: &Life, place: usize, began: Instant, error: Option<&Error>) {
    let Some(canary) = watched(life) else { return };
    if error.is_some_and(|error| error.party != Party::Upstream) {
        return;
    }
    let (is_canary, took) = (canary.holds(place), error.is_none().then(|| began.elapsed()));
    let state = &canary.state;
    life.gateway.metrics.canary_attempt(&state.tenant, &state.route, is_canary, took.is_some());
    told(life, canary, state.ended(is_canary, took));
}

/// A canary that is left alone because it failed serves nobody who tries it. That counts as one more failure: one that fails
/// always is asked so seldom that it would otherwise never have the attempts to be judged by.
fn passed_over(life: &Life, canary: &Canary, places: &[usize]) {
    let rests = |place: &usize| {
        let health = life.route.targets.get(*place).map(|target| &target.health);
        health.is_some_and(|health| {
            health.pause_left().is_some() && (health.failures_in_a_row() > 0 || health.is_broken())
        })
    };
    if places.iter().all(rests) {
        told(life, canary, canary.state.ended(true, None));
    }
}

/// The exchange has ended.
pub fn ended(life: &Life, status: u16, broke: bool) {
    if let (Some(canary), Some(place), true) = (watched(life), life.target, broke) {
        told(life, canary, canary.state.broke(canary.holds(place)));
    }
    let policy = life.route.policy.as_ref();
    if let (Some(affinity), Some(marks)) =
        (policy.and_then(|policy| policy.affinity.as_ref()), &life.course.marks)
        && let (Some(target), 200, false) = (life.target(), status, life.course.canary)
    {
        affinity.answered(marks, &target.id);
    }
}

/// The canary that this exchange is, or is compared with.
fn watched(life: &Life) -> Option<&Canary> {
    let chosen = life.course.mirrors || life.course.pin.is_some();
    let planned = life.course.plan.as_ref().is_some_and(|plan| plan.targets.is_some());
    life.route.policy.as_ref()?.canary.as_ref().filter(|_| !chosen && !planned)
}

fn told(life: &Life, canary: &Canary, why: Option<String>) {
    let Some(why) = why else { return };
    let (tenant, route) = (&canary.state.tenant, &canary.state.route);
    life.gateway.metrics.canary_off(tenant, route, true);
    tracing::error!(%tenant, %route, why, "a canary is rolled back");
}

#[cfg(test)]
mod tests {
    use super::{Allowed, Route};
    use crate::pipeline::chain::Chain;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn route() -> Arc<Route> {
        Arc::new(Route {
            name: "smart".into(),
            chain: Chain::default(),
            router: None,
            targets: Vec::new(),
            attempts: 3,
            modalities: Vec::new(),
            resilience: Default::default(),
            policy: None,
            rankings: Default::default(),
        })
    }

    proptest! {
        #[test]
        fn only_what_was_decided_is_allowed_and_only_on_its_route(places: Vec<usize>, place: usize) {
            let (here, elsewhere) = (route(), route());
            let allowed = Allowed { route: here.clone(), places: Some(places.clone()) };
            prop_assert_eq!(allowed.admits(&here, place), places.contains(&place));
            prop_assert!(!allowed.admits(&elsewhere, place), "a route of the same name is another one");
            let all = Allowed { route: here.clone(), places: None };
            prop_assert!(all.admits(&here, place) && !all.admits(&elsewhere, place));
        }
    }
}
