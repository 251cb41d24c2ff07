//! Several keys of one provider: shared by weight, and a key that is refused or exhausted is set aside.
//!
//! Invariants: a key that was set aside is used only when every other is, too; a request that began before a key was set
//! aside does not bring it back; picking takes no lock.

use super::Refusal;
use crate::balance::{Health, Observation};
use crate::secret::Secret;
use http::HeaderMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a key that the provider refused is set aside. It is tried again then: it may have been let in again.
const REFUSED: Duration = Duration::from_secs(300);

/// One key.
#[derive(Clone)]
pub struct Key {
    /// What logs call it.
    pub name: Arc<str>,
    secret: Secret,
    weight: u32,
    health: Arc<Health>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Key {
    /// A key with its share of the requests, at least 1.
    #[must_use]
    pub fn new(name: &str, secret: Secret, weight: u32) -> Self {
        Self { name: name.into(), secret, weight: weight.max(1), health: Arc::default() }
    }
}

/// The keys of a provider.
#[derive(Debug, Clone, Default)]
pub struct Keyring(Vec<Key>);

/// A key on its way to the provider.
#[derive(Debug)]
pub struct Pick {
    key: Key,
    place: usize,
    /// None once the provider said no.
    observation: Option<Observation>,
}

impl Keyring {
    /// A ring of these keys.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        Self(keys)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the other ring holds the same keys.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let facts = |key: &Key| (key.name.clone(), key.secret.clone(), key.weight);
        self.0.iter().map(facts).eq(other.0.iter().map(facts))
    }

    /// What was learnt of the same keys in an older ring goes on.
    #[must_use]
    pub fn learning_from(mut self, older: &Self) -> Self {
        for key in &mut self.0 {
            if let Some(known) = older.0.iter().find(|known| known.secret == key.secret) {
                key.health = known.health.clone();
            }
        }
        self
    }

    /// A key for a request, at random by weight among those that are not set aside; when all are, the one that will be
    /// back first. None where there is no key, or none but those that were `tried` already.
    #[must_use]
    pub fn pick(&self, tried: &[Pick]) -> Option<Pick> {
        let picked = |(place, key): (usize, &Key)| {
            let observation = Some(key.health.begin());
            Pick { key: key.clone(), place, observation }
        };
        if let ([only], []) = (self.0.as_slice(), tried) {
            return Some(picked((0, only)));
        }
        let left = || {
            let fresh = |place: &usize| !tried.iter().any(|tried| tried.place == *place);
            self.0.iter().enumerate().filter(move |(place, _)| fresh(place))
        };
        let ready = || left().filter(|(_, key)| !key.health.cooling_down());
        let sum: u64 = ready().map(|(_, key)| u64::from(key.weight)).sum();
        if sum == 0 {
            // Somebody who has been refused already is not sent to others that were refused.
            let soonest = left().min_by_key(|(_, key)| key.health.cool_down());
            return soonest.filter(|_| tried.is_empty()).map(picked);
        }
        let mut at = fastrand::u64(..sum);
        ready()
            .find(|(_, key)| {
                let weight = u64::from(key.weight);
                let here = at < weight;
                at = at.saturating_sub(weight);
                here
            })
            .map(picked)
    }
}

impl Pick {
    /// The key itself.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.key.secret
    }

    /// What logs call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.key.name
    }

    /// Reads what an answer says of the provider's limits.
    pub fn learn(&self, headers: &HeaderMap) {
        self.key.health.learn(headers, true);
    }

    /// The provider took it.
    pub fn accepted(self) {
        if let Some(observation) = self.observation {
            observation.succeeded();
        }
    }

    /// The provider said this of it. Says whether it is set aside.
    pub fn refused(&mut self, refusal: Refusal) -> bool {
        let (status, pause) = match refusal {
            Refusal::Bad => (401, Some(REFUSED)),
            Refusal::Exhausted(pause) => (429, pause),
            Refusal::Forbidden | Refusal::Nothing => return false,
        };
        if let Some(observation) = self.observation.take() {
            observation.failed(status, pause);
        }
        true
    }
}
