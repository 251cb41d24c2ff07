//! Which counters a subject falls under: found once, and known as long as nobody else takes its place.
//!
//! What is known never decides anything: a subject whose place somebody else has is looked up again. Bounded: so many
//! places, and nothing is kept for names that are very long. No locks.

use super::key::Key;
use super::rule::{Rule, Subject};
use arc_swap::ArcSwapOption;
use foldhash::quality::RandomState;
use std::hash::BuildHasher as _;
use std::sync::Arc;

/// Subjects that are known at the same time; with each of them about a kilobyte.
const PLACES: usize = 4_096;
/// Bytes of the names of a subject that is worth a place.
const MOST_BYTES: usize = 512;

/// Rules that are for a subject, and its counter of each.
pub(super) type Counted = Arc<[(Arc<Rule>, Key)]>;

/// Which rules are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// Those of requests.
    Request,
    /// Those of targets.
    Target,
}

/// Somebody's place.
struct Place {
    of: Of,
    values: Box<[Option<Box<str>>]>,
    counted: Counted,
}

impl Place {
    fn is_of(&self, of: Of, subject: &Subject<'_>) -> bool {
        let mine = self.values.iter().map(Option::as_deref);
        self.of == of && mine.eq(subject.values().iter().copied())
    }
}

/// Subjects that were looked up.
pub(super) struct Known {
    hasher: RandomState,
    places: Box<[ArcSwapOption<Place>]>,
}

impl Default for Known {
    fn default() -> Self {
        let places = std::iter::repeat_with(ArcSwapOption::empty).take(PLACES).collect();
        Self { hasher: RandomState::default(), places }
    }
}

impl Known {
    /// The rules that are for a subject, and its counters. `rules`: all of the kind, which are always the same.
    pub(super) fn counters(&self, of: Of, rules: &[Arc<Rule>], subject: &Subject<'_>) -> Counted {
        let find = || -> Counted {
            rules.iter().filter_map(|rule| Some((rule.clone(), rule.counter(subject)?))).collect()
        };
        let hash = self.hasher.hash_one((of, subject.values()));
        let at = usize::try_from(hash % self.places.len().max(1) as u64).unwrap_or_default();
        let bytes: usize = subject.values().iter().flatten().map(|value| value.len()).sum();
        let Some(place) = self.places.get(at).filter(|_| bytes <= MOST_BYTES) else { return find() };
        if let Some(known) = place.load().as_ref().filter(|known| known.is_of(of, subject)) {
            return known.counted.clone();
        }
        let counted = find();
        let values = subject.values().iter().map(|value| value.map(Into::into)).collect();
        place.store(Some(Arc::new(Place { of, values, counted: counted.clone() })));
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Of};
    use crate::limit::{Dimension, Rule, Span, Subject, Terms, Unit};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn rule(name: &str, per: &[Dimension], team: Option<&str>) -> Arc<Rule> {
        Arc::new(Rule {
            name: name.into(),
            unit: Unit::Requests,
            limit: 1,
            span: Span::Sliding(Duration::from_secs(1)),
            applies: team.map(|team| (Dimension::Team, team.into())).into_iter().collect(),
            per: per.to_vec(),
            budget: false,
            terms: Terms::default(),
        })
    }

    proptest! {
        #[test]
        fn whoever_was_asked_for_before_everybody_gets_his_own(
            subjects in prop::collection::vec(("[a-c]{1,2}", prop::option::of("[a-c]{0,2}"), any::<bool>()), 1..64),
        ) {
            // One place, for which all of them contend.
            let known = Known { places: [arc_swap::ArcSwapOption::empty()].into(), ..Known::default() };
            let rules = [
                rule("all", &[], None),
                rule("tenant", &[Dimension::Tenant], None),
                rule("team", &[Dimension::Tenant, Dimension::Team], None),
                rule("a", &[Dimension::Tenant], Some("a")),
            ];
            for (tenant, team, is_of_target) in &subjects {
                let subject = Subject::default()
                    .with(Dimension::Tenant, Some(tenant))
                    .with(Dimension::Team, team.as_deref());
                let of = if *is_of_target { Of::Target } else { Of::Request };
                let rules = if *is_of_target { rules.get(1..).unwrap_or_default() } else { &rules };
                let counted = known.counters(of, rules, &subject);
                let counters: Vec<_> = counted.iter().map(|(rule, key)| (&rule.name, key.clone())).collect();
                let expected: Vec<_> =
                    rules.iter().filter_map(|rule| Some((&rule.name, rule.counter(&subject)?))).collect();
                prop_assert_eq!(counters, expected);
            }
        }
    }
}
