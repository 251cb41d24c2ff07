//! The name of a counter, with its hash: an exchange looks each of its counters up some four times.
//!
//! The hash is made once, where the name is, by a seed of the process: names hold what callers say of themselves, and must
//! not be made to collide. Never kept or sent: another process has another seed.

use foldhash::quality::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// Which counter: the rule's name and the values it counts by.
#[derive(Clone)]
pub struct Key {
    text: Arc<str>,
    hash: u64,
}

impl Key {
    /// Its text, to be kept elsewhere.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// One of so many parts, in which maps of keys lie evenly: neither the lowest bits nor the highest, by which a map
    /// finds a key.
    pub(super) fn part(&self, parts: usize) -> usize {
        usize::try_from(self.hash >> 32).unwrap_or_default() % parts.max(1)
    }
}

impl<T: Into<Arc<str>>> From<T> for Key {
    fn from(text: T) -> Self {
        let text = text.into();
        Self { hash: SEED.hash_one(&*text), text }
    }
}

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.text, &other.text) || (self.hash == other.hash && self.text == other.text)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// For maps of keys alone: what is hashed already.
pub(super) type Hashed = BuildHasherDefault<AsItIs>;

/// Passes a hash on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = SEED.hash_one((self.0, bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::{Hashed, Key};
    use std::collections::HashMap;

    #[test]
    fn equal_names_are_one_key_wherever_they_come_from() {
        let (one, same, other) = (Key::from("a/1:x"), Key::from("a/1:x".to_owned()), Key::from("a/1:y"));
        assert_eq!((one == same, one == other, one == one.clone()), (true, false, true));
        let mut map: HashMap<Key, u8, Hashed> = HashMap::default();
        map.insert(one, 1);
        assert_eq!((map.get(&same), map.get(&other)), (Some(&1), None));
        assert_eq!(
            (same.part(64), format!("{same} {same:?}")),
            (same.part(64), "a/1:x \"a/1:x\"".to_owned())
        );
    }

    #[test]
    fn keys_lie_evenly_in_the_parts() {
        let mut parts = [0_usize; 64];
        for n in 0..64_000 {
            if let Some(part) = parts.get_mut(Key::from(format!("tenant/5:{n:05}")).part(64)) {
                *part += 1;
            }
        }
        // A thousand each, give or take six standard deviations.
        assert!(parts.iter().all(|count| (810..1_190).contains(count)), "{parts:?}");
    }
}
