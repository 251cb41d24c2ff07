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

/// Calls `each` with every feature of the word at `at`; a feature is a hash whose upper bits name a row.
pub fn features(words: &[Word], at: usize, mut each: impl FnMut(u32)) {
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
    let mut add = |t: u32, a: u32, b: u32| {
        let h = (t.wrapping_mul(0x9E37_79B1) ^ a).wrapping_mul(0x85EB_CA6B) ^ b.wrapping_mul(0xC2B2_AE35);
        each((h ^ h >> 15).wrapping_mul(0x2C1B_3C6D));
    };
    add(1, l0, 0);
    add(2, w.hash, 0);
    add(3, w.hash, l0);
    add(4, b1.hash, l0);
    add(5, n1.hash, l0);
    add(6, b2.hash, l0);
    add(7, n2.hash, l0);
    add(8, b1.hash, w.hash);
    add(9, w.hash, n1.hash);
    add(12, b1.hash ^ n1.hash.rotate_left(7), l0);
    add(13, lb | l0 << 8 | ln << 16, 0);
    add(14, look(b2) | lb << 8 | l0 << 16, 1);
    add(15, l0 | ln << 8 | look(n2) << 16, 2);
    let [tail2, tail3, tail4, head3] = w.affixes;
    add(16, tail2, l0);
    add(17, tail3, l0);
    add(18, tail4, l0);
    add(19, head3, l0);
    add(20, cluster(w), l0);
    add(21, cluster(b1), l0);
    add(22, cluster(n1), l0);
    add(23, group(w), l0);
    add(24, group(b1) | group(w) << 8 | group(n1) << 16, l0);
    add(27, cluster(b1) << 16 | cluster(w), 3);
    add(28, cluster(w) << 16 | cluster(n1), 4);
    add(29, lists(w), l0);
    add(30, lists(b1) | lists(w) << 8 | lists(n1) << 16, l0);
    add(31, lists(w) | group(w) << 8, b1.hash);
    add(32, lists(w) | group(w) << 8, n1.hash);
    add(39, opinion(w), l0);
    add(40, opinion(b1) | opinion(w) << 4 | opinion(n1) << 8, l0);
    add(41, opinion(w) | lists(w) << 4 | group(w) << 12, l0);
    add(42, opinion(w), b1.hash);
    add(43, opinion(w), n1.hash);
    add(33, kind(b1), kind(b2));
    add(34, kind(n1), kind(n2));
    add(35, kind(b1) ^ kind(b2).rotate_left(9), kind(b3).rotate_left(3) ^ l0);
    add(36, kind(n1) ^ kind(n2).rotate_left(9), kind(n3).rotate_left(3) ^ l0);
    add(37, kind(b1) ^ kind(n1).rotate_left(11), lists(w) | group(w) << 8 | l0 << 16);
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
