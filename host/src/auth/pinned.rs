//! The models that a key leads to one target.
//!
//! Invariant: of two entries that fit a model, the one that says more of it counts.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Models of a key, and the id of the target that each leads to. A model's name may end in `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned(Option<Arc<BTreeMap<Box<str>, Arc<str>>>>);

impl Pinned {
    /// These pins.
    #[must_use]
    pub fn of<'a>(pins: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let pins: BTreeMap<Box<str>, Arc<str>> =
            pins.into_iter().map(|(model, target)| (model.into(), target.into())).collect();
        Self((!pins.is_empty()).then(|| Arc::new(pins)))
    }

    /// The id of the target that a model leads to.
    #[must_use]
    pub fn find(&self, model: &str) -> Option<&Arc<str>> {
        let pins = self.0.as_deref()?;
        if let Some(exact) = pins.get(model) {
            return Some(exact);
        }
        let begins = |name: &str| name.strip_suffix('*').is_some_and(|begin| model.starts_with(begin));
        let fitting = pins.iter().filter(|(name, _)| begins(name));
        fitting.max_by_key(|(name, _)| name.len()).map(|(_, target)| target)
    }
}

#[cfg(test)]
mod tests {
    use super::Pinned;

    #[test]
    fn the_one_that_says_more_counts() {
        let pins = Pinned::of([("gpt-*", "a/1"), ("gpt-4*", "a/2"), ("gpt-4o", "a/3"), ("*x", "a/4")]);
        let find = |model| pins.find(model).map(|target| &**target);
        assert_eq!(find("gpt-4o"), Some("a/3"));
        assert_eq!(find("gpt-4o-mini"), Some("a/2"));
        assert_eq!(find("gpt-5"), Some("a/1"));
        assert_eq!((find("claude"), Pinned::default().find("gpt-4o")), (None, None));
        assert_eq!(Pinned::of([("*", "a/1")]).find("claude").map(|target| &**target), Some("a/1"));
    }
}
