//! What a route says of where its exchanges may go, beside the list of its targets.
//!
//! Invariants: places are those of the route's targets; the targets of a canary and those that only a pin names stand
//! behind the route's own, and are asked by nobody else.
//! Never asks a target and never ranks one: it says which there are to be ranked.

use super::affinity::Affinity;
use super::canary::Canary;
use super::mirror::Mirror;
use super::pin::Pins;
use super::residency::Residency;
use super::rule::{Action, Asked, Rule};

/// Where the exchanges of a route may go.
#[derive(Default)]
pub struct Policy {
    /// What is looked at first: the first rule that fits decides.
    pub rules: Vec<Rule>,
    /// How many of the targets are the route's own.
    pub own: usize,
    /// Which places are asked only by those who were sent there: a canary's, and those that only a pin or a rule names.
    pub hidden: Vec<usize>,
    /// Models that lead to one target and no other.
    pub pins: Pins,
    /// Where targets must stand.
    pub residency: Residency,
    /// A new target that some of the exchanges try.
    pub canary: Option<Canary>,
    /// A target that is asked beside, and never answers.
    pub mirror: Option<Mirror>,
    /// What keeps coming back to the same target.
    pub affinity: Option<Affinity>,
}

impl Policy {
    /// What the first rule that fits says. A rule that sends to the route that the exchange is on is passed over.
    #[must_use]
    pub fn decide(&self, route: &str, asked: &Asked<'_>) -> Option<&Action> {
        self.rules
            .iter()
            .filter(|rule| !matches!(&rule.action, Action::Route(to) if **to == *route))
            .find(|rule| rule.fits(asked))
            .map(|rule| &rule.action)
    }
}
