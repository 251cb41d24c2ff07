//! However a text is cut, its units get the same scores.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

fn model() -> &'static Model {
    static ONCE: std::sync::OnceLock<Model> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| Model::built_in().unwrap())
}

/// The scores of all units of a text that arrives in pieces, with what is kept written and read between them.
fn scores(pieces: &[&str], hold: bool) -> (Vec<[f32; HEADS]>, [f32; HEADS]) {
    let (mut memory, mut held, mut all) = (Memory::default(), String::new(), Vec::new());
    for (n, piece) in pieces.iter().enumerate() {
        memory = Memory::decode(&memory.encode());
        held.push_str(piece);
        let scored = memory.advance(model(), &held, n + 1 == pieces.len(), hold, held.len());
        let done = if hold { scored.last().map_or(0, |unit| unit.end) } else { held.len() };
        held.drain(..done);
        all.extend(scored.iter().map(|unit| unit.scores));
    }
    (all, memory.scores)
}

proptest! {
    #[test]
    fn every_cut_gives_the_same_scores(
        words in prop::collection::vec(prop::sample::select(vec!["kill ", "you ", "him. ", "I ", "é", "!", "? ", "\n", "cut myself ", "…", "。", "women are "]), 0..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        hold: bool,
    ) {
        let text = words.concat();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).filter(|c| text.is_char_boundary(*c)).collect();
        at.sort_unstable();
        at.push(text.len());
        let starts = std::iter::once(0).chain(at.iter().copied());
        let pieces: Vec<&str> = starts.zip(&at).map(|(from, to)| text.get(from..*to).unwrap()).collect();
        prop_assert_eq!(scores(&pieces, hold), scores(&[&text], false));
    }
}

#[test]
fn strange_bytes_are_a_fresh_start() {
    assert_eq!(Memory::decode(&[1, 2, 3]), Memory::default());
    assert_eq!(Memory::decode(&[]), Memory::default());
}
