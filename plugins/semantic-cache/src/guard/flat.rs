//! Tables of what is known of words, by the word's hash.
//!
//! What is known lies where it is looked up: a word that is asked for costs one place of memory, and not one for
//! the table, one for the key and one for what the key leads to. Invariants: made once, and never more than half full; a hash
//! stands for its word, as it does wherever details are compared.

/// A table; `V` should be small.
#[derive(Debug)]
pub(super) struct Flat<V> {
    /// Each at the place that its hash names, or behind it. A free place has the hash 0.
    places: Vec<(u64, V)>,
}

impl<V: Copy + Default> Flat<V> {
    /// Of these, each with the hash of its word.
    pub fn of(known: impl ExactSizeIterator<Item = (u64, V)>) -> Self {
        let places = (2 * known.len()).next_power_of_two();
        let mut table = Self { places: vec![(0, V::default()); places] };
        for (hash, value) in known {
            let free = table.way(hash).find(|at| table.places.get(*at).is_some_and(|(hash, _)| *hash == 0));
            if let Some(place) = free.and_then(|at| table.places.get_mut(at)) {
                *place = (hash, value);
            }
        }
        table
    }

    /// What is known of the word with this hash.
    pub fn get(&self, hash: u64) -> Option<V> {
        let mut places = self.way(hash).map_while(|at| self.places.get(at));
        places
            .find(|(known, _)| *known == hash || *known == 0)
            .filter(|(known, _)| *known != 0)
            .map(|(_, v)| *v)
    }

    /// Where a hash may be, the likeliest place first.
    fn way(&self, hash: u64) -> impl Iterator<Item = usize> + use<V> {
        let last = self.places.len() - 1;
        // The upper half depends on all of the word, the lower bits on its last letters most.
        let first = (hash >> 32) as usize;
        (0..=last).map(move |step| (first + step) & last)
    }
}

/// A word's hash: FNV-1a, 64 bits. Source: <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub(super) fn hash(word: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    word.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use super::{Flat, hash};

    #[test]
    fn what_is_in_it_is_found_and_nothing_else() {
        for count in [0_u32, 1, 2, 3, 100, 1_000] {
            let word = |n: u32| format!("word{n}");
            let table = Flat::of((0..count as usize).zip(0..count).map(|(_, n)| (hash(&word(n)), n)));
            assert!((0..count).all(|n| table.get(hash(&word(n))) == Some(n)), "{count}");
            assert!((count..2 * count + 10).all(|n| table.get(hash(&word(n))).is_none()), "{count}");
        }
    }

    #[test]
    fn those_that_meet_are_told_apart() {
        let meet = [5 << 32, 5 << 32 | 1, 5 << 32 | 2, 7 << 32 | 3];
        let table = Flat::of(meet.iter().map(|hash| (*hash, *hash)));
        assert!(meet.iter().all(|hash| table.get(*hash) == Some(*hash)));
        assert_eq!((table.get(5 << 32 | 4), table.get(6 << 32)), (None, None));
    }
}
