//! Remembers what was found out of a word while one text is read: texts say most of their words again.
//!
//! Invariants: what is remembered of a word is what was found out of that very word, never of one that looks like it; a
//! memo has a bounded size and is made for one text, so no text is ever told of another's words.

/// Longer words are not remembered.
const LONGEST: usize = 16;
/// Words that are remembered at most.
const MOST: usize = 256;
/// Bytes of a text for each place.
const ROOM: usize = 8;

/// A word of sixteen bytes at most; the empty one, which is no word, in places that are free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

/// What was found out of words.
#[derive(Clone, Debug)]
pub struct Memo<V> {
    /// Each word has one place, and gives way to the next word of that place.
    places: Vec<(Key, V)>,
    /// What was found out of the newest word that has none.
    other: V,
}

impl<V: Clone + Default> Memo<V> {
    /// A memo for a text of so many bytes.
    pub fn for_text(bytes: usize) -> Self {
        let places = (bytes / ROOM).min(MOST);
        let places = if places == 0 { 0 } else { places.next_power_of_two() };
        Self { places: vec![(Key::default(), V::default()); places], other: V::default() }
    }

    /// What is known of a word; `find` finds it out.
    pub fn of(&mut self, word: &str, find: impl FnOnce(&str) -> V) -> &mut V {
        let last = self.places.len().wrapping_sub(1);
        let place =
            Key::of(word.as_bytes()).and_then(|key| Some((key, self.places.get_mut(key.hash() & last)?)));
        let Some((key, place)) = place else {
            self.other = find(word);
            return &mut self.other;
        };
        if place.0 != key {
            *place = (key, find(word));
        }
        &mut place.1
    }
}

impl Key {
    /// No two words have the same; none of what is too long, or nothing.
    fn of(word: &[u8]) -> Option<Key> {
        let length = word.len();
        let (first, last) = if let (Some(first), Some(last)) = (word.first_chunk(), word.last_chunk()) {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (word.first_chunk(), word.last_chunk()) {
            (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
        } else {
            let at = |n: usize| word.get(n).copied().map_or(0, u64::from);
            (at(0) | at(1) << 8 | at(2) << 16, 0)
        };
        (1..=LONGEST).contains(&length).then_some(Key { first, last, length })
    }

    fn hash(&self) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The upper bits depend on all of them.
        (mixed >> 40) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Memo;
    use std::collections::HashSet;

    #[test]
    fn of_a_word_that_stands_again_is_known_what_was_found_out() {
        let mut memo: Memo<usize> = Memo::for_text(4_096);
        let mut found = 0;
        for _ in 0..3 {
            let of = memo.of("lock", |_| {
                found += 1;
                found
            });
            assert_eq!(*of, 1);
        }
        *memo.of("lock", |_| 0) = 7;
        assert_eq!(*memo.of("lock", |_| 0), 7);
    }

    #[test]
    fn no_word_is_taken_for_another() {
        let letters = |n: usize| "abc".chars().cycle().take(n).collect::<String>();
        let mut words: HashSet<String> = (0..40).map(letters).collect();
        words.extend((0..40).map(|n| "a".repeat(n)));
        words.extend((0..40).map(|n| "\0".repeat(n)));
        words.extend(
            (0..17).flat_map(|n| (0..n).map(move |at| format!("{}b{}", "a".repeat(at), "a".repeat(n - at)))),
        );
        let mut memo: Memo<String> = Memo::for_text(4_096);
        for word in words.iter().chain(&words) {
            assert_eq!(memo.of(word, str::to_owned), word);
        }
        let mut none: Memo<String> = Memo::for_text(0);
        assert!(words.iter().all(|word| none.of(word, str::to_owned) == word));
    }
}
