//! Where data may go: what is demanded of the region of every target that an exchange is sent to.
//!
//! Invariants: demands add up, and a target must meet all of them; a target whose region is not known meets none; a
//! category of data whose absence cannot be vouched for is taken as present.
//! Never looks at a text: which data is in it is a guard's to say, by its flags.

use crate::exchange::Exchange;

/// Regions, any of which will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions(Box<[Box<str>]>);

/// What is demanded on a route.
#[derive(Debug, Clone, Default)]
pub struct Residency {
    /// Of every exchange: each of these must be met.
    pub always: Vec<Regions>,
    /// Of exchanges with data of a category, as a guard flagged them.
    pub when: Vec<(Box<str>, Regions)>,
}

impl Regions {
    /// Regions as the operator wrote them.
    #[must_use]
    pub fn new<S: AsRef<str>>(names: &[S]) -> Self {
        Self(names.iter().map(|name| name.as_ref().into()).collect())
    }

    /// Whether a target there will do. `eu` admits `eu` and everything that begins with `eu-`; an unknown region is
    /// admitted by nothing.
    #[must_use]
    pub fn admit(&self, region: Option<&str>) -> bool {
        let Some(region) = region else { return false };
        self.0.iter().any(|wanted| {
            let head = region.get(..wanted.len());
            let rest = region.get(wanted.len()..).unwrap_or_default();
            head.is_some_and(|head| head.eq_ignore_ascii_case(wanted))
                && (rest.is_empty() || rest.starts_with('-'))
        })
    }
}

impl Residency {
    /// Whether nothing is demanded of anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.always.is_empty() && self.when.is_empty()
    }

    /// What is demanded of this exchange, by what guards have flagged so far.
    #[must_use]
    pub fn demands(&self, exchange: &Exchange) -> Vec<Regions> {
        let mut demands = self.always.clone();
        if !self.when.is_empty() {
            let flags = exchange.flags();
            // A flag that found no place may have been the one that matters.
            let unsure = exchange.lost_flags();
            let present = |category: &str| {
                flags.iter().any(|(flag, _)| {
                    flag.strip_prefix(category)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '/']))
                })
            };
            let due = self.when.iter().filter(|(category, _)| unsure || present(category));
            demands.extend(due.map(|(_, regions)| regions.clone()));
        }
        demands
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Regions, Residency};
    use crate::chat::{Operation, Prompt};
    use crate::exchange::Exchange;
    use proptest::prelude::*;
    use tokio::time::Instant;

    fn exchange() -> Exchange {
        let prompt = Prompt::new(Operation::Chat, serde_json::Map::new(), Vec::new());
        Exchange::new("x".into(), "acme".into(), prompt, Instant::now())
    }

    #[test]
    fn a_region_admits_what_lies_in_it() {
        let eu = Regions::new(&["eu", "ch"]);
        for (region, admitted) in [
            (Some("eu"), true),
            (Some("EU-west-1"), true),
            (Some("ch"), true),
            (Some("europe-west1"), false),
            (Some("us"), false),
            (Some("e"), false),
            (Some(""), false),
            (Some("é"), false),
            (None, false),
        ] {
            assert_eq!(eu.admit(region), admitted, "{region:?}");
        }
    }

    #[test]
    fn a_category_counts_when_a_guard_flagged_it_or_anything_below_it() {
        let residency = Residency { always: Vec::new(), when: vec![("pii".into(), Regions::new(&["eu"]))] };
        let demanded = |flag: &str| {
            let exchange = exchange();
            exchange.flag(flag, "1");
            !residency.demands(&exchange).is_empty()
        };
        assert!(demanded("pii") && demanded("pii.email") && demanded("pii/iban"));
        assert!(!demanded("piifree") && !demanded("content.score"));
    }

    #[test]
    fn what_cannot_be_vouched_for_is_demanded() {
        let residency = Residency { always: Vec::new(), when: vec![("pii".into(), Regions::new(&["eu"]))] };
        let exchange = exchange();
        for n in 0..64 {
            exchange.flag(&format!("noise.{n}"), "1");
        }
        assert!(residency.demands(&exchange).is_empty());
        exchange.flag("pii.email", "1");
        assert_eq!(residency.demands(&exchange).len(), 1, "the flag itself was dropped");
    }

    proptest! {
        #[test]
        fn nothing_is_admitted_but_a_region_and_what_lies_in_it(wanted in "[a-z]{1,4}", region in "\\PC{0,12}") {
            let regions = Regions::new(std::slice::from_ref(&wanted));
            let lower = region.to_ascii_lowercase();
            let lies_in = lower == wanted || lower.starts_with(&format!("{wanted}-"));
            prop_assert_eq!(regions.admit(Some(&region)), lies_in);
        }
    }

    #[test]
    fn demands_add_up() {
        let (eu, de) = (Regions::new(&["eu"]), Regions::new(&["eu-central-1"]));
        let residency = Residency { always: vec![eu, de], when: Vec::new() };
        let demands = residency.demands(&exchange());
        let meets = |region| demands.iter().all(|demand| demand.admit(Some(region)));
        assert!(meets("eu-central-1") && !meets("eu-west-1"));
        assert_eq!(demands.first().unwrap(), &Regions::new(&["eu"]));
    }
}
