//! What is known about words by themselves: a cluster of words of like meaning, and in which lists they stand.
//!
//! Read from `data/lexicon.bin`: 512 bytes, the group of each cluster, then 2^17 places of four bytes (little
//! endian): the upper 12 bits of the word's hash, 4 bits of what the word is by itself (the opinion of a larger
//! model), 7 bits of lists, 9 bits of cluster; an empty place is zero. A word stands at the place that the lower bits of its hash name, or behind. One word in thousands is taken
//! for another: features forgive that.

const BUILT_IN: &[u8] = include_bytes!("../../data/lexicon.bin");
const CLUSTERS: usize = 512;
const PLACES: usize = 1 << 17;
/// So many places behind its own a word may stand.
const REACH: usize = 24;

/// Lists, by bit.
pub const GIVEN: u8 = 1;
pub const FAMILY: u8 = 2;
pub const TOWN: u8 = 4;
pub const COUNTRY: u8 = 8;
/// Lower-case words that everybody uses.
pub const PLAIN: u8 = 64;

/// What is known about a word; all zero when nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Which lists it stands in.
    pub lists: u8,
    /// What it is by itself, or 0: none, a person, a place, an organisation, something else; each weakly or surely.
    pub opinion: u8,
    /// Its cluster, or 0.
    pub cluster: u16,
    /// The group of its cluster, or 0.
    pub group: u8,
}

/// The table.
#[derive(Clone, Copy, Debug)]
pub struct Lexicon {
    groups: &'static [u8],
    places: &'static [u8],
}

impl Lexicon {
    /// The table that ships with the plugin; `None` when the file is not what it should be.
    pub fn built_in() -> Option<Lexicon> {
        let (groups, places) = BUILT_IN.split_at_checked(CLUSTERS)?;
        (places.len() == PLACES * 4).then_some(Lexicon { groups, places })
    }

    /// Asks for the memory of the words with these hashes at once: one after another each would be waited for.
    pub fn touch(&self, hashes: impl Iterator<Item = u32>) {
        let place = |hash: u32| self.places.get((hash as usize & (PLACES - 1)) * 4).copied().unwrap_or(0);
        std::hint::black_box(hashes.fold(0, |touched, hash| touched ^ place(hash)));
    }

    /// What is known about the word with this hash.
    pub fn entry(&self, hash: u32) -> Entry {
        let mark = (hash >> 20).max(1);
        let mut place = hash as usize & (PLACES - 1);
        for _ in 0..REACH {
            let bytes = self.places.get(place * 4..).and_then(|rest| rest.first_chunk::<4>());
            let value = bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes));
            if value == 0 {
                break;
            }
            if value >> 20 == mark {
                let [low, high, opinion, _] = value.to_le_bytes();
                let cluster = u16::from_le_bytes([low, high]) & 0x1FF;
                let group = self.groups.get(usize::from(cluster)).copied().unwrap_or(0);
                return Entry { lists: high >> 1, opinion: opinion & 0xF, cluster, group };
            }
            place = (place + 1) & (PLACES - 1);
        }
        Entry::default()
    }
}
