//! Where a request goes that a limit has no room for, when the policy says that it goes to cheaper targets.
//!
//! Invariants: a detour only takes targets away; a request for which none is left is refused. A budget is never exceeded by
//! a detour: what is cheaper must fit it. A limit of requests or tokens that sends requests elsewhere is not counted for
//! those.

use super::life::Life;
use crate::limit::{Denied, Over, Refusal};
use crate::price::Usd;
use crate::route::Route;
use std::sync::Arc;

/// Targets, by their ids.
type Named = Arc<[Box<str>]>;

/// The detours of one exchange.
#[derive(Default)]
pub struct Detours {
    /// By rule: the targets that are left, or the cheapest where none are named.
    taken: Vec<(Arc<str>, Named)>,
    /// The rules that are not counted.
    pub passed: Vec<Arc<str>>,
    /// What a target may cost at most.
    cap: Option<Usd>,
}

impl Detours {
    /// Whether every target is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.cap.is_none()
    }
}

/// Takes the way that a limit's policy says, where it says one that leads further.
///
/// # Errors
/// The request is refused.
pub fn take(life: &mut Life, denied: Denied, costs: &[Option<Usd>]) -> Result<(), Denied> {
    let Over::Turn(to) = &denied.over else { return Err(denied) };
    let full = matches!(denied.refusal, Refusal::Short(_));
    if !full || life.detours.taken.iter().any(|(rule, _)| *rule == denied.rule) {
        return Err(denied);
    }
    life.detours.taken.push((denied.rule.clone(), to.clone()));
    if places(life, &life.route, costs).is_empty() {
        return Err(denied);
    }
    if !denied.budget {
        life.detours.passed.push(denied.rule.clone());
    }
    life.exchange.flag("limit", "downgraded");
    Ok(())
}

/// Leaves the targets that may cost no more than this; whether there are any.
pub fn cap(life: &mut Life, most: Usd, costs: &[Option<Usd>]) -> bool {
    life.detours.cap = Some(most);
    life.exchange.flag("approval", "downgraded");
    !places(life, &life.route, costs).is_empty()
}

/// The targets that are left: their places on the route. `costs` is what each would charge for the request at most.
pub fn places(life: &Life, route: &Route, costs: &[Option<Usd>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..route.targets.len()).collect();
    if let Some(cap) = life.detours.cap {
        left.retain(|place| costs.get(*place).copied().flatten().is_some_and(|cost| cost <= cap));
    }
    for (_, to) in &life.detours.taken {
        if to.is_empty() {
            left = cheapest(&left, costs);
        } else {
            let named = |place: &usize| {
                route.targets.get(*place).is_some_and(|target| to.iter().any(|id| **id == target.id))
            };
            left.retain(named);
        }
    }
    left
}

/// The cheapest of these places, where some other is dearer. What has no known price is not cheap.
fn cheapest(places: &[usize], costs: &[Option<Usd>]) -> Vec<usize> {
    let priced: Vec<(usize, Usd)> =
        places.iter().filter_map(|place| Some((*place, (*costs.get(*place)?)?))).collect();
    let Some(least) = priced.iter().map(|(_, cost)| *cost).min() else { return Vec::new() };
    let cheap: Vec<usize> =
        priced.iter().filter(|(_, cost)| *cost == least).map(|(place, _)| *place).collect();
    if cheap.len() < places.len() { cheap } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_is_cheaper_than_something() {
        let costs = |list: &[Option<u64>]| -> Vec<Option<Usd>> {
            list.iter().map(|cost| cost.map(Usd::from_nanos)).collect()
        };
        assert_eq!(cheapest(&[0, 1, 2], &costs(&[Some(9), Some(2), Some(2)])), [1, 2]);
        assert_eq!(
            cheapest(&[0, 1], &costs(&[None, Some(5)])),
            [1],
            "what is of no known price may be dearer"
        );
        assert_eq!(cheapest(&[0, 2], &costs(&[Some(3), Some(1), Some(4)])), [0]);
        for none in [&[Some(3), Some(3)][..], &[None, None]] {
            assert_eq!(cheapest(&[0, 1], &costs(none)), [0_usize; 0]);
        }
        assert_eq!(cheapest(&[0], &costs(&[Some(1)])), [0_usize; 0]);
    }
}
