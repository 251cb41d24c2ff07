//! What it costs two questions to differ: sums of weights that were trained offline (`training/`), read from `data/costs.txt`.
//!
//! Each of the [`Features`] counts one kind of difference, and its cost, never negative, is taken from 1, which is the score of
//! a question and itself. Invariants: symmetric; a larger difference never scores higher; the words of both are
//! looked at behind what they begin with. Never decides what must not differ at all: `agree` does.

use super::agree::{Side, weigh};
use super::words::{GROUPS, group};
use super::{Details, Word, WordKind};
use std::sync::LazyLock;

/// Kinds of differences, besides one for each group of small words, as they are named in the file.
const NAMES: [&str; PLAIN] =
    ["gap", "hard_added", "name_added", "hard_share", "order", "recast", "last", "short"];
const PLAIN: usize = 8;
/// How many kinds of differences there are.
const KINDS: usize = PLAIN + GROUPS.len();

/// Groups of words that link two things, and whose two things may stand the other way round without them.
const LINKS: [&str; 4] = ["origin", "place", "company", "aim"];

/// Trained costs.
static COSTS: LazyLock<[f32; KINDS]> = LazyLock::new(|| read(include_str!("../../data/costs.txt")));

/// Makes the table.
pub(super) fn prepare() {
    LazyLock::force(&COSTS);
}

/// How large each difference is.
pub(super) type Features = [f32; KINDS];

/// The similarity that a question needs at least to score as much.
pub(super) fn least_similarity(threshold: f32) -> f32 {
    let [gap, ..] = *COSTS;
    1.0 - (1.0 - threshold) / gap.max(0.05)
}

impl Details {
    /// How much two questions say the same: 1 where nothing differs, less for each difference.
    pub(super) fn without_costs(&self, other: &Self, similarity: f32) -> f32 {
        let features = self.features(other, similarity);
        1.0 - features.iter().zip(COSTS.iter()).map(|(feature, cost)| feature * cost).sum::<f32>()
    }

    /// The differences of two questions whose vectors are this similar.
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred words")]
    pub(super) fn features(&self, other: &Self, similarity: f32) -> Features {
        let (mine, theirs) = (Side::of(self), Side::of(other));
        let (a, b) = (mine.without(&theirs), theirs.without(&mine));
        let weight = weigh(&mine.words).min(weigh(&theirs.words)).max(1.0);
        let hard = count(&a, WordKind::Hard).max(count(&b, WordKind::Hard)) as f32;
        let names = count(&a, WordKind::Name).max(count(&b, WordKind::Name));
        let last = |side: &Side| side.words.last().map(|word| word.class);
        let apart = apart(&self.small, &other.small);
        let (reordered, linked) = (reordered(&mine, &theirs), linked(&apart));
        let plain: [f32; PLAIN] = [
            (1.0 - similarity).max(0.0),
            hard,
            names as f32,
            hard / weight,
            f32::from(reordered && !linked),
            f32::from(reordered && linked),
            f32::from(last(&mine) != last(&theirs)),
            if a.is_empty() && b.is_empty() { 0.0 } else { 1.0 / weight },
        ];
        let mut features = [0.0; KINDS];
        features.iter_mut().zip(plain).for_each(|(feature, value)| *feature = value);
        for (feature, count) in features.iter_mut().skip(PLAIN).zip(apart) {
            *feature = f32::from(count.min(2));
        }
        features
    }

    /// Whether words that both have stand in another order, and no link tells why.
    pub(super) fn turns(&self, other: &Self) -> bool {
        reordered(&Side::of(self), &Side::of(other)) && !linked(&apart(&self.small, &other.small))
    }
}

/// Whether only one of two links what it names: "the price of bread" is "the bread price".
fn linked(apart: &[u8; GROUPS.len()]) -> bool {
    GROUPS.iter().zip(apart).any(|(group, count)| *count > 0 && LINKS.contains(group))
}

fn count(words: &[Word], kind: WordKind) -> usize {
    words.iter().filter(|word| word.kind == kind).count()
}

/// Whether words that both have stand in another order.
fn reordered(mine: &Side, theirs: &Side) -> bool {
    let common = |from: &Side, to: &Side| {
        from.words.iter().map(|word| word.class).filter(|class| to.has(*class)).collect::<Vec<u32>>()
    };
    common(mine, theirs) != common(theirs, mine)
}

/// How many small words of each group stand in one and not in the other; another of its group in its place counts once.
fn apart(mine: &[u32], theirs: &[u32]) -> [u8; GROUPS.len()] {
    let only = |these: &[u32], those: &[u32]| {
        let mut counts = [0_u8; GROUPS.len()];
        for class in these.iter().filter(|class| !those.contains(class)) {
            if let Some(count) = group(*class).and_then(|group| counts.get_mut(group)) {
                *count = count.saturating_add(1);
            }
        }
        counts
    };
    let (mut most, theirs) = (only(mine, theirs), only(theirs, mine));
    most.iter_mut().zip(theirs).for_each(|(most, count)| *most = count.max(*most));
    most
}

/// The costs of a file of `name cost` a line; what it does not name costs nothing.
fn read(file: &str) -> [f32; KINDS] {
    let mut costs = [0.0; KINDS];
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, cost)) = line.split_once(' ') else { continue };
        let at = NAMES.iter().chain(GROUPS.iter()).position(|one| *one == name);
        if let (Some(slot), Ok(cost)) = (at.and_then(|at| costs.get_mut(at)), cost.trim().parse::<f32>()) {
            *slot = cost.max(0.0);
        }
    }
    costs
}

#[cfg(test)]
mod tests {
    use super::{COSTS, GROUPS, KINDS, LINKS, NAMES, least_similarity, read};

    #[test]
    fn every_difference_has_a_cost_in_the_file() {
        let file = include_str!("../../data/costs.txt");
        let named: Vec<&str> =
            file.lines().filter_map(|line| line.split_once(' ').map(|(name, _)| name)).collect();
        for name in NAMES.iter().chain(GROUPS.iter()).chain(LINKS.iter()) {
            assert!(named.contains(name), "{name}");
        }
        assert_eq!(named.iter().filter(|name| **name != "#").count(), KINDS);
        assert!(COSTS.iter().any(|cost| *cost > 0.0));
    }

    #[test]
    fn a_cost_is_never_negative_and_what_is_no_cost_is_none() {
        let costs = read("# gap 3\ngap -1\norder 0.5\nnobody 1\nlast x\nshort NaN\n");
        assert_eq!(costs.iter().sum::<f32>(), 0.5, "{costs:?}");
    }

    #[test]
    fn similarity_alone_reaches_the_score_from_the_least_on() {
        for threshold in [0.0, 0.5, 0.85, 1.0] {
            let least = least_similarity(threshold);
            let [gap, ..] = *COSTS;
            let score = 1.0 - gap * (1.0 - least);
            assert!((score - threshold).abs() < 1e-5, "{threshold}: {score}");
        }
    }
}
