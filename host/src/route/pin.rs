//! Models that are pinned: one target, and no other, whatever a rule, a canary, a router or a failure would have.
//!
//! Invariant: of two pins that fit a model, the one that says more of it counts, and a key's own counts before the
//! route's (a configuration in which the two differ is refused).

use super::pattern::Pattern;
use std::collections::HashMap;
use std::sync::Arc;

/// The pins of a route and of the keys that use it.
#[derive(Debug, Default)]
pub struct Pins {
    /// The route's, for everyone.
    pub all: Vec<Pin>,
    /// Those of single keys, by their names.
    pub keys: HashMap<Arc<str>, Vec<Pin>>,
}

/// One pin.
#[derive(Debug)]
pub struct Pin {
    /// The model that the client names.
    pub model: Pattern,
    /// The id of its target.
    pub target: Arc<str>,
}

impl Pins {
    /// The id of the target that a model is pinned to, for a key.
    #[must_use]
    pub fn find(&self, key: &str, model: &str) -> Option<&Arc<str>> {
        let own = self.keys.get(key).map(Vec::as_slice).unwrap_or_default();
        best(own, model).or_else(|| best(&self.all, model))
    }
}

fn best<'a>(pins: &'a [Pin], model: &str) -> Option<&'a Arc<str>> {
    let fitting = pins.iter().filter(|pin| pin.model.fits(model));
    fitting.max_by_key(|pin| pin.model.weight()).map(|pin| &pin.target)
}

#[cfg(test)]
mod tests {
    use super::{Pattern, Pin, Pins};

    fn pin(model: &str, target: &str) -> Pin {
        Pin { model: Pattern::new(model), target: target.into() }
    }

    #[test]
    fn the_one_that_says_more_counts_and_a_keys_own_before_all() {
        let pins = Pins {
            all: vec![pin("gpt-*", "a/old"), pin("gpt-4o", "a/gpt-4o-1")],
            keys: [("batch".into(), vec![pin("gpt-*", "b/2")])].into(),
        };
        let find = |key, model| pins.find(key, model).map(|target| &**target);
        assert_eq!(find("web", "gpt-4o"), Some("a/gpt-4o-1"));
        assert_eq!(find("web", "gpt-5"), Some("a/old"));
        assert_eq!(find("batch", "gpt-4o"), Some("b/2"));
        assert_eq!(find("batch", "claude"), None);
    }
}
