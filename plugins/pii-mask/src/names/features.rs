//! What the tagger sees of a word: numbers of rows in its table of weights.
//!
//! The training uses this very code, so a change here needs a new `data/tagger.bin`. Never allocates.

use super::lexicon::{COUNTRY, FAMILY, GIVEN, PLAIN, TOWN};
use super::words::{CASELESS, LINE_END, LOWER, SIGN, USUAL, Word};

/// What stands beyond the edges of a text.
const EDGE: Word = Word {
    start: 0,
    end: 0,
    hash: 0x0E_D6E,
    affixes: [0; 4],
    plain: false,
    shape: LINE_END,
    line: USUAL,
    entry: super::lexicon::Entry { lists: 0, opinion: 0, cluster: 0, group: 0 },
    spaced: true,
};

/// What a word is known by: so many hashes, whose upper bits name a row.
pub const COUNT: usize = 38;

/// A template of features by its number, and the two things of the words that it asks for.
type Asked = (u32, u32, u32);

/// Every feature of the word at `at`.
pub fn features(words: &[Word], at: usize) -> [u32; COUNT] {
    let near = |back: usize, ahead: usize| {
        (at + ahead).checked_sub(back).and_then(|n| words.get(n)).unwrap_or(&EDGE)
    };
    let (b2, b1, w, n1, n2) = (near(2, 0), near(1, 0), near(0, 0), near(0, 1), near(0, 2));
    let (b3, n3) = (near(3, 0), near(0, 3));
    let look = |w: &Word| u32::from(w.shape) | u32::from(w.line) << 4 | u32::from(w.spaced) << 6;
    let lists = |w: &Word| u32::from(w.entry.lists);
    let opinion = |w: &Word| u32::from(w.entry.opinion);
    let cluster = |w: &Word| u32::from(w.entry.cluster);
    let group = |w: &Word| u32::from(w.entry.group);
    // What a neighbour is, roughly: the word itself where it is a plain one, otherwise its looks.
    let kind = |w: &Word| {
        if w.entry.lists & PLAIN != 0 || w.shape == SIGN || w.shape == LINE_END {
            w.hash
        } else {
            look(w) | lists(w) << 8 | group(w) << 16
        }
    };
    let (l0, lb, ln) = (look(w), look(b1), look(n1));
    let (kb1, kb2, kn1, kn2) = (kind(b1), kind(b2), kind(n1), kind(n2));
    let known = lists(w) | group(w) << 8;
    let [tail2, tail3, tail4, head3] = w.affixes;
    let asked: [Asked; COUNT] = [
        (1, l0, 0),
        (2, w.hash, 0),
        (3, w.hash, l0),
        (4, b1.hash, l0),
        (5, n1.hash, l0),
        (6, b2.hash, l0),
        (7, n2.hash, l0),
        (8, b1.hash, w.hash),
        (9, w.hash, n1.hash),
        (12, b1.hash ^ n1.hash.rotate_left(7), l0),
        (13, lb | l0 << 8 | ln << 16, 0),
        (14, look(b2) | lb << 8 | l0 << 16, 1),
        (15, l0 | ln << 8 | look(n2) << 16, 2),
        (16, tail2, l0),
        (17, tail3, l0),
        (18, tail4, l0),
        (19, head3, l0),
        (20, cluster(w), l0),
        (21, cluster(b1), l0),
        (22, cluster(n1), l0),
        (23, group(w), l0),
        (24, group(b1) | group(w) << 8 | group(n1) << 16, l0),
        (27, cluster(b1) << 16 | cluster(w), 3),
        (28, cluster(w) << 16 | cluster(n1), 4),
        (29, lists(w), l0),
        (30, lists(b1) | lists(w) << 8 | lists(n1) << 16, l0),
        (31, known, b1.hash),
        (32, known, n1.hash),
        (39, opinion(w), l0),
        (40, opinion(b1) | opinion(w) << 4 | opinion(n1) << 8, l0),
        (41, opinion(w) | lists(w) << 4 | group(w) << 12, l0),
        (42, opinion(w), b1.hash),
        (43, opinion(w), n1.hash),
        (33, kb1, kb2),
        (34, kn1, kn2),
        (35, kb1 ^ kb2.rotate_left(9), kind(b3).rotate_left(3) ^ l0),
        (36, kn1 ^ kn2.rotate_left(9), kind(n3).rotate_left(3) ^ l0),
        (37, kb1 ^ kn1.rotate_left(11), known | l0 << 16),
    ];
    asked.map(hashed)
}

fn hashed((template, a, b): Asked) -> u32 {
    let h = (template.wrapping_mul(0x9E37_79B1) ^ a).wrapping_mul(0x85EB_CA6B) ^ b.wrapping_mul(0xC2B2_AE35);
    (h ^ h >> 15).wrapping_mul(0x2C1B_3C6D)
}

/// How many words that cannot be named by themselves may stand within a name (`Bank of the West`).
const BETWEEN: usize = 3;

/// Which words are worth a look: those that may be named, and those between two of them.
pub fn active(words: &[Word], active: &mut Vec<bool>) {
    active.clear();
    let mut gap = usize::MAX;
    for word in words {
        let named = may_be_named(word);
        if named && gap <= BETWEEN {
            active.iter_mut().rev().take(gap).for_each(|slot| *slot = true);
        }
        gap = if named { 0 } else { gap.saturating_add(1) };
        active.push(named);
    }
}

fn may_be_named(word: &Word) -> bool {
    let lists = word.entry.lists;
    match word.shape {
        SIGN | LINE_END => false,
        LOWER | CASELESS if lists & PLAIN != 0 => false,
        LOWER if word.line == USUAL => lists & (GIVEN | FAMILY | TOWN | COUNTRY) != 0,
        _ => true,
    }
}
